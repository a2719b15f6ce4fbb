#include "net/socks5.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tunnel_test_support.h"

namespace anser::net {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::Not;

const Proxy kOpen{Proxy::Kind::socks5, "proxy.example", 1080};
const Proxy kLogin{Proxy::Kind::socks5, "proxy.example", 1080, "romeo", "wherefore"};
const std::string kReply = "\5\0\0\1\x7f\0\0\1\x1f\x90"s;

// One that has sent its request.
std::unique_ptr<Tunnel> asking() {
  auto tunnel = tunnel_to(kOpen);
  EXPECT_EQ(tunnel->take_output(), "\5\1\0"s);
  EXPECT_EQ(tunnel->feed("\5\0"s), 2u);
  EXPECT_EQ(tunnel->take_output(), "\5\1\0\3\x10talk.example.org\x14\x66"s);
  return tunnel;
}

TEST(Socks5, OpensWithoutALogin) {
  auto tunnel = asking();
  EXPECT_EQ(tunnel->take_output(), "");
  EXPECT_FALSE(tunnel->open());

  EXPECT_EQ(tunnel->feed(kReply), kReply.size());

  EXPECT_TRUE(tunnel->open());
  EXPECT_EQ(tunnel->take_output(), "");
}

TEST(Socks5, LogsInWhenTheProxyWantsIt) {
  auto tunnel = tunnel_to(kLogin);
  EXPECT_EQ(tunnel->take_output(), "\5\2\0\2"s);

  EXPECT_EQ(tunnel->feed("\5\2"), 2u);
  EXPECT_EQ(tunnel->take_output(), "\1\5romeo\x9wherefore");
  EXPECT_EQ(tunnel->feed("\1\0"s), 2u);
  EXPECT_THAT(tunnel->take_output(), HasSubstr("talk.example.org"));
  EXPECT_EQ(tunnel->feed(kReply), kReply.size());

  EXPECT_TRUE(tunnel->open());
}

TEST(Socks5, DoesNotLogInWhenTheProxyDoesNotWantIt) {
  auto tunnel = tunnel_to(kLogin);
  tunnel->take_output();

  EXPECT_EQ(tunnel->feed("\5\0"s), 2u);

  EXPECT_EQ(tunnel->take_output().substr(0, 4), "\5\1\0\3"s);
}

TEST(Socks5, SaysAddressesAsAddresses) {
  for (const auto& [host, place] : {std::pair{"192.0.2.1", "\1\xc0\0\2\1"s},
                                    {"2001:db8::1", "\4\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s},
                                    {"[2001:db8::1]", "\4\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s}}) {
    auto tunnel = tunnel_to(kOpen, host, 5223);
    tunnel->take_output();
    EXPECT_EQ(tunnel->feed("\5\0"s), 2u);
    EXPECT_EQ(tunnel->take_output(), "\5\1\0"s + place + "\x14\x67") << host;
  }
}

TEST(Socks5, TakesNoByteThatComesThroughTheTunnel) {
  const std::string replies[] = {kReply, "\5\0\0\4"s + std::string(18, '\7'), "\5\0\0\3\3abc\0\1"s, "\5\0\0\3\0\0\1"s,
                                 "\5\0\0\3\xff"s + std::string(257, 'x')};
  for (const std::string& reply : replies) {
    auto tunnel = asking(), equal = asking();

    EXPECT_EQ(feed(*tunnel, reply + "<stream", equal.get()), reply.size());

    EXPECT_TRUE(tunnel->open());
    EXPECT_EQ(tunnel->feed("more"), 0u);
  }
}

TEST(Socks5, EveryRefusalHasItsWords) {
  const std::tuple<char, Errc, const char*> refusals[] = {{1, Errc::unavailable, "without saying why"},
                                                          {2, Errc::forbidden, "does not allow"},
                                                          {3, Errc::unavailable, "network"},
                                                          {4, Errc::unavailable, "cannot reach the host"},
                                                          {5, Errc::unavailable, "connection refused"},
                                                          {6, Errc::unavailable, "long enough"},
                                                          {7, Errc::unsupported, "does not make"},
                                                          {8, Errc::unsupported, "type of address"},
                                                          {9, Errc::unavailable, "unknown reason, 9"},
                                                          {'\xff', Errc::unavailable, "unknown reason, 255"}};
  for (const auto& [code, errc, words] : refusals) {
    auto tunnel = asking(), equal = asking();

    const auto refused = feed(*tunnel, "\5"s + code, equal.get());

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc);
    EXPECT_THAT(refused.error().message, HasSubstr(words));
  }
}

TEST(Socks5, LoginsThatFailAreNotAuthorizedAndKeepTheSecret) {
  auto none = tunnel_to(kOpen), other = tunnel_to(kLogin), wrong = tunnel_to(kLogin);
  EXPECT_EQ(wrong->feed("\5\2"), 2u);

  const Result<std::size_t> refusals[] = {none->feed("\5\xff"), other->feed("\5\xff"), wrong->feed("\1\1")};

  for (const auto& refused : refusals) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::not_authorized);
    EXPECT_THAT(refused.error().message, Not(HasSubstr("wherefore")));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("romeo")));
  }
}

TEST(Socks5, GarbageIsNoProxy) {
  auto refuses = [](std::unique_ptr<Tunnel> tunnel, const std::string& bytes) {
    const auto refused = tunnel->feed(bytes);
    return !refused && refused.error().code == Errc::bad_request;
  };
  auto logging_in = [] {
    auto tunnel = tunnel_to(kLogin);
    EXPECT_EQ(tunnel->feed("\5\2"), 2u);
    return tunnel;
  };

  EXPECT_TRUE(refuses(tunnel_to(kOpen), "\4"));
  EXPECT_TRUE(refuses(tunnel_to(kOpen), "HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(refuses(tunnel_to(kOpen), "\5\2"));  // was not offered
  EXPECT_TRUE(refuses(tunnel_to(kLogin), "\5\1"));
  EXPECT_TRUE(refuses(logging_in(), "\5\0"s));
  EXPECT_TRUE(refuses(asking(), "\1\0"s));
  EXPECT_TRUE(refuses(asking(), "\5\0\0\2\0"s));
}

TEST(Socks5, RefusesWhatItCannotSay) {
  const std::string long_one(256, 'x');
  const Proxy wrong[] = {{Proxy::Kind::socks5, "p", 1, long_one, "secret"},
                         {Proxy::Kind::socks5, "p", 1, "romeo", long_one},
                         {Proxy::Kind::socks5, "p", 1, "romeo", ""},
                         {Proxy::Kind::socks5, "p", 1, "", "secret"}};
  for (const Proxy& proxy : wrong) EXPECT_EQ(make_tunnel(proxy, "host", 1).error().code, Errc::bad_request);
  for (const std::string& host : {""s, "a b"s, long_one, "a\0b"s}) {
    EXPECT_EQ(make_tunnel(kOpen, host, 1).error().code, Errc::bad_request);
  }
}

}  // namespace
}  // namespace anser::net
