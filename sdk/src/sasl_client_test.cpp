#include "sdk/src/sasl_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/password.h"

namespace anser::sdk {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const TlsState kTls13{{{"tls-exporter", "exporter's octets"}, {"tls-server-end-point", "certificate"}}, "TLSv1.3"};
const TlsState kTls12{
    {{"tls-exporter", "exporter's octets"}, {"tls-server-end-point", "certificate"}, {"tls-unique", "finished"}},
    "TLSv1.2"};
const TlsState kUnboundTls{{}, "TLSv1.2"};

const std::vector<std::string> kEverything{
    "PLAIN",    "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-512",
    "EXTERNAL", "ANONYMOUS",   "DIGEST-MD5",       "SCRAM-SHA-512-PLUS", "X-OAUTH2"};

struct Login {
  ConnectionConfiguration configuration{"montague.example"};
  Credentials credentials{.username = "romeo", .password = "pencil"};
  const TlsState* tls = &kTls13;
  SaslOffer offer{.mechanisms = kEverything, .binding_types = {{"tls-exporter"}}};

  SaslClient client() const { return SaslClient{configuration, credentials, tls, offer}; }
  // The mechanism that is chosen, or why none is.
  std::string choice() const {
    auto sasl = client();
    const auto first = sasl.choose();
    return first ? sasl.mechanism() : name_of(first.error().code);
  }
  // GS2's header: how it is bound.
  std::string flag() const {
    auto sasl = client();
    const auto first = sasl.choose();
    return first ? first->substr(0, first->find(',')) : first.error().message;
  }
};

// The whole of an exchange with a server that knows the password; `sasl` has chosen.
core::ScramServer::Options options_of(const SaslClient& sasl) {
  return {.mechanism = *core::scram_mechanism(sasl.mechanism()), .bindings = kTls13.bindings};
}

TEST(SaslClient, TakesTheStrongestMechanismOfBoth) {
  EXPECT_EQ((Login{}.choice()), "SCRAM-SHA-512-PLUS");
  EXPECT_EQ((Login{.tls = &kUnboundTls}.choice()), "SCRAM-SHA-512");
  EXPECT_EQ((Login{.tls = nullptr}.choice()), "SCRAM-SHA-512");
  EXPECT_EQ((Login{.offer = {.mechanisms = {"PLAIN", "SCRAM-SHA-1"}}}.choice()), "SCRAM-SHA-1");
  EXPECT_EQ((Login{.offer = {.mechanisms = {"PLAIN", "DIGEST-MD5"}}}.choice()), "PLAIN");
  EXPECT_EQ((Login{.offer = {.mechanisms = {"SCRAM-SHA-512", "SCRAM-SHA-1-PLUS"}, .binding_types = {{"tls-exporter"}}}}
                 .choice()),
            "SCRAM-SHA-1-PLUS");
}

TEST(SaslClient, TakesTheApplicationsOrder) {
  Login login;
  login.configuration.sasl_mechanisms = {"X-OAUTH2", "SCRAM-SHA-1", "SCRAM-SHA-256"};

  EXPECT_EQ(login.choice(), "SCRAM-SHA-1");  // whoever wrote X-OAUTH2 there expected too much
}

TEST(SaslClient, TakesTheMechanismThatTheCredentialsAreFor) {
  EXPECT_EQ((Login{.credentials = {.kind = Credentials::Kind::anonymous}}.choice()), "ANONYMOUS");
  EXPECT_EQ((Login{.credentials = {.kind = Credentials::Kind::certificate}}.choice()), "EXTERNAL");
  EXPECT_EQ(
      (Login{.credentials = {.kind = Credentials::Kind::certificate}, .offer = {.mechanisms = {"PLAIN"}}}.choice()),
      "unsupported");
}

TEST(SaslClient, SaysWhatTheServerOffersWhenNothingFits) {
  const auto none = Login{.offer = {.mechanisms = {"DIGEST-MD5", "X-OAUTH2"}}}.client().choose();
  const auto nothing = Login{.offer = {}}.client().choose();

  ASSERT_FALSE(none || nothing);
  EXPECT_EQ(none.error(),
            (Error{Errc::unsupported, "none of the server's mechanisms can be used here: DIGEST-MD5, X-OAUTH2"}));
  EXPECT_EQ(nothing.error().code, Errc::unsupported);
}

TEST(SaslClient, GivesThePasswordToNobodyInTheClear) {
  Login login{.tls = nullptr, .offer = {.mechanisms = {"PLAIN"}}};

  const auto refused = login.client().choose();
  login.configuration.plain_in_the_clear = true;
  const auto allowed = login.client().choose();

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::insecure);
  EXPECT_EQ(allowed, std::string("\0romeo\0pencil", 13));
}

TEST(SaslClient, SendsWhatTheSimpleMechanismsWant) {
  Login external{.credentials = {.kind = Credentials::Kind::certificate, .authzid = "juliet@montague.example"}};
  Login anonymous{.credentials = {.kind = Credentials::Kind::anonymous}};

  EXPECT_EQ(external.client().choose(), "juliet@montague.example");
  EXPECT_EQ(anonymous.client().choose(), "");
}

TEST(SaslClient, RefusesCredentialsThatCannotBeAny) {
  for (const auto& password : {std::string{}, std::string("a\0b", 3), std::string{"\xff"}}) {
    for (const auto* mechanism : {"PLAIN", "SCRAM-SHA-1"}) {
      Login login{.offer = {.mechanisms = {mechanism}}};
      login.credentials.password = password;

      const auto chosen = login.client().choose();

      ASSERT_FALSE(chosen) << mechanism;
      EXPECT_EQ(chosen.error(), (Error{Errc::invalid_argument, "no account can have that password"}));
    }
  }
  Login nameless{.credentials = {.username = "", .password = "pencil"}};
  EXPECT_EQ(nameless.choice(), "invalid_argument");
}

// ---- channel binding ------------------------------------------------------------------------------------------------

TEST(SaslClient, BindsToTheStrongestTypeOfBoth) {
  const auto with = [](const TlsState& tls, std::vector<std::string> types) {
    return Login{.tls = &tls, .offer = {.mechanisms = kEverything, .binding_types = std::move(types)}}.flag();
  };

  EXPECT_EQ(with(kTls13, {"tls-server-end-point", "tls-exporter"}), "p=tls-exporter");
  EXPECT_EQ(with(kTls13, {"tls-server-end-point", "tls-unique"}), "p=tls-server-end-point");
  EXPECT_EQ(with(kTls12, {"tls-server-end-point", "tls-unique"}), "p=tls-unique");
  EXPECT_EQ(with(kTls12, {"tls-server-end-point"}), "p=tls-server-end-point");
}

TEST(SaslClient, SaysThatItCouldHaveBound) {
  const SaslOffer stripped{.mechanisms = {"SCRAM-SHA-256"}};

  EXPECT_EQ((Login{.offer = stripped}.flag()), "y");
  EXPECT_EQ((Login{.tls = &kUnboundTls, .offer = stripped}.flag()), "n");
  EXPECT_EQ((Login{.tls = nullptr, .offer = stripped}.flag()), "n");
  Login unwilling{.offer = {.mechanisms = kEverything}};
  unwilling.configuration.sasl_mechanisms = {"SCRAM-SHA-256"};
  EXPECT_EQ(unwilling.flag(), "n");
}

TEST(SaslClient, AServerWouldSeeThatPlusWasTakenOut) {
  const Login sasl_login{.offer = {.mechanisms = {"SCRAM-SHA-256"}}};
  auto sasl = sasl_login.client();
  const auto first = sasl.choose();

  core::ScramServer server{{.mechanism = {core::Hash::sha256, false}, .plus_offered = true}};

  EXPECT_FALSE(server.parse(*first));
}

// XEP-0440 §3 rules 4 to 6 as XEP-0474 §7 changes them: where the types make no sense, the hash must say that they are
// the server's own.
TEST(SaslClient, DemandsAProofOfAnOfferThatMakesNoSense) {
  const auto outcome = [](const SaslOffer& offer, std::string_view server_first) {
    const Login login{.credentials = {.username = "romeo", .password = "pencil", .nonce = "abc"}, .offer = offer};
    auto sasl = login.client();
    EXPECT_TRUE(sasl.choose());
    return sasl.challenge(std::string{server_first});
  };
  const std::vector<std::string> plus{"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"}, bare{"SCRAM-SHA-1"};
  const SaslOffer only_foreign{.mechanisms = plus, .binding_types = {{"tls-dummy"}}};
  const SaslOffer foreign{.mechanisms = plus, .binding_types = {{"tls-dummy", "tls-server-end-point"}}};
  const SaslOffer unnamed{.sasl2 = true, .mechanisms = plus};
  const SaslOffer unused{.sasl2 = true, .mechanisms = bare, .binding_types = {{"tls-exporter"}}};
  const SaslOffer unused_by_old_profile{.mechanisms = bare, .binding_types = {{"tls-exporter"}}};

  for (const auto& offer : {only_foreign, unnamed, unused}) {
    const auto unproved = outcome(offer, "r=abcd,s=QUJD,i=4096");
    ASSERT_FALSE(unproved);
    EXPECT_EQ(unproved.error().code, Errc::insecure);
    EXPECT_TRUE(outcome(offer, "r=abcd,s=QUJD,i=4096,h=QUJD"));  // which the derivation compares
  }
  EXPECT_TRUE(outcome(foreign, "r=abcd,s=QUJD,i=4096"));
  EXPECT_TRUE(outcome(unused_by_old_profile, "r=abcd,s=QUJD,i=4096"));
}

// ---- after a refusal ------------------------------------------------------------------------------------------------

TEST(SaslClient, TriesTheNextMechanismWhenOneIsNotTaken) {
  for (const auto* condition : {"mechanism-too-weak", "invalid-mechanism", "encryption-required"}) {
    const Login sasl_login{.tls = &kUnboundTls, .offer = {.mechanisms = {"SCRAM-SHA-1", "PLAIN", "SCRAM-SHA-256"}}};
    auto sasl = sasl_login.client();
    ASSERT_TRUE(sasl.choose());
    ASSERT_EQ(sasl.mechanism(), "SCRAM-SHA-256");

    ASSERT_TRUE(sasl.may_go_on(condition));
    ASSERT_TRUE(sasl.choose());
    EXPECT_EQ(sasl.mechanism(), "SCRAM-SHA-1");
    ASSERT_TRUE(sasl.may_go_on(condition));
    ASSERT_TRUE(sasl.choose());
    EXPECT_EQ(sasl.mechanism(), "PLAIN");

    EXPECT_FALSE(sasl.may_go_on(condition));  // each once
  }
}

TEST(SaslClient, TriesNothingElseWhenTheCredentialsAreRefused) {
  for (const auto* condition : {"not-authorized", "account-disabled", "temporary-auth-failure", "aborted", ""}) {
    const Login sasl_login{};
    auto sasl = sasl_login.client();
    ASSERT_TRUE(sasl.choose());

    EXPECT_FALSE(sasl.may_go_on(condition)) << condition;
  }
}

TEST(SaslClient, IsNotTalkedOutOfBinding) {
  const Login sasl_login{
      .offer = {.mechanisms = {"SCRAM-SHA-1", "PLAIN", "SCRAM-SHA-256-PLUS"}, .binding_types = {{"tls-exporter"}}}};
  auto sasl = sasl_login.client();
  ASSERT_TRUE(sasl.choose());
  ASSERT_EQ(sasl.mechanism(), "SCRAM-SHA-256-PLUS");

  EXPECT_TRUE(sasl.may_go_on("invalid-mechanism"));
  EXPECT_FALSE(sasl.choose());
}

// ---- the exchange ---------------------------------------------------------------------------------------------------

struct Exchange {
  explicit Exchange(const Login& login, std::string_view password = "pencil") : sasl(login.client()) {
    const auto first = sasl.choose();
    server.emplace(options_of(sasl));
    EXPECT_TRUE(server->parse(first.value()));
    const auto hash = core::scram_mechanism(sasl.mechanism())->hash;
    server_first = server->challenge(core::fresh_keys(hash, password, core::kMinIterations).value());
  }
  Result<std::string> answer() {
    const auto response = sasl.challenge(server_first);
    if (!response) return pass(response);
    EXPECT_FALSE(*response);
    auto derivation = sasl.derivation();
    derivation.run();
    return sasl.derived(std::move(derivation));
  }

  SaslClient sasl;
  std::optional<core::ScramServer> server;
  std::string server_first;
};

TEST(SaslClient, BelievesAServerThatKnowsThePassword) {
  const Login login;
  Exchange exchange{login};
  const auto final = exchange.server->finish(exchange.answer().value());
  ASSERT_TRUE(final);

  EXPECT_TRUE(exchange.sasl.success(*final));
  EXPECT_EQ(exchange.sasl.binding(), "tls-exporter");
  EXPECT_FALSE(exchange.sasl.success(*final));  // once
}

TEST(SaslClient, TakesTheProofInAChallengeToo) {
  const Login login;
  Exchange exchange{login};
  const auto final = exchange.server->finish(exchange.answer().value()).value();

  const auto response = exchange.sasl.challenge(final);

  ASSERT_TRUE(response);
  EXPECT_EQ(*response, "");
  EXPECT_TRUE(exchange.sasl.success(std::nullopt));
}

TEST(SaslClient, DoesNotBelieveASuccessWithoutAProof) {
  const Login login;
  for (const bool answered : {false, true}) {
    for (const auto& data : {std::optional<std::string>{}, std::optional<std::string>{"v=QUJD"},
                             std::optional<std::string>{"e=other-error"}}) {
      Exchange exchange{login};
      if (answered) {
        ASSERT_TRUE(exchange.answer());
      }

      const auto success = exchange.sasl.success(data);

      ASSERT_FALSE(success);
      EXPECT_EQ(success.error().code, Errc::authentication) << success.error().message;
    }
  }
}

TEST(SaslClient, SeesAnOfferThatWasTamperedWith) {
  Login login{.offer = {.mechanisms = {"SCRAM-SHA-1"}}};
  login.tls = nullptr;
  Exchange exchange{login};
  exchange.server_first +=
      ",h="
      "QUJD";

  const auto answer = exchange.answer();

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::insecure);
  EXPECT_THAT(answer.error().message, HasSubstr("somebody is in between"));
}

TEST(SaslClient, RefusesTooFewAndTooManyIterations) {
  const Login login;
  for (const auto* count : {"1", "4095", "2000001", "4294967295"}) {
    Exchange exchange{login};
    exchange.server_first = exchange.server_first.substr(0, exchange.server_first.find(",i=")) + ",i=" + count;

    const auto answer = exchange.answer();

    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::insecure);
    EXPECT_THAT(answer.error().message, StartsWith("the server wants " + std::string{count} + " iterations"));
  }
}

TEST(SaslClient, CallsAMalformedChallengeSo) {
  const Login login;
  for (const auto* challenge : {"", "r=", "v=QUJD", "m=ext,r=abc", "nonsense"}) {
    Exchange exchange{login};
    exchange.server_first = challenge;

    const auto answer = exchange.answer();

    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::protocol);
  }
}

TEST(SaslClient, HasNoMoreToSayThanItsMechanism) {
  const Login plain_login{.offer = {.mechanisms = {"PLAIN"}}};
  auto plain = plain_login.client();
  ASSERT_TRUE(plain.choose());
  EXPECT_EQ(plain.challenge("more").error().code, Errc::protocol);

  const Login login;
  Exchange exchange{login};
  const auto final = exchange.server->finish(exchange.answer().value()).value();
  ASSERT_TRUE(exchange.sasl.challenge(final));
  EXPECT_EQ(exchange.sasl.challenge(final).error().code, Errc::protocol);  // rounds without end
}

TEST(SaslClient, RefusesDataWithASuccessThatHasNone) {
  const Login plain_login{.offer = {.mechanisms = {"PLAIN"}}};
  auto plain = plain_login.client();
  ASSERT_TRUE(plain.choose());

  EXPECT_EQ(plain.success("something").error().code, Errc::protocol);
}

}  // namespace
}  // namespace anser::sdk
