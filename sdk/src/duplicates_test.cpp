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

TEST(Duplicates, AreTheLastOnesWhereverAGenerationEnds) {
  Duplicates duplicates;
  std::size_t next = 0;
  for (const std::size_t many :
       {Duplicates::kGeneration, 2 * Duplicates::kGeneration, 3 * Duplicates::kGeneration + 1}) {
    while (next < many) ASSERT_TRUE(duplicates.add("romeo", std::to_string(next++)));
    for (std::size_t back = 1; back <= Duplicates::kGeneration; ++back) {
      ASSERT_FALSE(duplicates.add("romeo", std::to_string(next - back))) << next << " - " << back;
    }
  }
}

TEST(Duplicates, HaveIdsOfAnyLength) {
  Duplicates duplicates;
  for (const std::size_t size : {0, 7, 8, 9, 200, 254, 255, 256, 5000}) {
    const std::string id(size, 'x');
    EXPECT_TRUE(duplicates.add("a", id)) << size;
    EXPECT_FALSE(duplicates.add("a", id)) << size;
    EXPECT_TRUE(duplicates.add("ab", id)) << size;
  }
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
