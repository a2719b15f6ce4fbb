#include "sdk/src/duplicates.h"

#include <gtest/gtest.h>

#include <string>

namespace anser::sdk {
namespace {

TEST(Duplicates, AreTheSameIdOfTheSameOne) {
  Duplicates duplicates;

  EXPECT_TRUE(duplicates.add("romeo@example.org", "1"));
  EXPECT_FALSE(duplicates.add("romeo@example.org", "1"));
  EXPECT_TRUE(duplicates.add("tybalt@example.org", "1"));
  EXPECT_TRUE(duplicates.add("romeo@example.org", "2"));
}

TEST(Duplicates, DoNotDependOnWhereNameAndIdMeet) {
  Duplicates duplicates;

  EXPECT_TRUE(duplicates.add("ab", "c"));
  EXPECT_TRUE(duplicates.add("a", "bc"));
}

TEST(Duplicates, AreForgottenAtLast) {
  Duplicates duplicates;
  ASSERT_TRUE(duplicates.add("romeo", "first"));

  for (std::size_t i = 0; i < Duplicates::kGeneration; ++i) duplicates.add("romeo", std::to_string(i));
  EXPECT_FALSE(duplicates.add("romeo", "first"));
  EXPECT_FALSE(duplicates.add("romeo", "0"));

  for (std::size_t i = 0; i < 2 * Duplicates::kGeneration; ++i) duplicates.add("juliet", std::to_string(i));
  EXPECT_TRUE(duplicates.add("romeo", "first"));
}

}  // namespace
}  // namespace anser::sdk
