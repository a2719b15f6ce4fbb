// Groups: who may speak, and what is left of what was said when the speaker has gone or says it again.
#include "tests/support/groups_fixture.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- who may speak --------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, OnlyASessionThatIsSubscribedMaySpeak) {
  all_subscribe();
  login(again, on(1, "juliet"), "chamber");  // another device of a subscriber

  send(again, message(again, "let me in"));
  settle();

  EXPECT_THAT(errors(again), ElementsAre(Errc::forbidden));
  EXPECT_THAT(romeo.heard, IsEmpty());
  EXPECT_THAT(log().records, IsEmpty());
}

TEST_F(GroupsTest, WhoHasBlockedTheGroupsAddressDoesNotWriteToIt) {
  all_subscribe();
  Account* account = routers[1]->find(juliet.jid().bare());
  routers[1]->block(*account, {jid(group)}, [](Result<void> outcome) { EXPECT_TRUE(outcome); });
  settle();

  say(juliet, "hark");
  settle();

  EXPECT_THAT(errors(juliet), ElementsAre(Errc::blocked));
  EXPECT_THAT(romeo.heard, IsEmpty());
}

TEST_F(GroupsTest, WhatIsSaidDoesNotOvertakeAMessageThatWaitsForTheTurnsEnd) {
  run(1);
  std::vector<std::function<void()>> actions;
  routers[0]->set_at_turn_end([&](std::function<void()> action) { actions.push_back(std::move(action)); });
  login(romeo, on(0, "romeo"), "garden");
  login(juliet, on(0, "juliet"), "balcony");
  for (FakeSession* session : {&romeo, &juliet}) subscribe(*session, group);
  settle();

  Envelope whisper = ephemeral(romeo, "for you alone");
  whisper.type = Type::chat;
  whisper.to = juliet.jid();
  send(romeo, std::move(whisper));
  send(romeo, ephemeral(romeo, "for all"));
  for (const auto& action : std::exchange(actions, {})) action();

  EXPECT_THAT(juliet.bodies(), ElementsAre("for you alone", "for all"));
}

TEST_F(GroupsTest, WhatWasSaidLastIsHeardThoughTheSpeakerHasGone) {
  all_subscribe();

  say(juliet, "farewell");
  routers[1]->close(juliet);
  settle();

  EXPECT_THAT(romeo.bodies(), ElementsAre("farewell"));
}

TEST_F(GroupsTest, WhatWasSaidLastIsKeptThoughAllHaveGone) {
  login(juliet, on(1, "juliet"), "balcony");
  subscribe(juliet, group);
  settle();

  say(juliet, "farewell");
  routers[1]->close(juliet);
  settle();

  EXPECT_THAT(log().records, SizeIs(1));
  EXPECT_THAT(errors(juliet), IsEmpty());
}

TEST_F(GroupsTest, WhatWaitsForARetryIsHeardThoughTheSpeakerHasGone) {
  all_subscribe();

  send(juliet, message(juliet, "farewell", "1"));  // the group's archive is asked first
  routers[1]->close(juliet);
  settle();

  EXPECT_THAT(romeo.bodies(), ElementsAre("farewell"));
}

// What is not a message to all is answered, and asks no account after the group.
TEST_F(GroupsTest, WhatElseIsSentThereIsAnswered) {
  struct Case {
    Kind kind;
    Type type;
    std::string to;
    std::optional<Errc> error;
  };
  const std::string domain = "conference.capulet.example";
  const std::vector<Case> cases{
      {Kind::message, Type::chat, group, Errc::bad_request},
      {Kind::message, Type::normal, group + "/romeo", Errc::bad_request},
      {Kind::message, Type::groupchat, group + "/romeo", Errc::bad_request},
      {Kind::message, Type::groupchat, domain, Errc::unavailable},
      {Kind::message, Type::chat, domain, Errc::unavailable},
      {Kind::message, Type::headline, group, std::nullopt},
      {Kind::message, Type::error, group, std::nullopt},
      {Kind::iq, Type::get, domain, Errc::unavailable},
      {Kind::iq, Type::set, group, Errc::unavailable},
      {Kind::iq, Type::get, group + "/romeo", Errc::unavailable},
      {Kind::iq, Type::result, group, std::nullopt},
      {Kind::presence, Type::available, group + "/romeo", Errc::unavailable},
      {Kind::presence, Type::subscribe, group, Errc::unavailable},
      {Kind::presence, Type::probe, group, Errc::unavailable},
      {Kind::presence, Type::unavailable, group + "/romeo", std::nullopt},
      {Kind::presence, Type::unsubscribed, group, std::nullopt},
  };
  all_subscribe();
  for (const Case& one : cases) {
    Envelope envelope = message(juliet, "");
    envelope.kind = one.kind;
    envelope.type = one.type;
    envelope.to = jid(one.to);
    juliet.heard.clear();

    send(juliet, envelope);
    settle();

    const auto found = errors(juliet);
    EXPECT_THAT(found, SizeIs(one.error ? 1 : 0)) << one.to << " " << static_cast<int>(one.type);
    if (one.error && !found.empty()) {
      EXPECT_EQ(found[0], *one.error) << one.to;
      EXPECT_EQ(juliet.heard[0].first.from.full(), one.to);
      EXPECT_EQ(juliet.heard[0].first.kind, one.kind);
    }
  }
  EXPECT_THAT(romeo.heard, IsEmpty());
  EXPECT_THAT(iqs.served, IsEmpty());
  for (auto& router : routers) EXPECT_EQ(router->find(group), nullptr);
  EXPECT_TRUE(router_of(juliet).find(juliet.jid().bare())->contacts().empty());
}

TEST_F(GroupsTest, WhatASessionLeavesUnreadIsNeitherPassedOnNorRefused) {
  all_subscribe();
  login(again, on(1, "juliet"), "chamber");
  say(romeo, "good night");
  settle();
  ASSERT_THAT(juliet.heard, SizeIs(1));
  auto [envelope, stamp] = juliet.heard[0];

  routers[1]->close(juliet);
  routers[1]->undelivered(juliet, envelope, stamp);
  settle();

  EXPECT_THAT(again.heard, IsEmpty());
  EXPECT_THAT(errors(romeo), IsEmpty());
  EXPECT_THAT(log().records, SizeIs(1));
}

// ---- retries --------------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, ARetryIsHeardOnce) {
  all_subscribe();

  for (int i = 0; i < 3; ++i) send(juliet, message(juliet, "hark", "1"));
  send(juliet, message(juliet, "hush", "1"));
  router_of(juliet).fence(juliet, 7);
  settle();

  EXPECT_THAT(romeo.bodies(), ElementsAre("hark", "hush"));
  EXPECT_EQ(juliet.passed, 7u);
  EXPECT_THAT(errors(juliet), IsEmpty());
}

TEST_F(GroupsTest, ARetryWaitsForTheFirstOne) {
  all_subscribe();
  send(juliet, message(juliet, "before", "0"));
  settle();
  send(juliet, message(juliet, "hark", "1"));

  send(juliet, message(juliet, "hark", "1"));
  router_of(juliet).fence(juliet, 7);
  read_letters();

  EXPECT_EQ(juliet.passed, std::nullopt);
  settle();
  EXPECT_EQ(juliet.passed, 7u);
  EXPECT_THAT(romeo.bodies(), ElementsAre("before", "hark"));
}

TEST_F(GroupsTest, WhatWasRefusedIsNoRetry) {
  all_subscribe();
  send(juliet, message(juliet, "before", "0"));
  settle();
  log().disk_full = true;
  send(juliet, message(juliet, "hark", "1"));
  settle();
  log().disk_full = false;

  send(juliet, message(juliet, "hark", "1"));
  settle();

  EXPECT_THAT(errors(juliet), ElementsAre(Errc::disk_full));
  EXPECT_THAT(romeo.bodies(), ElementsAre("before", "hark"));
}

TEST_F(GroupsTest, ARetryIsKnownAfterARestartFromTheGroupsArchive) {
  run(1);
  login(romeo, on(0, "romeo"), "garden");
  subscribe(romeo, group);
  send(romeo, message(romeo, "hark", "1"));
  settle();
  ASSERT_THAT(romeo.bodies(), ElementsAre("hark"));
  FakeSession later;
  run(1);
  login(later, on(0, "romeo"), "garden");
  subscribe(later, group);

  send(later, message(later, "hark", "1"));
  routers[0]->fence(later, 7);
  send(later, message(later, "hush", "2"));
  settle();

  EXPECT_THAT(later.bodies(), ElementsAre("hush"));
  EXPECT_EQ(later.passed, 7u);
  EXPECT_THAT(log().records, SizeIs(2));
  routers[0]->close(later);
}

TEST_F(GroupsTest, AnArchiveThatCannotBeReadIsToldToTheSender) {
  all_subscribe();
  logs[1]->unreadable = true;

  send(juliet, message(juliet, "hark", "1"));
  settle();
  logs[1]->unreadable = false;
  send(juliet, message(juliet, "hark", "1"));
  settle();

  EXPECT_THAT(errors(juliet), ElementsAre(Errc::resource_limit));
  EXPECT_THAT(romeo.bodies(), ElementsAre("hark"));
}

}  // namespace
}  // namespace anser::domain
