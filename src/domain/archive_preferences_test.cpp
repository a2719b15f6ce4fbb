#include "domain/archive_preferences.h"

#include <gtest/gtest.h>

namespace anser::domain {
namespace {

core::Jid jid(std::string_view text) { return core::Jid::parse(text).value(); }

TEST(ArchivePreferences, FollowTheDefaultForWhomNoListNames) {
  const auto romeo = jid("romeo@montague.example/orchard");
  EXPECT_TRUE(keeps({}, romeo, false));
  EXPECT_FALSE(keeps({.otherwise = ArchiveDefault::never, .always = {}, .never = {}}, romeo, true));
  EXPECT_TRUE(keeps({.otherwise = ArchiveDefault::roster, .always = {}, .never = {}}, romeo, true));
  EXPECT_FALSE(keeps({.otherwise = ArchiveDefault::roster, .always = {}, .never = {}}, romeo, false));
}

TEST(ArchivePreferences, TakeABareAddressForAllItsResources) {
  const ArchivePreferences preferences{.otherwise = ArchiveDefault::never,
                                       .always = {jid("romeo@montague.example"), jid("nurse@capulet.example/room")},
                                       .never = {}};
  EXPECT_TRUE(keeps(preferences, jid("romeo@montague.example"), false));
  EXPECT_TRUE(keeps(preferences, jid("romeo@montague.example/orchard"), false));
  EXPECT_TRUE(keeps(preferences, jid("nurse@capulet.example/room"), false));
  EXPECT_FALSE(keeps(preferences, jid("nurse@capulet.example/hall"), true));
  EXPECT_FALSE(keeps(preferences, jid("nurse@capulet.example"), true));
  EXPECT_FALSE(keeps(preferences, jid("montague.example"), true));  // a domain's own messages, not its accounts'
}

TEST(ArchivePreferences, LetTheCloserRuleDecideAndKeepLessInDoubt) {
  const ArchivePreferences preferences{.otherwise = ArchiveDefault::always,
                                       .always = {jid("romeo@montague.example/orchard"), jid("tybalt@capulet.example")},
                                       .never = {jid("romeo@montague.example"), jid("tybalt@capulet.example")}};
  EXPECT_TRUE(keeps(preferences, jid("romeo@montague.example/orchard"), false));
  EXPECT_FALSE(keeps(preferences, jid("romeo@montague.example/garden"), true));
  EXPECT_FALSE(keeps(preferences, jid("tybalt@capulet.example"), true));
}

}  // namespace
}  // namespace anser::domain
