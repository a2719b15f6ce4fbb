#include "net/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "codec/permessage_deflate_stream.h"
#include "net/cores.h"
#include "net/test_support.h"
#include "tests/support/websocket_events.h"

namespace anser::net {
namespace {

using codec::Opcode;
using codec::WebSocketReader;
using codec::WebSocketRole;
using testing::ElementsAre;
using testing::IsEmpty;
using Event = WebSocketReader::Event;

namespace close_code = codec::close_code;

std::string client_frame(Opcode opcode, std::string_view payload, codec::FrameFlags flags = {}) {
  std::string frame;
  codec::append_masked_frame(frame, opcode, payload, 0x3a1b5c7d, flags);
  return frame;
}

std::string client_close(std::uint16_t code, std::string_view reason) {
  std::string frame;
  codec::append_masked_close(frame, code, reason, 0x3a1b5c7d);
  return frame;
}

std::unique_ptr<WebSocket> layer(WebSocket::Options options = {}) { return std::make_unique<WebSocket>(options); }

// What the other side makes of these bytes.
std::vector<codec::SeenEvent> seen_by(WebSocketRole role, std::string bytes) {
  return codec::read_in_steps(WebSocketReader{role}, bytes, bytes.size());
}

codec::SeenEvent text(std::string payload) { return {Event::text, std::move(payload), 0}; }

codec::SeenEvent closing(std::uint16_t code, std::string_view reason) {
  std::string payload;
  if (code != close_code::kNone) {
    payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    payload += reason;
  }
  return {Event::close, payload, code};
}

Task<void> until_all_are_gone(Core& core) {
  co_await boost::asio::post(core.io(), kAwait);
  while (core.closing() > 0) co_await boost::asio::post(core.io(), kAwait);
}

// A server's connection to a client that blocks.
class WebSocketLayer : public testing::Test {
 protected:
  WebSocketLayer() : pair(local_pair()), connection(loop.core, std::move(pair.ours)) {}

  // A copy of the next message. Then others use the loop's buffer.
  static Task<void> read_copy(Connection& connection, std::optional<Result<std::string>>& result) {
    const auto message = co_await connection.read();
    if (message)
      result = std::string{*message};
    else
      result = tl::make_unexpected(message.error());
    std::ranges::fill(connection.core().read_buffer(), 'Z');
  }
  Result<std::string> next() {
    std::optional<Result<std::string>> result;
    loop.run(read_copy(connection, result));
    return std::move(*result);
  }
  // The connection has closed: everything that the client got.
  std::vector<codec::SeenEvent> rest() {
    pair.theirs.end_input();
    loop.run(until_all_are_gone(loop.core));
    return seen_by(WebSocketRole::client, pair.theirs.receive_all());
  }
  void say(std::string_view bytes) { pair.theirs.send(bytes); }
  // What the last turn wrote leaves.
  void end_turn() {
    loop.core.io().restart();
    loop.core.io().poll();
  }

  Loop loop;
  Pair pair;
  Connection connection;
};

// Input --------------------------------------------------------------------------------------------------------------

TEST_F(WebSocketLayer, GivesMessagesThatCameTogetherOneByOne) {
  connection.start_websocket(layer());
  say(client_frame(Opcode::text, "one") + client_frame(Opcode::binary, "two") + client_frame(Opcode::text, "") +
      client_frame(Opcode::text, std::string(1000, '4')));

  EXPECT_EQ(next(), "one");
  EXPECT_TRUE(connection.websocket()->is_text());
  EXPECT_EQ(next(), "two");
  EXPECT_FALSE(connection.websocket()->is_text());
  EXPECT_EQ(next(), "");
  EXPECT_EQ(next(), std::string(1000, '4'));
}

TEST_F(WebSocketLayer, PutsTogetherWhatComesInPieces) {
  connection.start_websocket(layer());
  const std::string big(200'000, 'x');
  std::string bytes = client_frame(Opcode::text, "one") + client_frame(Opcode::text, "tw", {.fin = false}) +
                      client_frame(Opcode::ping, "between") + client_frame(Opcode::continuation, "o") +
                      client_frame(Opcode::text, big);
  std::jthread sender{[&, &peer = pair.theirs] {
    for (std::size_t i = 0; i < 100; ++i) peer.send(bytes.substr(i, 1));
    peer.send(bytes.substr(100));
  }};

  EXPECT_EQ(next(), "one");
  EXPECT_EQ(next(), "two");
  EXPECT_EQ(next(), big);
}

TEST_F(WebSocketLayer, KeepsNothingWhileItIsIdle) {
  connection.start_websocket(layer());
  for (const std::size_t size : {1u, 2u, 10u, 20u, 100u, 50'000u, 200'000u}) {
    const std::string message(size, 'x');
    std::jthread sender{[&, &peer = pair.theirs] {
      peer.send(client_frame(Opcode::text, message) + client_frame(Opcode::text, message) +
                client_frame(Opcode::ping, "?"));
    }};
    EXPECT_EQ(next(), message);
    EXPECT_EQ(next(), message);
    sender.join();

    auto more = connection.take();  // the ping, and whatever has not come yet
    for (int turn = 0; turn < 5; ++turn) {
      end_turn();
      more = connection.take();
    }
    end_turn();
    EXPECT_FALSE(more);
    EXPECT_EQ(connection.websocket()->kept(), 0u) << size;
    EXPECT_EQ(connection.queued(), 0u);
    EXPECT_EQ(pair.theirs.receive(), "\x8a\x01?");
  }
}

TEST_F(WebSocketLayer, AnswersPings) {
  connection.start_websocket(layer());
  say(client_frame(Opcode::ping, "") + client_frame(Opcode::pong, "unasked") + client_frame(Opcode::ping, "again") +
      client_frame(Opcode::text, "end"));

  EXPECT_EQ(next(), "end");
  end_turn();

  EXPECT_EQ(pair.theirs.receive_exactly(9), std::string("\x8a\x00\x8a\x05"
                                                        "again",
                                                        9));
}

TEST_F(WebSocketLayer, WhoDoesNotReadPingsInVain) {
  connection.start_websocket(layer());
  std::jthread sender{[&, &peer = pair.theirs] {
    std::string pings;
    for (int i = 0; i < 100; ++i) pings += client_frame(Opcode::ping, std::string(125, 'p'));
    for (int i = 0; i < 200; ++i) peer.send(pings);
    peer.send(client_frame(Opcode::text, "end"));
  }};

  EXPECT_EQ(next(), "end");

  EXPECT_LT(connection.queued(), Connection::kHighWater + 127);
}

TEST_F(WebSocketLayer, TheLimitOfAConnectionHoldsForItsMessages) {
  connection.start_websocket(layer());
  connection.limit(std::chrono::seconds{1});
  say(client_frame(Opcode::text, "half").substr(0, 8));

  const auto late = next();

  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  EXPECT_FALSE(connection.closed());
}

// A message at a time, for who waits without a coroutine.
TEST_F(WebSocketLayer, NobodyWaitsForTheSocketWhileMessagesAreThere) {
  connection.start_websocket(layer());
  say(client_frame(Opcode::text, "one") + client_frame(Opcode::text, "two"));
  EXPECT_EQ(next(), "one");
  bool called = false;
  struct There {
    bool* called;
    void operator()() const { *called = true; }
  };

  connection.when_readable(There{&called});
  loop.core.io().restart();
  loop.core.io().poll();

  EXPECT_TRUE(called);
  const auto taken = connection.take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, "two");
  EXPECT_FALSE(connection.take());
}

// The end ------------------------------------------------------------------------------------------------------------

TEST_F(WebSocketLayer, AnswersTheGoodbyeOfTheOther) {
  connection.start_websocket(layer());
  say(client_frame(Opcode::text, "one") + client_close(4001, "I am tired") + client_frame(Opcode::text, "unheard"));
  EXPECT_EQ(next(), "one");

  const auto end = next();

  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::closed);
  EXPECT_EQ(end.error().message, "I am tired");
  EXPECT_EQ(connection.peer_close_code(), 4001);
  EXPECT_TRUE(connection.closed());
  EXPECT_THAT(rest(), ElementsAre(closing(4001, "")));
  const auto still = next();
  ASSERT_FALSE(still);
  EXPECT_EQ(still.error().code, Errc::closed);
}

TEST_F(WebSocketLayer, AnswersAGoodbyeWithoutACode) {
  connection.start_websocket(layer());
  say(client_close(close_code::kNone, {}));

  EXPECT_FALSE(next());

  EXPECT_EQ(connection.peer_close_code(), close_code::kNone);
  EXPECT_THAT(rest(), ElementsAre(closing(close_code::kNone, "")));
}

TEST_F(WebSocketLayer, SaysGoodbyeOnceAndNothingAfterIt) {
  connection.start_websocket(layer());
  auto& websocket = *connection.websocket();
  websocket.append(connection.out(), Opcode::text, "the last");
  std::string out;
  websocket.append_close(out, 4000, "enough");
  const std::string close = out;
  websocket.append(out, Opcode::text, "more");
  websocket.append(out, Opcode::ping, "more");
  websocket.append_close(out, 1000, "more");
  out += "appended";
  websocket.frame(out, out.size() - 8);

  EXPECT_EQ(out, close);
  EXPECT_TRUE(websocket.close_sent());
}

TEST_F(WebSocketLayer, ClosesWithACodeAndAReason) {
  connection.start_websocket(layer());
  connection.websocket()->append(connection.out(), Opcode::text, "the last");

  connection.close_websocket(4000, "enough");
  connection.close_websocket(4009, "too late");
  connection.close_after_flush();

  EXPECT_TRUE(connection.closed());
  EXPECT_THAT(rest(), ElementsAre(text("the last"), closing(4000, "enough")));
}

TEST_F(WebSocketLayer, ClosingWithoutACodeIsNormal) {
  connection.start_websocket(layer());

  connection.close_after_flush();

  EXPECT_THAT(rest(), ElementsAre(closing(close_code::kNormal, "")));
}

TEST_F(WebSocketLayer, WhoHangsUpWithoutAWordHasNoCode) {
  connection.start_websocket(layer());
  say(client_frame(Opcode::text, "half").substr(0, 8));
  pair.theirs.end_input();

  const auto end = next();

  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::closed);
  EXPECT_EQ(connection.peer_close_code(), 0);
}

struct Fault {
  std::string bytes;
  std::uint16_t code;
  Errc error;
};

TEST(WebSocketFaults, AreSaidAndEndTheConnection) {
  std::string unmasked;
  codec::append_frame(unmasked, Opcode::text, "hello");
  const std::vector<Fault> faults{
      {unmasked, close_code::kProtocolError, Errc::bad_request},
      {client_frame(Opcode::text, "\xff"), close_code::kInvalidPayload, Errc::bad_request},
      {client_frame(Opcode::text, std::string(101, 'x')), close_code::kTooBig, Errc::policy_violation},
      {client_frame(Opcode::text, std::string(60, 'x'), {.fin = false}) +
           client_frame(Opcode::continuation, std::string(60, 'x')),
       close_code::kTooBig, Errc::policy_violation},
      {client_frame(Opcode::continuation, "of nothing"), close_code::kProtocolError, Errc::bad_request},
      {"\x09" + client_frame(Opcode::ping, "?").substr(1), close_code::kProtocolError, Errc::bad_request},
      {client_frame(Opcode::text, "x", {.compressed = true}), close_code::kProtocolError, Errc::bad_request},
      {client_frame(static_cast<Opcode>(3), "x"), close_code::kProtocolError, Errc::bad_request},
      {client_frame(Opcode::close, "\x03\xed"), close_code::kProtocolError, Errc::bad_request},  // 1005
      {"GET / HTTP/1.1\r\n\r\n", close_code::kProtocolError, Errc::bad_request},
  };
  for (const Fault& fault : faults) {
    Loop loop;
    auto [ours, theirs] = local_pair();
    Connection connection{loop.core, std::move(ours)};
    connection.start_websocket(layer({.limits = {.message_bytes = 100}}));
    theirs.send(fault.bytes + client_frame(Opcode::text, "unheard"));
    theirs.end_input();

    const auto got = wait_for(loop, connection.read());
    loop.run(until_all_are_gone(loop.core));

    ASSERT_FALSE(got) << *got;
    EXPECT_EQ(got.error().code, fault.error) << got.error().message;
    EXPECT_TRUE(connection.closed());
    EXPECT_EQ(connection.peer_close_code(), 0);
    EXPECT_THAT(seen_by(WebSocketRole::client, theirs.receive_all()),
                ElementsAre(closing(fault.code, got.error().message)));
  }
}

// Output -------------------------------------------------------------------------------------------------------------

TEST_F(WebSocketLayer, WhatWasAppendedBecomesOneMessage) {
  connection.start_websocket(layer());
  for (const std::size_t size : {0u, 5u, 125u, 126u, 65'535u, 65'536u}) {
    std::string& out = connection.out();
    const std::size_t start = out.size();
    out.append(size, 'x');
    connection.end_message(start);
  }

  connection.close_after_flush();

  std::vector<codec::SeenEvent> seen;
  std::jthread reader{[&] { seen = seen_by(WebSocketRole::client, pair.theirs.receive_all()); }};
  pair.theirs.end_input();
  loop.run(until_all_are_gone(loop.core));
  reader.join();
  EXPECT_THAT(seen, ElementsAre(text(""), text("xxxxx"), text(std::string(125, 'x')), text(std::string(126, 'x')),
                                text(std::string(65'535, 'x')), text(std::string(65'536, 'x')),
                                closing(close_code::kNormal, "")));
}

TEST_F(WebSocketLayer, WithoutItAMessageIsNothingSpecial) {
  connection.out() += "<stream>";
  connection.end_message(0);

  connection.close_after_flush();

  pair.theirs.end_input();
  loop.run(until_all_are_gone(loop.core));
  EXPECT_EQ(pair.theirs.receive_all(), "<stream>");
}

TEST(WebSocket, AClientMasksEverythingAndNeverTheSameWay) {
  WebSocket client{{.role = WebSocketRole::client}};
  EXPECT_FALSE(client.takes_plain_frames());
  std::string out;
  std::vector<std::string> all;
  for (int i = 0; i < 200; ++i) {
    std::string frame;
    client.append(frame, Opcode::text, "hello");
    EXPECT_EQ(frame.size(), 11u);
    all.push_back(frame.substr(2, 4));
    out += frame;
  }
  out += "framed";
  client.frame(out, out.size() - 6);
  client.append(out, Opcode::ping, "?");
  client.append_close(out, 4000, "enough");

  const auto seen = seen_by(WebSocketRole::server, out);

  ASSERT_EQ(seen.size(), 203u);
  EXPECT_EQ(seen[0], text("hello"));
  EXPECT_EQ(seen[200], text("framed"));
  EXPECT_EQ(seen[201], (codec::SeenEvent{Event::ping, "?", 0}));
  EXPECT_EQ(seen[202], closing(4000, "enough"));
  std::ranges::sort(all);
  const auto repeated = static_cast<std::size_t>(std::ranges::distance(std::ranges::unique(all)));
  EXPECT_LE(repeated, 1u);  // of 2^32
}

TEST_F(WebSocketLayer, AClientReadsAServersFrames) {
  connection.start_websocket(layer({.role = WebSocketRole::client}));
  std::string frames;
  codec::append_frame(frames, Opcode::text, "hello");
  codec::append_frame(frames, Opcode::ping, "?");
  codec::append_close(frames, 1001, "going");
  say(frames);

  EXPECT_EQ(next(), "hello");
  EXPECT_FALSE(next());

  EXPECT_EQ(connection.peer_close_code(), 1001);
  pair.theirs.end_input();
  loop.run(until_all_are_gone(loop.core));
  EXPECT_THAT(seen_by(WebSocketRole::server, pair.theirs.receive_all()),
              ElementsAre(codec::SeenEvent{Event::pong, "?", 0}, closing(1001, "")));
}

TEST(WebSocket, CompressesWithAndWithoutAWindowThatIsKept) {
  std::string message;
  for (int i = 0; i < 1000; ++i) message += std::to_string(i * i);
  for (const bool forgets : {true, false}) {
    const codec::DeflateAgreement agreement{.server_no_context_takeover = forgets,
                                            .client_no_context_takeover = forgets};
    for (const auto role : {WebSocketRole::server, WebSocketRole::client}) {
      WebSocket sender{{.role = role, .deflate = agreement}};
      WebSocket other{{.role = role, .deflate = agreement}};  // shares a window with it or does not
      std::string out, others;
      std::vector<std::size_t> sizes;
      for (int i = 0; i < 3; ++i) {
        const std::size_t before = out.size();
        out += message;
        sender.frame(out, before);
        sizes.push_back(out.size() - before);
        other.append(others, Opcode::binary, message + "!");
      }
      sender.append(out, Opcode::text, "short");

      const auto peer = role == WebSocketRole::server ? WebSocketRole::client : WebSocketRole::server;
      for (const auto& [bytes, expected] : {std::pair{out, message}, std::pair{others, message + "!"}}) {
        WebSocketReader reader{peer};
        reader.use_deflate(agreement);
        const auto seen = codec::read_in_steps(std::move(reader), bytes, 1000);
        ASSERT_GE(seen.size(), 3u);
        for (int i = 0; i < 3; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)].payload, expected);
      }
      EXPECT_LT(sizes[0], message.size());
      if (forgets)
        EXPECT_EQ(sizes[1], sizes[0]);
      else
        EXPECT_LT(sizes[1], sizes[0] / 4);
    }
  }
}

TEST_F(WebSocketLayer, InflatesWhatWasAgreed) {
  const codec::DeflateAgreement agreement{.server_no_context_takeover = true, .client_no_context_takeover = true};
  connection.start_websocket(layer({.limits = {.message_bytes = 10'000}, .deflate = agreement}));
  WebSocket client{{.role = WebSocketRole::client, .deflate = agreement}};
  std::string bytes;
  client.append(bytes, Opcode::text, std::string(10'000, 'x'));
  client.append(bytes, Opcode::binary, std::string(9'000, 'y'));
  client.append(bytes, Opcode::text, std::string(10'001, 'z'));
  ASSERT_LT(bytes.size(), 1000u);
  say(bytes);

  EXPECT_EQ(next(), std::string(10'000, 'x'));
  EXPECT_EQ(next(), std::string(9'000, 'y'));
  const auto bomb = next();

  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, Errc::policy_violation);
  EXPECT_THAT(rest(), ElementsAre(closing(close_code::kTooBig, bomb.error().message)));
}

// Hand-over ----------------------------------------------------------------------------------------------------------

TEST_F(WebSocketLayer, MovesWithWhatHasComeAndWasNotRead) {
  connection.start_websocket(layer());
  const std::string half = client_frame(Opcode::text, "half of it");
  say(client_frame(Opcode::text, "one") + client_frame(Opcode::text, "two") +
      client_frame(Opcode::text, "th", {.fin = false}) + client_frame(Opcode::continuation, "ree") + half.substr(0, 9));
  EXPECT_EQ(next(), "one");
  connection.websocket()->append(connection.out(), Opcode::text, "unsent");

  Connection moved{loop.core, connection.hand_over()};
  std::ranges::fill(loop.core.read_buffer(), 'Z');
  std::optional<Result<std::string>> two, three, four;
  loop.run(moved.wait());  // though the socket has nothing
  loop.run(read_copy(moved, two));
  loop.run(read_copy(moved, three));
  say(half.substr(9));
  loop.run(read_copy(moved, four));

  EXPECT_EQ(*two, "two");
  EXPECT_EQ(*three, "three");
  EXPECT_EQ(*four, "half of it");
  EXPECT_EQ(connection.websocket(), nullptr);
  end_turn();
  EXPECT_EQ(pair.theirs.receive_exactly(8), "\x81\x06unsent");
}

TEST_F(WebSocketLayer, BeginsWithWhatHasComeBehindTheHandshake) {
  say("handshake" + client_frame(Opcode::text, "early") + client_frame(Opcode::text, "later"));
  const auto bytes = wait_for(loop, connection.read());
  ASSERT_TRUE(bytes);
  Handed handed = connection.hand_over(bytes->substr(9));
  handed.websocket = layer();

  Connection moved{loop.core, std::move(handed)};
  std::optional<Result<std::string>> early, later;
  loop.run(read_copy(moved, early));
  loop.run(read_copy(moved, later));

  EXPECT_EQ(*early, "early");
  EXPECT_EQ(*later, "later");
}

Task<void> take_over(std::unique_ptr<Connection> connection, std::string& received, std::atomic<bool>& done) {
  for (;;) {
    const auto message = co_await connection->read();
    if (!message) break;
    EXPECT_EQ(Core::current(), &connection->core());
    received += *message;
    received += ' ';
  }
  done = true;
  done.notify_one();
}

Task<void> read_and_move(Cores& cores, std::unique_ptr<Connection> connection, std::string& received,
                         std::atomic<bool>& done) {
  connection->start_websocket(layer());
  const auto message = co_await connection->read();
  EXPECT_EQ(message, "one");
  const auto moved = std::make_shared<Handed>(connection->hand_over());
  connection.reset();
  auto adopt = [&cores, &received, &done, moved] {
    auto adopted = std::make_unique<Connection>(cores.at(1), std::move(*moved));
    spawn(cores.at(1).io(), take_over(std::move(adopted), received, done));
  };
  cores.post(1, adopt);
}

TEST(WebSocket, MovesToAnotherCore) {
  std::string received;
  std::atomic<bool> done = false;
  auto [ours, theirs] = tcp_pair();
  Cores cores{2};
  cores.start();
  const auto handed = std::make_shared<Handed>(std::move(ours));
  theirs.send(client_frame(Opcode::text, "one") + client_frame(Opcode::text, "two") +
              client_frame(Opcode::text, "three") + client_close(1000, "that is all"));
  cores.post(0, [&] {
    auto connection = std::make_unique<Connection>(cores.at(0), std::move(*handed));
    spawn(cores.at(0).io(), read_and_move(cores, std::move(connection), received, done));
  });

  EXPECT_THAT(seen_by(WebSocketRole::client, theirs.receive_all()), ElementsAre(closing(1000, "")));
  theirs.close();
  done.wait(false);
  EXPECT_EQ(received, "two three ");
}

}  // namespace
}  // namespace anser::net
