#include "net/http_proxies.h"

#include <gtest/gtest.h>

namespace anser::net {
namespace {

using boost::asio::ip::make_address;
using Fields = std::vector<std::pair<std::string, std::string>>;

HttpClient client(const char* peer, bool tls, Fields fields, const std::vector<std::string>& proxies = {}) {
  HttpRequest request;
  request.fields = std::move(fields);
  return client_of(request, make_address(peer), tls, HttpProxies::parse(proxies).value());
}

TEST(HttpProxies, KnowsAddressesAndNetworks) {
  const auto proxies = HttpProxies::parse({"192.0.2.7", "10.16.0.0/12", "2001:db8::/33", "::1"}).value();

  for (const char* inside : {"192.0.2.7", "::ffff:192.0.2.7", "10.16.0.0", "10.31.255.255", "2001:db8:7fff::1", "::1"})
    EXPECT_TRUE(proxies.contains(make_address(inside))) << inside;
  for (const char* outside : {"192.0.2.8", "10.15.255.255", "10.32.0.0", "2001:db8:8000::1", "127.0.0.1", "::2"})
    EXPECT_FALSE(proxies.contains(make_address(outside))) << outside;
  EXPECT_TRUE(HttpProxies::parse({"0.0.0.0/0"})->contains(make_address("203.0.113.5")));
  EXPECT_FALSE(HttpProxies::parse({"0.0.0.0/0"})->contains(make_address("2001:db8::5")));
  EXPECT_FALSE(HttpProxies{}.contains(make_address("127.0.0.1")));
}

TEST(HttpProxies, RefusesWhatIsNoNetwork) {
  EXPECT_EQ(HttpProxies::parse({"proxy.example"}).error().message, "proxy.example is neither an address nor a network");
  for (const char* wrong : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1", "::/129", "", "/8"}) {
    const auto proxies = HttpProxies::parse({wrong});
    ASSERT_FALSE(proxies) << wrong;
    EXPECT_EQ(proxies.error().code, Errc::invalid_config) << wrong;
  }
}

TEST(HttpClient, IsThePeerWhenThereIsNoProxy) {
  const HttpClient far = client("203.0.113.5", true, {});
  EXPECT_EQ(far.address, make_address("203.0.113.5"));
  EXPECT_TRUE(far.tls);
  EXPECT_FALSE(far.is_here());
  EXPECT_TRUE(client("127.0.0.1", false, {}).is_here());
  EXPECT_TRUE(client("::ffff:127.0.0.1", false, {}).is_here());
}

TEST(HttpClient, NobodyElseIsBelieved) {
  const HttpClient liar =
      client("203.0.113.5", false, {{"x-forwarded-for", "127.0.0.1"}, {"x-forwarded-proto", "https"}}, {"10.0.0.0/8"});

  EXPECT_EQ(liar.address, make_address("203.0.113.5"));
  EXPECT_FALSE(liar.tls);
}

TEST(HttpClient, AProxyThatNobodyNamedIsNotThisMachine) {
  for (const char* field : {"x-forwarded-for", "x-forwarded-proto", "x-real-ip", "forwarded"}) {
    const HttpClient somebody = client("127.0.0.1", false, {{field, "for=203.0.113.5"}});
    EXPECT_FALSE(somebody.is_here()) << field;
    EXPECT_FALSE(somebody.tls) << field;
  }
}

TEST(HttpClient, IsWhomOurProxySaw) {
  const std::vector<std::string> ours{"127.0.0.1"};

  const HttpClient behind = client("127.0.0.1", false, {{"x-forwarded-for", "10.9.9.9, 203.0.113.5"}}, ours);
  EXPECT_EQ(behind.address, make_address("203.0.113.5"));
  EXPECT_TRUE(behind.tls);
  EXPECT_FALSE(behind.is_here());

  EXPECT_FALSE(client("127.0.0.1", false, {{"x-forwarded-proto", "http"}}, ours).tls);
  EXPECT_TRUE(client("127.0.0.1", false, {{"x-forwarded-proto", "wss"}}, ours).tls);
  EXPECT_FALSE(client("127.0.0.1", false, {}, ours).is_here());  // it stands there for others
}

TEST(HttpClient, PassesByAChainOfOurProxies) {
  const std::vector<std::string> ours{"10.0.0.0/8"};
  const auto address = [&](std::string chain) {
    return client("10.0.0.1", false, {{"x-forwarded-for", std::move(chain)}}, ours).address.to_string();
  };

  EXPECT_EQ(address("198.51.100.1, 203.0.113.5, 10.0.0.3, 10.0.0.2"), "203.0.113.5");
  EXPECT_EQ(address("10.0.0.9"), "10.0.0.9");
  EXPECT_EQ(address("203.0.113.5:4711"), "203.0.113.5");
  EXPECT_EQ(address("\"[2001:db8::7]:4711\""), "2001:db8::7");
  EXPECT_EQ(address("2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(address("::ffff:203.0.113.5"), "203.0.113.5");
  EXPECT_EQ(address("203.0.113.5, unknown"), "10.0.0.1");  // whoever it is, it is nobody in front of that
  EXPECT_EQ(address(""), "10.0.0.1");
  EXPECT_EQ(address("["), "10.0.0.1");
  EXPECT_EQ(address(","), "10.0.0.1");
}

}  // namespace
}  // namespace anser::net
