// Passwords and tokens against accounts that are read at once, and a guard that loses patience soon.
#include "door/sign_in.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "core/crypto.h"
#include "net/test_support.h"
#include "tests/support/fake_domain.h"

namespace anser::door {
namespace {

const std::string kSecret(32, 's');
constexpr std::string_view kStayOut = "too many attempts from this address have failed; try again later";

class PromptStorage final : public domain::Storage {
 public:
  void submit(domain::CoreId, Work work, Done done) override {
    done(broken ? Result<void>{fail(Errc::io, "broken")} : work(accounts));
  }
  domain::FakeAccounts accounts;
  bool broken = false;
};

class SignInTest : public testing::Test {
 protected:
  SignInTest() {
    settings_.scram_iterations = core::kMinIterations;
    settings_.tokens = std::make_shared<const WebTokens>(WebTokens::Rules{.keys = {{{}, WebTokens::Secret{kSecret}}}});
    for (const std::string address : {"romeo@montague.example", "juliet@capulet.example", "tybalt@capulet.example"}) {
      domain::AccountRecord account;
      account.jid = domain::jid(address);
      account.disabled = address.starts_with("tybalt");
      account.keys.push_back(*core::fresh_keys(core::Hash::sha256, "pencil", core::kMinIterations));
      storage_.accounts.records.push_back(std::move(account));
    }
  }

  Peer peer() const { return {boost::asio::ip::make_address(address_), address_ + ":40404", "test"}; }
  Result<SignedIn> password(std::string username, std::string password, std::string host = "montague.example") {
    return net::wait_for(loop_,
                         check_password(shared_, std::move(host), std::move(username), std::move(password), peer()));
  }
  Result<SignedIn> token(std::string text) {
    return net::wait_for(loop_, check_token(shared_, "montague.example", std::move(text), peer()));
  }
  static std::string token_of(std::string_view name, std::string_view expires = "1700000600") {
    const std::string text = base64url_encode("{\"alg\":\"HS256\"}") + "." +
                             base64url_encode(fmt::format("{{\"sub\":\"{}\",\"exp\":{}}}", name, expires));
    return text + "." + base64url_encode(core::hmac(core::Hash::sha256, kSecret, text));
  }

  net::Loop loop_;
  PromptStorage storage_;
  domain::FakePost post_;
  domain::FakeClock clock_;
  domain::Hosts hosts_{{{"montague.example", {"old.montague.example"}}, {"capulet.example", {}}}, {}};
  LoginGuard guard_{{.address_burst = 5, .free_failures = 100}};
  net::Cores cores_{1};
  net::Workers workers_{1, 8};
  SignInSettings settings_;
  std::string address_ = "192.0.2.1";
  Shared shared_{
      cores_, workers_, storage_, post_, clock_,
      hosts_, guard_,   "secret", {},    [this] { return std::make_shared<const SignInSettings>(settings_); }};
};

TEST_F(SignInTest, KnowsWhoKnowsThePassword) {
  clock_.ticks += std::chrono::seconds{5};
  for (const std::string name : {"romeo", "ROMEO", "romeo@montague.example", "romeo@old.montague.example"}) {
    const auto signed_in = password(name, "pencil");
    ASSERT_TRUE(signed_in) << name;
    EXPECT_EQ(signed_in->account.full(), "romeo@montague.example");
    EXPECT_EQ(signed_in->since, clock_.ticks);
    EXPECT_EQ(signed_in->keys.size(), 1u);
  }
}

TEST_F(SignInTest, SaysTheSameOfEveryWrongNameAndPassword) {
  const auto wrong = password("romeo", "pen");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error(), (Error{Errc::not_authorized, std::string{kWrongPassword}}));
  for (const std::string name : {"nobody", "", "juliet", "juliet@capulet.example", "romeo@montague.example/orchard"}) {
    address_ = "192.0.2." + std::to_string(10 + name.size());
    const std::uint64_t before = core::derivations();
    const auto other = password(name, "pencil");
    EXPECT_EQ(core::derivations() - before, 1u) << name;
    ASSERT_FALSE(other) << name;
    EXPECT_EQ(other.error(), wrong.error());
  }
}

TEST_F(SignInTest, TellsWhoIsDisabledOnlyToWhoKnowsThePassword) {
  EXPECT_EQ(password("tybalt", "pencil", "capulet.example").error().code, Errc::forbidden);
  EXPECT_EQ(password("tybalt", "pen", "capulet.example").error().code, Errc::not_authorized);
  EXPECT_EQ(token(token_of("tybalt@capulet.example")).error().code, Errc::forbidden);
}

TEST_F(SignInTest, SendsWhoFailsTooOftenAway) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(password("romeo", "pen").error().code, Errc::not_authorized);

  EXPECT_EQ(password("romeo", "pencil").error(), (Error{Errc::resource_limit, std::string{kStayOut}}));
  EXPECT_EQ(token(token_of("romeo")).error().code, Errc::resource_limit);
  address_ = "198.51.100.1";
  EXPECT_TRUE(password("romeo", "pencil"));
}

TEST_F(SignInTest, CountsWrongTokensButNotOldOnes) {
  for (int i = 0; i < 10; ++i) {
    const auto old = token(token_of("romeo", "1600000000"));
    EXPECT_EQ(old.error(), (Error{Errc::not_authorized, "the token has expired"}));
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(token("a.b.c").error().code, Errc::not_authorized);
  EXPECT_EQ(token(token_of("romeo")).error().code, Errc::resource_limit);
}

TEST_F(SignInTest, TakesATokenForWhomItNames) {
  EXPECT_EQ(token(token_of("romeo")).value().account.full(), "romeo@montague.example");
  EXPECT_EQ(token(token_of("Romeo@OLD.montague.example")).value().account.full(), "romeo@montague.example");
  EXPECT_EQ(token(token_of("juliet@capulet.example")).value().account.full(), "juliet@capulet.example");
  for (const std::string name :
       {"nobody", "juliet", "romeo@elsewhere.example", "romeo@montague.example/orchard", "@"}) {
    address_ = "192.0.2." + std::to_string(10 + name.size());
    EXPECT_EQ(token(token_of(name)).error().code, Errc::not_authorized) << name;
  }
}

TEST_F(SignInTest, TakesNoTokensWithoutKeys) {
  settings_.tokens = nullptr;
  EXPECT_EQ(token(token_of("romeo")).error(), (Error{Errc::not_authorized, "tokens are not taken here"}));
}

TEST_F(SignInTest, SaysSoWhenAccountsCannotBeRead) {
  storage_.broken = true;
  EXPECT_EQ(password("romeo", "pencil").error().code, Errc::storage_failed);
  EXPECT_EQ(token(token_of("romeo")).error().code, Errc::storage_failed);
}

}  // namespace
}  // namespace anser::door
