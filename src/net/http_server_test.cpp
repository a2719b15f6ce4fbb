#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "net/http_test_support.h"
#include "net/tls_test_support.h"

namespace anser::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// Routes -------------------------------------------------------------------------------------------------------------

TEST_F(HttpServerTest, TheLongestRouteThatFitsServes) {
  for (const std::string route : {"/ws", "/files/", "/files/deep/", "/files/deep/one"})
    server.route(route, says(route));

  const auto seen = ask(get("/ws?user=a") + get("/%77s") + get("/files/") + get("/files/x/y") + get("/files/deep/x") +
                        get("/files/deep/one") + get("/files/deep/one/more"));

  EXPECT_THAT(bodies(seen),
              ElementsAre("/ws", "/ws", "/files/", "/files/", "/files/deep/", "/files/deep/one", "/files/deep/"));
}

TEST_F(HttpServerTest, WhereNoRouteLeadsIsNothing) {
  for (const std::string route : {"/ws", "/files/"}) server.route(route, says(route));

  const auto seen =
      ask(get("/") + get("/ws/") + get("/wsx") + get("/WS") + get("/files") + get("*") + post("/x", "body"));

  EXPECT_THAT(statuses(seen), ElementsAre(404, 404, 404, 404, 404, 404, 404));
}

// Answers ------------------------------------------------------------------------------------------------------------

TEST_F(HttpServerTest, AnAnswerSaysWhatItIs) {
  server.route("/", says("hello"));

  const auto seen = ask(get("/"));

  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].status, 200u);
  EXPECT_EQ(seen[0].body, "hello");
  EXPECT_EQ(seen[0].field("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(seen[0].field("x-content-type-options"), "nosniff");
  EXPECT_EQ(seen[0].field("connection"), "");
  EXPECT_THAT(seen[0].field("date"), testing::MatchesRegex("[MTWFS][a-z]+, [0-9]+ [A-Z][a-z]+ 20[0-9]+ [0-9:]+ GMT"));
}

TEST_F(HttpServerTest, HeadGetsTheHeadAlone) {
  server.route("/", says("hello"));

  auto bytes = talk("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/"));

  const auto head = take_response(bytes, true);
  EXPECT_EQ(head.field("content-length"), "5");
  EXPECT_THAT(bodies(take_responses(bytes)), ElementsAre("hello"));
}

TEST_F(HttpServerTest, AnAnswerWithoutContentHasNoBodyAndNoLength) {
  server.route("/", [](HttpExchange& exchange) -> Task<void> {
    exchange.respond({.status = exchange.request().method == "GET" ? 304u : 204u, .body = "lost"});
    return boost::asio::post(exchange.core().io(), boost::asio::use_awaitable_t<Executor>{});
  });

  const auto seen = ask(get("/") + post("/", "x"));

  EXPECT_THAT(statuses(seen), ElementsAre(304, 204));
  for (const auto& response : seen) EXPECT_EQ(response.field("content-length"), "");
}

TEST_F(HttpServerTest, AValueNeverBeginsAnotherField) {
  server.route("/", [](HttpExchange& exchange) -> Task<void> {
    exchange.respond({.body = "x", .fields = {{"x-said", std::string{"a\r\nx-evil: b\n\r\n\0c", 17}}}});
    return boost::asio::post(exchange.core().io(), boost::asio::use_awaitable_t<Executor>{});
  });

  const auto seen = ask(get("/"));

  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].field("x-said"), "a  x-evil: b    c");
  EXPECT_EQ(seen[0].body, "x");
}

// Answers in pieces ---------------------------------------------------------------------------------------------------

Task<void> say_in_pieces(HttpExchange& exchange, std::uint64_t length, std::vector<std::string> pieces) {
  exchange.begin_response({.body = "not looked at", .type = "image/png", .fields = {{"x-said", "before"}}}, length);
  for (const auto& piece : pieces) {
    auto writing = exchange.write(piece);
    const auto written = co_await std::move(writing);
    if (!written) co_return;
  }
}

TEST_F(HttpServerTest, AnAnswerMayComeInPieces) {
  server.route("/", [](HttpExchange& exchange) { return say_in_pieces(exchange, 10, {"hello", "", "world"}); });

  const auto seen = ask(get("/") + get("/"));

  EXPECT_THAT(bodies(seen), ElementsAre("helloworld", "helloworld"));
  EXPECT_EQ(seen[0].field("content-type"), "image/png");
  EXPECT_EQ(seen[0].field("content-length"), "10");
  EXPECT_EQ(seen[0].field("x-said"), "before");
}

TEST_F(HttpServerTest, PiecesAreNothingForHead) {
  server.route("/", [](HttpExchange& exchange) { return say_in_pieces(exchange, 5, {"hello"}); });

  auto bytes = talk("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/"));

  const auto head = take_response(bytes, true);
  EXPECT_EQ(head.field("content-length"), "5");
  EXPECT_THAT(bodies(take_responses(bytes)), ElementsAre("hello"));
}

TEST_F(HttpServerTest, WhoSaysLessThanPromisedEndsTheConnection) {
  server.route("/", [](HttpExchange& exchange) { return say_in_pieces(exchange, 10, {"hello"}); });
  server.route("/x", says("x"));

  const std::string bytes = talk(get("/") + get("/x"));

  EXPECT_THAT(bytes, Not(HasSubstr("\r\n\r\nx")));
}

Task<void> say_megabytes(HttpExchange& exchange, std::size_t pieces, std::size_t& most_queued, std::size_t& written) {
  const std::string piece(64 * 1024, 'a');
  exchange.begin_response({}, pieces * piece.size());
  for (std::size_t i = 0; i < pieces; ++i) {
    auto writing = exchange.write(piece);
    const auto done = co_await std::move(writing);
    if (!done) co_return;
    most_queued = std::max(most_queued, exchange.connection().queued());
    ++written;
  }
}

TEST_F(HttpServerTest, ALongAnswerWaitsForItsReader) {
  constexpr std::size_t kPieces = 256;
  std::size_t most_queued = 0, written = 0;
  server.route("/", [&](HttpExchange& exchange) { return say_megabytes(exchange, kPieces, most_queued, written); });
  std::string all;

  serve([&](Peer& peer) {
    peer.send(get("/"));
    peer.end_input();
    all = peer.receive_all();
  });

  EXPECT_EQ(written, kPieces);
  EXPECT_LE(most_queued, 2 * Connection::kHighWater);
  EXPECT_EQ(take_response(all).body.size(), kPieces * 64 * 1024);
}

TEST_F(HttpServerTest, AReaderThatGoesEndsALongAnswer) {
  constexpr std::size_t kPieces = 4096;
  std::size_t most_queued = 0, written = 0;
  server.route("/", [&](HttpExchange& exchange) { return say_megabytes(exchange, kPieces, most_queued, written); });

  serve([&](Peer& peer) {
    peer.send(get("/"));
    EXPECT_FALSE(peer.receive().empty());
    peer.reset();
  });

  EXPECT_LT(written, kPieces);
}

// What is said before the answer --------------------------------------------------------------------------------------

TEST_F(HttpServerTest, AnAnswerMayBeAnnounced) {
  server.route("/", [](HttpExchange& exchange) -> Task<void> {
    exchange.inform(104, {{"location", "/uploads/a"}, {"x-said", "a\r\nx-evil: b"}});
    exchange.inform(104, {{"upload-offset", "5"}});
    exchange.respond({.body = "done"});
    return boost::asio::post(exchange.core().io(), boost::asio::use_awaitable_t<Executor>{});
  });

  auto bytes = talk(post("/", "hello"));

  EXPECT_THAT(bytes, StartsWith("HTTP/1.1 104 Upload Resumption Supported\r\nlocation: /uploads/a\r\n"));
  const auto first = take_response(bytes, true), second = take_response(bytes, true);
  EXPECT_EQ(first.field("x-said"), "a  x-evil: b");
  EXPECT_EQ(first.field("content-length"), "");
  EXPECT_EQ(second.field("upload-offset"), "5");
  EXPECT_THAT(bodies(take_responses(bytes)), ElementsAre("done"));
}

TEST_F(HttpServerTest, NothingIsAnnouncedToHttp10) {
  server.route("/", [](HttpExchange& exchange) -> Task<void> {
    exchange.inform(104, {{"upload-offset", "5"}});
    exchange.respond({.body = "done"});
    return boost::asio::post(exchange.core().io(), boost::asio::use_awaitable_t<Executor>{});
  });

  EXPECT_THAT(statuses(ask("GET / HTTP/1.0\r\n\r\n")), ElementsAre(200));
}

Task<void> say_nothing(HttpExchange&) { co_return; }

TEST_F(HttpServerTest, AHandlerThatDoesNotAnswerIsAnError) {
  server.route("/", say_nothing);
  server.route("/x", says("x"));

  const auto seen = ask(get("/") + get("/x"));

  EXPECT_THAT(statuses(seen), ElementsAre(500, 200));
}

// How long a connection stays ----------------------------------------------------------------------------------------

TEST_F(HttpServerTest, AConnectionStaysUntilTheClientHasEnough) {
  server.route("/", says("hello"));
  std::string end = "not looked at";

  serve([&](Peer& peer) {
    for (int i = 0; i < 3; ++i) {
      peer.send(get("/"));
      EXPECT_EQ(receive_response(peer).body, "hello");
    }
    peer.send(get("/", "Connection: close\r\n") + get("/"));
    EXPECT_EQ(receive_response(peer).field("connection"), "close");
    end = peer.receive();
  });

  EXPECT_EQ(end, "");
}

TEST_F(HttpServerTest, AnOldClientsConnectionStaysIfItAsks) {
  server.route("/", says("hello"));

  EXPECT_THAT(ask("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n"), SizeIs(1));
  const auto seen = ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n");

  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[0].field("connection"), "keep-alive");
  EXPECT_EQ(seen[1].field("connection"), "close");
}

Task<void> answer_later(HttpExchange& exchange) {
  const std::string path = exchange.request().path;
  for (char turns = path.back(); turns > '0'; --turns) {
    auto others = let_others_read(exchange.core());
    co_await std::move(others);
  }
  exchange.respond({.body = path});
}

TEST_F(HttpServerTest, RequestsThatComeTogetherAreAnsweredInTheirOrder) {
  server.route("/", answer_later);
  std::string requests;
  std::vector<std::string> paths;
  for (int i = 0; i < 50; ++i) {
    paths.push_back(fmt::format("/{}", 99 - i));
    requests += get(paths.back());
  }

  EXPECT_THAT(bodies(ask(requests)), testing::ElementsAreArray(paths));
}

Task<void> answer_much(HttpExchange& exchange, std::size_t& most) {
  most = std::max(most, exchange.connection().queued());
  exchange.respond({.body = std::string(300'000, 'x')});
  co_return;
}

TEST_F(HttpServerTest, WhoDoesNotReadTheAnswersIsNotListenedTo) {
  std::size_t most = 0;
  server.route("/", [&](HttpExchange& exchange) { return answer_much(exchange, most); });
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += get("/");

  EXPECT_EQ(ask(requests).size(), 100u);

  EXPECT_LT(most, Connection::kHighWater);
}

// The end ------------------------------------------------------------------------------------------------------------

Task<void> answer_when_left(HttpExchange& exchange, Peer& peer, bool& answered) {
  peer.reset();
  for (bool gone = false; !gone;) {
    auto reading = exchange.read();
    const auto piece = co_await std::move(reading);
    gone = !piece;
  }
  exchange.respond({.body = "to nobody"});
  answered = true;
}

TEST_F(HttpServerTest, SurvivesAClientThatLeavesBeforeTheAnswer) {
  auto [ours, theirs] = tcp_pair();
  bool answered = false;
  server.route("/", [&, &peer = theirs](HttpExchange& exchange) { return answer_when_left(exchange, peer, answered); });
  server.accept(loop.core, std::move(ours), false);
  theirs.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  auto until_answered = [](Core& core, bool& answered) -> Task<void> {
    while (!answered) co_await boost::asio::post(core.io(), kAwait);
    co_await boost::asio::post(core.io(), kAwait);
  };

  loop.run(until_answered(loop.core, answered));

  EXPECT_TRUE(answered);
}

Task<void> shut_down_meanwhile(HttpServer& server, HttpExchange& exchange) {
  server.shut_down(exchange.core());
  auto others = let_others_read(exchange.core());
  co_await std::move(others);
  exchange.respond({.body = "the last"});
}

TEST_F(HttpServerTest, ShuttingDownWaitsForTheAnswerOfWhoIsServed) {
  server.route("/", [&](HttpExchange& exchange) { return shut_down_meanwhile(server, exchange); });

  const auto seen = ask(get("/") + get("/"));

  EXPECT_THAT(bodies(seen), ElementsAre("the last"));
  EXPECT_EQ(seen[0].field("connection"), "close");
  EXPECT_THAT(talk(get("/")), IsEmpty());  // new ones are not served
}

TEST_F(HttpServerTest, ShuttingDownEndsWhoIsBetweenTwoRequests) {
  server.route("/", says("x"));
  server.route("/stop", [&](HttpExchange& exchange) { return shut_down_meanwhile(server, exchange); });
  auto fresh = tcp_pair();
  auto idle = tcp_pair();
  server.accept(loop.core, std::move(fresh.ours), false);
  server.accept(loop.core, std::move(idle.ours), false);

  serve([&](Peer& peer) {
    idle.theirs.send(get("/"));
    EXPECT_EQ(receive_response(idle.theirs).body, "x");
    idle.theirs.send("\r\n");  // begins nothing
    peer.send(get("/stop"));
    receive_response(peer);
    EXPECT_EQ(fresh.theirs.receive(), "");
    EXPECT_EQ(idle.theirs.receive(), "");
  });
}

TEST_F(HttpServerTest, ShuttingDownWaitsForAHeadThatHasBegun) {
  server.route("/", says("x"));
  server.route("/stop", [&](HttpExchange& exchange) { return shut_down_meanwhile(server, exchange); });
  auto [ours, theirs] = tcp_pair();
  server.accept(loop.core, std::move(ours), false);
  theirs.send("GET / HT");

  serve([&, &slow = theirs](Peer& peer) {
    peer.send(get("/stop"));
    receive_response(peer);
    EXPECT_EQ(peer.receive(), "");
    slow.send("TP/1.1\r\nHost: a\r\n\r\n");
    const auto seen = receive_response(slow);
    EXPECT_EQ(seen.body, "x");
    EXPECT_EQ(seen.field("connection"), "close");
    EXPECT_EQ(slow.receive(), "");
  });
}

// Other protocols ----------------------------------------------------------------------------------------------------

Task<void> echo(Core& core, Handed handed) {
  Connection connection{core, std::move(handed)};
  for (;;) {
    const auto input = co_await connection.read();
    if (!input) co_return;
    connection.out() += *input;
    const auto written = co_await connection.drained();
    EXPECT_TRUE(written);
  }
}

Task<void> switch_to_echo(HttpExchange& exchange) {
  auto others = let_others_read(exchange.core());
  co_await std::move(others);
  auto handed = exchange.switch_protocols({{"upgrade", "echo"}, {"connection", "Upgrade"}});
  EXPECT_TRUE(handed);
  spawn(exchange.core().io(), echo(exchange.core(), std::move(*handed)));
}

TEST_F(HttpServerTest, AHandlerTakesTheSocketWithWhatHasComeBehindTheRequest) {
  server.route("/echo", switch_to_echo);

  serve([&](Peer& peer) {
    peer.send(get("/echo") + "behind ");
    const std::string head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: Upgrade\r\n\r\n";
    EXPECT_EQ(peer.receive_exactly(head.size()), head);
    EXPECT_EQ(peer.receive_exactly(7), "behind ");
    peer.send("later");
    EXPECT_EQ(peer.receive_exactly(5), "later");
    peer.end_input();
    EXPECT_EQ(peer.receive(), "");
  });
}

class HttpServerOverTls : public HttpServerTest {
 protected:
  void SetUp() override {
    const std::vector<std::string> names{"localhost"};
    ASSERT_TRUE(make_self_signed(directory / "a.pem", directory / "a.key", names));
    const std::vector<TlsServer::Certificate> certificates{{"localhost", directory / "a.pem", directory / "a.key"}};
    auto loaded = TlsServer::load(certificates, {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    tls = *loaded;
  }
  TestDirectory directory;
};

TEST_F(HttpServerOverTls, ServesAndSwitches) {
  server.route("/", says("hello"));
  server.route("/echo", switch_to_echo);

  serve(
      [&](Peer& peer) {
        OpensslClient client{peer, {}};
        ASSERT_TRUE(client.connect()) << client.refusal();
        client.send(get("/"));
        EXPECT_THAT(client.receive(), HasSubstr("hello"));
        client.send(get("/echo") + "behind");
        std::string answer;
        while (!answer.ends_with("behind")) {
          const std::string some = client.receive();
          if (some.empty()) break;
          answer += some;
        }
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 "));
        EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nbehind"));
      },
      true);
}

TEST_F(HttpServerOverTls, WhoSpeaksInTheClearIsNotServed) {
  server.route("/", says("hello"));
  std::string answer;

  serve(
      [&](Peer& peer) {
        peer.send(get("/"));
        answer = peer.receive_all();
      },
      true);

  EXPECT_THAT(answer, Not(HasSubstr("HTTP/1.1")));
}

TEST_F(HttpServerTest, WithoutACertificateThereIsNoTls) {
  std::string end = "not looked at";

  serve([&](Peer& peer) { end = peer.receive(); }, true);

  EXPECT_EQ(end, "");
}

}  // namespace
}  // namespace anser::net
