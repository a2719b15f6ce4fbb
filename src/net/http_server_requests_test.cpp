// What an HttpServer takes: bodies, and how much and how slowly.
#include <gmock/gmock.h>

#include "net/http_test_support.h"

namespace anser::net {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// Bodies -------------------------------------------------------------------------------------------------------------

// Others use the loop's buffer between the pieces.
Task<void> read_in_pieces(HttpExchange& exchange) {
  std::string all;
  for (;;) {
    auto reading = exchange.read();
    const auto piece = co_await std::move(reading);
    if (!piece) co_return;
    if (piece->empty()) break;
    all += *piece;
    auto others = let_others_read(exchange.core());
    co_await std::move(others);
  }
  auto reading = exchange.read();
  const auto end = co_await std::move(reading);
  EXPECT_EQ(end, "");
  exchange.respond({.body = all});
}

TEST_F(HttpServerTest, AHandlerReadsABodyPieceByPiece) {
  server.route("/", read_in_pieces);
  std::string big;
  for (int i = 0; big.size() < 300'000; ++i) big += std::to_string(i);

  const auto seen = ask(post("/", "hello") +
                        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x\r\n "
                        "\r\n5\r\nworld\r\n0\r\nx: y\r\n\r\n" +
                        get("/") + post("/", big) + post("/", "bye"));

  EXPECT_THAT(bodies(seen), ElementsAre("hello", "hello world", "", big, "bye"));
}

// Into a place of its own, never waiting for the client with it. Answers the body.
Task<void> take_into_a_place(HttpExchange& exchange, std::chrono::milliseconds pause, std::uint64_t& bytes_in) {
  auto pausing = pause_for(pause);
  co_await std::move(pausing);
  std::string all, place(1'000'000, '?');
  for (bool more = true; more;) {
    auto readying = exchange.ready();
    co_await std::move(readying);
    while (more) {
      const auto piece = exchange.take(place);
      if (!piece) break;
      if (!*piece) {
        ADD_FAILURE() << piece->error().message;
        co_return;
      }
      more = !(*piece)->empty();
      all += **piece;
    }
  }
  bytes_in = exchange.connection().bytes_in();
  exchange.respond({.body = all});
}

TEST_F(HttpServerTest, WhatStandsBehindABodyIsNotReadWithIt) {
  std::uint64_t bytes_in = 0;
  server.route("/", [&](HttpExchange& exchange) { return take_into_a_place(exchange, {}, bytes_in); });
  server.route("/x", says("x"));
  const std::string body(50'000, 'b'), all = post("/", body);

  const auto seen = ask(all + get("/x") + get("/x"));

  EXPECT_THAT(bodies(seen), ElementsAre(body, "x", "x"));
  EXPECT_EQ(bytes_in, all.size());
}

Task<void> read_at_most(HttpExchange& exchange, std::size_t limit) {
  auto reading = exchange.read_all(limit);
  const auto body = co_await std::move(reading);
  if (body) co_return exchange.respond({.body = *body});
  EXPECT_EQ(body.error().code, Errc::policy_violation);
  exchange.respond({.status = 413, .body = body.error().message});
}

TEST_F(HttpServerTest, AHandlerTakesNoMoreThanItWants) {
  server.route("/", [](HttpExchange& exchange) { return read_at_most(exchange, 5); });

  const auto seen =
      ask(post("/", "hello") + post("/", "hello!") +
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n" +
          post("/", "bye"));

  EXPECT_THAT(statuses(seen), ElementsAre(200, 413, 413, 200));
  EXPECT_EQ(seen[3].body, "bye");
}

TEST_F(HttpServerTest, ABodyThatNobodyReadsIsReadOverIfItIsSmall) {
  settings.unread_body = 100;
  server.route("/", says("no"));
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

  const auto small =
      ask(post("/", std::string(100, 'x')) + chunked + "64\r\n" + std::string(100, 'x') + "\r\n0\r\n\r\n" + get("/"));
  const auto large = ask(post("/", std::string(101, 'x')) + get("/"));
  const auto chunks = ask(chunked + "65\r\n" + std::string(101, 'x') + "\r\n0\r\n\r\n" + get("/"));

  EXPECT_THAT(bodies(small), ElementsAre("no", "no", "no"));
  ASSERT_THAT(large, SizeIs(1));
  EXPECT_EQ(large[0].field("connection"), "close");
  EXPECT_THAT(chunks, SizeIs(1));
}

TEST_F(HttpServerTest, WhoWaitsForContinueGetsItWhenTheBodyIsWanted) {
  server.route("/wanted", read_in_pieces);
  server.route("/unwanted", says("no"));
  const std::string fields = " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

  serve([&](Peer& peer) {
    peer.send("POST /wanted" + fields);
    EXPECT_EQ(peer.receive_exactly(25), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("hello");
    EXPECT_EQ(receive_response(peer).body, "hello");
    peer.send("POST /unwanted" + fields);
    const auto refusal = receive_response(peer);
    EXPECT_EQ(refusal.body, "no");
    EXPECT_EQ(refusal.field("connection"), "close");
    EXPECT_EQ(peer.receive(), "");
  });
}

TEST_F(HttpServerTest, ABodyThatIsNotHttpIsRefusedForTheHandler) {
  server.route("/", read_in_pieces);

  const auto seen =
      ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n" + get("/"));

  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].status, 400u);
  EXPECT_EQ(seen[0].body, "a chunk has no size\n");
  EXPECT_EQ(seen[0].field("connection"), "close");
}

TEST_F(HttpServerTest, ABodyThatBreaksOffIsNoRequest) {
  server.route("/", read_in_pieces);

  EXPECT_THAT(talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhello"), IsEmpty());
}

// Limits -------------------------------------------------------------------------------------------------------------

TEST_F(HttpServerTest, WhatIsWrongWithARequestIsSaid) {
  settings.limits.head_bytes = 200;
  server.route("/", says("x"));

  const auto large = ask(get("/", "X: " + std::string(300, 'x') + "\r\n") + get("/"));
  const auto nonsense = ask(get("/") + "nonsense\r\n\r\n" + get("/"));
  auto after_head = talk("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n");

  EXPECT_THAT(statuses(large), ElementsAre(431));
  EXPECT_EQ(large[0].field("connection"), "close");
  EXPECT_THAT(statuses(nonsense), ElementsAre(200, 400));
  take_response(after_head, true);
  EXPECT_THAT(take_response(after_head).body, StartsWith("this is not HTTP"));
}

TEST_F(HttpServerTest, AHeadThatTakesTooLongIsRefused) {
  settings.head_timeout = seconds{1};
  server.route("/", says("x"));

  serve([&](Peer& peer) {
    peer.send("GET / HTTP/1.1\r\nHo");
    const auto refusal = receive_response(peer);
    EXPECT_EQ(refusal.status, 408u);
    EXPECT_EQ(refusal.field("connection"), "close");
    EXPECT_EQ(peer.receive(), "");
  });
}

TEST_F(HttpServerTest, WhoSaysNothingIsLeftWithoutAWord) {
  settings.head_timeout = seconds{1};
  settings.silence_timeout = seconds{1};
  server.route("/", says("x"));
  std::string end = "not looked at";

  serve([&](Peer& peer) { end = peer.receive(); });
  EXPECT_EQ(end, "");
  end = "not looked at";
  serve([&](Peer& peer) {
    peer.send(get("/"));
    receive_response(peer);
    end = peer.receive();
  });

  EXPECT_EQ(end, "");
}

TEST_F(HttpServerTest, ABodyThatTakesTooLongIsRefusedForTheHandler) {
  settings.silence_timeout = seconds{1};
  server.route("/", read_in_pieces);

  serve([&](Peer& peer) {
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhello");
    EXPECT_EQ(receive_response(peer).status, 408u);
    EXPECT_EQ(peer.receive(), "");
  });
}

Task<void> answer_after(HttpExchange& exchange, std::chrono::milliseconds time) {
  auto pause = pause_for(time);
  co_await std::move(pause);
  auto reading = exchange.read_all(10);
  const auto body = co_await std::move(reading);
  EXPECT_EQ(body, "hello");
  pause = pause_for(time);
  co_await std::move(pause);
  exchange.respond({.body = "at last"});
}

TEST_F(HttpServerTest, TheTimeThatAHandlerTakesIsNotTheClients) {
  settings.silence_timeout = seconds{1};
  server.route("/", [](HttpExchange& exchange) { return answer_after(exchange, std::chrono::milliseconds{1500}); });
  server.route("/x", says("x"));

  serve([&](Peer& peer) {
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(receive_response(peer).body, "at last");
    peer.send(get("/x"));
    EXPECT_EQ(receive_response(peer).body, "x");
  });
}

TEST_F(HttpServerTest, NorIsTheTimeBeforeItTakesTheBody) {
  settings.silence_timeout = seconds{1};
  std::uint64_t bytes_in = 0;
  server.route("/", [&](HttpExchange& exchange) {
    return take_into_a_place(exchange, std::chrono::milliseconds{1500}, bytes_in);
  });
  const std::string body(50'000, 'b');

  EXPECT_THAT(bodies(ask(post("/", body))), ElementsAre(body));
}

}  // namespace
}  // namespace anser::net
