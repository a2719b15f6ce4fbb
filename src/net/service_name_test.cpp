#include "net/service_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tls_test_support.h"

namespace anser::net {
namespace {

bool good(std::string_view service, const PeerCertificate& certificate) {
  const auto name = ServiceName::make(service, "_xmpp-client");
  EXPECT_TRUE(name) << service;
  return name && name->matches(certificate);
}

bool good_dns(std::string_view service, const char* presented) { return good(service, {.dns_names = {presented}}); }

TEST(ServiceName, IsADnsNameWhateverItsCase) {
  EXPECT_TRUE(good_dns("chat.example", "chat.example"));
  EXPECT_TRUE(good_dns("Chat.example", "chat.EXAMPLE"));
  EXPECT_TRUE(good_dns("chat.example.", "chat.example"));
  EXPECT_TRUE(good_dns("chat.example", "chat.example."));
  EXPECT_TRUE(good_dns("localhost", "localhost"));
  EXPECT_FALSE(good_dns("chat.example", "example"));
  EXPECT_FALSE(good_dns("example", "chat.example"));
  EXPECT_FALSE(good_dns("chat.example", "chat.example.org"));
  EXPECT_FALSE(good_dns("chat.example", ""));
}

TEST(ServiceName, LetsAWildcardStandForTheFirstLabelOnly) {
  EXPECT_TRUE(good_dns("chat.example.org", "*.example.org"));
  EXPECT_TRUE(good_dns("CHAT.example.org", "*.EXAMPLE.org"));
  EXPECT_TRUE(good_dns("b\u00fccher.example.org", "*.example.org"));
  EXPECT_FALSE(good_dns("example.org", "*.example.org"));
  EXPECT_FALSE(good_dns("a.b.example.org", "*.example.org"));
  EXPECT_FALSE(good_dns("a.b.example.org", "a.*.example.org"));
  EXPECT_FALSE(good_dns("chat.example.org", "c*.example.org"));
  EXPECT_FALSE(good_dns("chat.example.org", "*t.example.org"));
  EXPECT_FALSE(good_dns("chat.example.org", "*"));
  EXPECT_FALSE(good_dns("chat.org", "*.org"));
  EXPECT_FALSE(good_dns("chat.org", "*.org."));
  EXPECT_FALSE(good_dns("a.b.example.org", "*.*.example.org"));
  EXPECT_FALSE(good_dns("chat.example.org", "*..example.org"));
}

TEST(ServiceName, ComparesInternationalNamesInAscii) {
  EXPECT_TRUE(good_dns("b\u00fccher.example", "xn--bcher-kva.example"));
  EXPECT_TRUE(good_dns("xn--bcher-kva.example", "XN--bcher-kva.example"));
  EXPECT_FALSE(good_dns("b\u00fccher.example", "b\u00fccher.example"));  // no dNSName
  EXPECT_TRUE(good("b\u00fccher.example", {.xmpp_addrs = {"B\u00dcCHER.example"}}));
  EXPECT_TRUE(good("b\u00fccher.example", {.srv_names = {"_xmpp-client.xn--bcher-kva.example"}}));
}

TEST(ServiceName, IsAnSrvNameOfItsOwnServiceOnly) {
  const auto srv = [](const char* presented) { return good("chat.example", {.srv_names = {presented}}); };
  EXPECT_TRUE(srv("_xmpp-client.chat.example"));
  EXPECT_TRUE(srv("_XMPP-client.Chat.example"));
  EXPECT_FALSE(srv("_xmpp-server.chat.example"));
  EXPECT_FALSE(srv("_xmpp-client.example"));
  EXPECT_FALSE(srv("_xmpp-client.*.example"));
  EXPECT_FALSE(srv("_xmpp-client"));
  EXPECT_FALSE(srv("_xmpp-client."));
  EXPECT_FALSE(srv("chat.example"));
  EXPECT_FALSE(srv(""));
}

TEST(ServiceName, IsAnXmppAddressWithoutLocalPartAndResource) {
  const auto xmpp = [](const char* presented) { return good("chat.example", {.xmpp_addrs = {presented}}); };
  EXPECT_TRUE(xmpp("chat.example"));
  EXPECT_TRUE(xmpp("CHAT.example"));
  EXPECT_FALSE(xmpp("romeo@chat.example"));
  EXPECT_FALSE(xmpp("chat.example/x"));
  EXPECT_FALSE(xmpp("*.example"));
  EXPECT_FALSE(xmpp("\xff\xfe"));
}

TEST(ServiceName, IsAnAddressOnlyByAddress) {
  EXPECT_TRUE(good("192.0.2.1", {.addresses = {"192.0.2.1"}}));
  EXPECT_TRUE(good("2001:db8:0:0::1", {.addresses = {"2001:db8::1"}}));
  EXPECT_TRUE(good("[2001:db8::1]", {.addresses = {"2001:db8::1"}}));
  EXPECT_TRUE(good("192.0.2.1", {.xmpp_addrs = {"192.0.2.1"}}));
  EXPECT_TRUE(good("[2001:db8::1]", {.xmpp_addrs = {"[2001:DB8::1]"}}));
  EXPECT_FALSE(good("192.0.2.1", {.addresses = {"192.0.2.2", "::ffff:192.0.2.1"}}));
  EXPECT_FALSE(good("192.0.2.1", {.dns_names = {"192.0.2.1", "*.0.2.1"}}));
  EXPECT_FALSE(good("chat.example", {.addresses = {"192.0.2.1"}}));
}

TEST(ServiceName, RefusesWhatNoServerCanBeCalled) {
  for (const std::string_view bad : {"", ".", "a b", "*.example.org", "romeo@example.org", "a\n.example", "a..b"}) {
    const auto name = ServiceName::make(bad, "_xmpp-client");
    ASSERT_FALSE(name) << bad;
    EXPECT_EQ(name.error().code, Errc::bad_request);
  }
}

TEST(ServiceName, ReadsEveryKindOfNameOutOfACertificate) {
  const KeyPtr key{EVP_EC_gen("P-256")};
  const X509Ptr x509 =
      make_certificate({.names = "DNS:a.example,IP:192.0.2.1,IP:2001:db8::1,otherName:1.3.6.1.5.5.7.8.5;UTF8:b.example,"
                                 "otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-client.c.example,"
                                 "otherName:1.3.6.1.5.5.7.8.7;UTF8:_xmpp-client.d.example",
                        .common_name = "e.example"},
                       key.get());

  const auto certificate = parse_certificate(der_of(x509.get()));

  ASSERT_TRUE(certificate);
  for (const char* name : {"a.example", "b.example", "c.example", "192.0.2.1", "2001:db8::1"}) {
    EXPECT_TRUE(good(name, *certificate)) << name;
  }
  EXPECT_FALSE(good("d.example", *certificate));  // not of the type that RFC 4985 gives it
  EXPECT_FALSE(good("e.example", *certificate));  // the common name
  EXPECT_EQ(names_for_people(*certificate), "a.example, b.example, _xmpp-client.c.example, 192.0.2.1, 2001:db8::1");
}

TEST(ServiceName, ShowsPeopleAFewNamesThatATerminalCanTake) {
  EXPECT_EQ(names_for_people({}), "no service");
  EXPECT_EQ(names_for_people({.xmpp_addrs = {"a.example"}, .dns_names = {"\x1b[2Jx", "a.example", "b\xff"}}),
            "a.example");
  PeerCertificate many;
  for (int i = 0; i < 1000; ++i) many.dns_names.push_back(std::to_string(i) + ".example");
  EXPECT_THAT(names_for_people(many), testing::EndsWith("7.example and more"));
}

}  // namespace
}  // namespace anser::net
