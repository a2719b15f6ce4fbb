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

TEST_F(PresencesTest, KeepsWhatIsLongOfNobody) {
  const std::string much(Presences::kContactBytes + 1, 'x');
  const auto hear_with = [&](const std::string& resource, auto set) {
    Presence presence{Type::available, "here", 5, Mode::away};
    set(presence);
    hear("juliet@x", resource, std::move(presence));
  };
  hear_with("id", [&](Presence& presence) { presence.set_id(much); });
  hear_with("to", [&](Presence& presence) { presence.set_to(much); });
  hear_with("language", [&](Presence& presence) { presence.set_language(much); });
  hear_with("extension", [&](Presence& presence) { presence.add_extension(Element{"x", "urn:x"}.add_text(much)); });
  hear_with("error", [&](Presence& presence) { presence.set_error(StanzaError{.condition = "gone", .text = much}); });

  for (const Presence& kept : presences.all("juliet@x")) {
    EXPECT_LT(kept.to_xml().size(), 1'000U) << kept.from();
    EXPECT_EQ(kept.status(), "here") << kept.from();
    EXPECT_EQ(kept.priority(), 5) << kept.from();
    EXPECT_EQ(kept.mode(), Mode::away) << kept.from();
  }
}

TEST_F(PresencesTest, KeepsNoWordsThatAreTooLong) {
  const std::string much(Presences::kContactBytes + 1, 'x');
  hear("juliet@x", "a", Presence{Type::available, much, 5});
  Presence languages{Type::available};
  languages.set_status("hier", much);
  hear("juliet@x", "b", languages);

  EXPECT_EQ(presences.of("juliet@x", "a").priority(), 5);
  EXPECT_TRUE(presences.of("juliet@x", "a").statuses().empty());
  EXPECT_TRUE(presences.of("juliet@x", "b").statuses().empty());
}

TEST_F(PresencesTest, KeepsLessOfStrangersThanOfContacts) {
  const std::string some(Presences::kStrangerBytes + 1, 'x');
  Presence presence{Type::available};
  presence.add_extension(Element{"x", "urn:x"}.add_text(some));
  hear("juliet@x", "a", presence);
  hear("tybalt@x", "a", presence, false);

  EXPECT_TRUE(presences.of("juliet@x", "a").has_extension("urn:x"));
  EXPECT_TRUE(presences.of("tybalt@x", "a").is_available());
  EXPECT_FALSE(presences.of("tybalt@x", "a").has_extension("urn:x"));
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
