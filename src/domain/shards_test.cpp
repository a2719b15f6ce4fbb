#include "domain/shards.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace anser::domain {
namespace {

// Reckoned outside of this program. Other nodes and stored leases will go by them: if this fails, the function is
// wrong, not the test.
TEST(Shards, NeverMove) {
  EXPECT_EQ(shard_of("romeo@localhost"), 724);
  EXPECT_EQ(shard_of("juliet@localhost"), 952);
  EXPECT_EQ(shard_of("romeo@montague.example"), 715);
  EXPECT_EQ(shard_of("乔@例子.example"), 535);
  EXPECT_EQ(shard_of("localhost"), 590);
}

TEST(Shards, AreAllUsedAboutEqually) {
  std::array<unsigned, kShards> accounts{};
  for (int i = 0; i < 100 * kShards; ++i) ++accounts[shard_of("user" + std::to_string(i) + "@localhost")];

  for (const unsigned count : accounts) {
    EXPECT_GT(count, 40u);
    EXPECT_LT(count, 180u);
  }
}

TEST(Shards, BelongToOneCoreEach) {
  for (unsigned cores = 1; cores <= 64; ++cores) {
    for (int i = 0; i < 100; ++i) {
      const std::string bare = "user" + std::to_string(i) + "@localhost";
      EXPECT_EQ(core_of(bare, cores), shard_of(bare) % cores);
    }
  }
}

}  // namespace
}  // namespace anser::domain
