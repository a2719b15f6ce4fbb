#include "net/http_connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tunnel_test_support.h"

namespace anser::net {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::Not;

const Proxy kOpen{Proxy::Kind::http_connect, "proxy.example", 3128};
const Proxy kLogin{Proxy::Kind::http_connect, "proxy.example", 3128, "romeo", "where:fore"};

TEST(HttpConnect, AsksForAConnection) {
  auto tunnel = tunnel_to(kOpen);

  EXPECT_EQ(tunnel->take_output(), "CONNECT talk.example.org:5222 HTTP/1.1\r\nHost: talk.example.org:5222\r\n\r\n");
  EXPECT_EQ(tunnel->take_output(), "");
}

TEST(HttpConnect, AsksForIpv6InBrackets) {
  EXPECT_THAT(tunnel_to(kOpen, "2001:db8::1")->take_output(), HasSubstr("CONNECT [2001:db8::1]:5222 HTTP/1.1\r\n"));
}

TEST(HttpConnect, LogsInWithBasicAuthorization) {
  EXPECT_THAT(tunnel_to(kLogin)->take_output(),
              HasSubstr("\r\nProxy-Authorization: Basic cm9tZW86d2hlcmU6Zm9yZQ==\r\n"));
}

TEST(HttpConnect, OpensAtTheEndOfTheHeaderAndTakesNoByteMore) {
  const char* answers[] = {
      "HTTP/1.1 200 Connection established\r\n\r\n",
      "HTTP/1.0 200 OK\r\nVia: 1.1 proxy\r\nContent-Length: 100\r\n\r\n",
      "HTTP/1.1 200\r\n\r\n",
      "HTTP/1.1 204 \r\nA:\tb\r\n\r\n",
      "HTTP/1.1 200 OK\nVia: proxy\n\n",
      "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 \xe5\xa5\xbd\r\n\r\n",
  };
  for (const std::string answer : answers) {
    auto tunnel = tunnel_to(kOpen), equal = tunnel_to(kOpen);

    EXPECT_EQ(feed(*tunnel, answer + "\r\n<stream", equal.get()), answer.size()) << answer;

    EXPECT_TRUE(tunnel->open());
    EXPECT_EQ(tunnel->feed("more"), 0u);
  }
}

TEST(HttpConnect, EveryRefusalHasItsWords) {
  const std::tuple<int, Errc, const char*> refusals[] = {
      {300, Errc::unavailable, "elsewhere (300)"}, {302, Errc::unavailable, "elsewhere (302)"},
      {400, Errc::unavailable, "understand"},      {401, Errc::not_authorized, "wants a name"},
      {403, Errc::forbidden, "does not allow"},    {404, Errc::unavailable, "find the host"},
      {405, Errc::unsupported, "does not make"},   {407, Errc::not_authorized, "wants a name"},
      {408, Errc::unavailable, "waited too long"}, {418, Errc::unavailable, "refused the request (418)"},
      {429, Errc::unavailable, "too much to do"},  {500, Errc::unavailable, "failed (500)"},
      {501, Errc::unsupported, "does not make"},   {502, Errc::unavailable, "cannot reach"},
      {503, Errc::unavailable, "too much to do"},  {504, Errc::unavailable, "waited too long"},
      {999, Errc::unavailable, "failed (999)"}};
  for (const auto& [status, code, words] : refusals) {
    auto tunnel = tunnel_to(kOpen), equal = tunnel_to(kOpen);

    const auto refused = feed(*tunnel, fmt::format("HTTP/1.1 {} Some words\r\n", status), equal.get());

    ASSERT_FALSE(refused) << status;
    EXPECT_EQ(refused.error().code, code) << status;
    EXPECT_THAT(refused.error().message, HasSubstr(words));
  }
}

TEST(HttpConnect, ALoginThatFailsKeepsTheSecret) {
  const auto refused = tunnel_to(kLogin)->feed("HTTP/1.1 407 where:fore romeo\r\n");

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(),
            (Error{Errc::not_authorized, "the HTTP proxy does not accept this name and password (407)"}));
}

TEST(HttpConnect, GarbageIsNoProxy) {
  const std::string garbage[] = {"\5\0"s,
                                 "SSH-2.0-OpenSSH\r\n",
                                 "HTTP/2 200\r\n",
                                 "HTTP/1.x 200 OK\r\n",
                                 "HTTP/1.1 2000 OK\r\n",
                                 "\r\n",
                                 "HTTP/1.1 20 OK\r\n",
                                 "HTTP/1.1 -20 OK\r\n",
                                 "HTTP/1.1  200 OK\r\n",
                                 "HTTP/1.1 099 OK\r\n",
                                 "HTTP/1.1\r\n",
                                 "HTTP/1.1 101 Up\r\n",
                                 "HTTP/1.1 200 \0\r\n"s,
                                 "HTTP/1.1 200-OK\r\n",
                                 "HTTP/1.1\t200 OK\r\n",
                                 "http/1.1 200\r\n",
                                 "HTTP/1.1 200 OK\r\nno field\r\n",
                                 "HTTP/1.1 200 OK\r\nA: \x1b[2J\r\n",
                                 "HTTP/1.1 100 Continue\r\n\r\n<html>"};
  for (const std::string& bytes : garbage) {
    auto tunnel = tunnel_to(kOpen), equal = tunnel_to(kOpen);

    const auto refused = feed(*tunnel, bytes, equal.get());

    ASSERT_FALSE(refused) << bytes;
    EXPECT_EQ(refused.error().code, Errc::bad_request);
  }
}

TEST(HttpConnect, TheAnswerIsBounded) {
  const std::string begin = "HTTP/1.1 200 OK\r\n";
  std::string many = begin, interim;
  while (many.size() <= kLongestHttpHeader) many += "A: b\r\n";
  while (interim.size() <= kLongestHttpHeader) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string endless[] = {begin + "A: " + std::string(kLongestHttpHeader, 'x'), many, interim,
                                 "HTTP/1.1 200 " + std::string(kLongestHttpHeader, 'x')};
  for (const std::string& bytes : endless) {
    auto tunnel = tunnel_to(kOpen), equal = tunnel_to(kOpen);

    const auto refused = feed(*tunnel, bytes, equal.get());

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::policy_violation);
  }

  std::string longest = begin + "A: ";
  longest += std::string(kLongestHttpHeader - longest.size() - 4, 'x') + "\r\n\r\n";
  EXPECT_EQ(tunnel_to(kOpen)->feed(longest), kLongestHttpHeader);
}

TEST(HttpConnect, RefusesWhatItCannotSay) {
  const Proxy wrong[] = {{Proxy::Kind::http_connect, "p", 1, "ro:meo", "secret"},
                         {Proxy::Kind::http_connect, "p", 1, "ro\nmeo", "secret"},
                         {Proxy::Kind::http_connect, "p", 1, "romeo", "sec\0ret"s}};
  for (const Proxy& proxy : wrong) EXPECT_EQ(make_tunnel(proxy, "host", 1).error().code, Errc::bad_request);
  for (const std::string& host : {""s, "a b"s, "a\r\nX: y"s, "a/b"s}) {
    EXPECT_EQ(make_tunnel(kOpen, host, 1).error().code, Errc::bad_request);
  }
}

}  // namespace
}  // namespace anser::net
