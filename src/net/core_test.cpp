#include "net/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/cores.h"
#include "net/test_support.h"
#include "net/within.h"

namespace anser::net {
namespace {

using testing::ElementsAre;

Task<Result<void>> wait_for_ever(Connection& connection) {
  co_await connection.wait();
  co_return Result<void>{};
}

class Sends final : public TurnEnd {
 public:
  Sends(std::vector<int>& done, int name) : done_(done), name_(name) {}

 private:
  void at_end_of_turn() override { done_.push_back(name_); }
  std::vector<int>& done_;
  int name_;
};

TEST(Core, EndsATurnAfterTheHandlersThatAreReady) {
  Core core{0};
  std::vector<int> done;
  Sends connection{done, 5};
  boost::asio::post(core.io(), [&] {
    core.mark(connection);
    core.mark(connection);
    core.at_turn_end([&] { done.push_back(4); });
    done.push_back(1);
  });
  boost::asio::post(core.io(), [&] { done.push_back(2); });
  boost::asio::post(core.io(), [&] { done.push_back(3); });

  core.io().poll();

  EXPECT_THAT(done, ElementsAre(1, 2, 3, 4, 5));  // actions before those who send, each once
}

TEST(Core, AnActionMayAskForAnotherAndForASend) {
  Core core{0};
  std::vector<int> done;
  Sends connection{done, 3};
  core.at_turn_end([&] {
    done.push_back(1);
    core.mark(connection);
    core.at_turn_end([&] { done.push_back(2); });
  });

  core.io().poll();

  EXPECT_THAT(done, ElementsAre(1, 2, 3));
}

TEST(Core, ActionsThatNeverEndDoNotHoldUpTheSends) {
  Core core{0};
  int rounds = 0;
  int rounds_when_sent = 0;
  struct Noting final : TurnEnd {
    Noting(int& rounds, int& seen) : rounds(rounds), seen(seen) {}
    void at_end_of_turn() override { seen = rounds; }
    int& rounds;
    int& seen;
  } connection{rounds, rounds_when_sent};
  std::function<void()> again = [&] {
    if (++rounds < 100) core.at_turn_end(again);
  };
  core.at_turn_end(again);
  core.mark(connection);

  core.io().poll();

  EXPECT_EQ(rounds_when_sent, Core::kRoundsPerTurn);
  EXPECT_EQ(rounds, 100);
}

TEST(Core, ADestroyedSenderIsForgotten) {
  Core core{0};
  std::vector<int> done;
  {
    Sends connection{done, 1};
    core.mark(connection);
  }

  core.io().poll();

  EXPECT_TRUE(done.empty());
}

TEST(Core, GivesBuffersOutAgainButNotLargeOnes) {
  Core core{0};
  std::string small = core.take_buffer();
  small.assign(5000, 'x');
  const char* bytes = small.data();
  core.give_back(std::move(small));
  std::string large(Core::kPooledCapacity + 1, 'x');
  core.give_back(std::move(large));

  const std::string again = core.take_buffer();

  EXPECT_EQ(again.data(), bytes);
  EXPECT_TRUE(again.empty());
  EXPECT_LT(core.take_buffer().capacity(), 100u);
}

TEST(Core, IsOfAnIoContextThatSomebodyElseRuns) {
  boost::asio::io_context io;
  std::string heard;
  bool late = false;
  {
    auto [ours, theirs] = local_pair();
    theirs.send("hello");
    auto read = [](Handed socket, std::string& heard, bool& late) -> Task<void> {
      const Executor executor = co_await boost::asio::this_coro::executor;
      Connection connection{Core::of(executor.context()), std::move(socket)};
      auto reading = connection.read();
      const auto input = co_await std::move(reading);
      if (input) heard = *input;
      auto waits = wait_for_ever(connection);
      auto waited = within(std::chrono::milliseconds{1}, std::move(waits));
      const auto outcome = co_await std::move(waited);
      late = !outcome && outcome.error().code == Errc::timeout;
    };
    spawn(io, read(std::move(ours), heard, late));

    io.run();  // returns once nobody waits for anything
  }
  EXPECT_EQ(heard, "hello");
  EXPECT_TRUE(late);
  EXPECT_EQ(&Core::of(io), &Core::of(io));
}

TEST(Core, OfAnIoContextSendsAsSoonAsThoseWhoAreReadyHaveBeenServed) {
  boost::asio::io_context io;
  auto [ours, theirs] = local_pair();
  theirs.send("hello");
  std::optional<std::size_t> left;
  auto answer = [](Handed socket, std::optional<std::size_t>& left) -> Task<void> {
    const Executor executor = co_await boost::asio::this_coro::executor;
    Connection connection{Core::of(executor.context()), std::move(socket)};
    auto reading = connection.read();
    const auto input = co_await std::move(reading);
    if (!input) co_return;
    connection.out() += "hello yourself";
    connection.flush_soon();
    boost::asio::post(executor, [&] { left = connection.queued(); });
    auto waits = wait_for_ever(connection);
    auto waited = within(std::chrono::milliseconds{1}, std::move(waits));
    co_await std::move(waited);
  };
  spawn(io, answer(std::move(ours), left));

  io.run();

  EXPECT_EQ(left, 0u);
  EXPECT_EQ(theirs.receive(), "hello yourself");
}

TEST(Core, OfAnIoContextEndsWithIt) {
  std::optional<boost::asio::io_context> io{std::in_place};
  auto [ours, theirs] = local_pair();
  auto read = [](Handed socket) -> Task<void> {
    const Executor executor = co_await boost::asio::this_coro::executor;
    Connection connection{Core::of(executor.context()), std::move(socket)};
    auto reading = connection.read();
    const auto input = co_await std::move(reading);
    ADD_FAILURE() << "nobody wrote";
  };
  spawn(*io, read(std::move(ours)));
  io->poll();

  io.reset();  // with a connection that still waits

  EXPECT_EQ(theirs.receive(), "");
}

TEST(Cores, PostRunsOnTheCoreInOrder) {
  Cores cores{2};
  cores.start();
  std::vector<int> seen;
  bool on_its_core = true;
  std::atomic<bool> done = false;

  for (int i = 0; i < 1000; ++i) {
    cores.post(1, [&, i] {
      seen.push_back(i);
      on_its_core = on_its_core && Core::current() == &cores.at(1) && Core::current()->id() == 1;
    });
  }
  cores.post(1, [&] {
    done = true;
    done.notify_one();
  });
  done.wait(false);

  EXPECT_TRUE(on_its_core);
  ASSERT_EQ(seen.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(Core::current(), nullptr);
}

TEST(Cores, WhatStillWaitsIsDestroyedOnItsOwnCore) {
  Core* destroyed_on = nullptr;
  Core* second = nullptr;
  {
    Cores cores{2};
    second = &cores.at(1);
    struct Noting {
      Core** where;
      ~Noting() { *where = Core::current(); }
    };
    cores.post(1, [noting = std::make_shared<Noting>(&destroyed_on), &cores] { cores.post(0, [] {}); });
  }

  EXPECT_EQ(destroyed_on, second);
}

TEST(Cores, AreAsManyAsAskedFor) {
  EXPECT_EQ(Cores{3}.size(), 3u);
  EXPECT_GE(Cores{0}.size(), 1u);
}

}  // namespace
}  // namespace anser::net
