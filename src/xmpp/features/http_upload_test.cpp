// The examples of XEP-0363 §§3 to 6, and what they leave open.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "tests/support/fake_domain.h"
#include "xmpp/feature.h"
#include "xmpp/stanzas.h"

namespace anser::xmpp {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class FakeSlots final : public domain::UploadSlots {
 public:
  std::uint64_t max_file_size() const override { return limit; }
  std::chrono::seconds keeps_for() const override { return kept; }
  std::chrono::seconds retry_after() const override { return 300s; }
  void request(domain::SlotRequest request, std::function<void(Result<domain::Slot>)> done) override {
    requests.push_back(std::move(request));
    boost::asio::post(net::Core::current()->io(), [answer = answer, done = std::move(done)] { done(answer); });
  }

  std::uint64_t limit = 5'242'880;
  std::chrono::seconds kept{0};
  Result<domain::Slot> answer = domain::Slot{"https://upload.montague.tld/4a77/tr%C3%A8s%20cool.jpg?slot=x&y",
                                             "https://upload.montague.tld/4a77/tr%C3%A8s%20cool.jpg"};
  std::vector<domain::SlotRequest> requests;
};

class HttpUploadTest : public testing::Test {
 protected:
  void SetUp() override { shared.slots = &slots; }

  std::string about() {
    const Features features{services};
    return features.host_info().to_string();
  }

  // What the host answers; an Errc's name where errors.cpp's table has the words.
  std::string asked(std::string_view request, bool temporary = false) {
    const Feature feature = http_upload(services);
    EXPECT_EQ(feature.entries.size(), 1U);
    Iq iq{{}, xml::parse_element(request).value(), Scope::host, domain::jid("montague.tld")};
    iq.envelope.from = domain::jid("romeo@montague.tld/garden");
    iq.envelope.facts.temporary_sender = temporary;
    std::optional<Reply> reply;
    auto& core = cores.at(0);
    boost::asio::co_spawn(core.io(), feature.entries.at(0).handler(std::move(iq)),
                          [&](std::exception_ptr thrown, Reply answered) {
                            EXPECT_FALSE(thrown);
                            reply = std::move(answered);
                            core.stop();
                          });
    core.io().restart();
    core.run();
    if (!reply) return "no answer";
    return *reply ? (**reply)->to_string() : name_of(reply->error().code) + (": " + reply->error().message);
  }
  static std::string request(std::string_view purpose = {}, std::string_view size = "23456") {
    return "<request xmlns='urn:xmpp:http:upload:0' filename='très cool.jpg' size='" + std::string{size} +
           "' content-type='image/jpeg'>" + std::string{purpose} + "</request>";
  }
  static std::string purpose(std::string_view name, std::string_view more = {}) {
    return "<" + std::string{name} + " xmlns='urn:xmpp:http:upload:purpose:0' " + std::string{more} + "/>";
  }

  FakeSlots slots;
  domain::FakeAccounts accounts;
  domain::FakeStorage storage{accounts};
  domain::FakeLog log;
  domain::FakePost post;
  domain::FakeClock clock;
  domain::Hosts hosts{{{"montague.tld", {}}}, {}};
  LoginGuard guard{LoginGuard::Limits{}};
  net::Cores cores{1};
  net::Workers workers{1, 1};
  Shared shared{{cores, workers, storage, post, clock, hosts, guard, "secret"}};
  domain::Router router{0, 1, hosts, storage, log, post, clock};
  Services services{shared, cores.at(0), router};
};

TEST_F(HttpUploadTest, IsToldOfInDiscovery) {  // example 4
  const std::string info = about();

  EXPECT_THAT(info, HasSubstr("<identity category='store' type='file' name='HTTP File Upload'/>"));
  EXPECT_THAT(info, HasSubstr("<feature var='urn:xmpp:http:upload:0'/>"));
  EXPECT_THAT(info, HasSubstr("<x xmlns='jabber:x:data' type='result'>"
                              "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:http:upload:0</value></field>"
                              "<field var='max-file-size'><value>5242880</value></field></x>"));
}

TEST_F(HttpUploadTest, IsPartOfTheCapabilitiesHash) {
  slots.limit = 1;
  const std::string one = caps_hash(Features{services}.host_info());
  slots.limit = 2;
  const std::string two = caps_hash(Features{services}.host_info());

  EXPECT_NE(one, two);
}

TEST_F(HttpUploadTest, IsNotToldOfWhereItIsSwitchedOff) {
  shared.slots = nullptr;

  EXPECT_THAT(about(), Not(HasSubstr("upload")));
  EXPECT_THAT(about(), Not(HasSubstr("category='store'")));
  EXPECT_TRUE(http_upload(services).entries.empty());
}

TEST_F(HttpUploadTest, GivesASlot) {  // examples 5 and 6
  EXPECT_EQ(asked(request()),
            "<slot xmlns='urn:xmpp:http:upload:0'>"
            "<put url='https://upload.montague.tld/4a77/tr%C3%A8s%20cool.jpg?slot=x&amp;y'/>"
            "<get url='https://upload.montague.tld/4a77/tr%C3%A8s%20cool.jpg'/></slot>");

  ASSERT_EQ(slots.requests.size(), 1U);
  const auto& wanted = slots.requests[0];
  EXPECT_EQ(wanted.owner.full(), "romeo@montague.tld");
  EXPECT_EQ(wanted.name, "très cool.jpg");
  EXPECT_EQ(wanted.size, 23456U);
  EXPECT_EQ(wanted.type, "image/jpeg");
  EXPECT_EQ(wanted.expire_before, Time{});
}

TEST_F(HttpUploadTest, TakesEveryPurpose) {  // examples 7 to 10
  for (const auto* name : {"message", "profile", "permanent"})
    EXPECT_THAT(asked(request(purpose(name))), HasSubstr("<slot")) << name;
  EXPECT_THAT(asked(request(purpose("ephemeral", "expire-before='2025-09-10T23:08:25Z'"))), HasSubstr("<slot"));

  ASSERT_EQ(slots.requests.size(), 4U);
  EXPECT_EQ(slots.requests[2].expire_before, Time{});
  EXPECT_EQ(to_xmpp_date(slots.requests[3].expire_before), "2025-09-10T23:08:25.000Z");
  for (const auto* name : {"message", "profile", "ephemeral", "permanent"})
    EXPECT_THAT(about(), HasSubstr("<feature var='urn:xmpp:http:upload:purpose:0#" + std::string{name} + "'/>"));
}

TEST_F(HttpUploadTest, PromisesNothingForEverWhereFilesEnd) {
  slots.kept = 24h;

  EXPECT_THAT(about(), Not(HasSubstr("#permanent")));
  EXPECT_THAT(about(), Not(HasSubstr("#profile")));
  EXPECT_THAT(about(), HasSubstr("#ephemeral"));
  EXPECT_THAT(asked(request(purpose("permanent"))), HasSubstr("unsupported: files are kept for 86400 s"));
  EXPECT_THAT(asked(request(purpose("message"))), HasSubstr("<slot"));
}

TEST_F(HttpUploadTest, RefusesAPurposeThatIsNone) {
  EXPECT_THAT(asked(request(purpose("ephemeral"))), HasSubstr("bad_request: expire-before"));
  EXPECT_THAT(asked(request(purpose("ephemeral", "expire-before='tomorrow'"))), HasSubstr("bad_request"));
  EXPECT_THAT(asked(request(purpose("ephemeral", "expire-before='1970-01-01T00:00:00Z'"))),
              HasSubstr("not_acceptable"));
  EXPECT_THAT(asked(request(purpose("message") + purpose("profile"))), HasSubstr("one purpose"));
  EXPECT_THAT(asked(request(purpose("love-letter"))), HasSubstr("unsupported"));
  EXPECT_TRUE(slots.requests.empty());
}

TEST_F(HttpUploadTest, RefusesARequestWithoutANameOrASize) {
  EXPECT_THAT(asked("<request xmlns='urn:xmpp:http:upload:0' size='1'/>"), HasSubstr("bad_request: name the file"));
  EXPECT_THAT(asked("<request xmlns='urn:xmpp:http:upload:0' filename='a'/>"), HasSubstr("bad_request"));
  for (const auto* size : {"0", "-1", "+1", "1.5", "1 ", "0x10", "many"})
    EXPECT_THAT(asked(request({}, size)), HasSubstr("bad_request: the attribute size")) << size;
  EXPECT_TRUE(slots.requests.empty());
}

TEST_F(HttpUploadTest, TellsHowLargeAFileMayBe) {  // example 11
  slots.answer = fail(Errc::policy_violation, "File too large. The maximum file size is 20000 bytes");
  slots.limit = 20'000;

  EXPECT_EQ(asked(request()),
            "<error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>"
            "File too large. The maximum file size is 20000 bytes</text>"
            "<file-too-large xmlns='urn:xmpp:http:upload:0'><max-file-size>20000</max-file-size></file-too-large>"
            "</error>");
}

TEST_F(HttpUploadTest, TakesASizeBeyondAllNumbersForTooLarge) {
  asked(request({}, "99999999999999999999999999"));

  ASSERT_EQ(slots.requests.size(), 1U);
  EXPECT_EQ(slots.requests[0].size, UINT64_MAX);
}

TEST_F(HttpUploadTest, TellsWhenToComeAgain) {  // example 12
  slots.answer = fail(Errc::resource_limit, "Quota reached. You can only upload 5 files in 5 minutes");
  clock.time = Time{std::chrono::sys_days{std::chrono::year{2017} / 12 / 3} + 23h + 37min + 5s};

  EXPECT_EQ(asked(request()),
            "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>"
            "Quota reached. You can only upload 5 files in 5 minutes</text>"
            "<retry xmlns='urn:xmpp:http:upload:0' stamp='2017-12-03T23:42:05.000Z'/></error>");
}

TEST_F(HttpUploadTest, IsNotForWhoHasNoAccount) {  // example 13
  EXPECT_THAT(asked(request(), /*temporary=*/true), HasSubstr("forbidden: "));
  EXPECT_TRUE(slots.requests.empty());
}

TEST_F(HttpUploadTest, PassesOtherErrorsOn) {
  slots.answer = fail(Errc::unavailable, "uploads are switched off");

  EXPECT_EQ(asked(request()), "unavailable: uploads are switched off");
}

}  // namespace
}  // namespace anser::xmpp
