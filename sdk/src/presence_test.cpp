#include "anser/presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/test_stanzas.h"

namespace anser::sdk {
namespace {

using test::complaint;
using test::expect_round_trip;
using test::read;
using testing::HasSubstr;
using Mode = Presence::Mode;
using Type = Presence::Type;

TEST(Presence, ReadsTheExamplesOfRfc6121) {
  // §4.7.2
  const auto presence = read<Presence>(
      "<presence from='romeo@example.net/orchard' xml:lang='en'><show>dnd</show><status>Wooing Juliet</status>"
      "<status xml:lang='cs'>Dvořím se Julii</status><priority>1</priority></presence>");

  EXPECT_EQ(presence.type(), Type::available);
  EXPECT_TRUE(presence.is_available());
  EXPECT_TRUE(presence.is_away());
  EXPECT_EQ(presence.mode(), Mode::dnd);
  EXPECT_EQ(presence.status(), "Wooing Juliet");
  EXPECT_EQ(presence.statuses().size(), 2u);
  EXPECT_EQ(presence.priority(), 1);
  EXPECT_TRUE(presence.raw_extensions().empty());
  expect_round_trip(presence);
}

TEST(Presence, OfEveryTypeComesBack) {
  for (int i = 0; i <= static_cast<int>(Type::error); ++i) {
    Presence presence{static_cast<Type>(i)};
    presence.set_to("juliet@example.com");
    presence.set_id("x");
    if (presence.type() == Type::error)
      presence.set_error(StanzaError{.condition = "forbidden", .type = "auth", .code = 403});
    expect_round_trip(presence);
  }
  EXPECT_EQ(Presence{}.to_xml(), "<presence/>");
  EXPECT_EQ(Presence{Type::unsubscribed}.to_xml(), "<presence type='unsubscribed'/>");
}

TEST(Presence, OfEveryModeComesBack) {
  for (const Mode mode : {Mode::available, Mode::chat, Mode::away, Mode::xa, Mode::dnd}) {
    for (const int priority : {-128, -1, 0, 1, 127}) {
      Presence presence{Type::available, "here", priority, mode};
      presence.set_status("hier", "de");
      expect_round_trip(presence);
      EXPECT_EQ(read<Presence>(presence.to_xml()).mode(), mode);
      EXPECT_EQ(read<Presence>(presence.to_xml()).priority(), priority);
    }
  }
}

TEST(Presence, OfATypeThatThereIsNotIsAnErrorToAnswer) {
  const auto refused = test::try_read("<presence type='invisible'/>");

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::protocol);
  EXPECT_EQ(refused.error().condition, "bad-request");
  EXPECT_THAT(refused.error().message, HasSubstr("invisible"));
  EXPECT_FALSE(test::try_read("<presence type='available'/>"));
  EXPECT_EQ(read<Presence>("<presence type=''/>").type(), Type::available);
}

TEST(Presence, WhatShowDoesNotKnowIsIgnored) {
  const auto mode = [](std::string_view show) {
    return read<Presence>("<presence>" + std::string(show) + "</presence>").mode();
  };
  EXPECT_EQ(mode("<show>busy</show>"), Mode::available);
  EXPECT_EQ(mode("<show>available</show>"), Mode::available);
  EXPECT_EQ(mode("<show/>"), Mode::available);
  EXPECT_EQ(mode("<show>\n xa </show>"), Mode::xa);
  EXPECT_EQ(mode("<show>away</show><show>dnd</show>"), Mode::away);
}

TEST(Presence, APriorityThatIsNoneIsZero) {
  const auto priority = [](std::string_view text) {
    return read<Presence>("<presence><priority>" + std::string(text) + "</priority></presence>").priority();
  };
  EXPECT_EQ(priority("127"), 127);
  EXPECT_EQ(priority("-128"), -128);
  EXPECT_EQ(priority(" +5\n"), 5);
  for (const auto* bad :
       {"128", "-129", "99999999999999999999", "", "high", "1.5", "5x", "+-5", "--5", "0x5", "1 2", "+"}) {
    EXPECT_EQ(priority(bad), 0) << bad;
  }
}

TEST(Presence, APriorityIsCutToWhatThereIs) {
  Presence presence{Type::available, "", 1000};
  EXPECT_EQ(presence.priority(), 127);
  presence.set_priority(-1000);
  EXPECT_EQ(presence.priority(), -128);
}

TEST(Presence, WithoutTextThereIsNoStatus) {
  Presence presence{Type::available, "gone fishing"};
  presence.set_status("fischen", "de");
  EXPECT_EQ(presence.status(), "gone fishing");

  presence.set_status("");
  EXPECT_EQ(presence.status(), "fischen");
  presence.set_status("", "DE");
  EXPECT_EQ(presence.to_xml(), "<presence/>");
  EXPECT_TRUE(read<Presence>("<presence><status/></presence>").statuses().empty());
}

TEST(Presence, IsAwayOnlyWhileItIsThere) {
  EXPECT_TRUE((Presence{Type::available, "", 0, Mode::xa}.is_away()));
  EXPECT_FALSE((Presence{Type::available, "", 0, Mode::chat}.is_away()));
  EXPECT_FALSE((Presence{Type::unavailable, "", 0, Mode::xa}.is_away()));
}

TEST(Presence, HostileStatusComesBackOrIsRefused) {
  Presence presence{Type::available, "</status><show>dnd</show>&amp;\r"};
  presence.set_status("'<&\"", "'<&\"");
  expect_round_trip(presence);

  presence.set_status("\x02", "de");
  EXPECT_THAT(complaint(presence), HasSubstr("the status"));
}

TEST(Presence, WhatItSpeaksForIsNoExtension) {
  for (const auto* name : {"show", "status", "priority", "error"}) {
    Presence presence;
    presence.add_extension(Element{name, "jabber:client"});
    EXPECT_THAT(complaint(presence), HasSubstr(name));
  }
}

TEST(Presence, DiffersByEachOfItsParts) {
  const Presence one{Type::available, "a", 1, Mode::away};
  EXPECT_TRUE((one == Presence{Type::available, "a", 1, Mode::away}));
  EXPECT_FALSE((one == Presence{Type::unavailable, "a", 1, Mode::away}));
  EXPECT_FALSE((one == Presence{Type::available, "b", 1, Mode::away}));
  EXPECT_FALSE((one == Presence{Type::available, "a", 2, Mode::away}));
  EXPECT_FALSE((one == Presence{Type::available, "a", 1, Mode::xa}));
}

}  // namespace
}  // namespace anser::sdk
