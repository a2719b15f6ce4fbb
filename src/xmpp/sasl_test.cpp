// The Authenticator on a connection without TLS, with accounts that nobody has made: what it offers, how it refuses,
// and that an exchange may be left at any step. Logins that succeed are for the clients of tests/e2e.
#include "xmpp/sasl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/test_support.h"
#include "tests/support/fake_domain.h"

namespace anser::xmpp {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using What = SaslStep::What;
using namespace std::string_literals;

// Does the work at once, on the core that asks.
class PromptStorage final : public domain::Storage {
 public:
  void submit(domain::CoreId, Work work, Done done) override {
    ++asked;
    done(broken ? Result<void>{fail(Errc::storage_failed, "broken")} : work(accounts_));
  }
  // An account with the keys that registration makes.
  void add(std::string_view name, std::string_view password) {
    domain::AccountRecord account;
    account.jid = *core::Jid::make(name, "localhost");
    for (const auto hash : {core::Hash::sha256, core::Hash::sha1, core::Hash::sha512})
      account.keys.push_back(*core::fresh_keys(hash, password, core::kMinIterations));
    accounts_.records.push_back(std::move(account));
  }
  int asked = 0;
  bool broken = false;

 private:
  domain::FakeAccounts accounts_;
};

net::Task<void> begin(Authenticator& authenticator, std::string mechanism, std::optional<std::string> initial,
                      SaslStep& step) {
  auto task = authenticator.start(std::move(mechanism), std::move(initial));
  step = co_await std::move(task);
}

net::Task<void> go_on(Authenticator& authenticator, std::string message, SaslStep& step) {
  auto task = authenticator.respond(std::move(message));
  step = co_await std::move(task);
}

class SaslTest : public testing::Test {
 protected:
  SaslTest() {
    settings_.plain_without_tls = true;
    settings_.anonymous = true;
    settings_.scram_iterations = 1;
  }

  Authenticator& authenticator() {
    if (!authenticator_)
      authenticator_.emplace(shared_, std::make_shared<const Settings>(settings_), "localhost", connection_);
    return *authenticator_;
  }
  SaslStep start(std::string mechanism, std::optional<std::string> initial = {}) {
    SaslStep step;
    loop_.run(begin(authenticator(), std::move(mechanism), std::move(initial), step));
    return step;
  }
  SaslStep respond(std::string message) {
    SaslStep step;
    loop_.run(go_on(authenticator(), std::move(message), step));
    return step;
  }
  // The proof has the length of SHA-1 and is wrong.
  static std::string client_final(const SaslStep& challenge) {
    const auto nonce = challenge.data.substr(0, challenge.data.find(','));
    return "c=biws," + nonce + ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  }

  static door::SharedSignInSettings sign_in() { return std::make_shared<const door::SignInSettings>(); }

  net::Loop loop_;
  net::Pair pair_ = net::tcp_pair();
  net::Connection connection_{loop_.core, std::move(pair_.ours)};
  PromptStorage storage_;
  domain::FakePost post_;
  domain::FakeClock clock_;
  domain::Hosts hosts_{{{"localhost", {}}}, {}};
  LoginGuard guard_{{.address_burst = 8, .free_failures = 100}};
  net::Cores cores_{1};
  net::Workers workers_{1, 8};
  Shared shared_{{cores_, workers_, storage_, post_, clock_, hosts_, guard_, "secret", {}, sign_in}};
  Settings settings_;
  std::optional<Authenticator> authenticator_;
};

const std::string kFirst = "n,,n=romeo,r=abc";

TEST_F(SaslTest, OffersTheStrongestFirst) {
  EXPECT_THAT(authenticator().mechanisms(),
              ElementsAre("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "ANONYMOUS"));
  EXPECT_TRUE(authenticator().binding_types().empty());
}

TEST_F(SaslTest, OffersOnlyWhatTheSettingsAllow) {
  settings_.plain_without_tls = false;
  settings_.anonymous = false;
  settings_.mechanisms = {"SCRAM-SHA-1", "PLAIN", "EXTERNAL"};

  EXPECT_THAT(authenticator().mechanisms(), ElementsAre("SCRAM-SHA-1"));
  EXPECT_EQ(start("PLAIN", "\0romeo\0secret"s).condition, "encryption-required");
  EXPECT_EQ(start("SCRAM-SHA-256", kFirst).condition, "invalid-mechanism");
  EXPECT_EQ(start("EXTERNAL", "").condition, "invalid-mechanism");
  EXPECT_EQ(start("ANONYMOUS").condition, "invalid-mechanism");
  EXPECT_EQ(start("").condition, "invalid-mechanism");
}

TEST_F(SaslTest, RefusesAWrongNameOrPasswordInOneWay) {
  const SaslStep plain = start("PLAIN", "\0romeo\0secret"s);
  EXPECT_EQ(plain.what, What::failure);
  EXPECT_EQ(plain.condition, "not-authorized");

  const SaslStep impossible = start("PLAIN", "\0 \0secret"s);
  EXPECT_EQ(impossible.condition, plain.condition);
  EXPECT_EQ(impossible.text, plain.text);

  const SaslStep challenge = start("SCRAM-SHA-1", kFirst);
  ASSERT_EQ(challenge.what, What::challenge);
  const SaslStep scram = respond(client_final(challenge));
  EXPECT_EQ(scram.condition, plain.condition);
  EXPECT_EQ(scram.text, plain.text);
  EXPECT_EQ(storage_.asked, 3);
}

TEST_F(SaslTest, DoesTheSameWorkForAWrongNameAsForAWrongPassword) {
  storage_.add("romeo", "pencil");
  settings_.scram_iterations = core::kMinIterations;
  const auto work = [this](std::string plain) {
    const std::uint64_t before = core::derivations();
    EXPECT_EQ(start("PLAIN", std::move(plain)).condition, "not-authorized");
    return core::derivations() - before;
  };

  EXPECT_EQ(start("PLAIN", "\0romeo\0pencil"s).what, What::success);  // it is there
  EXPECT_EQ(work("\0romeo\0secret"s), 1u);
  EXPECT_EQ(work("\0nobody\0secret"s), 1u);
  EXPECT_EQ(work("\0 \0secret"s), 1u);  // a name that nobody can have

  // SCRAM derives nothing here, whoever it is.
  const auto exchange = [this](std::string first) {
    const std::uint64_t before = core::derivations();
    const SaslStep challenge = start("SCRAM-SHA-1", std::move(first));
    EXPECT_EQ(respond(client_final(challenge)).condition, "not-authorized");
    return core::derivations() - before;
  };
  EXPECT_EQ(exchange("n,,n=romeo,r=abc"), 0u);
  EXPECT_EQ(exchange("n,,n=nobody,r=abc"), 0u);
}

TEST_F(SaslTest, TellsWhatIsMalformedFromWhatIsWrong) {
  EXPECT_EQ(start("PLAIN", "romeo").condition, "malformed-request");
  EXPECT_EQ(start("SCRAM-SHA-1", "romeo").condition, "malformed-request");
  EXPECT_EQ(start("PLAIN", "juliet\0romeo\0secret"s).condition, "invalid-authzid");
  EXPECT_EQ(start("SCRAM-SHA-1", "n,a=juliet,n=romeo,r=abc").condition, "invalid-authzid");
  EXPECT_EQ(storage_.asked, 0);
}

TEST_F(SaslTest, AsksForAMessageThatDidNotComeWithTheMechanism) {
  const SaslStep step = start("PLAIN");

  EXPECT_EQ(step.what, What::challenge);
  EXPECT_EQ(step.data, "");
  EXPECT_EQ(respond("\0romeo\0secret"s).condition, "not-authorized");
}

TEST_F(SaslTest, HearsNoAnswerBeforeItHasAsked) {
  EXPECT_EQ(respond("").condition, "malformed-request");

  EXPECT_EQ(start("PLAIN", "\0romeo\0secret"s).condition, "not-authorized");
  EXPECT_EQ(respond("\0romeo\0secret"s).condition, "malformed-request");
}

// Whatever was going on, the next exchange begins from nothing.
TEST_F(SaslTest, BeginsAgainInTheMiddleOfAnExchange) {
  const std::function<void()> interruptions[] = {
      [] {},
      [&] { authenticator().abort(); },
      [&] { EXPECT_EQ(start("X-OWL-POST").condition, "invalid-mechanism"); },
      [&] { EXPECT_EQ(start("PLAIN").what, What::challenge); },
  };
  for (const auto& interrupt : interruptions) {
    ASSERT_EQ(start("SCRAM-SHA-256", kFirst).what, What::challenge);
    interrupt();

    const SaslStep challenge = start("SCRAM-SHA-1", kFirst);

    ASSERT_EQ(challenge.what, What::challenge);
    EXPECT_EQ(respond(client_final(challenge)).condition, "not-authorized");
  }
}

TEST_F(SaslTest, ForgetsAnExchangeThatWasAborted) {
  const SaslStep challenge = start("SCRAM-SHA-1", kFirst);

  authenticator().abort();

  EXPECT_EQ(respond(client_final(challenge)).condition, "malformed-request");
}

TEST_F(SaslTest, LetsNobodyTryWhoFailedTooOften) {
  for (int i = 0; i < 8; ++i) EXPECT_EQ(start("PLAIN", "\0romeo\0secret"s).condition, "not-authorized");

  EXPECT_EQ(start("PLAIN", "\0romeo\0secret"s).condition, "temporary-auth-failure");
  EXPECT_EQ(start("ANONYMOUS").condition, "temporary-auth-failure");
  EXPECT_EQ(storage_.asked, 8);
}

TEST_F(SaslTest, SaysSoWhenAccountsCannotBeRead) {
  storage_.broken = true;

  EXPECT_EQ(start("PLAIN", "\0romeo\0secret"s).condition, "temporary-auth-failure");
  EXPECT_EQ(start("SCRAM-SHA-1", kFirst).condition, "temporary-auth-failure");
}

TEST_F(SaslTest, GivesAnAnonymousGuestANameOfItsOwn) {
  const SaslStep one = start("ANONYMOUS", "");
  const SaslStep other = start("ANONYMOUS", "sirhc");

  ASSERT_EQ(one.what, What::success);
  ASSERT_EQ(other.what, What::success);
  EXPECT_TRUE(one.login->temporary);
  EXPECT_EQ(one.login->account.domain(), "localhost");
  EXPECT_TRUE(one.login->account.is_bare());
  EXPECT_NE(one.login->account, other.login->account);
}

}  // namespace
}  // namespace anser::xmpp
