#include "net/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/dns_test_support.h"

namespace anser::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kPlain[] = "_xmpp-client._tcp.example.org";
constexpr char kDirect[] = "_xmpps-client._tcp.example.org";

TEST(Endpoints, DirectTlsComesFirstAtEqualPriority) {
  const std::vector<SrvRecord> direct{{10, 1, 5223, "d10"}, {30, 1, 443, "d30"}};
  const std::vector<SrvRecord> plain{{5, 0, 5222, "s5"}, {10, 9, 5222, "s10"}, {20, 9, 5222, "s20"}};

  EXPECT_THAT(merged(direct, plain),
              ElementsAre(Endpoint{"s5", 5222, false}, Endpoint{"d10", 5223, true}, Endpoint{"s10", 5222, false},
                          Endpoint{"s20", 5222, false}, Endpoint{"d30", 443, true}));
  EXPECT_THAT(merged({}, {}), IsEmpty());
}

class EndpointsInTheDns : public testing::Test {
 protected:
  Result<std::vector<Endpoint>> find(ServiceWish wish, ServiceKind kind = kXmppClient) {
    Resolver resolver{loop_.core, options_};
    return wait_for(loop_, find_endpoints(resolver, kind, std::move(wish)));
  }

  Loop loop_;
  FakeDns dns_{loop_.core};
  Resolver::Options options_ = dns_.options();
};

TEST_F(EndpointsInTheDns, BothKindsOfRecordsAreMerged) {
  dns_.has_srv(kPlain, {dns_srv(kPlain, 1, 0, 5222, "a.example.org"), dns_srv(kPlain, 0, 0, 80, "b.example.org")});
  dns_.has_srv(kDirect, {dns_srv(kDirect, 1, 0, 5223, "c.example.org")});

  EXPECT_THAT(find({"example.org"}),
              testing::Optional(ElementsAre(Endpoint{"b.example.org", 80, false}, Endpoint{"c.example.org", 5223, true},
                                            Endpoint{"a.example.org", 5222, false})));
}

TEST_F(EndpointsInTheDns, DirectTlsIsNotLookedForWhenUnwanted) {
  dns_.has_srv(kPlain, {dns_srv(kPlain, 1, 0, 5222, "a.example.org")});
  dns_.has_srv(kDirect, {dns_srv(kDirect, 0, 0, 5223, "c.example.org")});

  EXPECT_EQ(find({.domain = "example.org", .direct_tls = false}),
            (std::vector{Endpoint{"a.example.org", 5222, false}}));
  EXPECT_THAT(dns_.questions(), ElementsAre(std::string{"udp 33 "} + kPlain));
}

TEST_F(EndpointsInTheDns, WithoutRecordsTheDomainItselfServes) {
  EXPECT_EQ(find({"example.org"}), (std::vector{Endpoint{"example.org", 5222, false}}));
  EXPECT_EQ(find({"example.org"}, kXmppServer), (std::vector{Endpoint{"example.org", 5269, false}}));
}

TEST_F(EndpointsInTheDns, ServersHaveRecordsOfTheirOwn) {
  const char* name = "_xmpps-server._tcp.example.org";
  dns_.has_srv(name, {dns_srv(name, 1, 0, 5270, "a.example.org")});

  EXPECT_EQ(find({"example.org"}, kXmppServer), (std::vector{Endpoint{"a.example.org", 5270, true}}));
}

TEST_F(EndpointsInTheDns, ADeclinedServiceIsNotReachedInAnotherWay) {
  dns_.has_srv(kDirect, {dns_srv(kDirect, 0, 0, 0, "")});  // the other name has no records

  const auto found = find({"example.org"});

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::unavailable);
  EXPECT_THAT(found.error().message, HasSubstr("example.org says in the DNS"));
}

TEST_F(EndpointsInTheDns, DecliningDirectTlsLeavesStarttls) {
  dns_.has_srv(kDirect, {dns_srv(kDirect, 0, 0, 0, "")});
  dns_.has_srv(kPlain, {dns_srv(kPlain, 0, 0, 5222, "a.example.org")});

  EXPECT_EQ(find({"example.org"}), (std::vector{Endpoint{"a.example.org", 5222, false}}));
}

TEST_F(EndpointsInTheDns, DecliningOneHoldsWhenTheOtherFails) {
  dns_.has_srv(kDirect, {dns_srv(kDirect, 0, 0, 0, "")});
  dns_.tell(kPlain, FakeDns::kSrv, {.code = 2});

  EXPECT_FALSE(find({"example.org"}));
}

TEST_F(EndpointsInTheDns, OneKindIsEnoughWhenTheOtherFails) {
  dns_.tell(kDirect, FakeDns::kSrv, {.code = 2});
  dns_.has_srv(kPlain, {dns_srv(kPlain, 0, 0, 5222, "a.example.org")});

  EXPECT_EQ(find({"example.org"}), (std::vector{Endpoint{"a.example.org", 5222, false}}));
}

TEST_F(EndpointsInTheDns, ADnsThatDoesNotAnswerLeavesTheDomain) {
  dns_.tell(kPlain, FakeDns::kSrv, {.silent = true});
  dns_.tell(kDirect, FakeDns::kSrv, {.silent = true});
  options_.limit = std::chrono::milliseconds{10};

  EXPECT_EQ(find({"example.org"}), (std::vector{Endpoint{"example.org", 5222, false}}));
}

TEST_F(EndpointsInTheDns, AnExplicitPlaceAsksNobody) {
  EXPECT_EQ(find({.domain = "example.org", .host = "host.example", .port = 443}),
            (std::vector{Endpoint{"host.example", 443, true}}));
  EXPECT_EQ(find({.domain = "example.org", .host = "host.example", .direct_tls = false}),
            (std::vector{Endpoint{"host.example", 5222, false}}));
  EXPECT_EQ(find({.domain = "example.org", .port = 15222, .direct_tls = false}),
            (std::vector{Endpoint{"example.org", 15222, false}}));
  EXPECT_THAT(dns_.questions(), IsEmpty());
}

TEST_F(EndpointsInTheDns, AnAddressAsDomainAsksNobody) {
  EXPECT_EQ(find({"192.0.2.1"}), (std::vector{Endpoint{"192.0.2.1", 5222, false}}));
  EXPECT_EQ(find({"[::1]"}), (std::vector{Endpoint{"::1", 5222, false}}));
  EXPECT_THAT(dns_.questions(), IsEmpty());
}

TEST_F(EndpointsInTheDns, ADomainTooLongForSrvRecordsServesItself) {
  std::string label = std::string(59, 'a') + ".";
  const std::string domain = label + label + label + label + "example";

  EXPECT_EQ(find({domain}), (std::vector{Endpoint{domain, 5222, false}}));
}

TEST_F(EndpointsInTheDns, WhatIsNoHostIsRefused) {
  for (const char* domain : {"", "exa mple.org",
                             "b\xc3\xbc"
                             "cher.example",
                             "[example.org]", "a\r\nb"}) {
    const auto found = find({domain});
    ASSERT_FALSE(found) << domain;
    EXPECT_EQ(found.error().code, Errc::bad_request);
  }
}

TEST_F(EndpointsInTheDns, DnsServersThatAreNoneAreAnError) {
  options_.servers = {"nowhere"};

  EXPECT_EQ(find({"example.org"}).error().code, Errc::invalid_config);
}

}  // namespace
}  // namespace anser::net
