#include "core/random.h"

#include <gmock/gmock.h>

#include <set>
#include <thread>

namespace anser::core {
namespace {

TEST(Random, GivesAsManyBytesAsAsked) {
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(33).size(), 33u);
  EXPECT_NE(random_bytes(16), random_bytes(16));
}

TEST(Random, IdsAreUrlSafeAndDoNotRepeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random_id();
    EXPECT_EQ(id.size(), 16u);
    EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), id.npos);
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
  EXPECT_EQ(random_id(5).size(), 5u);
}

TEST(Random, IdsUseTheWholeAlphabet) {
  std::set<char> seen;
  for (const char c : random_id(4096)) seen.insert(c);

  EXPECT_EQ(seen.size(), 64u);  // one missing has a chance of 64 * (63/64)^4096, about 10^-26
}

TEST(Random, ThreadsDrawFromBuffersOfTheirOwn) {
  std::string theirs;
  std::thread{[&] { theirs = random_id(64); }}.join();

  EXPECT_NE(theirs, random_id(64));
}

}  // namespace
}  // namespace anser::core
