// What waits for the turn's end: messages between sessions of one core. What else their senders send comes behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "tests/support/router_fixture.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kJuliet = "juliet@capulet.example";

class RouterTurnsTest : public RouterTest {
 protected:
  RouterTurnsTest() {
    router.set_at_turn_end([this](std::function<void()> action) { actions.push_back(std::move(action)); });
    login(romeo, "romeo@capulet.example/garden", 0);
    login(juliet, "juliet@capulet.example/balcony", 0);
  }

  void end_turn() {
    for (const auto& action : std::exchange(actions, {})) action();
  }
  void read_letters() {
    while (!post.letters.empty()) {
      auto [core, letter] = std::move(post.letters.front());
      post.letters.pop_front();
      router.receive(std::move(letter));
    }
  }
  void say(std::string_view body, std::string_view to = kJuliet) { router.route(romeo, message(romeo, to, body)); }
  Envelope stanza(Kind kind, Type type) {
    Envelope envelope;
    envelope.kind = kind;
    envelope.type = type;
    envelope.from = romeo.jid();
    envelope.to = juliet.jid();
    return envelope;
  }
  std::vector<Kind> kinds_that_juliet_heard() const {
    std::vector<Kind> kinds;
    for (const auto& [envelope, stamp] : juliet.heard) kinds.push_back(envelope.kind);
    return kinds;
  }

  std::vector<std::function<void()>> actions;
  FakeSession romeo, juliet;
};

TEST_F(RouterTurnsTest, MessagesAreHandedInTogetherAndInOrder) {
  say("one");
  say("two");
  EXPECT_THAT(juliet.bodies(), IsEmpty());
  EXPECT_THAT(actions, SizeIs(1));

  end_turn();
  EXPECT_THAT(juliet.bodies(), ElementsAre("one", "two"));

  say("three");
  end_turn();
  EXPECT_THAT(juliet.bodies(), ElementsAre("three"));
}

TEST_F(RouterTurnsTest, MoreThanABatchDoesNotWait) {
  std::size_t said = 0;
  while (juliet.heard.empty() && said < 1000) say(std::to_string(said++));

  EXPECT_THAT(juliet.heard, SizeIs(said));
  actions.clear();
  say("the next");
  end_turn();
  EXPECT_THAT(juliet.heard, SizeIs(said + 1));
}

TEST_F(RouterTurnsTest, PresenceAndRequestsComeBehindTheMessage) {
  for (const auto& [kind, type] : {std::pair{Kind::presence, Type::available}, std::pair{Kind::iq, Type::get}}) {
    juliet.heard.clear();
    say("first");
    router.route(romeo, stanza(kind, type));
    end_turn();
    EXPECT_THAT(kinds_that_juliet_heard(), ElementsAre(Kind::message, kind));
  }
}

TEST_F(RouterTurnsTest, WhoLeavesLeavesBehindItsMessage) {
  router.route(romeo, stanza(Kind::presence, Type::available));  // so that juliet hears of the end
  juliet.heard.clear();
  say("farewell");

  router.close(romeo);

  EXPECT_THAT(kinds_that_juliet_heard(), ElementsAre(Kind::message, Kind::presence));
  end_turn();
  EXPECT_THAT(juliet.heard, SizeIs(2));
}

TEST_F(RouterTurnsTest, ItIsThereBeforeItsRecipientLeaves) {
  say("wait");
  router.close(juliet);
  EXPECT_THAT(juliet.bodies(), ElementsAre("wait"));
}

TEST_F(RouterTurnsTest, ItIsThereBeforeSessionsAreVisited) {
  say("before the server stops");
  std::vector<std::string> heard;
  router.each_session([&](Session&) {
    if (heard.empty()) heard = juliet.bodies();
  });
  EXPECT_THAT(heard, ElementsAre("before the server stops"));
}

TEST_F(RouterTurnsTest, NothingOvertakesWhatWaitsForAnAccountToLoad) {
  accounts.states["nurse@capulet.example"].exists = true;
  FakeSession nurse;
  router.open(nurse, jid("nurse@capulet.example/hall"), false, [&](const Result<void>&) { be_available(nurse, 0); });
  say("one", "nurse@capulet.example");
  end_turn();
  say("two", "nurse@capulet.example");

  settle();  // in the same turn
  end_turn();
  settle();

  EXPECT_THAT(nurse.bodies(), ElementsAre("one", "two"));
}

TEST_F(RouterTurnsTest, AFenceWaitsForTheTurnsEnd) {
  say("hark");
  router.fence(romeo, 7);
  EXPECT_FALSE(romeo.passed);

  end_turn();
  EXPECT_EQ(romeo.passed, 7u);
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
}

TEST_F(RouterTurnsTest, AFenceWaitsForTheLogAsWell) {
  set_archive(true);
  say("keep this");
  router.fence(romeo, 7);

  end_turn();
  EXPECT_FALSE(romeo.passed);
  log.commit();
  EXPECT_EQ(romeo.passed, 7u);
}

TEST_F(RouterTurnsTest, ARefusalComesBeforeTheFencePasses) {
  router.route(romeo, message(romeo, "juliet@capulet.example/gone", "hark", Type::groupchat));
  router.fence(romeo, 7);
  end_turn();
  settle();

  EXPECT_EQ(romeo.passed, 7u);
  EXPECT_THAT(romeo.of(Kind::message, Type::error), SizeIs(1));
  EXPECT_EQ(romeo.heard_before_fence, 1u);
}

TEST_F(RouterTurnsTest, WhatIsSentTwiceInATurnComesOnce) {
  for (int i = 0; i < 2; ++i) {
    Envelope again = message(romeo, kJuliet, "once");
    again.origin_id = "1";
    router.route(romeo, std::move(again));
  }
  router.fence(romeo, 7);
  end_turn();
  EXPECT_FALSE(romeo.passed);  // the second one waits for what becomes of the first
  read_letters();

  EXPECT_THAT(juliet.bodies(), ElementsAre("once"));
  EXPECT_EQ(romeo.passed, 7u);
}

TEST_F(RouterTurnsTest, AnAccountThatGoesLeavesNothingBehindItsEnd) {
  set_archive(true);
  say("farewell");
  router.remove_account(romeo.jid().to_bare(), 0, [](Result<void>) {});
  end_turn();
  settle();

  ASSERT_GE(log.records.size(), 2u);
  EXPECT_EQ(log.records[0].entry.kind, RecordKind::message);
  EXPECT_EQ(log.records[1].entry.kind, RecordKind::forget);
}

}  // namespace
}  // namespace anser::domain
