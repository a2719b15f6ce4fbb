#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "net/connection_test_support.h"
#include "net/cores.h"

namespace anser::net {
namespace {

using std::chrono::seconds;

// Input --------------------------------------------------------------------------------------------------------------

Task<void> read_greeting_and_end(Connection& connection, Peer& peer) {
  const auto input = co_await connection.read();
  EXPECT_EQ(input, "hello");
  EXPECT_EQ(input->data(), connection.core().read_buffer().data());
  peer.end_input();
  const auto end = co_await connection.read();
  EXPECT_EQ(code_of(end), Errc::closed);
  const auto still_the_end = co_await connection.read();
  EXPECT_EQ(code_of(still_the_end), Errc::closed);

  connection.out() += "good bye";
  connection.flush_soon();
  const auto written = co_await connection.drained();
  EXPECT_TRUE(written);
}

TEST(Connection, ReadsUntilTheEndAndMayStillWriteThen) {
  Loop loop;
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};
  theirs.send("hello");

  loop.run(read_greeting_and_end(connection, theirs));

  EXPECT_EQ(theirs.receive(), "good bye");
  EXPECT_EQ(connection.bytes_in(), 5u);
  EXPECT_EQ(connection.bytes_out(), 8u);
  EXPECT_TRUE(connection.is_loopback());
  EXPECT_THAT(connection.peer(), testing::StartsWith("127.0.0.1:"));
}

Task<void> read_all(Connection& connection, std::string& all, std::optional<Errc>& end) {
  for (;;) {
    const auto input = co_await connection.read();
    if (!input) {
      end = input.error().code;
      co_return;
    }
    all += *input;
  }
}

TEST(Connection, ReadsMoreThanItsBufferHolds) {
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

  loop.run(read_all(connection, received, end));

  EXPECT_EQ(received, sent);
  EXPECT_EQ(end, Errc::closed);
}

TEST(Connection, AResetEndsReading) {
  Loop loop;
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};
  theirs.reset();
  std::string received;
  std::optional<Errc> end;

  loop.run(read_all(connection, received, end));

  EXPECT_EQ(end, Errc::io);
}

Task<void> write_to_nobody(Connection& connection, Peer& peer) {
  peer.reset();
  connection.out() += "anybody there?";
  connection.flush_soon();
  std::string rest;
  std::optional<Errc> end;
  co_await read_all(connection, rest, end);
  EXPECT_TRUE(end);
  connection.out() += "hello?";
  const auto drained = co_await connection.drained();
  EXPECT_FALSE(drained);
  EXPECT_EQ(connection.queued(), 0u);
}

TEST(Connection, SurvivesWritingToAPeerThatIsGone) {
  Loop loop;
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};

  loop.run(write_to_nobody(connection, theirs));
}

Task<void> read_a_flood(Connection& connection, std::size_t size, bool& stop) {
  std::size_t received = 0;
  while (received < size) {
    const auto input = co_await connection.read();
    if (!input) break;
    received += input->size();
  }
  stop = true;
}

TEST(Connection, AFloodLetsOthersHaveTheirTurn) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  const std::size_t size = 64 * Core::kReadBuffer;
  std::jthread sender{[&, &theirs = theirs] { theirs.send(std::string(size, 'x')); }};
  int turns = 0;
  bool stop = false;
  spawn(loop.core.io(), count_turns(loop.core, turns, stop));

  loop.run(read_a_flood(connection, size, stop));

  EXPECT_GE(turns, 64 / Connection::kReadsAtOnce);
}

// Limits -------------------------------------------------------------------------------------------------------------

Task<void> wait_past_the_limit(Connection& connection, Peer& peer) {
  connection.limit(seconds{1});
  const auto late = co_await connection.read();
  EXPECT_EQ(code_of(late), Errc::timeout);
  peer.send("finally");
  const auto still_late = co_await connection.read();
  EXPECT_EQ(code_of(still_late), Errc::timeout);

  connection.limit(seconds{0});
  const auto input = co_await connection.read();
  EXPECT_EQ(input, "finally");
}

TEST(Connection, ALimitEndsTheReadThatWaitsUntilItIsLifted) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};

  loop.run(wait_past_the_limit(connection, theirs));
}

// Output -------------------------------------------------------------------------------------------------------------

Task<void> append(Connection& connection, std::string_view text) {
  connection.out() += text;
  connection.flush_soon();
  co_return;
}

TEST(Connection, SendsATurnsOutputInOneGo) {
  Loop loop;
  auto [ours, theirs] = local_pair(SOCK_SEQPACKET);  // each send arrives by itself
  Connection connection{loop.core, std::move(ours)};
  boost::asio::post(loop.core.io(), [&] {
    connection.out() += "one ";
    connection.flush_soon();
  });
  boost::asio::post(loop.core.io(), [&] {
    connection.out() += "two ";
    connection.flush_soon();
  });

  loop.run(append(connection, "three"));
  loop.core.io().poll();

  EXPECT_EQ(theirs.receive(), "one two three");
  EXPECT_EQ(connection.queued(), 0u);
}

struct Backlog {
  Connection& connection;
  int left;
  int refills = 0;

  void refill() {
    ++refills;
    while (left > 0 && !connection.congested()) {
      --left;
      connection.out() += std::string(100'000, static_cast<char>('a' + left % 26));
      connection.flush_soon();
    }
  }
};

Task<void> fill_until_congested(Connection& connection, Peer& peer, std::jthread& reader, std::string& received) {
  Backlog backlog{connection, 100};
  auto refill = [&backlog] { backlog.refill(); };
  connection.on_writable(refill);
  backlog.refill();
  EXPECT_TRUE(connection.congested());
  for (int turn = 0; turn < 100; ++turn) co_await boost::asio::post(connection.core().io(), kAwait);
  EXPECT_GT(connection.queued(), 0u);  // the socket is full
  EXPECT_GT(backlog.refills, 1);       // and was filled from the backlog
  EXPECT_GT(backlog.left, 0);
  const int refills = backlog.refills;

  auto read = [&] { received = peer.receive_exactly(100 * 100'000); };
  reader = std::jthread{read};
  while (backlog.left > 0) co_await boost::asio::post(connection.core().io(), kAwait);
  const auto drained = co_await connection.drained();
  EXPECT_TRUE(drained);
  EXPECT_GT(backlog.refills, refills);
  EXPECT_FALSE(connection.congested());
}

TEST(Connection, APeerThatReadsSlowlyGetsEverythingFromTheBacklog) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  std::string received;
  {
    std::jthread reader;
    loop.run(fill_until_congested(connection, theirs, reader, received));
  }

  ASSERT_EQ(received.size(), 10'000'000u);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(received[static_cast<std::size_t>(i) * 100'000], static_cast<char>('a' + (99 - i) % 26)) << i;
  }
}

Task<void> fill(Connection& connection) {
  while (!connection.congested()) {
    connection.out() += std::string(Connection::kHighWater, 'x');
    connection.flush_soon();
    co_await boost::asio::post(connection.core().io(), kAwait);
    co_await boost::asio::post(connection.core().io(), kAwait);
  }
}

TEST(Connection, APeerThatNeverReadsHoldsUpNobody) {
  Loop loop;
  auto stuck = tcp_pair();
  auto fine = tcp_pair();
  auto connection = std::make_unique<Connection>(loop.core, std::move(stuck.ours));
  Connection other{loop.core, std::move(fine.ours)};

  loop.run(fill(*connection));
  loop.run(append(other, "hello"));
  loop.core.io().poll();

  EXPECT_EQ(fine.theirs.receive(), "hello");
  EXPECT_GT(connection->queued(), 0u);
  connection.reset();  // while it waits for room
  loop.core.io().restart();
  loop.core.io().poll();
}

// The end ------------------------------------------------------------------------------------------------------------

Task<void> say_and_close(Connection& connection, std::size_t size) {
  connection.out() += std::string(size, 'x');
  connection.out() += "</stream:stream>";
  connection.close_after_flush();
  EXPECT_TRUE(connection.closed());
  const auto input = co_await connection.read();
  EXPECT_EQ(code_of(input), Errc::closed);
}

TEST(Connection, CloseAfterFlushDeliversEverythingEvenWithoutItsOwner) {
  Loop loop;
  auto [ours, theirs] = tcp_pair();
  auto connection = std::make_unique<Connection>(loop.core, std::move(ours));
  const std::size_t size = 8'000'000;
  theirs.send("something that nobody reads");
  std::string received;
  std::jthread reader{[&, &theirs = theirs] {
    received = theirs.receive_all();
    theirs.close();
  }};

  loop.run(say_and_close(*connection, size));
  connection.reset();
  loop.run(until_all_are_gone(loop.core));
  reader.join();

  ASSERT_EQ(received.size(), size + 16);
  EXPECT_THAT(received, testing::EndsWith("</stream:stream>"));
}

Task<void> read_until_closed(Connection& connection, bool& ended) {
  const auto input = co_await connection.read();
  EXPECT_EQ(code_of(input), Errc::closed);
  ended = true;
}

TEST(Connection, ClosingEndsAPendingRead) {
  for (const bool orderly : {true, false}) {
    Loop loop;
    auto [ours, theirs] = tcp_pair();
    Connection connection{loop.core, std::move(ours)};
    bool ended = false;
    boost::asio::post(loop.core.io(), [&, orderly = orderly] {
      boost::asio::post(loop.core.io(),
                        [&, orderly] { orderly ? connection.close_after_flush() : connection.abort(); });
    });
    theirs.end_input();

    loop.run(read_until_closed(connection, ended));

    EXPECT_TRUE(ended);
    connection.abort();
    connection.close_after_flush();
    loop.run(until_all_are_gone(loop.core));
    EXPECT_EQ(theirs.receive(), "");
  }
}

Task<void> give_up(Connection& connection) {
  connection.out() += "never sent";
  connection.flush_soon();
  connection.abort();
  co_return;
}

TEST(Connection, AbortSendsNothingMore) {
  Loop loop;
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};

  loop.run(give_up(connection));
  loop.core.io().poll();

  EXPECT_EQ(theirs.receive(), "");
}

// Hand-over ----------------------------------------------------------------------------------------------------------

Task<void> echo(std::unique_ptr<Connection> connection, std::string& received, std::atomic<bool>& done) {
  received = co_await read_exactly(*connection, 12);
  EXPECT_EQ(Core::current(), &connection->core());
  connection->out() += received;
  const auto drained = co_await connection->drained();
  EXPECT_TRUE(drained);
  done = true;
  done.notify_one();
}

Task<void> log_in_and_move(Cores& cores, std::unique_ptr<Connection> connection, std::string& received,
                           std::atomic<bool>& done) {
  connection->limit(seconds{60});
  const auto input = co_await connection->read();
  EXPECT_EQ(input, "login:unread");
  connection->out() += "welcome,";
  const auto moved = std::make_shared<Handed>(connection->hand_over(input->substr(6)));
  EXPECT_TRUE(connection->closed());
  connection.reset();
  auto adopt = [&cores, &received, &done, moved] {
    auto adopted = std::make_unique<Connection>(cores.at(1), std::move(*moved));
    EXPECT_EQ(adopted->bytes_in(), 12u);
    spawn(cores.at(1).io(), echo(std::move(adopted), received, done));
  };
  cores.post(1, adopt);
}

TEST(Connection, MovesToAnotherCoreWithWhatWasUnreadAndUnsent) {
  std::string received;
  std::atomic<bool> done = false;
  auto [ours, theirs] = tcp_pair();
  Cores cores{2};
  cores.start();
  const auto handed = std::make_shared<Handed>(std::move(ours));
  theirs.send("login:unread");
  cores.post(0, [&] {
    auto connection = std::make_unique<Connection>(cores.at(0), std::move(*handed));
    spawn(cores.at(0).io(), log_in_and_move(cores, std::move(connection), received, done));
  });

  EXPECT_EQ(theirs.receive_exactly(8), "welcome,");
  theirs.send(" later");

  EXPECT_EQ(theirs.receive_exactly(12), "unread later");
  done.wait(false);
  EXPECT_EQ(received, "unread later");
}

TEST(Connection, IsSmall) { EXPECT_LE(sizeof(Connection), 304u); }

}  // namespace
}  // namespace anser::net
