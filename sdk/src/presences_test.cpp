#include "sdk/src/presences.h"

#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

using Type = Presence::Type;
using Mode = Presence::Mode;

class PresencesTest : public ::testing::Test {
 protected:
  void hear(const std::string& bare, const std::string& resource, Presence presence, bool is_contact = true) {
    presence.set_from(resource.empty() ? bare : bare + "/" + resource);
    presences.apply(presence, bare, resource, is_contact);
  }
  std::string best() const { return presences.best("juliet@x").from(); }

  Presences presences;
};

TEST_F(PresencesTest, TakesThePriorityThenTheModeThenTheLatest) {
  hear("juliet@x", "a", Presence{Type::available, "", 1, Mode::away});
  hear("juliet@x", "b", Presence{Type::available, "", 0, Mode::chat});
  EXPECT_EQ(best(), "juliet@x/a");

  hear("juliet@x", "c", Presence{Type::available, "", 1, Mode::available});
  EXPECT_EQ(best(), "juliet@x/c");

  hear("juliet@x", "a", Presence{Type::available, "", 1, Mode::available});
  EXPECT_EQ(best(), "juliet@x/a");
  EXPECT_EQ(presences.all("juliet@x").size(), 3U);
}

TEST_F(PresencesTest, RemembersTheWordsOfTheLastWhoLeft) {
  hear("juliet@x", "a", Presence{Type::available});
  hear("juliet@x", "a", Presence{Type::unavailable, "to the ball"});

  EXPECT_FALSE(presences.best("juliet@x").is_available());
  EXPECT_EQ(presences.best("juliet@x").status(), "to the ball");
  EXPECT_EQ(presences.of("juliet@x", "a").type(), Type::unavailable);
}

TEST_F(PresencesTest, KnowsNothingOfWhoNeverCame) {
  EXPECT_EQ(presences.best("juliet@x").type(), Type::unavailable);
  EXPECT_EQ(presences.of("juliet@x", "a").from(), "juliet@x/a");
  EXPECT_TRUE(presences.all("juliet@x").empty());
}

TEST_F(PresencesTest, TakesABareAddressForAllItsResources) {
  hear("juliet@x", "a", Presence{Type::available});
  hear("juliet@x", "b", Presence{Type::available});
  hear("juliet@x", "", Presence{Type::unavailable});

  EXPECT_TRUE(presences.all("juliet@x").empty());
}

TEST_F(PresencesTest, TakesAnErrorForGone) {
  hear("juliet@x", "a", Presence{Type::available});
  hear("juliet@x", "", Presence{Type::error});

  EXPECT_TRUE(presences.all("juliet@x").empty());
  EXPECT_EQ(presences.best("juliet@x").type(), Type::error);
}

TEST_F(PresencesTest, ForgetsStrangersHeardOfLongestAgo) {
  hear("juliet@x", "a", Presence{Type::available});
  for (std::size_t i = 0; i <= Presences::kStrangers; ++i)
    hear("s" + std::to_string(i) + "@x", "r", Presence{Type::available}, false);

  EXPECT_TRUE(presences.all("s0@x").empty());
  EXPECT_EQ(presences.all("s1@x").size(), 1U);
  EXPECT_EQ(presences.all("s1000@x").size(), 1U);
  EXPECT_EQ(presences.all("juliet@x").size(), 1U);
}

TEST_F(PresencesTest, ForgetsResourcesHeardOfLongestAgo) {
  for (std::size_t i = 0; i <= Presences::kResources; ++i)
    hear("juliet@x", "r" + std::to_string(i), Presence{Type::available});

  EXPECT_EQ(presences.all("juliet@x").size(), Presences::kResources);
  EXPECT_FALSE(presences.of("juliet@x", "r0").is_available());
  EXPECT_TRUE(presences.of("juliet@x", "r100").is_available());
}

TEST_F(PresencesTest, KeepsNothingOfAStrangerWhoLeft) {
  for (int i = 0; i < 3'000; ++i) {
    hear("s@x", "r", Presence{Type::available}, false);
    hear("s@x", "r", Presence{Type::unavailable, "away"}, false);
    hear("never@x", "r", Presence{Type::unavailable}, false);
  }
  EXPECT_EQ(presences.best("s@x").status(), "");

  for (std::size_t i = 0; i < Presences::kStrangers; ++i)
    hear("s" + std::to_string(i) + "@x", "r", Presence{Type::available}, false);
  EXPECT_EQ(presences.all("s0@x").size(), 1U);
}

TEST_F(PresencesTest, CountsWhoIsNoContactAnyMoreAsAStranger) {
  hear("juliet@x", "a", Presence{Type::available});
  presences.set_contact("juliet@x", false);
  for (std::size_t i = 0; i < Presences::kStrangers; ++i)
    hear("s" + std::to_string(i) + "@x", "r", Presence{Type::available}, false);

  EXPECT_TRUE(presences.all("juliet@x").empty());
}

TEST_F(PresencesTest, TellsOfTheContactsWhoAreGoneWhenAllAre) {
  hear("juliet@x", "a", Presence{Type::available});
  hear("juliet@x", "b", Presence{Type::available});
  hear("stranger@x", "c", Presence{Type::available}, false);

  const auto gone = presences.clear();

  ASSERT_EQ(gone.size(), 2U);
  EXPECT_EQ(gone[0].from(), "juliet@x/a");
  EXPECT_EQ(gone[0].type(), Type::unavailable);
  EXPECT_TRUE(presences.all("stranger@x").empty());
}

}  // namespace
}  // namespace anser::sdk
