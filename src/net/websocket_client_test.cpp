#include "net/websocket_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace anser::net {
namespace {

using testing::HasSubstr;

// The example of RFC 6455 §1.2: this key is answered so.
const std::string kNonce = "the sample nonce";
const std::string kAgreed =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

WebSocketRequest chat() {
  return {.host = "server.example.com", .target = "/chat", .protocols = {"chat", "superchat"}};
}

Result<bool> feed(WebSocketOpening& opening, std::string_view answer) { return opening.feed(answer); }
Result<bool> outcome(std::string_view answer, WebSocketRequest request = chat()) {
  auto opening = WebSocketOpening::make(std::move(request), kNonce);
  return feed(*opening, answer);
}

TEST(WebSocketOpening, AsksAsInTheSpecification) {
  const auto opening = WebSocketOpening::make(chat(), kNonce);
  ASSERT_TRUE(opening);
  EXPECT_EQ(opening->bytes(),
            "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n");
}

TEST(WebSocketOpening, EachKeyIsAnother) {
  EXPECT_NE(WebSocketOpening::make(chat())->bytes(), WebSocketOpening::make(chat())->bytes());
}

TEST(WebSocketOpening, LeavesTheFirstFramesWhereverTheAnswerIsCut) {
  const std::string answer = kAgreed + "Sec-WebSocket-Protocol: chat\r\n\r\n";
  for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
    auto opening = WebSocketOpening::make(chat(), kNonce);
    const std::string all = answer + "frames";
    std::string_view first = std::string_view{all}.substr(0, cut);
    std::string_view second = std::string_view{all}.substr(cut);
    auto agreed = opening->feed(first);
    ASSERT_TRUE(agreed) << cut << agreed.error().message;
    if (!*agreed) agreed = opening->feed(second);
    ASSERT_TRUE(agreed) << cut;
    EXPECT_TRUE(*agreed) << cut;
    EXPECT_EQ(second, "frames");
    EXPECT_EQ(opening->protocol(), "chat");
  }
}

TEST(WebSocketOpening, InterimAnswersArePassedOver) {
  EXPECT_TRUE(*outcome("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + kAgreed + "\r\n"));
}

TEST(WebSocketOpening, RefusesAnAnswerThatDoesNotFit) {
  const std::pair<std::string, const char*> cases[] = {
      {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n", "Accept"},
      {"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
       "another"},
      {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", "another"},
      {kAgreed + "Sec-WebSocket-Protocol: other\r\n\r\n", "subprotocol"},
      {kAgreed + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension"},
      {"HTTP/1.0" + kAgreed.substr(8) + "\r\n", "HTTP/1.0"},
      {"HTTP/2 101\r\n", "HTTP/1.1"},
      {"SSH", "HTTP/1.1"},
      {"HTTP/1.1 1x1 x\r\n", "HTTP/1.1"},
      {"HTTP/1.1 101 x\r\n folded\r\n", "HTTP/1.1"},
      {"HTTP/1.1 101 x\r\nno colon\r\n", "HTTP/1.1"},
      {"HTTP/1.1 101 x\r\nA: \x01\r\n", "HTTP/1.1"},
  };
  for (const auto& [answer, word] : cases) {
    const auto refused = outcome(answer);
    ASSERT_FALSE(refused) << answer;
    EXPECT_EQ(refused.error().code, Errc::bad_request) << answer;
    EXPECT_THAT(refused.error().message, HasSubstr(word)) << answer;
  }
}

TEST(WebSocketOpening, AnswersAreBounded) {
  EXPECT_EQ(outcome("HTTP/1.1 101 " + std::string(20'000, 'x')).error().code, Errc::policy_violation);
  std::string many = "HTTP/1.1 101 x\r\n";
  for (int i = 0; i < 101; ++i) many += "a: b\r\n";
  EXPECT_EQ(outcome(many).error().code, Errc::policy_violation);
  std::string endless;
  for (int i = 0; i < 1000; ++i) endless += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ(outcome(endless).error().code, Errc::policy_violation);
}

TEST(WebSocketOpening, SaysWhatARefusalMeans) {
  const std::pair<int, Errc> cases[] = {{200, Errc::unsupported},    {301, Errc::unsupported}, {400, Errc::unsupported},
                                        {401, Errc::not_authorized}, {403, Errc::forbidden},   {404, Errc::not_found},
                                        {408, Errc::unavailable},    {429, Errc::unavailable}, {500, Errc::unavailable},
                                        {503, Errc::unavailable}};
  for (const auto& [status, code] : cases) {
    auto opening = WebSocketOpening::make(chat(), kNonce);
    const auto refused = feed(*opening, "HTTP/1.1 " + std::to_string(status) + " no\r\nRetry-After: 7\r\n\r\n");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, code) << status;
    EXPECT_EQ(opening->status(), static_cast<unsigned>(status));
    EXPECT_EQ(opening->retry_after(), std::chrono::seconds{7});
  }
}

TEST(WebSocketOpening, CompressionIsWhatTheServerMakesOfTheOffer) {
  auto request = chat();
  request.deflate.emplace();
  auto opening = WebSocketOpening::make(request, kNonce);
  EXPECT_THAT(opening->bytes(), HasSubstr("Sec-WebSocket-Extensions: permessage-deflate"));
  ASSERT_TRUE(feed(*opening, kAgreed + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                                       "client_no_context_takeover\r\n\r\n"));
  ASSERT_TRUE(opening->deflate());
  EXPECT_TRUE(opening->deflate()->server_no_context_takeover);

  EXPECT_FALSE(outcome(kAgreed + "Sec-WebSocket-Extensions: x-other\r\n\r\n", request));
  auto without = WebSocketOpening::make(request, kNonce);
  ASSERT_TRUE(feed(*without, kAgreed + "\r\n"));
  EXPECT_FALSE(without->deflate());
}

TEST(WebSocketOpening, WhatTheHandshakeSaysIsSaidByNobodyElse) {
  for (const char* name : {"host", "Host", "UPGRADE", "Connection", "Sec-WebSocket-Key", "sec-websocket-protocol",
                           "Sec-WebSocket-Version", "Sec-WebSocket-Extensions"}) {
    auto request = chat();
    request.fields = {{name, "x"}};
    const auto refused = WebSocketOpening::make(request);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Errc::bad_request);
    EXPECT_THAT(refused.error().message, HasSubstr(name));
  }
  auto request = chat();
  request.fields = {{"Origin", "https://example.org"}, {"Hosts", "x"}};
  EXPECT_TRUE(WebSocketOpening::make(request));
}

TEST(WebSocketOpening, NothingSlipsIntoTheRequest) {
  for (const char* bad : {"a\r\nb", "a\nb", "\x7f"}) {
    auto request = chat();
    request.fields = {{"X-Field", bad}};
    const auto refused = WebSocketOpening::make(request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::bad_request);
    EXPECT_EQ(refused.error().message.find(bad), std::string::npos) << "the value may be a secret";
    request = chat();
    request.target = std::string{"/"} + bad;
    EXPECT_FALSE(WebSocketOpening::make(request));
    request = chat();
    request.host = bad;
    EXPECT_FALSE(WebSocketOpening::make(request));
    request = chat();
    request.protocols = {bad};
    EXPECT_FALSE(WebSocketOpening::make(request));
  }
  auto request = chat();
  request.fields = {{"Bad Name", "x"}};
  EXPECT_FALSE(WebSocketOpening::make(request));
  request = chat();
  request.target = "no slash";
  EXPECT_FALSE(WebSocketOpening::make(request));
}

}  // namespace
}  // namespace anser::net
