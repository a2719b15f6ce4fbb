#include "net/race.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <boost/asio/detached.hpp>

#include "net/dial_test_support.h"
#include "net/within.h"

namespace anser::net {
namespace {

using boost::asio::ip::make_address;
using boost::asio::ip::tcp;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::IsEmpty;

tcp::endpoint swallows(int last) { return {make_address(fmt::format("192.0.2.{}", last)), 5222}; }

class RaceOnLoopback : public testing::Test {
 protected:
  Task<Result<Reached>> start(std::vector<tcp::endpoint> peers,
                              std::chrono::milliseconds limit = std::chrono::hours{1}) {
    return race(loop_->core, std::move(peers), network_.connector(), steady_clock::now() + limit,
                [this](const tcp::endpoint& peer, const std::string& why) {
                  failed_.push_back(fmt::format("{}: {}", peer.address().to_string(), why));
                });
  }

  std::unique_ptr<Loop> loop_ = std::make_unique<Loop>();
  FakeNetwork network_;
  std::vector<std::string> failed_;
  Port open_{true}, refusing_{false};
};

TEST(Interleaved, FamiliesTakeTurns) {
  const auto a4 = make_address("192.0.2.1"), b4 = make_address("192.0.2.2"), c4 = make_address("192.0.2.3");
  const auto a6 = make_address("2001:db8::1"), b6 = make_address("2001:db8::2");

  EXPECT_THAT(interleaved({a6, b6, a4, b4, c4}), ElementsAre(a6, a4, b6, b4, c4));
  EXPECT_THAT(interleaved({a4, a6}), ElementsAre(a4, a6));
  EXPECT_THAT(interleaved({}), IsEmpty());
}

TEST_F(RaceOnLoopback, ConnectsWithoutBlockingOrDelay) {
  const auto reached = wait_for(*loop_, start({open_.endpoint()}));

  ASSERT_TRUE(reached) << reached.error().message;
  EXPECT_EQ(reached->peer, open_.endpoint());
  int delay_off = 0;
  socklen_t size = sizeof delay_off;
  EXPECT_EQ(::getsockopt(reached->socket.get(), IPPROTO_TCP, TCP_NODELAY, &delay_off, &size), 0);
  EXPECT_NE(delay_off, 0);
  EXPECT_TRUE(::fcntl(reached->socket.get(), F_GETFL) & O_NONBLOCK);
  Peer theirs = open_.accept();
  theirs.send("hello");
  EXPECT_EQ(::send(reached->socket.get(), "hi", 2, MSG_NOSIGNAL), 2);
  EXPECT_EQ(theirs.receive_exactly(2), "hi");
}

TEST_F(RaceOnLoopback, GoesOnWhenAnAddressRefuses) {
  const auto reached = wait_for(*loop_, start({refusing_.endpoint(), open_.endpoint()}));

  ASSERT_TRUE(reached) << reached.error().message;
  EXPECT_EQ(reached->peer, open_.endpoint());
  EXPECT_THAT(failed_, ElementsAre("127.0.0.1: Connection refused"));
}

TEST_F(RaceOnLoopback, GoesOnWhileAnAddressSwallowsPacketsAndClosesTheLosers) {
  const auto reached = wait_for(*loop_, start({swallows(1), swallows(2), open_.endpoint(), swallows(3)}));

  ASSERT_TRUE(reached) << reached.error().message;
  EXPECT_EQ(reached->peer, open_.endpoint());
  auto tried = network_.tried();
  tried.resize(3);  // a machine that stands still for a moment may have begun with the fourth
  EXPECT_THAT(tried, ElementsAre("192.0.2.1", "192.0.2.2", "127.0.0.1"));
  EXPECT_THAT(failed_, IsEmpty());
  EXPECT_TRUE(network_.all_closed());
}

TEST_F(RaceOnLoopback, SaysWhyAllFailed) {
  const auto reached = wait_for(*loop_, start({refusing_.endpoint(), refusing_.endpoint()}));

  ASSERT_FALSE(reached);
  EXPECT_EQ(reached.error().code, Errc::unavailable);
  EXPECT_THAT(failed_, ElementsAre("127.0.0.1: Connection refused", "127.0.0.1: Connection refused"));
}

TEST_F(RaceOnLoopback, WhatCannotEvenStartHasFailed) {
  const Connector refuse = [](const tcp::endpoint&) -> Result<File> { return fail(Errc::io, "no such network"); };
  std::vector<tcp::endpoint> peers{swallows(1), swallows(2)};
  int failures = 0;
  auto task = race(loop_->core, peers, refuse, Moment::max(), [&](const tcp::endpoint&, const std::string& why) {
    EXPECT_EQ(why, "no such network");
    ++failures;
  });

  EXPECT_EQ(wait_for(*loop_, std::move(task)).error().code, Errc::unavailable);
  EXPECT_EQ(failures, 2);
}

TEST_F(RaceOnLoopback, EndsAtItsDeadline) {
  const auto reached = wait_for(*loop_, start({swallows(1), swallows(2)}, std::chrono::milliseconds{100}));

  ASSERT_FALSE(reached);
  EXPECT_EQ(reached.error().code, Errc::timeout);
  EXPECT_THAT(failed_, ElementsAre("192.0.2.1: no answer in time"));
  EXPECT_TRUE(network_.all_closed());
}

TEST_F(RaceOnLoopback, EndsWhenItsOwnerDoesNotWaitAnyLonger) {
  const auto reached = wait_for(*loop_, within(std::chrono::milliseconds{1}, start({swallows(1)})));

  ASSERT_FALSE(reached);
  EXPECT_EQ(reached.error().code, Errc::timeout);
  EXPECT_TRUE(network_.all_closed());
}

TEST_F(RaceOnLoopback, DiesWithItsCore) {
  std::optional<Result<Reached>> reached;
  boost::asio::co_spawn(loop_->core.io(), keep(start({swallows(1)}), reached), boost::asio::detached);
  while (network_.tried().empty()) loop_->core.io().run_one();

  loop_.reset();

  EXPECT_FALSE(reached);
  EXPECT_TRUE(network_.all_closed());
}

}  // namespace
}  // namespace anser::net
