// Before the login: the stream, its security, and servers that lie about them.
#include "sdk/src/negotiation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/test_talk.h"

namespace anser::sdk {
namespace {

using test::Script;
using test::ServerOptions;
using test::Talk;
using testing::HasSubstr;

std::string header(std::string_view attributes = "from='montague.example' id='some-id' version='1.0'",
                   std::string_view ns = "jabber:client") {
  return fmt::format("<stream:stream {} xmlns='{}' xmlns:stream='http://etherx.jabber.org/streams'>", attributes, ns);
}

std::string features(std::string_view inner) { return fmt::format("<stream:features>{}</stream:features>", inner); }

const std::string kStartTls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const std::string kRequired = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>";
const std::string kProceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

ConnectionConfiguration with(SecurityMode security) {
  auto configuration = Talk::configured();
  configuration.security = security;
  return configuration;
}

// RFC 6120 §9.1, word for word but for the ids, and base64 in one line.
TEST(Negotiation, SpeaksAsTheExampleOfRfc6120Does) {
  ConnectionConfiguration configuration{"im.example.com"};
  configuration.language = "en";
  Script script{configuration, "juliet@im.example.com"};

  EXPECT_EQ(script.starts(), Next::wait);
  EXPECT_EQ(script.said,
            "<?xml version='1.0'?><stream:stream to='im.example.com' version='1.0' xml:lang='en' "
            "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
  const auto opened = [](std::string_view id) {
    return fmt::format(
        "<stream:stream from='im.example.com' id='{}' to='juliet@im.example.com' version='1.0' xml:lang='en' "
        "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
        id);
  };
  EXPECT_EQ(script.hears(opened("t7AMCin9zjMNwQKDnplntZPIDEI=")), Next::wait);
  EXPECT_EQ(script.hears(features(kRequired)), Next::wait);
  EXPECT_EQ(script.said, kStartTls);
  EXPECT_EQ(script.hears(kProceed), Next::start_tls);

  EXPECT_EQ(script.is_secured({}), Next::restart);
  EXPECT_THAT(script.said, HasSubstr("<stream:stream from='juliet@im.example.com' to='im.example.com' version='1.0'"));
  EXPECT_EQ(script.hears(opened("vgKi/bkYME8OAj4rlXMkpucAqe4=")), Next::wait);
  EXPECT_EQ(script.hears(features("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                                  "<mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>SCRAM-SHA-1</mechanism>"
                                  "<mechanism>PLAIN</mechanism></mechanisms>")),
            Next::connected);
  EXPECT_EQ(script.facts().stream_id, "vgKi/bkYME8OAj4rlXMkpucAqe4=");

  EXPECT_EQ(script.logs_in({.username = "juliet",
                            .password = "r0m30myr0m30",
                            .resource = "balcony",
                            .nonce = "oMsTAAwAAAAMAAAANP0TAAAAAABPU0AA"}),
            Next::wait);
  EXPECT_EQ(script.said,
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>"
            "biwsbj1qdWxpZXQscj1vTXNUQUF3QUFBQU1BQUFBTlAwVEFBQUFBQUJQVTBBQQ==</auth>");
  EXPECT_EQ(script.hears("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                         "cj1vTXNUQUF3QUFBQU1BQUFBTlAwVEFBQUFBQUJQVTBBQWUxMjQ2OTViLTY5Y"
                         "TktNGRlNi05YzMwLWI1MWIzODA4YzU5ZSxzPU5qaGtZVE0wTURndE5HWTBaaT"
                         "AwTmpkbUxUa3hNbVV0TkRsbU5UTm1ORE5rTURNeixpPTQwOTY=</challenge>"),
            Next::wait);
  EXPECT_EQ(script.said,
            "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
            "Yz1iaXdzLHI9b01zVEFBd0FBQUFNQUFBQU5QMFRBQUFBQUFCUFUwQUFlMTI0N"
            "jk1Yi02OWE5LTRkZTYtOWMzMC1iNTFiMzgwOGM1OWUscD1VQTU3dE0vU3ZwQV"
            "RCa0gyRlhzMFdEWHZKWXc9</response>");
  EXPECT_EQ(script.hears("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                         "dj1wTk5ERlZFUXh1WHhDb1NFaVc4R0VaKzFSU289</success>"),
            Next::restart);

  EXPECT_EQ(script.hears(opened("gPybzaOzBmaADgxKXu9UClbprp0=")), Next::wait);
  EXPECT_EQ(script.hears(features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")), Next::wait);
  EXPECT_EQ(
      script.said,
      "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>balcony</resource></bind>"
      "</iq>");
  EXPECT_EQ(script.hears("<iq id='bind' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                         "<jid>\n juliet@im.example.com/balcony\n</jid></bind></iq>"),
            Next::logged_in);
  EXPECT_EQ(script.facts().address, "juliet@im.example.com/balcony");
  EXPECT_EQ(script.facts().mechanism, "SCRAM-SHA-1");
}

TEST(Negotiation, RefusesANameThatNoServiceCanHave) {
  for (const auto* name : {"", "a b", "under_score..example"}) {
    Script script{ConnectionConfiguration{name}};

    EXPECT_EQ(script.starts(), Next::failed) << name;

    EXPECT_EQ(script.error().code, Errc::invalid_argument);
    EXPECT_EQ(script.said, "");
  }
}

// ---- the header -----------------------------------------------------------------------------------------------------

TEST(Negotiation, RefusesWhatIsNoStreamForClients) {
  const std::string wrong[]{
      "<html>",
      "<stream xmlns='jabber:client' id='1' version='1.0'>",
      header("id='1' version='1.0'", "jabber:server"),
      "<stream:stream id='1' version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>",
  };
  for (const auto& text : wrong) {
    Script script;
    script.starts();

    EXPECT_EQ(script.hears(text), Next::failed) << text;

    EXPECT_EQ(script.error().code, Errc::protocol);
    EXPECT_EQ(script.said, "</stream:stream>");
  }
}

TEST(Negotiation, RefusesAHeaderThatIsNotTheServices) {
  const std::string wrong[]{
      "from='capulet.example' id='1' version='1.0'",  "from='a b' id='1' version='1.0'",
      "from='montague.example' version='1.0'",        "from='montague.example' id='1' version='0.9'",
      "from='montague.example' id='1' version='one'",
  };
  for (const auto& attributes : wrong) {
    Script script;
    script.starts();

    EXPECT_EQ(script.hears(header(attributes) + features(kStartTls)), Next::failed) << attributes;

    EXPECT_EQ(script.error().code, Errc::protocol);
    EXPECT_EQ(script.said, "</stream:stream>");
  }
}

TEST(Negotiation, TakesAHeaderWithoutANameAndOneInOtherLetters) {
  for (const auto* attributes :
       {"id='1' version='1.0'", "from='' id='1' version='1.1'", "from='Montague.EXAMPLE' id='1' version='1.0'"}) {
    Script script;
    script.starts();

    EXPECT_EQ(script.hears(header(attributes) + features(kStartTls)), Next::wait) << attributes;
  }
}

// RFC 6120 §4.9.1.3: a server that does not know the name shows one that it has, then says what is wrong.
TEST(Negotiation, LetsAServerSayWhyItIsNotTheOne) {
  Script script;
  script.starts();

  EXPECT_EQ(script.hears(header("from='capulet.example' id='1' version='1.0'") +
                         "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"),
            Next::failed);

  EXPECT_EQ(script.error().code, Errc::stream);
  EXPECT_EQ(script.error().condition, "host-unknown");
}

TEST(Negotiation, TellsWhereTheServerSendsItsClients) {
  Script script;
  script.starts();

  EXPECT_EQ(script.hears(header() + "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
                                    "[2001:41D0:1:A49b::1]:9222</see-other-host></stream:error>"),
            Next::failed);

  EXPECT_EQ(script.error().condition, "see-other-host");
  EXPECT_EQ(script.facts().elsewhere, (Whereabouts{"2001:41D0:1:A49b::1", 9222}));
  EXPECT_FALSE(script.machine().secure());
}

TEST(Negotiation, RefusesAServerOfBeforeXmpp10WhereItCannotBeUsed) {
  const auto code = [](SecurityMode security, bool sasl) {
    auto configuration = with(security);
    configuration.sasl_enabled = sasl;
    Script script{configuration};
    script.starts();
    return script.hears(header("id='1'")) == Next::failed ? name_of(script.error().code) : "connected";
  };

  EXPECT_STREQ(code(SecurityMode::required, false), "insecure");
  EXPECT_STREQ(code(SecurityMode::enabled, true), "unsupported");
  EXPECT_STREQ(code(SecurityMode::enabled, false), "connected");
}

TEST(Negotiation, RefusesASecondHeader) {
  Script script;
  script.starts();
  script.hears(header());
  std::string out;
  xml::StreamHeader again{xml::kStreamsNs, "stream", xml::kClientNs, {}};

  EXPECT_EQ(script.machine().on_header(again, out), Next::failed);
  EXPECT_EQ(script.machine().on_header(again, out), Next::failed);

  EXPECT_EQ(script.error().code, Errc::protocol);
  EXPECT_EQ(out, "</stream:stream>");
}

// ---- security -------------------------------------------------------------------------------------------------------

TEST(Negotiation, GivesUpWhereStartTlsWasTakenOut) {
  Script script{with(SecurityMode::required)};
  script.starts();

  EXPECT_EQ(script.hears(header() + features("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                                             "<mechanism>PLAIN</mechanism></mechanisms>")),
            Next::failed);

  EXPECT_EQ(script.error().code, Errc::insecure);
  EXPECT_THAT(script.error().message, HasSubstr("STARTTLS"));
}

TEST(Negotiation, UsesTlsAsFarAsItMayAndCan) {
  const auto outcome = [](SecurityMode security, const std::string& offer) {
    Script script{with(security)};
    script.starts();
    const Next next = script.hears(header() + features(offer));
    return next == Next::failed ? std::string{name_of(script.error().code)}
           : next == Next::wait ? script.said
                                : "connected";
  };

  EXPECT_EQ(outcome(SecurityMode::enabled, kStartTls), kStartTls);
  EXPECT_EQ(outcome(SecurityMode::enabled, ""), "connected");
  EXPECT_EQ(outcome(SecurityMode::disabled, kStartTls), "connected");
  EXPECT_EQ(outcome(SecurityMode::disabled, kRequired), "insecure");
  EXPECT_EQ(outcome(SecurityMode::required, kStartTls), kStartTls);
}

TEST(Negotiation, RefusesWhatFollowsProceedInTheClear) {
  Script script;
  script.starts();
  script.hears(header() + features(kStartTls));
  ASSERT_EQ(script.hears(kProceed), Next::start_tls);

  EXPECT_EQ(script.hears_left_over(), Next::failed);

  EXPECT_EQ(script.error().code, Errc::protocol);
  EXPECT_THAT(script.error().message, HasSubstr("<proceed/>"));
}

TEST(Negotiation, TellsThatTheServerCannotBeginWithTls) {
  Script script;
  script.starts();
  script.hears(header() + features(kStartTls));

  EXPECT_EQ(script.hears("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), Next::failed);

  EXPECT_EQ(script.error().code, Errc::tls);
}

TEST(Negotiation, ForgetsWhatWasSaidInTheClear) {
  Script script;
  script.starts();
  script.hears(header("id='clear' version='1.0'") +
               features(kStartTls + "<register xmlns='http://jabber.org/features/iq-register'/>"));
  ASSERT_TRUE(script.machine().has_feature("register", "http://jabber.org/features/iq-register"));
  script.hears(kProceed);

  script.is_secured();

  EXPECT_FALSE(script.machine().has_feature("register", "http://jabber.org/features/iq-register"));
  EXPECT_EQ(script.facts().stream_id, "");
  EXPECT_TRUE(script.machine().secure());
  EXPECT_EQ(script.hears(header() + features("")), Next::connected);
}

TEST(Negotiation, BeginsWithDirectTls) {
  Talk talk;

  EXPECT_EQ(talk.connect_by_direct_tls(), Next::connected);
  EXPECT_EQ(talk.login(), Next::logged_in);

  EXPECT_EQ(talk.scenery, "restart connected derive restart logged_in");
}

TEST(Negotiation, TellsItsNameToNobodyInTheClear) {
  Script script{with(SecurityMode::enabled), "romeo@montague.example"};

  script.starts();

  EXPECT_THAT(script.said, Not(HasSubstr("from")));
}

TEST(Negotiation, DoesNotClaimAnotherServicesAccount) {
  Script script{Talk::configured(), "romeo@capulet.example"};

  script.is_secured();

  EXPECT_THAT(script.said, Not(HasSubstr("from")));
}

// ---- connected ------------------------------------------------------------------------------------------------------

TEST(Negotiation, LeavesAnswersToRequestsBeforeTheLoginToItsOwner) {
  Talk talk;
  ASSERT_EQ(talk.connect(), Next::connected);
  std::string out;
  const xml::Attribute type{"", "type", "result"};

  EXPECT_EQ(talk.machine().on_element({xml::kClientNs, "iq", {&type, 1}, "", {}}, out), Next::deliver);
  EXPECT_EQ(talk.machine().on_element({xml::kClientNs, "message", {}, "", {}}, out), Next::failed);

  EXPECT_EQ(talk.error().code, Errc::protocol);
}

TEST(Negotiation, EndsWhileConnected) {
  Script script{with(SecurityMode::disabled)};
  script.starts();
  ASSERT_EQ(script.hears(header() + features("")), Next::connected);

  EXPECT_EQ(script.hears("</stream:stream>"), Next::failed);

  EXPECT_EQ(script.error().code, Errc::closed);
  EXPECT_EQ(script.hears_the_end(), Next::failed);
}

}  // namespace
}  // namespace anser::sdk
