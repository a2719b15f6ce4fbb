#include "net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/dns_test_support.h"
#include "net/within.h"

namespace anser::net {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::make_address;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kService[] = "_xmpp-client._tcp.example.org";

// The smallest number always, or the largest.
std::uint32_t lowest(std::uint32_t) { return 0; }
std::uint32_t highest(std::uint32_t most) { return most; }

std::vector<std::string> targets(const std::vector<SrvRecord>& records) {
  std::vector<std::string> names;
  for (const SrvRecord& record : records) names.push_back(record.target);
  return names;
}

// The order of SRV records -------------------------------------------------------------------------------------------

TEST(SrvOrder, GoesByPriorityFirst) {
  const auto ordered = in_srv_order({{30, 9, 1, "c"}, {10, 0, 1, "a"}, {20, 50, 1, "b"}}, highest);

  EXPECT_THAT(targets(ordered), ElementsAre("a", "b", "c"));
}

TEST(SrvOrder, DrawsByWeightAmongEqualPriorities) {
  const std::vector<SrvRecord> records{{0, 10, 1, "ten"}, {0, 0, 1, "zero"}, {0, 30, 1, "thirty"}};

  EXPECT_THAT(targets(in_srv_order(records, lowest)), ElementsAre("zero", "ten", "thirty"));
  EXPECT_THAT(targets(in_srv_order(records, highest)), ElementsAre("thirty", "ten", "zero"));
  const auto eleven = [](std::uint32_t most) { return std::min(most, 11u); };  // of 0, 10, 40
  EXPECT_THAT(targets(in_srv_order(records, eleven)), ElementsAre("thirty", "ten", "zero"));
  const auto one = [](std::uint32_t most) { return std::min(most, 1u); };
  EXPECT_THAT(targets(in_srv_order(records, one)), ElementsAre("ten", "thirty", "zero"));
}

TEST(SrvOrder, PrefersTheHeavyAsOftenAsItsWeightSays) {
  int heavy = 0;
  for (int i = 0; i < 4000; ++i) {
    heavy += in_srv_order({{0, 1, 1, "light"}, {0, 3, 1, "heavy"}}, random_chance).front().target == "heavy";
  }

  // Drawn from 0 to 4: 3 of 5 for the heavy one. Ten standard deviations of room.
  EXPECT_NEAR(heavy, 2400, 310);
}

TEST(SrvOrder, SurvivesTheLargestWeightsAndKeepsTheBestOfTooMany) {
  std::vector<SrvRecord> records;
  for (std::uint16_t i = 0; i < 3000; ++i) {
    records.push_back({static_cast<std::uint16_t>(3000 - i), 65535, i, "host"});
  }
  records.insert(records.end(), 40, SrvRecord{0, 65535, 1, "best"});

  const auto ordered = in_srv_order(records, highest);

  ASSERT_EQ(ordered.size(), Resolver::kMost);
  EXPECT_EQ(ordered.back().target, "best");
}

// SRV ----------------------------------------------------------------------------------------------------------------

TEST(Resolver, FindsSrvRecordsInOrder) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_srv(kService, {dns_srv(kService, 20, 0, 5222, "second.example.org"),
                         dns_srv(kService, 10, 5, 5269, "first.example.org")});
  Resolver resolver{loop.core, dns.options()};

  const auto answer = wait_for(loop, resolver.srv(kService));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(answer->records,
              ElementsAre(SrvRecord{10, 5, 5269, "first.example.org"}, SrvRecord{20, 0, 5222, "second.example.org"}));
  EXPECT_FALSE(answer->declined);
}

TEST(Resolver, NoRecordsAreAnAnswerToo) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.tell(kService, FakeDns::kSrv, {});
  Resolver resolver{loop.core, dns.options()};

  const auto no_data = wait_for(loop, resolver.srv(kService));
  const auto no_name = wait_for(loop, resolver.srv("_xmpp-client._tcp.example.net"));

  ASSERT_TRUE(no_data && no_name);
  EXPECT_THAT(no_data->records, IsEmpty());
  EXPECT_THAT(no_name->records, IsEmpty());
  EXPECT_FALSE(no_data->declined || no_name->declined);
}

TEST(Resolver, ARootTargetDeclinesTheService) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_srv(kService, {dns_srv(kService, 0, 0, 0, "")});
  Resolver resolver{loop.core, dns.options()};

  const auto answer = wait_for(loop, resolver.srv(kService));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->declined);
  EXPECT_THAT(answer->records, IsEmpty());
}

TEST(Resolver, ARootTargetAmongOthersIsPassedOver) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_srv(kService, {dns_srv(kService, 0, 0, 0, ""), dns_srv(kService, 1, 0, 5222, "host.example.org")});
  Resolver resolver{loop.core, dns.options()};

  const auto answer = wait_for(loop, resolver.srv(kService));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(answer->declined);
  EXPECT_THAT(targets(answer->records), ElementsAre("host.example.org"));
}

TEST(Resolver, TargetsThatAreNoHostNamesAreLeftOut) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_srv(kService, {dns_srv(kService, 0, 0, 5222, "bad host.example.org"),
                         dns_srv(kService, 1, 0, 5222, "good.example.org")});
  dns.has_srv("_only._tcp.example.org", {dns_srv("_only._tcp.example.org", 0, 0, 5222, "bad\r\nhost")});
  Resolver resolver{loop.core, dns.options()};

  const auto answer = wait_for(loop, resolver.srv(kService));
  const auto only_bad = wait_for(loop, resolver.srv("_only._tcp.example.org"));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(targets(answer->records), ElementsAre("good.example.org"));
  ASSERT_FALSE(only_bad);
  EXPECT_EQ(only_bad.error().code, Errc::io);
}

TEST(Resolver, FollowsAnAliasOfTheService) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_srv(kService, {dns_cname(kService, "_xmpp-client._tcp.hosted.example"),
                         dns_srv("_xmpp-client._tcp.hosted.example", 0, 0, 5222, "host.example.org")});
  Resolver resolver{loop.core, dns.options()};

  const auto answer = wait_for(loop, resolver.srv(kService));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(targets(answer->records), ElementsAre("host.example.org"));
}

TEST(Resolver, ATruncatedAnswerIsFetchedOverTcp) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.tell(kService, FakeDns::kSrv,
           {.records = {dns_srv(kService, 0, 0, 5222, "host.example.org")}, .truncated = true});
  Resolver resolver{loop.core, dns.options()};

  const auto answer = wait_for(loop, resolver.srv(kService));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(targets(answer->records), ElementsAre("host.example.org"));
  EXPECT_THAT(dns.questions(), ElementsAre(std::string{"udp 33 "} + kService, std::string{"tcp 33 "} + kService));
}

TEST(Resolver, GivesTheBestOfTooManyRecords) {
  Loop loop;
  FakeDns dns{loop.core};
  std::vector<std::string> records;
  for (unsigned i = 0; i < 300; ++i) records.push_back(dns_srv(kService, 300 - i, 0, i, "host.example.org"));
  dns.tell(kService, FakeDns::kSrv, {.records = records, .truncated = true});
  Resolver resolver{loop.core, dns.options()};

  const auto answer = wait_for(loop, resolver.srv(kService));

  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->records.size(), Resolver::kMost);
  EXPECT_EQ(answer->records.front().priority, 1);
  EXPECT_EQ(answer->records.back().priority, 32);
}

TEST(Resolver, LyingMessagesAreErrorsInWords) {
  Loop loop;
  FakeDns dns{loop.core};
  const std::string whole = dns_srv(kService, 0, 0, 5222, "host.example.org");
  std::string long_data = whole;  // its length field says 255 bytes
  long_data[dns_name(kService).size() + 9] = '\xff';
  const std::string owner = dns_name(kService);
  const std::size_t own_place = 12 + owner.size() + 4 + owner.size() + 10 + 6;  // a name that points to itself
  const std::string endless =
      dns_u16(0) + dns_u16(0) + dns_u16(5222) + dns_u16(static_cast<unsigned>(0xc000 + own_place));
  const DnsReply lies[] = {
      {.records = {long_data}},
      {.records = {whole}, .count = 3},
      {.records = {whole}, .cut = 1},
      {.records = {whole}, .cut = whole.size()},
      {.records = {dns_record(kService, 33, "short")}},
      {.records = {dns_record(kService, 33, endless)}},
  };
  for (const DnsReply& lie : lies) {
    dns.tell(kService, FakeDns::kSrv, lie);
    Resolver resolver{loop.core, dns.options()};

    const auto answer = wait_for(loop, resolver.srv(kService));

    ASSERT_FALSE(answer) << &lie - lies;
    EXPECT_EQ(answer.error().code, Errc::io) << answer.error().message;
    EXPECT_THAT(answer.error().message, HasSubstr(kService));
  }
}

TEST(Resolver, ServersThatRefuseOrFailAreErrorsInWords) {
  Loop loop;
  FakeDns dns{loop.core};
  Resolver resolver{loop.core, dns.options()};
  for (const int code : {1, 2, 4, 5}) {
    dns.tell(kService, FakeDns::kSrv, {.code = code});

    const auto answer = wait_for(loop, resolver.srv(kService));

    ASSERT_FALSE(answer) << code;
    EXPECT_EQ(answer.error().code, Errc::unavailable) << answer.error().message;
    EXPECT_THAT(answer.error().message, HasSubstr(kService));
  }
}

TEST(Resolver, SilenceEndsInATimeout) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.tell(kService, FakeDns::kSrv, {.silent = true});
  auto options = dns.options();
  options.attempt = milliseconds{200};  // in which the question arrives
  options.attempts = 2;
  Resolver impatient{loop.core, options};
  options.attempt = std::chrono::hours{1};
  options.limit = milliseconds{500};
  Resolver limited{loop.core, options};

  for (Resolver* resolver : {&impatient, &limited}) {
    const auto answer = wait_for(loop, resolver->srv(kService));

    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::timeout);
    EXPECT_EQ(answer.error().message, fmt::format("no DNS server answered the question for {} in time", kService));
  }
  EXPECT_EQ(dns.questions().size(), 3u);  // two attempts of the first, one of the other
}

TEST(Resolver, TheNextServerAnswersWhenTheFirstIsDead) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_srv(kService, {dns_srv(kService, 0, 0, 5222, "host.example.org")});
  auto options = dns.options();
  FakeDns silent{loop.core};
  silent.tell(kService, FakeDns::kSrv, {.silent = true});
  options.servers = {silent.server(), dns.server()};
  options.attempt = milliseconds{500};
  Resolver resolver{loop.core, options};

  const auto answer = wait_for(loop, resolver.srv(kService));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(targets(answer->records), ElementsAre("host.example.org"));
}

TEST(Resolver, AnswersForSeveralNamesComeTogether) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_srv(kService, {dns_srv(kService, 0, 0, 5222, "host.example.org")});
  dns.tell("_broken._tcp.example.org", FakeDns::kSrv, {.code = 2});
  Resolver resolver{loop.core, dns.options()};
  std::vector<std::string> names{kService, "_none._tcp.example.org", "_broken._tcp.example.org"};

  const auto answers = wait_for(loop, resolver.srv(std::move(names)));

  ASSERT_TRUE(answers);
  ASSERT_EQ(answers->size(), 3u);
  EXPECT_EQ(answers->at(0)->records.size(), 1u);
  EXPECT_THAT(answers->at(1)->records, IsEmpty());
  EXPECT_FALSE(answers->at(2));
}

TEST(Resolver, RefusesNamesThatTheDnsCannotHaveAndServersThatAreNone) {
  Loop loop;
  Resolver resolver{loop.core};
  for (const char* name : {"", "a b",
                           "b\xc3\xbc"
                           "cher.example",
                           "..", "a\\.b"}) {
    const auto srv = wait_for(loop, resolver.srv(name));
    const auto addresses = wait_for(loop, resolver.addresses(name));
    ASSERT_FALSE(srv || addresses) << name;
    EXPECT_EQ(srv.error().code, Errc::bad_request);
    EXPECT_EQ(addresses.error().code, Errc::bad_request);
  }
  for (const char* server :
       {"", "dns.example.org", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "[::1", "::1]:53"}) {
    Resolver::Options options;
    options.servers = {server};
    Resolver misconfigured{loop.core, options};

    const auto answer = wait_for(loop, misconfigured.srv(kService));

    ASSERT_FALSE(answer) << server;
    EXPECT_EQ(answer.error().code, Errc::invalid_config);
    EXPECT_THAT(answer.error().message, HasSubstr(server));
  }
}

// Addresses ----------------------------------------------------------------------------------------------------------

TEST(Resolver, FindsBothFamiliesIpv6First) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_address("host.example.org", "192.0.2.1");
  dns.has_address("host.example.org", "192.0.2.2");
  dns.has_address("host.example.org", "2001:db8::1");
  Resolver resolver{loop.core, dns.options()};

  const auto found = wait_for(loop, resolver.addresses("host.example.org."));

  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 3u);
  EXPECT_EQ(found->front(), make_address("2001:db8::1"));
  EXPECT_TRUE((*found)[1].is_v4() && (*found)[2].is_v4());
}

TEST(Resolver, FollowsAnAliasToTheAddresses) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.tell("www.example.org", FakeDns::kA,
           {{dns_cname("www.example.org", "host.example.org"), dns_address("host.example.org", "192.0.2.1")}});
  Resolver resolver{loop.core, dns.options()};

  const auto found = wait_for(loop, resolver.addresses("www.example.org"));

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(*found, ElementsAre(make_address("192.0.2.1")));
}

TEST(Resolver, OneFamilyIsEnoughWhenTheOtherIsSlowOrBroken) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_address("host.example.org", "192.0.2.1");
  Resolver resolver{loop.core, dns.options()};
  for (const DnsReply& reply : {DnsReply{.silent = true}, DnsReply{.code = 2}, DnsReply{.records = {"\1"}}}) {
    dns.tell("host.example.org", FakeDns::kAaaa, reply);

    const auto found = wait_for(loop, resolver.addresses("host.example.org"));

    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(*found, ElementsAre(make_address("192.0.2.1")));
  }
}

TEST(Resolver, AHostWithoutAddressesIsNotFound) {
  Loop loop;
  FakeDns dns{loop.core};
  Resolver resolver{loop.core, dns.options()};

  const auto found = wait_for(loop, resolver.addresses("host.example.org"));

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error(), (Error{Errc::not_found, "host.example.org has no address in the DNS"}));
  EXPECT_THAT(dns.questions(), ElementsAre("udp 28 host.example.org", "udp 1 host.example.org"));  // no search domains
}

TEST(Resolver, SaysWhyThereAreNoAddresses) {
  Loop loop;
  FakeDns dns{loop.core};
  Resolver resolver{loop.core, dns.options()};
  dns.tell("host.example.org", FakeDns::kA, {.code = 2});

  const auto broken = wait_for(loop, resolver.addresses("host.example.org"));
  dns.tell("host.example.org", FakeDns::kA, {.records = {dns_record("host.example.org", 1, "short")}});
  const auto malformed = wait_for(loop, resolver.addresses("host.example.org"));

  ASSERT_FALSE(broken || malformed);
  EXPECT_EQ(broken.error().code, Errc::unavailable);
  EXPECT_EQ(malformed.error().code, Errc::io);
}

TEST(Resolver, GivesABoundedNumberOfAddresses) {
  Loop loop;
  FakeDns dns{loop.core};
  DnsReply many{.truncated = true};
  for (int i = 0; i < 200; ++i) many.records.push_back(dns_address("host.example.org", fmt::format("10.0.0.{}", i)));
  dns.tell("host.example.org", FakeDns::kA, many);
  Resolver resolver{loop.core, dns.options()};

  const auto found = wait_for(loop, resolver.addresses("host.example.org"));

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->size(), Resolver::kMost);
}

TEST(Resolver, AnAddressIsItsOwnAnswer) {
  Loop loop;
  FakeDns dns{loop.core};
  Resolver resolver{loop.core, dns.options()};

  EXPECT_THAT(*wait_for(loop, resolver.addresses("192.0.2.7")), ElementsAre(make_address("192.0.2.7")));
  EXPECT_THAT(*wait_for(loop, resolver.addresses("2001:db8::7")), ElementsAre(make_address("2001:db8::7")));
  EXPECT_THAT(*wait_for(loop, resolver.addresses("[2001:db8::7]")), ElementsAre(make_address("2001:db8::7")));
  EXPECT_THAT(dns.questions(), IsEmpty());
}

TEST(Resolver, TheHostsFileComesBeforeTheDns) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.has_address("localhost", "192.0.2.1");
  Resolver resolver{loop.core, dns.options()};

  const auto found = wait_for(loop, resolver.addresses("localhost"));

  ASSERT_TRUE(found) << found.error().message;
  for (const address& one : *found) EXPECT_TRUE(one.is_loopback()) << one;
  EXPECT_THAT(dns.questions(), IsEmpty());
}

// The end ------------------------------------------------------------------------------------------------------------

Task<void> cancel_both(Resolver& resolver, int& ended) {
  const auto srv = co_await within(milliseconds{1}, resolver.srv(kService));
  EXPECT_EQ(srv.error().code, Errc::timeout);
  ++ended;
  const auto found = co_await within(milliseconds{1}, resolver.addresses("host.example.org"));
  EXPECT_EQ(found.error().code, Errc::timeout);
  ++ended;
}

TEST(Resolver, EndsWhenItsOwnerDoesNotWaitAnyLonger) {
  Loop loop;
  FakeDns dns{loop.core};
  dns.tell(kService, FakeDns::kSrv, {.silent = true});
  dns.tell("host.example.org", FakeDns::kA, {.silent = true});
  dns.tell("host.example.org", FakeDns::kAaaa, {.silent = true});
  auto options = dns.options();
  options.attempt = options.limit = std::chrono::hours{1};
  Resolver resolver{loop.core, options};
  int ended = 0;

  loop.run(cancel_both(resolver, ended));

  EXPECT_EQ(ended, 2);
}

TEST(Resolver, DiesWithItsCore) {
  auto loop = std::make_unique<Loop>();
  auto dns = std::make_unique<FakeDns>(loop->core);
  dns->tell(kService, FakeDns::kSrv, {.silent = true});
  Resolver resolver{loop->core, dns->options()};
  std::optional<Result<SrvAnswer>> answer;
  boost::asio::co_spawn(loop->core.io(), keep(resolver.srv(kService), answer), boost::asio::detached);
  while (dns->questions().empty()) loop->core.io().run_one();

  dns.reset();
  loop.reset();

  EXPECT_FALSE(answer);
}

}  // namespace
}  // namespace anser::net
