#include "net/throttle.h"

#include <gtest/gtest.h>

namespace anser::net {
namespace {

using boost::asio::ip::make_address;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Tick kNoon = Tick{} + std::chrono::hours{1};

TEST(TokenBucket, LetsABurstThroughAndThenTheRate) {
  TokenBucket bucket{/*per_second=*/1000, /*burst=*/500};

  EXPECT_EQ(bucket.take(500, kNoon), milliseconds{0});
  EXPECT_EQ(bucket.take(100, kNoon), milliseconds{100});
  EXPECT_EQ(bucket.take(0, kNoon + milliseconds{100}), milliseconds{0});
  EXPECT_EQ(bucket.take(1, kNoon + milliseconds{100}), milliseconds{1});
}

TEST(TokenBucket, NeverSavesMoreThanABurst) {
  TokenBucket bucket{1000, 500};
  EXPECT_EQ(bucket.take(500, kNoon), milliseconds{0});

  EXPECT_EQ(bucket.take(600, kNoon + seconds{3600}), milliseconds{100});
}

TEST(TokenBucket, TriesWithoutOverdrawing) {
  TokenBucket bucket{1, 2};

  EXPECT_TRUE(bucket.try_take(1, kNoon));
  EXPECT_TRUE(bucket.try_take(1, kNoon));
  EXPECT_FALSE(bucket.try_take(1, kNoon));
  EXPECT_FALSE(bucket.has(1, kNoon + milliseconds{999}));
  EXPECT_TRUE(bucket.try_take(1, kNoon + seconds{1}));
}

TEST(TokenBucket, WithoutARateHasNoLimit) {
  TokenBucket bucket{0, 0};

  EXPECT_EQ(bucket.take(1e12, kNoon), milliseconds{0});
  EXPECT_TRUE(bucket.try_take(1e12, kNoon));
}

TEST(Network, IsAnIpv4AddressOrHalfAnIpv6One) {
  EXPECT_EQ(Network{make_address("192.0.2.1")}, Network{make_address("::ffff:192.0.2.1")});
  EXPECT_NE(Network{make_address("192.0.2.1")}, Network{make_address("192.0.2.2")});
  EXPECT_EQ(Network{make_address("2001:db8::1")}, Network{make_address("2001:db8::ffff:2")});
  EXPECT_NE(Network{make_address("2001:db8::1")}, Network{make_address("2001:db8:0:1::1")});
  EXPECT_NE(Network{make_address("0.0.0.0")}, Network{make_address("::")});
}

TEST(AddressLimits, CountPerNetwork) {
  AddressLimits limits{{.per_second = 0.1, .burst = 2, .networks = 10}};
  const auto ours = make_address("192.0.2.1");

  EXPECT_TRUE(limits.allow(ours, kNoon));
  EXPECT_FALSE(limits.exhausted(ours, kNoon));
  EXPECT_TRUE(limits.allow(ours, kNoon));
  EXPECT_TRUE(limits.exhausted(ours, kNoon));
  EXPECT_FALSE(limits.allow(ours, kNoon));
  EXPECT_TRUE(limits.allow(make_address("192.0.2.2"), kNoon));
  EXPECT_TRUE(limits.allow(ours, kNoon + seconds{10}));
  EXPECT_FALSE(limits.allow(ours, kNoon + seconds{10}));
}

TEST(AddressLimits, ForgetWhoWasQuietForLongest) {
  AddressLimits limits{{.per_second = 0.1, .burst = 1, .networks = 2}};
  const auto first = make_address("192.0.2.1"), second = make_address("192.0.2.2"), third = make_address("192.0.2.3");
  EXPECT_TRUE(limits.allow(first, kNoon));
  EXPECT_TRUE(limits.allow(second, kNoon));
  EXPECT_FALSE(limits.allow(first, kNoon));

  EXPECT_TRUE(limits.allow(third, kNoon));  // takes the place of the second

  EXPECT_EQ(limits.known(), 2u);
  EXPECT_TRUE(limits.exhausted(first, kNoon));
  EXPECT_FALSE(limits.exhausted(second, kNoon));
}

TEST(AddressLimits, AreOffWithoutARate) {
  AddressLimits limits{{.per_second = 0, .burst = 0}};

  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limits.allow(make_address("192.0.2.1"), kNoon));
  EXPECT_EQ(limits.known(), 0u);
}

}  // namespace
}  // namespace anser::net
