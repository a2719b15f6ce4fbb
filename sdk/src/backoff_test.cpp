#include "sdk/src/backoff.h"

#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;

std::uint64_t most(std::uint64_t limit) { return limit; }

Reconnection settings() {
  Reconnection settings;
  settings.base = 500ms;
  settings.cap = 3s;
  settings.settled = 10s;
  return settings;
}

TEST(Backoff, DoublesUpToTheCapWithJitterFromZero) {
  Backoff longest{settings(), &most};
  Backoff shortest{settings(), [](std::uint64_t) { return std::uint64_t{0}; }};

  EXPECT_EQ(longest.next(), 500ms);
  EXPECT_EQ(longest.next(), 1000ms);
  EXPECT_EQ(longest.next(), 2000ms);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(longest.next(), 3000ms);
  EXPECT_EQ(shortest.next(), 0ms);
}

TEST(Backoff, EndsAfterSoManyAttempts) {
  Reconnection few = settings();
  few.attempts = 2;
  Backoff backoff{few, &most};

  EXPECT_TRUE(backoff.next());
  EXPECT_TRUE(backoff.next());
  EXPECT_FALSE(backoff.next());
}

TEST(Backoff, BeginsAnewOnlyAfterASessionThatLasted) {
  Backoff backoff{settings(), &most};
  const Backoff::Clock::time_point start{};
  ASSERT_EQ(backoff.next(), 500ms);

  backoff.session_began(start);
  backoff.session_ended(start + 9s);  // a server that takes connections and drops them
  EXPECT_EQ(backoff.next(), 1000ms);

  backoff.session_began(start);
  backoff.session_ended(start + 10s);
  EXPECT_EQ(backoff.next(), 500ms);
}

TEST(Backoff, SurvivesSenselessSettings) {
  Reconnection senseless;
  senseless.base = 0ms;
  senseless.cap = -1ms;
  Backoff backoff{senseless, &most};

  for (int i = 0; i < 70; ++i) EXPECT_LE(backoff.next(), 1ms);
}

}  // namespace
}  // namespace anser::sdk
