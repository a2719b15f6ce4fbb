// The login, and servers that lie about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "sdk/src/test_talk.h"

namespace anser::sdk {
namespace {

using test::Script;
using test::ServerOptions;
using test::Talk;
using testing::HasSubstr;
using testing::Not;

const Resume kOld{"some-long-sm-id", 12, "romeo@montague.example/balcony"};

// A machine that is connected over TLS to a server with these features.
struct Connected : Script {
  explicit Connected(std::string_view features, ConnectionConfiguration configuration = Talk::configured(),
                     TlsState tls = test::kTls, std::string account = {})
      : Script(std::move(configuration), std::move(account)) {
    is_secured(std::move(tls));
    hears(
        "<stream:stream id='some-id' version='1.0' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>");
    EXPECT_EQ(hears(fmt::format("<stream:features>{}</stream:features>", features)), Next::connected);
  }
};

std::string sasl(std::initializer_list<std::string_view> mechanisms) {
  std::string text = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
  for (const auto name : mechanisms) text.append("<mechanism>").append(name).append("</mechanism>");
  return text + "</mechanisms>";
}

std::string sasl2(std::string_view mechanism, std::string_view inlined) {
  return fmt::format(
      "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>{}</mechanism><inline>{}</inline></authentication>",
      mechanism, inlined);
}

const std::string kInlineAll =
    "<sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:carbons:2'/>"
    "<feature var='urn:xmpp:csi:0'/><feature var='urn:xmpp:sm:3'/></inline></bind>";

// ---- the old profile ------------------------------------------------------------------------------------------------

TEST(NegotiationLogin, IsBoundToTheTlsConnection) {
  Talk talk;
  ASSERT_EQ(talk.connect(), Next::connected);
  ASSERT_EQ(talk.login(), Next::logged_in);

  EXPECT_EQ(talk.facts().mechanism, "SCRAM-SHA-256-PLUS");
  EXPECT_EQ(talk.facts().binding, "tls-exporter");
}

TEST(NegotiationLogin, LeavesTheStreamAsItWasWhenTheCredentialsAreRefused) {
  for (const bool by_sasl2 : {false, true}) {
    SCOPED_TRACE(by_sasl2);
    ServerOptions server;
    server.sasl2 = by_sasl2;
    Talk talk{server};
    ASSERT_EQ(talk.connect(), Next::connected);

    EXPECT_EQ(talk.login({.username = "romeo", .password = "wrong"}), Next::refused);

    EXPECT_EQ(talk.error(), (Error{Errc::authentication,
                                   "the server did not let us in (not-authorized: that was wrong)", "not-authorized"}));
    EXPECT_TRUE(talk.machine().has_feature("mechanisms", kSaslNs));
    EXPECT_EQ(talk.login(), Next::logged_in);
  }
}

TEST(NegotiationLogin, SaysWhatTheServerSaidOfAFailure) {
  Connected script{sasl({"PLAIN"})};
  script.logs_in();

  EXPECT_EQ(script.hears("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><account-disabled/>"
                         "<text xml:lang='en'>Call 212-555-1212 for assistance.</text></failure>"),
            Next::refused);

  EXPECT_EQ(script.error(), (Error{Errc::authentication,
                                   "the server did not let us in (account-disabled: Call 212-555-1212 for assistance.)",
                                   "account-disabled"}));
}

TEST(NegotiationLogin, GoesOnWithTheNextMechanismWhenOneIsTooWeak) {
  Connected script{sasl({"SCRAM-SHA-1", "PLAIN"}), Talk::configured(), {}};
  script.logs_in();
  ASSERT_THAT(script.said, HasSubstr("'SCRAM-SHA-1'"));
  const auto* too_weak = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism-too-weak/></failure>";

  EXPECT_EQ(script.hears(too_weak), Next::wait);
  EXPECT_EQ(script.said,
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAHBlbmNpbA==</auth>");
  EXPECT_EQ(script.hears(too_weak), Next::refused);

  EXPECT_EQ(script.error().condition, "mechanism-too-weak");
}

TEST(NegotiationLogin, SendsAnEqualsSignForNothing) {
  Connected anonymous{sasl({"ANONYMOUS"})}, external{sasl({"EXTERNAL"})};

  anonymous.logs_in({.kind = Credentials::Kind::anonymous});
  external.logs_in({.kind = Credentials::Kind::certificate});

  EXPECT_EQ(anonymous.said, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>");
  EXPECT_EQ(external.said, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
}

TEST(NegotiationLogin, ShowsTheAddressOfTheCertificate) {
  Connected script{sasl({"EXTERNAL"})};

  script.logs_in({.kind = Credentials::Kind::certificate, .authzid = "romeo@montague.example"});

  EXPECT_THAT(script.said, HasSubstr(">" + base64_encode("romeo@montague.example") + "<"));
}

TEST(NegotiationLogin, RefusesCredentialsOfNobody) {
  const Credentials wrong[]{
      {.username = "", .password = "pencil"},
      {.username = "two words", .password = "pencil"},
      {.username = "romeo@capulet.example", .password = "pencil"},
      {.username = "romeo@montague.example/balcony", .password = "pencil"},
      {.username = "@montague.example", .password = "pencil"},
      {.username = "romeo", .password = ""},
      {.username = "romeo", .password = "pencil", .resource = "\x01"},
      {.kind = Credentials::Kind::certificate, .authzid = "a b"},
      {.kind = Credentials::Kind::certificate, .authzid = "montague.example"},
  };
  Connected script{sasl({"PLAIN", "EXTERNAL"})};
  for (const auto& credentials : wrong) {
    EXPECT_EQ(script.logs_in(credentials), Next::refused) << credentials.username << credentials.authzid;

    EXPECT_EQ(script.error().code, Errc::invalid_argument);
    EXPECT_EQ(script.said, "");
    EXPECT_THAT(script.error().message, Not(HasSubstr("pencil")));
  }
  EXPECT_EQ(script.logs_in(), Next::wait);  // the stream is still good
}

TEST(NegotiationLogin, TakesTheAccountsAddressForAName) {
  Connected script{sasl({"PLAIN"})};

  script.logs_in({.username = "romeo@Montague.example", .password = "pencil"});

  EXPECT_THAT(script.said, HasSubstr(">AHJvbWVvAHBlbmNpbA==<"));
}

TEST(NegotiationLogin, TellsWhatIsMissing) {
  Connected nothing{""};
  EXPECT_EQ(nothing.logs_in(), Next::refused);
  EXPECT_EQ(nothing.error().code, Errc::unsupported);

  Connected foreign{sasl({"DIGEST-MD5"}) + sasl2("X-OAUTH2", "")};
  EXPECT_EQ(foreign.logs_in(), Next::refused);
  EXPECT_EQ(foreign.error(),
            (Error{Errc::unsupported, "none of the server's mechanisms can be used here: DIGEST-MD5"}));
}

TEST(NegotiationLogin, TakesTheOldProfileWhereOnlyThatHasAMechanismForIt) {
  Connected script{sasl({"PLAIN"}) + sasl2("X-OAUTH2", "")};

  EXPECT_EQ(script.logs_in(), Next::wait);

  EXPECT_THAT(script.said, HasSubstr("<auth "));
}

// ---- servers that lie -----------------------------------------------------------------------------------------------

struct Lie {
  std::string name;
  std::string from, to;  // what the server says, changed
  Errc code = Errc::protocol;
  std::string words;
  ServerOptions server = {};
};

std::vector<Lie> lies() {
  ServerOptions plain, sasl2;
  plain.mechanisms = {"PLAIN"};
  sasl2.sasl2 = true;
  const std::string sasl1_success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
  return {
      {"ProofMissing", sasl1_success, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><!>", Errc::authentication,
       "without a proof"},
      {"ProofEmpty", sasl1_success, sasl1_success + "=</success><!>", Errc::protocol, "missing"},
      {"ProofWrong", sasl1_success, sasl1_success + "dj1RVUpE</success><!>", Errc::authentication,
       "does not know the password"},
      {"ProofNoBase64", sasl1_success, sasl1_success + "dj1RVUp</success><!>", Errc::protocol, "base64"},
      {"SuccessAtOnce", "<challenge", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><!>", Errc::authentication,
       "without a proof"},
      {"ChallengeNoBase64", "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>",
       "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>!</challenge><!>", Errc::protocol, "base64"},
      {"ChallengeForPlain", sasl1_success, "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>QUJD</challenge><!>",
       Errc::protocol, "has none", plain},
      {"OtherProfile", "<challenge", "<challenge xmlns='urn:xmpp:sasl:2'/><!>", Errc::protocol, "<challenge/>"},
      {"MechanismsTakenOut", "<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-256</mechanism>", "",
       Errc::insecure, "somebody is in between"},
      {"BindingsTakenOut", "<channel-binding type='tls-exporter'/>", "", Errc::insecure, "somebody is in between"},
      {"ProofMissing2", "additional-data>", "nothing>", Errc::authentication, "without a proof", sasl2},
      {"SomebodyElse2", "<authorization-identifier>romeo@", "<authorization-identifier>paris@", Errc::protocol,
       "somebody else", sasl2},
      {"Nobody2", "<authorization-identifier>romeo@montague.example/Anser/4232f4d4", "<authorization-identifier>",
       Errc::protocol, "as whom", sasl2},
      {"NotBound2", "/Anser/4232f4d4", "", Errc::protocol, "new session", sasl2},
      {"BoundMissing2", "bound", "unbound", Errc::protocol, "new session", sasl2},
      {"ResumedUnasked2", "<bound", "<resumed xmlns='urn:xmpp:sm:3' previd='x' h='1'/><bound", Errc::protocol,
       "old session", sasl2},
      {"MoreIsWanted2", "<success xmlns='urn:xmpp:sasl:2'>",
       "<continue xmlns='urn:xmpp:sasl:2'><tasks><task>TOTP-EXAMPLE</task></tasks></continue><!>", Errc::unsupported,
       "more than the credentials", sasl2},
  };
}

// All of `from` is replaced; `<!>` ends what is said.
std::string lied(std::string utterance, const Lie& lie) {
  for (auto at = utterance.find(lie.from); at != utterance.npos; at = utterance.find(lie.from, at + lie.to.size()))
    utterance.replace(at, lie.from.size(), lie.to);
  return utterance.substr(0, utterance.find("<!>"));
}

TEST(NegotiationLogin, DoesNotFallForALie) {
  for (const auto& lie : lies()) {
    SCOPED_TRACE(lie.name);
    Talk talk{lie.server};
    talk.change = [&](std::string utterance) { return lied(std::move(utterance), lie); };
    ASSERT_EQ(talk.connect(), Next::connected);

    EXPECT_EQ(talk.login(), Next::failed);

    EXPECT_STREQ(name_of(talk.error().code), name_of(lie.code)) << talk.error().message;
    EXPECT_THAT(talk.error().message, HasSubstr(lie.words));
    EXPECT_TRUE(talk.sent.ends_with("</stream:stream>"));
  }
}

TEST(NegotiationLogin, IsSeenByTheServerWherePlusWasTakenOutForAll) {
  Talk talk;
  talk.change = [](std::string utterance) {
    for (auto at = utterance.find("-PLUS"); at != utterance.npos; at = utterance.find("-PLUS"))
      utterance.replace(at, 5, "-MINUS");
    const auto from = utterance.find("<sasl-channel-binding"), to = utterance.find("</sasl-channel-binding>");
    if (from != utterance.npos) utterance.erase(from, to + 23 - from);
    return utterance;
  };
  ASSERT_EQ(talk.connect(), Next::connected);

  EXPECT_EQ(talk.login(), Next::refused);  // "y": we could, you can't; and it can

  EXPECT_EQ(talk.error().condition, "not-authorized");
}

TEST(NegotiationLogin, RefusesIterationsOutOfBounds) {
  for (const std::uint32_t iterations : {1u, 4095u, 2'000'001u}) {
    ServerOptions server;
    server.iterations = iterations;
    Talk talk{server};
    ASSERT_EQ(talk.connect(), Next::connected);

    EXPECT_EQ(talk.login(), Next::failed);

    EXPECT_EQ(talk.error().code, Errc::insecure);
    EXPECT_THAT(talk.error().message, HasSubstr("iterations"));
  }
}

TEST(NegotiationLogin, TakesAStreamErrorWhileItDerives) {
  Connected script{sasl({"SCRAM-SHA-1"}), Talk::configured(), {}};
  script.logs_in({.username = "romeo", .password = "pencil", .nonce = "abc"});
  std::string out;
  const auto challenge = fmt::format("{}", base64_encode("r=abcd,s=QUJD,i=4096"));
  ASSERT_EQ(script.machine().on_element({kSaslNs, "challenge", {}, challenge, {}}, out), Next::derive);
  auto derivation = script.machine().derivation();

  EXPECT_EQ(script.machine().on_element({xml::kStreamsNs, "error", {}, "", {}}, out), Next::failed);
  derivation.run();
  EXPECT_EQ(script.machine().on_derived(std::move(derivation), out), Next::failed);

  EXPECT_EQ(script.error().code, Errc::stream);
  EXPECT_EQ(out, "</stream:stream>");
}

TEST(NegotiationLogin, RefusesAnythingElseWhileItDerives) {
  Connected script{sasl({"SCRAM-SHA-1"}), Talk::configured(), {}};
  script.logs_in({.username = "romeo", .password = "pencil", .nonce = "abc"});
  std::string out;
  const auto challenge = base64_encode("r=abcd,s=QUJD,i=4096");
  ASSERT_EQ(script.machine().on_element({kSaslNs, "challenge", {}, challenge, {}}, out), Next::derive);

  EXPECT_EQ(script.machine().on_element({kSaslNs, "challenge", {}, challenge, {}}, out), Next::failed);

  EXPECT_EQ(script.error().code, Errc::protocol);
}

// ---- SASL2 ----------------------------------------------------------------------------------------------------------

TEST(NegotiationLogin, AsksForEverythingAtOnceBySasl2) {
  Connected script{sasl2("PLAIN", kInlineAll)};

  EXPECT_EQ(script.logs_in(), Next::wait);

  EXPECT_EQ(script.said,
            "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>"
            "<initial-response>AHJvbWVvAHBlbmNpbA==</initial-response>"
            "<user-agent><software>Anser</software></user-agent>"
            "<bind xmlns='urn:xmpp:bind:0'><tag>Anser</tag><enable xmlns='urn:xmpp:carbons:2'/>"
            "<enable xmlns='urn:xmpp:sm:3' resume='true'/></bind></authenticate>");
  // XEP-0386 §3.2.1, example 4, with XEP-0198.
  EXPECT_EQ(script.hears("<success xmlns='urn:xmpp:sasl:2'>"
                         "<authorization-identifier>romeo@montague.example/Anser.4232f4d4</authorization-identifier>"
                         "<bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' id='new' resume='1'/>"
                         "<metadata xmlns='urn:xmpp:mam:2'><start id='YWxwaGEg' timestamp='2008-08-22T21:09:04Z'/>"
                         "</metadata></bound></success>"),
            Next::wait);
  EXPECT_EQ(script.hears("<stream:features><limits xmlns='urn:xmpp:stream-limits:0'/></stream:features>"),
            Next::logged_in);
  EXPECT_EQ(script.facts().address, "romeo@montague.example/Anser.4232f4d4");
  EXPECT_TRUE(script.facts().carbons);
  EXPECT_EQ(script.facts().management->id, "new");
  EXPECT_TRUE(script.facts().management->resumable);
  EXPECT_TRUE(script.machine().has_feature("limits", "urn:xmpp:stream-limits:0"));
}

TEST(NegotiationLogin, AsksOnlyForWhatIsOfferedAndWanted) {
  auto configuration = Talk::configured();
  configuration.carbons_enabled = false;
  configuration.stream_management = false;
  Connected unwanted{sasl2("PLAIN", kInlineAll), configuration};
  Connected unoffered{sasl2("PLAIN", "<bind xmlns='urn:xmpp:bind:0'/>")};
  Connected nothing{sasl2("PLAIN", "")};

  for (auto* script : {&unwanted, &unoffered}) {
    script->logs_in();
    EXPECT_THAT(script->said, HasSubstr("<bind xmlns='urn:xmpp:bind:0'><tag>Anser</tag></bind></authenticate>"));
  }
  nothing.logs_in({.username = "romeo", .password = "pencil"}, kOld);
  EXPECT_THAT(nothing.said, HasSubstr("</user-agent></authenticate>"));
}

// Bind 2 makes names up, so a name that somebody has asked for is bound by RFC 6120: on the same stream, no restart.
TEST(NegotiationLogin, BindsAResourceByItsNameAfterSasl2) {
  Connected script{sasl2("PLAIN", kInlineAll)};
  script.logs_in({.username = "romeo", .password = "pencil", .resource = "balcony"});
  EXPECT_THAT(script.said, HasSubstr("</user-agent></authenticate>"));

  EXPECT_EQ(script.hears("<success xmlns='urn:xmpp:sasl:2'>"
                         "<authorization-identifier>romeo@montague.example</authorization-identifier></success>"),
            Next::wait);
  EXPECT_EQ(script.said, "");
  EXPECT_EQ(script.hears("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"),
            Next::wait);

  EXPECT_THAT(script.said, HasSubstr("<resource>balcony</resource>"));
}

TEST(NegotiationLogin, ResumesAlongWithSasl2) {
  Connected script{sasl2("PLAIN", kInlineAll)};
  script.logs_in({.username = "romeo", .password = "pencil", .resource = "balcony"}, kOld);
  EXPECT_THAT(script.said,
              HasSubstr("</user-agent><resume xmlns='urn:xmpp:sm:3' h='12' previd='some-long-sm-id'/></authenticate>"));

  EXPECT_EQ(script.hears("<success xmlns='urn:xmpp:sasl:2'>"
                         "<authorization-identifier>romeo@montague.example</authorization-identifier>"
                         "<resumed xmlns='urn:xmpp:sm:3' h='345' previd='some-long-sm-id'/></success>"),
            Next::logged_in);

  EXPECT_TRUE(script.facts().resumed);
  EXPECT_FALSE(script.facts().lost);
  EXPECT_EQ(script.facts().handled, 345u);
  EXPECT_EQ(script.facts().address, kOld.address);
}

TEST(NegotiationLogin, TakesTheNewSessionWhereSasl2DoesNotResume) {
  Connected script{sasl2("PLAIN", kInlineAll)};
  script.logs_in({.username = "romeo", .password = "pencil"}, kOld);
  EXPECT_THAT(script.said, HasSubstr("previd='some-long-sm-id'/><bind xmlns='urn:xmpp:bind:0'>"));

  // XEP-0198 §9.3, example 31.
  script.hears(
      "<success xmlns='urn:xmpp:sasl:2'>"
      "<authorization-identifier>romeo@montague.example/resource</authorization-identifier>"
      "<failed xmlns='urn:xmpp:sm:3' h='7'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
      "<bound xmlns='urn:xmpp:bind:0'><failed xmlns='urn:xmpp:sm:3'><internal-server-error "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed></bound></success>");
  EXPECT_EQ(script.hears("<stream:features/>"), Next::logged_in);

  EXPECT_TRUE(script.facts().lost);
  EXPECT_FALSE(script.facts().resumed);
  EXPECT_EQ(script.facts().handled, 7u);
  EXPECT_FALSE(script.facts().management);
  EXPECT_EQ(script.facts().address, "romeo@montague.example/resource");
}

// Without <sm/> inline the old session is asked for afterwards, so nothing new may be bound before.
TEST(NegotiationLogin, ResumesAfterSasl2WhereItCannotGoAlong) {
  Connected script{sasl2("PLAIN", "<bind xmlns='urn:xmpp:bind:0'/>")};
  script.logs_in({.username = "romeo", .password = "pencil"}, kOld);
  EXPECT_THAT(script.said, HasSubstr("</user-agent></authenticate>"));
  script.hears(
      "<success xmlns='urn:xmpp:sasl:2'>"
      "<authorization-identifier>romeo@montague.example</authorization-identifier></success>");

  EXPECT_EQ(script.hears("<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>"), Next::wait);
  EXPECT_EQ(script.said, "<resume xmlns='urn:xmpp:sm:3' h='12' previd='some-long-sm-id'/>");
  EXPECT_EQ(script.hears("<resumed xmlns='urn:xmpp:sm:3' h='345' previd='some-long-sm-id'/>"), Next::logged_in);
}

TEST(NegotiationLogin, CompressesBeforeASessionAfterSasl2) {
  ServerOptions server;
  server.sasl2 = server.compression = true;
  auto configuration = Talk::configured();
  configuration.compression_enabled = true;
  Talk talk{server, configuration};
  ASSERT_EQ(talk.connect(), Next::connected);

  EXPECT_EQ(talk.login(), Next::logged_in);

  EXPECT_EQ(talk.scenery, "start_tls restart connected derive start_compression restart logged_in");
  EXPECT_TRUE(talk.facts().compressed);
}

TEST(NegotiationLogin, DoesNotUseSasl2InTheClear) {
  auto configuration = Talk::configured();
  configuration.security = SecurityMode::disabled;
  Script script{configuration};
  script.starts();
  script.hears(
      "<stream:stream id='some-id' version='1.0' xmlns='jabber:client' "
      "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>" +
      sasl({"SCRAM-SHA-1"}) + sasl2("SCRAM-SHA-1", kInlineAll) + "</stream:features>");

  script.logs_in();

  EXPECT_THAT(script.said, HasSubstr("<auth "));
}

// XEP-0388 §2.1 to §2.6, examples 2, 3, 5 and 7, with the octets that its binding stands for. The proofs are not those
// that it shows, which do not follow from its messages.
TEST(NegotiationLogin, SpeaksAsTheExampleOfXep0388Does) {
  ConnectionConfiguration configuration{"example.org"};
  configuration.language = "en";
  // Behind the GS2 header, p=tls-exporter and two commas.
  const auto exporter = base64_decode("cD10bHMtZXhwb3J0ZXIsLMcoQvOdBDePd4OswlmAWV3dg1a1Wh1tYPTBwVid10VU")->substr(16);
  Script script{configuration, "user@example.org"};
  script.is_secured({{{"tls-exporter", exporter}, {"tls-server-end-point", "x"}}, "TLSv1.3"});
  EXPECT_EQ(script.said,
            "<?xml version='1.0'?><stream:stream from='user@example.org' to='example.org' version='1.0' xml:lang='en' "
            "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
  script.hears(
      "<?xml version='1.0'?><stream:stream from='example.org' id='++TR84Sm6A3hnt3Q065SnAbbk3Y=' "
      "to='user@example.org' version='1.0' xml:lang='en' xmlns='jabber:client' "
      "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>"
      "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-1</mechanism>"
      "<mechanism>SCRAM-SHA-1-PLUS</mechanism><inline><sm xmlns='urn:xmpp:sm:3'/></inline></authentication>"
      "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-server-end-point'/>"
      "<channel-binding type='tls-exporter'/></sasl-channel-binding></stream:features>");

  script.logs_in({.username = "user", .password = "pencil", .nonce = "12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6"});

  EXPECT_EQ(script.said,
            "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='SCRAM-SHA-1-PLUS'><initial-response>"
            "cD10bHMtZXhwb3J0ZXIsLG49dXNlcixyPTEyQzRDRDVDLUUzOEUtNEE5OC04RjZELTE1QzM4RjUxQ0NDNg=="
            "</initial-response><user-agent><software>Anser</software></user-agent></authenticate>");
  script.hears(
      "<challenge xmlns='urn:xmpp:sasl:2'>\n  cj0xMkM0Q0Q1Qy1FMzhFLTRBOTgtOEY2RC0xNUMzOEY1MUNDQzZhMDkxMTdhNi1hYzUw"
      "LTRmMmYtOTNmMS05Mzc5OWMyYmRkZjYscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==\n</challenge>");
  EXPECT_EQ(script.said,
            "<response "
            "xmlns='urn:xmpp:sasl:2'>Yz1jRDEwYkhNdFpYaHdiM0owWlhJc0xNY29Rdk9kQkRlUGQ0T3N3bG1BV1YzZGcxYTFXaDF0WVBUQndW"
            "aWQxMFZVLHI9MTJDNENENUMtRTM4RS00QTk4LThGNkQtMTVDMzhGNTFDQ0M2YTA5MTE3YTYtYWM1MC00ZjJmLTkzZjEtOTM3OTlj"
            "MmJkZGY2LHA9KzhVeXJRQWVWSXFzSDJZb3ZHZUdUUng2ekJNPQ==</response>");
  EXPECT_EQ(script.hears("<success xmlns='urn:xmpp:sasl:2'><additional-data>\n"
                         "dj1HUnFZZzBTUE1HcnFQUms1SGZNejluR0hxOTQ9\n</additional-data>"
                         "<authorization-identifier>user@example.org</authorization-identifier></success>"),
            Next::wait);
  EXPECT_EQ(script.facts().binding, "tls-exporter");
}

}  // namespace
}  // namespace anser::sdk
