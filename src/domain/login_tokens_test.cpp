#include "domain/login_tokens.h"

#include <gtest/gtest.h>

namespace anser::domain {
namespace {

using core::TokenBinding;
using What = TokenVerdict::What;

constexpr std::chrono::seconds kLife{1000};

class LoginTokensTest : public testing::Test {
 protected:
  Time after(int seconds) const { return start_ + std::chrono::seconds{seconds}; }
  LoginToken give(int at = 0, TokenBinding binding = TokenBinding::none) {
    return issue_token(slots_, binding, after(at), kLife);
  }
  What show(const LoginToken& token, int at = 1, TokenClaim claim = {}) {
    asked_ = 0;
    return present_token(slots_, claim, after(at),
                         [&](const LoginToken& kept) {
                           ++asked_;
                           return kept.seed == token.seed;
                         })
        .what;
  }

  const Time start_{std::chrono::seconds{1'700'000'000}};
  TokenSlots slots_;
  int asked_ = 0;
};

TEST_F(LoginTokensTest, ANewTokenBecomesTheCurrentOneWhenItIsUsed) {
  const LoginToken token = give();
  EXPECT_FALSE(slots_.current);

  EXPECT_EQ(show(token), What::accepted);

  EXPECT_FALSE(slots_.fresh);
  EXPECT_EQ(slots_.current, token);
  EXPECT_EQ(show(token), What::accepted);
}

// §3.5: the client may never have got the new one.
TEST_F(LoginTokensTest, TheOldOneHoldsUntilTheNewOneIsUsed) {
  const LoginToken old = give();
  ASSERT_EQ(show(old), What::accepted);
  const LoginToken fresh = give(10);

  EXPECT_EQ(show(old), What::accepted);
  EXPECT_EQ(show(fresh), What::accepted);
  EXPECT_EQ(show(old), What::wrong);
}

TEST_F(LoginTokensTest, ANewTokenThatWasNeverUsedGivesWayToTheNext) {
  const LoginToken lost = give();
  const LoginToken next = give(10);

  EXPECT_EQ(show(lost), What::wrong);
  EXPECT_EQ(show(next), What::accepted);
}

TEST_F(LoginTokensTest, IsBoundToItsMechanism) {
  const LoginToken token = give(0, TokenBinding::exporter);

  EXPECT_EQ(show(token), What::wrong);
  EXPECT_EQ(slots_.fresh, token);
  EXPECT_EQ(show(token, 1, {.binding = TokenBinding::exporter, .count = {}}), What::accepted);
}

TEST_F(LoginTokensTest, EndsWithItsTime) {
  const LoginToken token = give();
  ASSERT_EQ(show(token, 999), What::accepted);

  EXPECT_EQ(show(token, 1000), What::expired);
  EXPECT_EQ(slots_.current, token);
}

TEST_F(LoginTokensTest, TakesNoCountTwice) {
  const LoginToken token = give();

  EXPECT_EQ(show(token, 1, {.count = 0}), What::wrong);
  EXPECT_EQ(show(token, 1, {.count = 7}), What::accepted);
  EXPECT_EQ(show(token, 1, {.count = 7}), What::wrong);
  EXPECT_EQ(show(token, 1, {.count = 6}), What::wrong);
  EXPECT_EQ(show(token, 1, {.count = 8}), What::accepted);
  EXPECT_EQ(show(token), What::accepted);  // without one there is nothing to compare
  EXPECT_EQ(slots_.current->count, 8u);
}

TEST_F(LoginTokensTest, ALogoutLeavesNothing) {
  const LoginToken old = give();
  ASSERT_EQ(show(old), What::accepted);
  const LoginToken fresh = give(10);

  EXPECT_EQ(show(old, 11, {.count = {}, .invalidate = true}), What::accepted);

  EXPECT_TRUE(slots_.empty());
  EXPECT_EQ(show(fresh), What::wrong);
}

TEST_F(LoginTokensTest, AStrangerChangesNothingAndLearnsNothingFromTheTime) {
  const LoginToken token = give();
  const TokenSlots before = slots_;

  EXPECT_EQ(show({.seed = "stranger"}, 1, {.count = 9, .invalidate = true}), What::wrong);
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(slots_, before);
  slots_ = {};
  EXPECT_EQ(show(token), What::wrong);
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(show({.seed = std::string(32, '\0')}), What::wrong);  // the stand-in for an empty slot opens nothing
}

TEST_F(LoginTokensTest, IsDueWhenHalfOfItsLifeIsOver) {
  const LoginToken token = give();

  EXPECT_FALSE(is_due(token, after(499)));
  EXPECT_TRUE(is_due(token, after(500)));
}

}  // namespace
}  // namespace anser::domain
