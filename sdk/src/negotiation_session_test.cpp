// From the login to the session, and the login of before XMPP 1.0.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/test_talk.h"

namespace anser::sdk {
namespace {

using test::Script;
using test::ServerOptions;
using test::Talk;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Resume kOld{"some-long-sm-id", 12, "romeo@montague.example/balcony"};
const std::string kBind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
const std::string kManagement = "<sm xmlns='urn:xmpp:sm:3'/>";
const std::string kCompression =
    "<compression xmlns='http://jabber.org/features/compress'><method>lzw</method><method>zlib</method></compression>";
const std::string kSession = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>";

std::string open(std::string_view features) {
  return fmt::format(
      "<stream:stream id='3EE948B0' version='1.0' xmlns='jabber:client' "
      "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>{}</stream:features>",
      features);
}

std::string bound(std::string_view address) {
  return fmt::format(
      "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{}</jid></bind></iq>", address);
}

std::string error(std::string_view id, std::string_view condition) {
  return fmt::format(
      "<iq type='error' id='{}'><error type='cancel'><{} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
      id, condition);
}

ConnectionConfiguration compressing() {
  auto configuration = Talk::configured();
  configuration.compression_enabled = true;
  return configuration;
}

// A machine that has just been let in by PLAIN, and has seen these features since.
struct LoggedIn : Script {
  explicit LoggedIn(std::string_view features, ConnectionConfiguration configuration = Talk::configured(),
                    std::string resource = {}, std::optional<Resume> resume = std::nullopt)
      : Script(std::move(configuration)) {
    is_secured({});
    hears(open("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"));
    logs_in({.username = "romeo", .password = "pencil", .resource = std::move(resource)}, std::move(resume));
    EXPECT_EQ(hears("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"), Next::restart);
    EXPECT_THAT(said, HasSubstr("from='romeo@montague.example'"));
    first = hears(open(features));
  }

  Next first;
};

// ---- binding --------------------------------------------------------------------------------------------------------

TEST(NegotiationSession, LetsTheServerChooseAnAddress) {
  LoggedIn script{kBind};
  EXPECT_EQ(script.first, Next::wait);
  EXPECT_EQ(script.said, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");

  EXPECT_EQ(script.hears(bound("romeo@montague.example/4db06f06-1ea4-11dc-aca3-000bcd821bfb")), Next::logged_in);

  EXPECT_EQ(script.facts().address, "romeo@montague.example/4db06f06-1ea4-11dc-aca3-000bcd821bfb");
  EXPECT_FALSE(script.facts().management || script.facts().resumed || script.facts().lost);
}

TEST(NegotiationSession, TakesAnotherResourceThanItAskedFor) {
  LoggedIn script{kBind, Talk::configured(), "balcony"};

  EXPECT_EQ(script.hears(bound("romeo@montague.example/balcony 4db06f06")), Next::logged_in);

  EXPECT_EQ(script.facts().address, "romeo@montague.example/balcony 4db06f06");
}

TEST(NegotiationSession, EscapesTheResource) {
  LoggedIn script{kBind, Talk::configured(), "<&>"};

  EXPECT_THAT(script.said, HasSubstr("<resource>&lt;&amp;&gt;</resource>"));
}

TEST(NegotiationSession, TellsWhyNoAddressIsBound) {
  for (const auto* condition : {"conflict", "bad-request", "resource-constraint", "not-allowed"}) {
    LoggedIn script{kBind, Talk::configured(), "balcony"};

    EXPECT_EQ(script.hears(error("bind", condition)), Next::failed);

    EXPECT_EQ(script.error().code, Errc::stanza);
    EXPECT_EQ(script.error().condition, condition);
    EXPECT_THAT(script.error().message, HasSubstr("bind the resource"));
    EXPECT_EQ(script.said, "</stream:stream>");
  }
}

TEST(NegotiationSession, RefusesAnAddressThatIsNotTheAccounts) {
  for (const auto* address : {"paris@montague.example/balcony", "romeo@capulet.example/balcony", "montague.example/x",
                              "romeo@montague.example", "", "a b@c/d"}) {
    LoggedIn script{kBind};

    EXPECT_EQ(script.hears(bound(address)), Next::failed) << address;

    EXPECT_EQ(script.error().code, Errc::protocol);
  }
}

TEST(NegotiationSession, TakesAnyAddressOfTheServiceForNobodyInParticular) {
  for (const auto& [address, next] :
       {std::pair{"x7@montague.example/y", Next::logged_in}, {"x7@capulet.example/y", Next::failed}}) {
    Script script;
    script.is_secured({});
    script.hears(
        open("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms>"));
    script.logs_in({.kind = Credentials::Kind::anonymous});
    script.hears("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    EXPECT_THAT(script.said, Not(HasSubstr("from")));
    script.hears(open(kBind));

    EXPECT_EQ(script.hears(bound(address)), next) << address;
  }
}

TEST(NegotiationSession, RefusesAnAnswerToAnotherRequestOrOfAnother) {
  for (const auto* wrong :
       {"<iq type='result' id='other'/>", "<iq type='set' id='bind'/>",
        "<iq type='result' id='bind' from='paris@montague.example'/>", "<message/>", "<presence/>"}) {
    LoggedIn script{kBind};

    EXPECT_EQ(script.hears(wrong), Next::failed) << wrong;

    EXPECT_EQ(script.error().code, Errc::protocol);
    EXPECT_THAT(script.delivered, ElementsAre());
  }
}

TEST(NegotiationSession, NeedsAnAddressToBeOffered) {
  LoggedIn script{kManagement};

  EXPECT_EQ(script.first, Next::failed);
  EXPECT_EQ(script.error().code, Errc::protocol);
}

TEST(NegotiationSession, AsksOldServersForASession) {
  LoggedIn script{kBind + kSession};

  EXPECT_EQ(script.hears(bound("romeo@montague.example/x")), Next::wait);
  EXPECT_EQ(script.said, "<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
  EXPECT_EQ(script.hears("<message from='juliet@capulet.example'/>"), Next::wait);
  EXPECT_EQ(script.hears("<iq type='result' id='session' from='montague.example'/>"), Next::logged_in);

  EXPECT_THAT(script.delivered, ElementsAre("<message from='juliet@capulet.example'/>"));
}

TEST(NegotiationSession, DoesNotAskForASessionThatIsOptional) {
  LoggedIn script{kBind + "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"};

  EXPECT_EQ(script.hears(bound("romeo@montague.example/x")), Next::logged_in);
}

TEST(NegotiationSession, TellsThatThereIsNoSession) {
  LoggedIn script{kBind + kSession};
  script.hears(bound("romeo@montague.example/x"));

  EXPECT_EQ(script.hears(error("session", "forbidden")), Next::failed);

  EXPECT_EQ(script.error().condition, "forbidden");
}

TEST(NegotiationSession, BelievesOnlyTheServerThatThereIsASession) {
  LoggedIn script{kBind + kSession};
  script.hears(bound("romeo@montague.example/x"));

  EXPECT_EQ(script.hears("<iq type='result' id='session' from='paris@capulet.example/x'/>"), Next::failed);

  EXPECT_EQ(script.error().code, Errc::protocol);
}

// ---- stream management ----------------------------------------------------------------------------------------------

TEST(NegotiationSession, EnablesStreamManagement) {
  LoggedIn script{kBind + kManagement};

  EXPECT_EQ(script.hears(bound("romeo@montague.example/x")), Next::wait);
  EXPECT_EQ(script.said, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  // XEP-0198 §5, example 11.
  EXPECT_EQ(script.hears("<enabled xmlns='urn:xmpp:sm:3' id='some-long-sm-id' location='[2001:41D0:1:A49b::1]:9222' "
                         "resume='true' max='600'/>"),
            Next::logged_in);

  const auto& management = script.facts().management;
  ASSERT_TRUE(management);
  EXPECT_EQ(management->id, "some-long-sm-id");
  EXPECT_EQ(management->location, (Whereabouts{"2001:41D0:1:A49b::1", 9222}));
  EXPECT_EQ(management->max, 600u);
  EXPECT_TRUE(management->resumable);
}

TEST(NegotiationSession, DoesNotResumeWhereTheServerDoesNotSaySo) {
  for (const auto* enabled : {"<enabled xmlns='urn:xmpp:sm:3'/>", "<enabled xmlns='urn:xmpp:sm:3' resume='true'/>",
                              "<enabled xmlns='urn:xmpp:sm:3' id='some-long-sm-id' max='soon'/>"}) {
    LoggedIn script{kBind + kManagement};
    script.hears(bound("romeo@montague.example/x"));

    EXPECT_EQ(script.hears(enabled), Next::logged_in) << enabled;

    ASSERT_TRUE(script.facts().management);
    EXPECT_FALSE(script.facts().management->resumable);
    EXPECT_EQ(script.facts().management->max, 0u);
  }
}

TEST(NegotiationSession, GoesWithoutStreamManagement) {
  LoggedIn refused{kBind + kManagement};
  refused.hears(bound("romeo@montague.example/x"));
  // XEP-0198 §6, example 16.
  EXPECT_EQ(refused.hears("<failed xmlns='urn:xmpp:sm:3'><unexpected-request "
                          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"),
            Next::logged_in);
  EXPECT_FALSE(refused.facts().management);

  auto configuration = Talk::configured();
  configuration.stream_management = false;
  LoggedIn unwanted{kBind + kManagement, configuration};
  EXPECT_EQ(unwanted.hears(bound("romeo@montague.example/x")), Next::logged_in);
}

TEST(NegotiationSession, AsksForNoResumptionThatIsNotWanted) {
  auto configuration = Talk::configured();
  configuration.resumption = false;
  LoggedIn script{kBind + kManagement, configuration};
  script.hears(bound("romeo@montague.example/x"));

  EXPECT_EQ(script.said, "<enable xmlns='urn:xmpp:sm:3'/>");
  script.hears("<enabled xmlns='urn:xmpp:sm:3' id='some-long-sm-id' resume='true'/>");
  EXPECT_FALSE(script.facts().management->resumable);
}

TEST(NegotiationSession, GivesBackWhatComesMeanwhile) {
  LoggedIn script{kBind + kManagement};
  script.hears(bound("romeo@montague.example/x"));

  EXPECT_EQ(script.hears("<message id='1'/><iq type='get' id='2'/><presence id='3'/><enabled xmlns='urn:xmpp:sm:3'/>"),
            Next::logged_in);

  EXPECT_THAT(script.delivered, ElementsAre("<message id='1'/>", "<iq type='get' id='2'/>", "<presence id='3'/>"));
}

TEST(NegotiationSession, DoesNotWaitForEver) {
  LoggedIn script{kBind + kManagement};
  script.hears(bound("romeo@montague.example/x"));
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(script.hears("<message/>"), Next::wait);

  EXPECT_EQ(script.hears("<message/>"), Next::failed);

  EXPECT_THAT(script.error().message, HasSubstr("too many stanzas"));
}

// ---- the old session ------------------------------------------------------------------------------------------------

TEST(NegotiationSession, GoesOnWithTheOldSession) {
  LoggedIn script{kBind + kManagement, Talk::configured(), "", kOld};
  EXPECT_EQ(script.said, "<resume xmlns='urn:xmpp:sm:3' h='12' previd='some-long-sm-id'/>");

  EXPECT_EQ(script.hears("<resumed xmlns='urn:xmpp:sm:3' h='4294967295' previd='some-long-sm-id'/>"), Next::logged_in);

  EXPECT_TRUE(script.facts().resumed);
  EXPECT_EQ(script.facts().handled, 4'294'967'295u);
  EXPECT_EQ(script.facts().address, "romeo@montague.example/balcony");
}

TEST(NegotiationSession, BeginsANewSessionWhereTheOldOneIsLost) {
  LoggedIn script{kBind + kManagement, Talk::configured(), "", kOld};

  EXPECT_EQ(script.hears("<failed xmlns='urn:xmpp:sm:3' h='7'><item-not-found "
                         "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"),
            Next::wait);
  EXPECT_THAT(script.said, HasSubstr("id='bind'"));
  script.hears(bound("romeo@montague.example/x"));
  EXPECT_EQ(script.hears("<enabled xmlns='urn:xmpp:sm:3' id='new' resume='true'/>"), Next::logged_in);

  EXPECT_TRUE(script.facts().lost);
  EXPECT_EQ(script.facts().handled, 7u);
  EXPECT_EQ(script.facts().management->id, "new");
}

TEST(NegotiationSession, LosesTheOldSessionOnAServerThatHasNone) {
  LoggedIn script{kBind, Talk::configured(), "", kOld};

  EXPECT_EQ(script.hears(bound("romeo@montague.example/x")), Next::logged_in);

  EXPECT_TRUE(script.facts().lost);
  EXPECT_FALSE(script.facts().handled);
}

TEST(NegotiationSession, RefusesASessionThatItHasNotAskedFor) {
  for (const auto* wrong :
       {"<resumed xmlns='urn:xmpp:sm:3' h='1' previd='another'/>", "<resumed xmlns='urn:xmpp:sm:3' h='1'/>",
        "<resumed xmlns='urn:xmpp:sm:3' h='-1' previd='some-long-sm-id'/>",
        "<resumed xmlns='urn:xmpp:sm:3' previd='some-long-sm-id'/>", "<enabled xmlns='urn:xmpp:sm:3'/>"}) {
    LoggedIn script{kBind + kManagement, Talk::configured(), "", kOld};

    EXPECT_EQ(script.hears(wrong), Next::failed) << wrong;

    EXPECT_EQ(script.error().code, Errc::protocol);
    EXPECT_FALSE(script.facts().resumed);
  }
}

TEST(NegotiationSession, DoesNotGoOnWithAnotherAccountsSession) {
  LoggedIn script{kBind + kManagement, Talk::configured(), "",
                  Resume{"some-long-sm-id", 12, "paris@montague.example/x"}};

  EXPECT_EQ(script.hears("<resumed xmlns='urn:xmpp:sm:3' h='1' previd='some-long-sm-id'/>"), Next::failed);

  EXPECT_EQ(script.error().code, Errc::protocol);
}

// ---- compression ----------------------------------------------------------------------------------------------------

TEST(NegotiationSession, CompressesBeforeAnythingElse) {
  LoggedIn script{kCompression + kBind + kManagement, compressing(), "", kOld};
  EXPECT_EQ(script.said, "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>");

  EXPECT_EQ(script.hears("<compressed xmlns='http://jabber.org/protocol/compress'/>"), Next::start_compression);
  EXPECT_EQ(script.is_compressed(), Next::restart);
  EXPECT_TRUE(script.said.starts_with("<?xml version='1.0'?><stream:stream from='romeo@montague.example'"));
  EXPECT_EQ(script.hears(open(kCompression + kBind + kManagement)), Next::wait);

  EXPECT_THAT(script.said, HasSubstr("<resume"));  // and not again
  EXPECT_TRUE(script.facts().compressed);
}

TEST(NegotiationSession, GoesOnUncompressedWhereItFails) {
  for (const auto* why : {"unsupported-method", "setup-failed"}) {
    LoggedIn script{kCompression + kBind, compressing()};

    EXPECT_EQ(script.hears(fmt::format("<failure xmlns='http://jabber.org/protocol/compress'><{}/></failure>", why)),
              Next::wait);

    EXPECT_THAT(script.said, HasSubstr("id='bind'"));
    EXPECT_FALSE(script.facts().compressed);
  }
}

TEST(NegotiationSession, CompressesOnlyWhereBothWant) {
  for (const auto& script : {LoggedIn{kCompression + kBind}, LoggedIn{kBind, compressing()},
                             LoggedIn{"<compression xmlns='http://jabber.org/features/compress'><method>lzw</method>"
                                      "</compression>" +
                                          kBind,
                                      compressing()}})
    EXPECT_THAT(script.said, HasSubstr("id='bind'"));
}

TEST(NegotiationSession, RefusesWhatFollowsTheWordToCompress) {
  LoggedIn script{kCompression + kBind, compressing()};
  script.hears("<compressed xmlns='http://jabber.org/protocol/compress'/>");

  EXPECT_EQ(script.hears_left_over(), Next::failed);

  EXPECT_EQ(script.error().code, Errc::protocol);
}

// ---- before XMPP 1.0 ------------------------------------------------------------------------------------------------

struct OldServer : Script {
  explicit OldServer(SecurityMode security = SecurityMode::required, bool plain_in_the_clear = false)
      : Script(configured(security, plain_in_the_clear)) {
    if (security == SecurityMode::required) {
      is_secured();
    } else {
      starts();
    }
    EXPECT_EQ(hears(open("<auth xmlns='http://jabber.org/features/iq-auth'/>")), Next::connected);
  }
  static ConnectionConfiguration configured(SecurityMode security, bool plain_in_the_clear) {
    auto configuration = Talk::configured();
    configuration.security = security;
    configuration.sasl_enabled = false;
    configuration.plain_in_the_clear = plain_in_the_clear;
    return configuration;
  }
};

std::string fields(std::string_view more) {
  return fmt::format(
      "<iq type='result' id='auth-1'><query xmlns='jabber:iq:auth'><username/>{}<resource/></query></iq>", more);
}

// XEP-0078 §3.1, examples 1, 2, 4 and 5.
TEST(NegotiationSession, LogsInByADigestOnAnOldServer) {
  OldServer script;

  EXPECT_EQ(script.logs_in({.username = "bill", .password = "Calli0pe", .resource = "globe"}), Next::wait);
  EXPECT_EQ(script.said,
            "<iq type='get' to='montague.example' id='auth-1'><query xmlns='jabber:iq:auth'><username>bill</username>"
            "</query></iq>");
  EXPECT_EQ(script.hears(fields("<password/><digest/>")), Next::wait);
  EXPECT_EQ(script.said,
            "<iq type='set' to='montague.example' id='auth-2'><query xmlns='jabber:iq:auth'><username>bill</username>"
            "<digest>48fc78be9ec8f86d8ce1c39c320c97c21d62334d</digest><resource>globe</resource></query></iq>");
  EXPECT_EQ(script.hears("<iq type='result' id='auth-2'/>"), Next::logged_in);

  EXPECT_EQ(script.facts().address, "bill@montague.example/globe");
  EXPECT_EQ(script.facts().mechanism, "jabber:iq:auth");
}

TEST(NegotiationSession, ShowsAnOldServerThePasswordOnlyWhereItMay) {
  const auto outcome = [](SecurityMode security, bool plain_in_the_clear) {
    OldServer script{security, plain_in_the_clear};
    script.logs_in();
    const Next next = script.hears(fields("<password/>"));
    return next == Next::refused ? std::string{name_of(script.error().code)} : script.said;
  };

  EXPECT_THAT(outcome(SecurityMode::required, false),
              HasSubstr("<username>romeo</username><password>pencil</password><resource>anser</resource>"));
  EXPECT_EQ(outcome(SecurityMode::disabled, false), "insecure");
  EXPECT_THAT(outcome(SecurityMode::disabled, true), HasSubstr("<password>pencil</password>"));
}

TEST(NegotiationSession, TellsWhyAnOldServerDoesNotLetUsIn) {
  for (const auto& [condition, code] : {std::pair{"not-authorized", Errc::authentication},
                                        {"conflict", Errc::stanza},
                                        {"not-acceptable", Errc::stanza}}) {
    OldServer script;
    script.logs_in();
    script.hears(fields("<password/>"));

    EXPECT_EQ(script.hears(error("auth-2", condition)), Next::refused);

    EXPECT_EQ(script.error().code, code);
    EXPECT_EQ(script.error().condition, condition);
    EXPECT_EQ(script.logs_in(), Next::wait);  // again
  }
}

TEST(NegotiationSession, TellsThatAServerHasNoOldLogin) {
  OldServer script;
  script.logs_in();

  EXPECT_EQ(script.hears(error("auth-1", "service-unavailable")), Next::refused);

  EXPECT_EQ(script.error().code, Errc::unsupported);
}

TEST(NegotiationSession, RefusesWhatTheOldLoginCannotDo) {
  OldServer script;

  EXPECT_EQ(script.logs_in({.kind = Credentials::Kind::anonymous}), Next::refused);
  EXPECT_EQ(script.error().code, Errc::unsupported);
  EXPECT_EQ(script.logs_in({.username = "romeo", .password = "\x01"}), Next::refused);
  EXPECT_EQ(script.error().code, Errc::invalid_argument);
  script.logs_in();
  EXPECT_EQ(script.hears(fields("<token/>")), Next::refused);
  EXPECT_EQ(script.error().code, Errc::unsupported);
  script.logs_in();
  EXPECT_EQ(script.hears("<iq type='result' id='auth-1'/>"), Next::failed);
  EXPECT_EQ(script.error().code, Errc::protocol);
}

}  // namespace
}  // namespace anser::sdk
