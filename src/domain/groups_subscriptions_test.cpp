// Groups: who is subscribed, from when on, and how many there may be.
#include "tests/support/groups_fixture.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- subscriptions --------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, ASubscriptionIsDoneWhenTheGroupsHomeKnowsOfIt) {
  login(romeo, on(0, "romeo"), "garden");
  login(juliet, on(1, "juliet"), "balcony");
  login(again, on(1, "juliet"), "chamber");
  subscribe(romeo, group);
  EXPECT_THAT(outcomes, SizeIs(1));  // it is at home

  subscribe(juliet, group);
  subscribe(again, group);
  subscribe(juliet, group);
  EXPECT_EQ(letters<Interest>(), 1u);
  EXPECT_THAT(outcomes, SizeIs(1));
  read_letter();
  send(romeo, ephemeral(romeo, "hark"));  // the home has taken them in
  EXPECT_THAT(outcomes, SizeIs(1));
  settle();

  EXPECT_THAT(outcomes, SizeIs(4));
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
  EXPECT_THAT(again.bodies(), ElementsAre("hark"));
  subscribe(again, group);
  EXPECT_THAT(outcomes, SizeIs(5));  // known already
}

TEST_F(GroupsTest, SubscribingTwiceIsOneSubscription) {
  all_subscribe();
  subscribe(juliet, group);
  settle();

  say(romeo, "once");
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("once"));

  unsubscribe(juliet, group);
  say(romeo, "never");
  settle();
  EXPECT_THAT(juliet.bodies(), IsEmpty());
}

TEST_F(GroupsTest, WhoUnsubscribesHearsNothingMoreAndMayNotSpeak) {
  all_subscribe();
  say(romeo, "one");
  log().commit();  // the letters are on their way

  unsubscribe(juliet, group);
  unsubscribe(juliet, group);
  EXPECT_THAT(outcomes, SizeIs(2));
  EXPECT_TRUE(outcomes[0] && outcomes[1]);
  say(juliet, "two");
  settle();

  EXPECT_THAT(juliet.bodies(), IsEmpty());
  EXPECT_THAT(nurse.bodies(), ElementsAre("one"));
  EXPECT_EQ(letters<Published>(), 0u);
}

TEST_F(GroupsTest, ACoreWithoutSubscribersGetsNoLetters) {
  all_subscribe();
  unsubscribe(juliet, group);
  routers[2]->close(nurse);
  settle();

  send(romeo, ephemeral(romeo, "alone"));

  EXPECT_EQ(letters<Published>(), 0u);
  EXPECT_THAT(romeo.bodies(), ElementsAre("alone"));
}

TEST_F(GroupsTest, SubscriptionsEndWithTheSession) {
  all_subscribe();
  login(again, on(1, "juliet"), "chamber");
  subscribe(again, group);
  settle();
  routers[1]->close(juliet);
  juliet.heard.clear();

  say(romeo, "good night");
  settle();
  EXPECT_THAT(again.bodies(), ElementsAre("good night"));
  EXPECT_THAT(juliet.heard, IsEmpty());

  FakeSession back;
  login(back, on(1, "juliet"), "balcony");
  send(back, message(back, "still there?"));
  settle();
  EXPECT_THAT(errors(back), ElementsAre(Errc::forbidden));
  routers[1]->close(back);
}

TEST_F(GroupsTest, WhoLeavesAndComesBackBeforeTheAnswerIsSubscribed) {
  login(romeo, on(0, "romeo"), "garden");
  subscribe(romeo, group);
  login(juliet, on(1, "juliet"), "balcony");
  outcomes.clear();

  subscribe(juliet, group);
  unsubscribe(juliet, group);
  subscribe(juliet, group);
  EXPECT_EQ(letters<Interest>(), 1u);
  settle();

  EXPECT_THAT(outcomes, SizeIs(3));
  say(romeo, "hark");
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
}

TEST_F(GroupsTest, WhoLeavesBeforeTheAnswerIsForgotten) {
  login(romeo, on(0, "romeo"), "garden");
  subscribe(romeo, group);
  login(juliet, on(1, "juliet"), "balcony");
  outcomes.clear();

  subscribe(juliet, group);
  routers[1]->close(juliet);
  settle();

  EXPECT_THAT(outcomes, IsEmpty());  // nobody waits for it
  send(romeo, ephemeral(romeo, "alone"));
  EXPECT_EQ(letters<Published>(), 0u);
}

TEST_F(GroupsTest, WhoHearsThatItIsDoneMayLeaveAtOnce) {
  login(juliet, on(1, "juliet"), "balcony");
  login(romeo, on(0, "romeo"), "garden");
  for (FakeSession* session : {&juliet, &romeo}) {
    router_of(*session).subscribe(*session, jid(group),
                                  [this, session](Result<void>) { unsubscribe(*session, group); });
  }
  settle();

  EXPECT_THAT(outcomes, SizeIs(2));
  say(romeo, "hark");
  settle();
  EXPECT_THAT(errors(romeo), ElementsAre(Errc::forbidden));
}

TEST_F(GroupsTest, WhoLeavesOneOfManyGroupsKeepsTheOthers) {
  login(juliet, on(1, "juliet"), "balcony");
  login(again, on(1, "juliet"), "chamber");
  std::vector<std::string> names;
  for (const char* name : {"a", "b", "c", "d"}) names.push_back(on(1, name, "@conference.capulet.example"));
  for (const auto& name : names) {
    subscribe(again, name);
    subscribe(juliet, name);
  }
  unsubscribe(juliet, names[0]);
  unsubscribe(again, names[2]);
  unsubscribe(juliet, names[3]);

  for (const auto& name : names) {
    FakeSession& speaker = name == names[2] ? juliet : again;
    Envelope said = ephemeral(speaker, name);
    said.to = jid(name);
    send(speaker, said);
  }

  EXPECT_THAT(juliet.bodies(), ElementsAre(names[1], names[2]));
  EXPECT_THAT(again.bodies(), ElementsAre(names[0], names[1], names[3]));
}

TEST_F(GroupsTest, AnAddressThatIsNoGroupsCannotBeSubscribedTo) {
  login(romeo, on(0, "romeo"), "garden");

  for (const char* address : {"juliet@capulet.example", "conference.capulet.example", "a@conference.verona.example",
                              "a@conference.capulet.example/romeo"}) {
    subscribe(romeo, address);
    unsubscribe(romeo, address);
  }

  ASSERT_THAT(outcomes, SizeIs(8));
  for (const auto& outcome : outcomes) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::not_found);
    EXPECT_FALSE(outcome.error().message.empty());
  }
}

// ---- limits ---------------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, ASessionMaySubscribeToSoManyGroups) {
  limits.groups_per_session = 2;
  set_limits();
  login(romeo, on(0, "romeo"), "garden");

  for (const char* name : {"a", "b", "c"}) subscribe(romeo, on(0, name, "@conference.capulet.example"));
  ASSERT_THAT(outcomes, SizeIs(3));
  EXPECT_TRUE(outcomes[0] && outcomes[1]);
  ASSERT_FALSE(outcomes[2]);
  EXPECT_EQ(outcomes[2].error().code, Errc::resource_limit);

  unsubscribe(romeo, on(0, "a", "@conference.capulet.example"));
  subscribe(romeo, on(0, "c", "@conference.capulet.example"));
  EXPECT_TRUE(outcomes.back());
}

TEST_F(GroupsTest, ACoreHasRoomForTheSubscribersOfSoManyGroups) {
  limits.groups = 2;
  set_limits();
  login(juliet, on(1, "juliet"), "balcony");
  const std::vector<std::string> names{on(0, "a", "@conference.capulet.example"),
                                       on(2, "b", "@conference.capulet.example"),
                                       on(1, "c", "@conference.capulet.example")};

  for (const auto& name : names) subscribe(juliet, name);
  settle();
  ASSERT_THAT(outcomes, SizeIs(3));
  ASSERT_FALSE(outcomes[0]);  // at once
  EXPECT_EQ(outcomes[0].error().code, Errc::resource_limit);
  EXPECT_TRUE(outcomes[1] && outcomes[2]);

  unsubscribe(juliet, names[0]);
  subscribe(juliet, names[2]);
  EXPECT_TRUE(outcomes.back());
}

TEST_F(GroupsTest, AHomeHasRoomForSoManyGroups) {
  limits.groups = 1;
  set_limits();
  login(romeo, on(0, "romeo"), "garden");
  login(juliet, on(1, "juliet"), "balcony");
  subscribe(romeo, on(0, "taken", "@conference.capulet.example"));
  outcomes.clear();

  subscribe(juliet, group);
  say(juliet, "hark");  // it cannot know yet
  settle();
  ASSERT_THAT(outcomes, SizeIs(1));
  ASSERT_FALSE(outcomes[0]);
  EXPECT_EQ(outcomes[0].error().code, Errc::resource_limit);
  EXPECT_THAT(errors(juliet), ElementsAre(Errc::resource_limit));

  say(juliet, "hark");
  settle();
  EXPECT_THAT(errors(juliet), ElementsAre(Errc::resource_limit, Errc::forbidden));
  routers[0]->close(romeo);
  subscribe(juliet, group);
  settle();
  EXPECT_TRUE(outcomes.back());
}

}  // namespace
}  // namespace anser::domain
