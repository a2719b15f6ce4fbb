#include "domain/completion_ring.h"

#include <gtest/gtest.h>

namespace anser::domain {
namespace {

TEST(CompletionRing, RisesOnlyPastWhatIsDoneInOrder) {
  CompletionRing ring;
  const WorkId first = ring.open(), second = ring.open(), third = ring.open();

  ring.close(second);
  EXPECT_EQ(ring.low_water(), first);

  ring.close(first);
  EXPECT_EQ(ring.low_water(), third);
  EXPECT_FALSE(ring.idle());

  ring.close(third);
  EXPECT_TRUE(ring.idle());
  EXPECT_EQ(ring.low_water(), ring.next());
}

TEST(CompletionRing, NumbersAreNeverZeroAndNeverTwice) {
  CompletionRing ring;
  const WorkId first = ring.open();
  ring.close(first);
  const WorkId second = ring.open();

  EXPECT_NE(first, 0u);
  EXPECT_GT(second, first);
}

TEST(CompletionRing, StopsTheProcessWhenAWorkEndsTwice) {
  CompletionRing ring;
  ring.open();
  const WorkId second = ring.open();
  ring.close(second);

  EXPECT_DEATH(ring.close(second), "broken invariant");
}

}  // namespace
}  // namespace anser::domain
