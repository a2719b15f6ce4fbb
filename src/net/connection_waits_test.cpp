// Connection without a coroutine: who waits by a call, and owns the connection or not.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "net/connection_test_support.h"

namespace anser::net {
namespace {

using std::chrono::seconds;

// Begins with a pointer to what will be touched, and owns it.
struct Call {
  std::unique_ptr<std::function<void()>> action;
  void operator()() { (*action)(); }
};

Call call(std::function<void()> action) { return {std::make_unique<std::function<void()>>(std::move(action))}; }

// Reads whatever comes until the end, as a session would.
void read_on(Connection& connection, std::string& all, std::optional<Errc>& end) {
  for (auto taken = connection.take(); taken; taken = connection.take()) {
    if (!*taken) {
      end = code_of(*taken);
      return connection.core().stop();
    }
    all += **taken;
  }
  connection.when_readable(call([&] { read_on(connection, all, end); }));
}

void run(Loop& loop, std::function<void()> begin) {
  Alarm hang{[&] {
    ADD_FAILURE() << "nobody stopped the loop";
    loop.core.stop();
  }};
  loop.core.timers().arm(hang, seconds{60});
  boost::asio::post(loop.core.io(), std::move(begin));
  loop.core.run();
  loop.core.io().restart();
}

TEST(Connection, ReadsAFloodWithoutACoroutineAndLetsOthersHaveTheirTurn) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  std::string sent;
  for (int i = 0; sent.size() < 20 * Core::kReadBuffer; ++i) sent += std::to_string(i);
  std::jthread sender{[&, &theirs = theirs] {
    theirs.send(sent);
    theirs.end_input();
  }};
  std::string received;
  std::optional<Errc> end;
  int turns = 0;
  bool stop = false;
  spawn(loop.core.io(), count_turns(loop.core, turns, stop));

  run(loop, [&] { read_on(connection, received, end); });

  EXPECT_EQ(received, sent);
  EXPECT_EQ(end, Errc::closed);
  EXPECT_GE(turns, 20 / Connection::kReadsAtOnce);
}

TEST(Connection, WhoWaitsWithoutACoroutineIsCalledForInputOfLater) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  std::string received;
  std::optional<Errc> end;
  run(loop, [&] {
    read_on(connection, received, end);
    boost::asio::post(loop.core.io(), [&, &theirs = theirs] {
      theirs.send("later");
      theirs.end_input();
    });
  });

  EXPECT_EQ(received, "later");
  EXPECT_EQ(end, Errc::closed);
}

TEST(Connection, TheLimitEndsAWaitWithoutACoroutine) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  std::string received;
  std::optional<Errc> end;

  run(loop, [&] {
    connection.limit(seconds{1});
    read_on(connection, received, end);
  });

  EXPECT_EQ(end, Errc::timeout);
}

TEST(Connection, ClosingEndsEveryKindOfWait) {
  for (const bool parked : {true, false}) {
    for (const bool before : {true, false}) {  // the wait
      Loop loop;
      auto [ours, theirs] = local_pair();
      Connection connection{loop.core, std::move(ours)};
      int calls = 0;
      run(loop, [&, parked = parked, before = before] {
        if (before) connection.abort();
        auto there = call([&] {
          ++calls;
          const auto taken = connection.take();
          EXPECT_TRUE(taken && code_of(*taken) == Errc::closed);
          loop.core.stop();
        });
        if (parked)
          connection.park(std::move(there));
        else
          connection.when_readable(std::move(there));
        EXPECT_EQ(calls, 0);  // never from inside
        if (!before) connection.abort();
      });

      EXPECT_EQ(calls, 1);
      loop.run(connection.wait());  // nor does a coroutine wait for ever
    }
  }
}

TEST(Connection, WhoParksIsCalledWhenItResumesWhateverComes) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  theirs.send("hello");
  int calls = 0;
  run(loop, [&] {
    connection.resume();  // nobody has parked
    connection.park(call([&] { ++calls; }));
    boost::asio::post(loop.core.io(), [&] { loop.core.stop(); });
  });
  loop.core.io().poll();
  EXPECT_EQ(calls, 0);

  connection.resume();
  connection.resume();
  EXPECT_EQ(calls, 0);
  loop.core.io().restart();
  loop.core.io().poll();

  EXPECT_EQ(calls, 1);
  std::string received;
  std::optional<Errc> end;
  theirs.end_input();
  run(loop, [&] { read_on(connection, received, end); });
  EXPECT_EQ(received, "hello");
}

// A session as the doors have them: the wait owns it.
struct Owned {
  Owned(Core& core, Handed handed, int& alive) : connection(core, std::move(handed)), alive(alive) { ++alive; }
  ~Owned() { --alive; }
  Connection connection;
  int& alive;
};

struct OwningCall {
  std::unique_ptr<Owned> owned;
  void operator()() {}  // and lets go of it
};

TEST(Connection, AWaitMayOwnItsConnection) {
  int alive = 0;
  for (const bool parked : {true, false}) {
    Loop loop;
    auto [ours, theirs] = local_pair();
    auto owned = std::make_unique<Owned>(loop.core, std::move(ours), alive);
    Connection& connection = owned->connection;
    if (parked)
      connection.park(OwningCall{std::move(owned)});
    else
      connection.when_readable(OwningCall{std::move(owned)});
    EXPECT_EQ(alive, 1);

    if (parked) connection.resume();
    theirs.send("hello");
    loop.run(until_all_are_gone(loop.core));
    while (alive > 0 && !parked) loop.core.io().run_one();

    EXPECT_EQ(alive, 0);
  }
}

TEST(Connection, WhatWaitsIsDestroyedWithTheLoop) {
  int alive = 0;
  for (const bool parked : {true, false}) {
    for (const bool woken : {true, false}) {
      auto [ours, theirs] = local_pair();
      {
        Loop loop;
        auto owned = std::make_unique<Owned>(loop.core, std::move(ours), alive);
        Connection& connection = owned->connection;
        if (parked)
          connection.park(OwningCall{std::move(owned)});
        else
          connection.when_readable(OwningCall{std::move(owned)});
        if (woken) connection.resume();
        EXPECT_EQ(alive, 1);
      }
      EXPECT_EQ(alive, 0);
      EXPECT_EQ(theirs.receive(), "");
    }
  }
}

TEST(Connection, AConnectionThatGoesWakesWhoWaitsOnIt) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  auto connection = std::make_unique<Connection>(loop.core, std::move(ours));
  int calls = 0;
  connection->when_readable(call([&] { ++calls; }));

  connection.reset();
  loop.core.io().poll();

  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace anser::net
