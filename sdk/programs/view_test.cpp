#include "sdk/programs/view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>
#include <ctime>

#include "sdk/programs/text.h"

namespace anser::programs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Outcome = sdk::Delivery::Outcome;

// 2026-11-27 12:00 UTC.
const auto kNoon = std::chrono::system_clock::from_time_t(1'795'780'800);

std::vector<std::string> texts(const Lines& lines) {
  std::vector<std::string> all;
  for (const Line& line : lines) all.push_back(line.head + line.text);
  return all;
}

class ViewTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(std::setlocale(LC_CTYPE, "C.UTF-8"));
    setenv("TZ", "UTC", 1);
    tzset();
  }
  ViewTest() {
    view.online(false);
    view.contacts({{.address = "juliet@capulet.test", .name = "Juliet", .online = true},
                   {.address = "nurse@capulet.test"},
                   {.address = "benvolio@montague.test", .name = "Benvolio"}});
  }

  Said from(std::string peer, std::string text, std::string id = {}) {
    return {.peer = std::move(peer), .text = std::move(text), .when = kNoon, .id = std::move(id)};
  }
  // Open, and the archive had nothing.
  void open(const std::string& address) {
    view.open(address);
    view.history(address, {}, /*complete=*/true, /*older=*/false, kNoon);
  }

  View view{"romeo@montague.test", /*marks_as_lines=*/false};
  const std::string juliet = "juliet@capulet.test", nurse = "nurse@capulet.test";
};

TEST_F(ViewTest, ShowsWhatIsSaidInTheOpenChat) {
  open(juliet);

  EXPECT_THAT(texts(view.said(from(juliet, "你好 👩‍👩‍👧"), kNoon)),
              ElementsAre("12:00 Juliet: 你好 👩‍👩‍👧"));
  auto mine = from(juliet, "hello");
  mine.mine = true;
  EXPECT_THAT(texts(view.said(mine, kNoon)), ElementsAre("12:00 romeo: hello"));
}

TEST_F(ViewTest, ShowsTheDateOfWhatIsOld) {
  open(juliet);
  auto old = from(juliet, "hello");
  old.when = kNoon - hours{30};

  EXPECT_THAT(texts(view.said(old, kNoon)), ElementsAre("2026-11-26 06:00 Juliet: hello"));
}

TEST_F(ViewTest, ShowsWhatSomebodyDoes) {
  open(juliet);

  EXPECT_THAT(texts(view.said(from(juliet, "/me waves"), kNoon)), ElementsAre("12:00 * Juliet waves"));
}

TEST_F(ViewTest, LetsNobodyDrawOnTheTerminal) {
  view.contacts({{.address = juliet, .name = "Jul\x1b[2Jiet", .online = true, .status = "\u202Ex"}});
  open(juliet);

  const auto said = texts(view.said(from(juliet, "a\x1b]0;t\x07\nb\u202Ec"), kNoon));

  EXPECT_THAT(said, ElementsAre("12:00 Jul<U+001B>[2Jiet: a<U+001B>]0;t<U+0007>", "      b<U+202E>c"));
  for (const Lines& lines : {view.roster(true), view.asked("x\x1b@y"), View::trouble("\x1b")}) {
    for (const std::string& text : texts(lines)) {
      EXPECT_THAT(text, Not(HasSubstr("\x1b")));
      EXPECT_THAT(text, Not(HasSubstr("\u202E")));
    }
  }
  EXPECT_THAT(view.prompt(), Not(HasSubstr("\x1b")));
}

TEST_F(ViewTest, CutsAMessageThatWouldFillManyScreens) {
  open(juliet);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "line\n";

  const auto lines = texts(view.said(from(juliet, many), kNoon));

  EXPECT_LT(lines.size(), 300u);
  EXPECT_THAT(lines.back(), HasSubstr("it goes on"));
}

TEST_F(ViewTest, CountsWhatIsUnreadElsewhere) {
  open(juliet);

  EXPECT_THAT(texts(view.said(from(nurse, "Madam!"), kNoon)), ElementsAre(nurse + " (1 unread): Madam!"));
  EXPECT_THAT(texts(view.said(from(nurse, "I come anon"), kNoon)), ElementsAre(nurse + " (2 unread): I come anon"));
  EXPECT_EQ(view.prompt(), "(2) Juliet> ");
  EXPECT_THAT(texts(view.roster(true)), testing::Contains(HasSubstr("[2 unread]")));

  view.open(nurse);
  EXPECT_EQ(view.prompt(), nurse + "> ");
}

TEST_F(ViewTest, TakesAnAnswerFromAnotherDeviceForReading) {
  view.said(from(nurse, "Madam!"), kNoon);
  auto answer = from(nurse, "anon");
  answer.mine = true;

  EXPECT_THAT(view.said(answer, kNoon), IsEmpty());

  EXPECT_EQ(view.prompt(), "> ");
}

TEST_F(ViewTest, ShowsTheArchiveBeforeWhatCameMeanwhileAndNothingTwice) {
  auto first = from(juliet, "one", "a");
  first.archive_id = "1";
  auto second = from(juliet, "two", "b");
  view.said(first, kNoon);
  view.open(juliet);
  EXPECT_THAT(view.said(second, kNoon), IsEmpty());
  auto page = std::vector{from(juliet, "zero", "z"), first};
  page[1].id.clear();  // known by the archive's id alone

  const auto lines = texts(view.history(juliet, page, /*complete=*/false, /*older=*/false, kNoon));

  EXPECT_THAT(lines, ElementsAre("-- from the archive:", "12:00 Juliet: zero", "12:00 Juliet: one",
                                 "-- (/more shows what was said before)", "12:00 Juliet: two"));
  EXPECT_THAT(texts(view.said(from(juliet, "three"), kNoon)), ElementsAre("12:00 Juliet: three"));
}

TEST_F(ViewTest, ShowsWhatItKeptIfThereIsNoArchive) {
  view.said(from(juliet, "one"), kNoon);
  view.open(juliet);

  const auto lines = texts(view.no_history(juliet, {sdk::Errc::unsupported, "no archive"}, kNoon));

  EXPECT_THAT(lines, ElementsAre("12:00 Juliet: one"));
}

TEST_F(ViewTest, SaysWhyTheArchiveDidNotAnswer) {
  view.open(juliet);

  EXPECT_THAT(texts(view.no_history(juliet, {sdk::Errc::timeout, "no answer in time"}, kNoon)),
              ElementsAre("!! the archive did not answer: no answer in time"));
}

TEST_F(ViewTest, LeavesOutAPageOfAChatThatIsNoLongerOpen) {
  view.open(juliet);
  view.open(nurse);

  EXPECT_THAT(view.history(juliet, {from(juliet, "one")}, true, false, kNoon), IsEmpty());
}

TEST_F(ViewTest, MarksWhatBecameOfTheLastMessage) {
  open(juliet);
  view.sending(juliet, "1", "hello");
  EXPECT_EQ(view.prompt(), "Juliet ·> ");

  EXPECT_THAT(view.delivery({Outcome::stored, "1"}), IsEmpty());
  EXPECT_EQ(view.prompt(), "Juliet ✓> ");
  view.delivery({Outcome::delivered, "1"});
  EXPECT_EQ(view.prompt(), "Juliet ✓✓> ");
}

TEST_F(ViewTest, SaysWhichMessageWasNotDelivered) {
  open(juliet);
  view.sending(juliet, "1", "hello");

  const auto lines = texts(view.delivery({Outcome::failed, "1", {sdk::Errc::stanza, "no", "service-unavailable"}}));

  EXPECT_THAT(lines, ElementsAre("!! not delivered to Juliet: \"hello\": no (service-unavailable)"));
  EXPECT_EQ(view.prompt(), "Juliet ✗> ");
}

TEST_F(ViewTest, TellsMarksAsLinesWhereThereIsNoPrompt) {
  View lines{"romeo@montague.test", /*marks_as_lines=*/true};
  lines.open(juliet);
  lines.sending(juliet, "1", "hello");

  EXPECT_THAT(texts(lines.delivery({Outcome::stored, "1"})), ElementsAre("-- stored: hello"));
  EXPECT_THAT(texts(lines.delivery({Outcome::delivered, "1"})), ElementsAre("-- delivered: hello"));
}

TEST_F(ViewTest, ShowsThatSomebodyIsTypingUntilTheyHaveSaidIt) {
  open(juliet);

  view.typing(juliet, true);
  EXPECT_EQ(view.prompt(), "Juliet is typing…> ");

  view.said(from(juliet, "hello"), kNoon);
  EXPECT_EQ(view.prompt(), "Juliet> ");
}

TEST_F(ViewTest, SortsWhoIsThereFirst) {
  view.contacts({{.address = "b@x", .name = "ben"},
                 {.address = "z@x", .name = "Zoe", .online = true, .mode = sdk::Presence::Mode::away, .status = "tea"},
                 {.address = "a@x", .name = "Ann"},
                 {.address = "c@x", .name = "cid", .online = true}});

  const auto rows = texts(view.roster(true));

  ASSERT_EQ(rows.size(), 4u);
  EXPECT_THAT(rows[0], testing::AllOf(HasSubstr("1 ● cid"), HasSubstr("online")));
  EXPECT_THAT(rows[1], testing::AllOf(HasSubstr("2 ● Zoe"), HasSubstr("away: tea")));
  EXPECT_THAT(rows[2], testing::AllOf(HasSubstr("3 ○ Ann"), HasSubstr("offline")));
  EXPECT_THAT(rows[3], HasSubstr("4 ○ ben"));
}

TEST_F(ViewTest, AlignsNamesOfAllScripts) {
  view.contacts({{.address = "a@x", .name = "茱丽叶"}, {.address = "b@x", .name = "Zoe"}});

  const auto rows = texts(view.roster(true));

  EXPECT_EQ(columns_of(std::string_view{rows[0]}.substr(0, rows[0].find("offline"))), 31u);
  EXPECT_EQ(columns_of(std::string_view{rows[1]}.substr(0, rows[1].find("offline"))), 31u);
}

TEST_F(ViewTest, HidesWhoIsNotThereAtFirst) {
  const auto rows = texts(view.roster(false));

  EXPECT_THAT(rows, ElementsAre(HasSubstr("Juliet"), "-- 2 who are not there; /roster shows all"));
}

TEST_F(ViewTest, TellsWhoComesAndGoesOnceAskedTo) {
  EXPECT_THAT(view.contacts({{.address = juliet, .name = "Juliet"}}), IsEmpty());
  view.announce();

  EXPECT_THAT(texts(view.contacts({{.address = juliet, .name = "Juliet", .online = true}})),
              ElementsAre("-- Juliet: online"));
  EXPECT_THAT(view.contacts({{.address = juliet, .name = "Juliet", .online = true}}), IsEmpty());
  view.offline({sdk::Errc::closed, "gone"});
  EXPECT_THAT(view.contacts({{.address = juliet, .name = "Juliet"}}), IsEmpty());  // of course
}

TEST_F(ViewTest, FindsPeopleByNumberNameOrAddress) {
  view.roster(true);

  EXPECT_EQ(view.find("1"), juliet);
  EXPECT_EQ(view.find("jULIET"), juliet);
  EXPECT_EQ(view.find("ben"), "benvolio@montague.test");
  EXPECT_EQ(view.find("nurse"), nurse);
  EXPECT_EQ(view.find("Tybalt@Capulet.TEST/x"), "tybalt@capulet.test");
}

TEST_F(ViewTest, SaysWhyItFindsNobody) {
  view.contacts({{.address = "a@x", .name = "Ann"}, {.address = "b@x", .name = "Anton"}});

  EXPECT_THAT(view.find("7").error().message, HasSubstr("no number 7"));
  EXPECT_THAT(view.find("an").error().message, HasSubstr("several contacts begin so: Ann, Anton"));
  EXPECT_THAT(view.find("nobody").error().message, HasSubstr("neither a contact nor an address"));
}

TEST_F(ViewTest, SaysThatItIsOffline) {
  open(juliet);

  EXPECT_THAT(texts(view.offline({sdk::Errc::closed, "the socket was closed"})),
              ElementsAre("!! the connection is lost: the socket was closed"));
  EXPECT_EQ(view.prompt(), "[offline] Juliet> ");
  EXPECT_THAT(texts(view.reconnecting_in(std::chrono::milliseconds{1500})), ElementsAre("-- trying again in 2 s"));
  EXPECT_THAT(texts(view.online(true)), ElementsAre("-- the connection is back"));
  EXPECT_EQ(view.prompt(), "Juliet> ");
}

TEST_F(ViewTest, ForgetsTheLeastUsedOfVeryManyChats) {
  open(juliet);
  for (std::size_t i = 0; i < View::kChats + 10; ++i) view.said(from(std::to_string(i) + "@x", "hi"), kNoon);

  const auto rows = texts(view.roster(true));

  EXPECT_LE(rows.size(), View::kChats + 3);
  EXPECT_THAT(rows, Not(testing::Contains(HasSubstr(" 0@x "))));
  EXPECT_THAT(texts(view.said(from(juliet, "still open"), kNoon)), ElementsAre("12:00 Juliet: still open"));
}

}  // namespace
}  // namespace anser::programs
