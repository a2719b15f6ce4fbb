#include "net/websocket_handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/permessage_deflate_stream.h"
#include "net/http_test_support.h"
#include "net/websocket.h"

namespace anser::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// RFC 6455 §1.2
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

using Fields = std::vector<std::pair<std::string, std::string>>;

HttpRequest handshake(Fields others = {}) {
  HttpRequest request;
  request.method = "GET";
  request.target = request.path = "/ws";
  request.fields = {{"host", "chat.example:5280"},
                    {"upgrade", "websocket"},
                    {"connection", "keep-alive, Upgrade"},
                    {"sec-websocket-version", "13"},
                    {"sec-websocket-key", std::string{kKey}}};
  request.fields.insert(request.fields.end(), others.begin(), others.end());
  return request;
}

HttpRequest with(std::string_view name, std::string value) {
  HttpRequest request = handshake();
  for (auto& [field, old] : request.fields) {
    if (field == name) old = value;
  }
  return request;
}

unsigned status_of(const HttpRequest& request, const WebSocketSettings& settings = {}, bool tls = false) {
  const auto refusal = refuse_websocket(request, settings, tls);
  return refusal ? refusal->status : 101;
}

TEST(WebSocketHandshake, AnswersTheKeyOfTheRfc) { EXPECT_EQ(websocket_accept(kKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); }

TEST(WebSocketHandshake, TakesWhatTheRfcAsksFor) {
  EXPECT_EQ(status_of(handshake()), 101u);
  EXPECT_EQ(status_of(with("upgrade", "h2c, WebSocket")), 101u);
  EXPECT_EQ(status_of(with("connection", "UPGRADE")), 101u);
}

TEST(WebSocketHandshake, RefusesEverythingElse) {
  HttpRequest post = handshake();
  post.method = "POST";
  const auto refusal = refuse_websocket(post, {}, false);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 405u);
  EXPECT_THAT(refusal->fields, ElementsAre(std::pair<std::string, std::string>{"allow", "GET"}));

  HttpRequest old = handshake();
  old.http_1_0 = true;
  EXPECT_EQ(status_of(old), 426u);
  EXPECT_EQ(status_of(with("connection", "keep-alive")), 426u);
  EXPECT_EQ(status_of(with("upgrade", "websockets")), 426u);
  EXPECT_EQ(status_of(with("sec-websocket-version", "8")), 426u);
  EXPECT_EQ(status_of(with("sec-websocket-version", "13, 8")), 426u);
  EXPECT_EQ(status_of(handshake({{"sec-websocket-version", "13"}})), 426u);
  EXPECT_EQ(status_of(with("sec-websocket-key", "")), 400u);
  EXPECT_EQ(status_of(with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ")), 400u);
  EXPECT_EQ(status_of(with("sec-websocket-key", "c2hvcnQ=")), 400u);
  EXPECT_EQ(status_of(handshake({{"sec-websocket-key", std::string{kKey}}})), 400u);
  HttpRequest body = handshake();
  body.content_length = 5;
  EXPECT_EQ(status_of(body), 400u);
}

TEST(WebSocketHandshake, SaysHowToUpgrade) {
  const auto refusal = refuse_websocket(with("sec-websocket-version", "8"), {}, false);

  ASSERT_TRUE(refusal);
  const Fields expected{{"upgrade", "websocket"}, {"connection", "Upgrade"}, {"sec-websocket-version", "13"}};
  EXPECT_EQ(refusal->fields, expected);
}

TEST(WebSocketHandshake, PagesOfOtherOriginsMayNotConnect) {
  const auto from = [](std::string origin) { return handshake({{"origin", std::move(origin)}}); };

  EXPECT_EQ(status_of(from("http://chat.example:5280")), 101u);
  EXPECT_EQ(status_of(from("https://chat.example:5280"), {}, true), 101u);
  for (const auto* origin :
       {"https://chat.example:5280", "http://chat.example", "http://chat.example:5281", "http://chat.example:5280.evil",
        "http://evil.example", "http://evil.example/chat.example:5280", "null", "", "http://", "chat.example:5280"}) {
    EXPECT_EQ(status_of(from(origin)), 403u) << origin;
  }
}

TEST(WebSocketHandshake, AnOriginLeavesItsUsualPortAway) {
  HttpRequest request = with("host", "chat.example:443");
  request.fields.emplace_back("origin", "https://chat.example");

  EXPECT_EQ(status_of(request, {}, true), 101u);
  EXPECT_EQ(status_of(request, {}, false), 403u);
}

TEST(WebSocketHandshake, OriginsThatAreConfiguredMayConnect) {
  WebSocketSettings settings;
  settings.origins = {"https://app.example"};

  EXPECT_EQ(status_of(handshake({{"origin", "https://app.example"}}), settings), 101u);
  EXPECT_EQ(status_of(handshake({{"origin", "https://app.example.evil"}}), settings), 403u);
  settings.origins = {"*"};
  EXPECT_EQ(status_of(handshake({{"origin", "null"}}), settings), 101u);
}

TEST(WebSocketHandshake, KnowsTheProtocolsThatAreOffered) {
  EXPECT_THAT(offered_protocols(handshake()), IsEmpty());
  EXPECT_THAT(offered_protocols(handshake({{"sec-websocket-protocol", "a, b ,,"}, {"sec-websocket-protocol", "c"}})),
              ElementsAre("a", "b", "c"));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "x,";
  EXPECT_THAT(offered_protocols(handshake({{"sec-websocket-protocol", many}})), SizeIs(16));
}

// Over a connection --------------------------------------------------------------------------------------------------

class AcceptedWebSocket : public HttpServerTest {
 protected:
  void SetUp() override {
    server.route("/ws", [this](HttpExchange& exchange) { return accept(exchange, websocket); });
  }
  static Task<void> accept(HttpExchange& exchange, const WebSocketSettings& settings) {
    auto handed = accept_websocket(exchange, settings, "anser.json");
    if (!handed) {
      EXPECT_EQ(handed.error().code, Errc::bad_request);
      EXPECT_FALSE(exchange.responded());
      exchange.respond({.status = 400, .body = "no\n"});
      co_return;
    }
    spawn(exchange.core().io(), answer(exchange.core(), std::move(*handed)));
  }
  static Task<void> answer(Core& core, Handed handed) {
    Connection connection{core, std::move(handed)};
    for (;;) {
      const auto message = co_await connection.read();
      if (!message) co_return;
      connection.websocket()->append(connection.out(), codec::Opcode::text, *message);
      connection.flush_soon();
    }
  }
  static std::string request(std::string_view fields) {
    return fmt::format(
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: {}\r\n{}\r\n",
        kKey, fields);
  }

  WebSocketSettings websocket;
};

TEST_F(AcceptedWebSocket, CarriesMessagesFromThereOn) {
  serve([&](Peer& peer) {
    std::string behind;
    codec::append_masked_frame(behind, codec::Opcode::text, "hello", 0x12345678);
    peer.send(request({}) + behind);

    const auto response = receive_response(peer);
    EXPECT_EQ(response.status, 101u);
    EXPECT_EQ(response.field("upgrade"), "websocket");
    EXPECT_EQ(response.field("connection"), "Upgrade");
    EXPECT_EQ(response.field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(response.field("sec-websocket-protocol"), "anser.json");
    EXPECT_EQ(response.field("sec-websocket-extensions"), "");
    EXPECT_EQ(peer.receive_exactly(7), "\x81\x05hello");
  });
}

TEST_F(AcceptedWebSocket, IsCompressedIfBothWantIt) {
  for (const bool wanted : {true, false}) {
    websocket.compression = wanted;
    serve([&](Peer& peer) {
      peer.send(request("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
      const auto response = receive_response(peer);
      EXPECT_EQ(response.status, 101u);
      const auto agreed = codec::accept_deflate_answer(response.field("sec-websocket-extensions"), {});
      ASSERT_TRUE(agreed) << agreed.error().message;
      ASSERT_EQ(agreed->has_value(), wanted);
      if (!wanted) return;

      const std::string text(5000, 'x');
      codec::Deflater deflater{{}, codec::sent_by(codec::WebSocketRole::client, **agreed)};
      std::string frame;
      codec::append_message(frame, codec::Opcode::text, text, deflater, 0x12345678);
      ASSERT_LT(frame.size(), 100u);
      peer.send(frame);
      codec::WebSocketReader reader{codec::WebSocketRole::client};
      reader.use_deflate(**agreed);
      std::string answer = peer.receive();
      EXPECT_LT(answer.size(), 100u);
      std::span<char> input{answer};
      EXPECT_EQ(reader.next(input), codec::WebSocketReader::Event::text);
      EXPECT_EQ(reader.payload(), text);
    });
  }
}

TEST_F(AcceptedWebSocket, ExtensionsThatBreakTheirGrammarFailTheHandshake) {
  const auto seen = ask(request("Sec-WebSocket-Extensions: permessage-deflate; =\r\n"));

  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].status, 400u);
}

}  // namespace
}  // namespace anser::net
