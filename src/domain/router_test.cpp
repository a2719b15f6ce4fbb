#include "domain/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/router_fixture.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(RouterTest, FetchesAheadForAnyBatchOfLetters) {
  FakeSession juliet;
  login(juliet, "juliet@capulet.example/balcony");
  std::vector<Mail> batch;
  for (int i = 0; i < 3; ++i) {
    batch.emplace_back(Route{message(juliet, "juliet@capulet.example", "hi"), {}});
    batch.emplace_back(Route{message(juliet, "juliet@capulet.lan", "hi"), jid("juliet@capulet.example")});
    batch.emplace_back(Route{message(juliet, "nobody@capulet.example", "hi"), {}});
    batch.emplace_back(Fence{});
  }
  for (std::size_t at = 0; at < batch.size(); ++at) {
    router.fetch_ahead(batch, at);
    router.receive(std::move(batch[at]));
  }
  settle();
  EXPECT_THAT(juliet.heard, SizeIs(9));  // her own six, and three refusals
}

TEST_F(RouterTest, DeliversToTheEligibleResourcesOfABareAddress) {
  FakeSession romeo, phone, desk, machine;
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", 1);
  login(desk, "juliet@capulet.example/desk", 10);
  login(machine, "juliet@capulet.example/machine", -1);

  router.route(romeo, message(romeo, "juliet@capulet.example", "to all", Type::normal));
  router.route(romeo, message(romeo, "juliet@capulet.example", "to the most available"));

  EXPECT_THAT(phone.bodies(), ElementsAre("to all"));
  EXPECT_THAT(desk.bodies(), ElementsAre("to all", "to the most available"));
  EXPECT_THAT(machine.bodies(), IsEmpty());
}

TEST_F(RouterTest, TakesAnAliasForTheHostAndLeavesTheAddressAsItWasWritten) {
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  router.route(romeo, message(romeo, "juliet@192.168.8.32", "hark"));

  ASSERT_THAT(juliet.heard, SizeIs(1));
  EXPECT_EQ(juliet.heard[0].first.to.full(), "juliet@192.168.8.32");
}

TEST_F(RouterTest, ADomainThatIsNotOursIsRemoteServerNotFound) {
  FakeSession romeo;
  login(romeo, "romeo@capulet.example/garden");

  router.route(romeo, message(romeo, "paris@verona.example", "hello"));

  const auto errors = romeo.of(Kind::message, Type::error);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].failure->code, Errc::remote_not_found);
}

TEST_F(RouterTest, KeepsAMessageForSomebodyWhoIsAway) {
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  router.route(romeo, message(romeo, "juliet@capulet.example", "one"));
  router.route(romeo, message(romeo, "juliet@capulet.example", "two"));
  settle();

  login(juliet, "juliet@capulet.example/balcony", kNoPresence);
  EXPECT_THAT(juliet.bodies(), IsEmpty());
  be_available(juliet, 0);

  ASSERT_TRUE(juliet.asked);
  for (const auto& [envelope, stamp] : juliet.heard) {
    if (envelope.kind == Kind::message) {
      EXPECT_TRUE(stamp.delayed);
    }
  }
  EXPECT_THAT(juliet.bodies(), ElementsAre("one", "two"));
}

TEST_F(RouterTest, GivesWaitingMessagesAgainUntilTheyAreConfirmed) {
  FakeSession romeo, first, second, third;
  login(romeo, "romeo@capulet.example/garden");
  router.route(romeo, message(romeo, "juliet@capulet.example", "one"));
  settle();
  login(first, "juliet@capulet.example/a", kNoPresence);
  be_available(first, 0);
  router.close(first);

  login(second, "juliet@capulet.example/b", kNoPresence);
  be_available(second, 0);
  EXPECT_THAT(second.bodies(), ElementsAre("one"));
  router.confirmed(second, *second.asked);
  settle();
  router.close(second);

  login(third, "juliet@capulet.example/c", kNoPresence);
  be_available(third, 0);
  EXPECT_THAT(third.bodies(), IsEmpty());
}

TEST_F(RouterTest, AFullMailboxIsServiceUnavailable) {
  FakeSession romeo;
  login(romeo, "romeo@capulet.example/garden");

  for (int i = 0; i < 4; ++i) router.route(romeo, message(romeo, "juliet@capulet.example", "x"));
  settle();

  const auto errors = romeo.of(Kind::message, Type::error);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].failure->code, Errc::unavailable);
}

TEST_F(RouterTest, DeliversAnArchivedMessageOnlyWhenItIsDurable) {
  set_archive(true);
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  router.route(romeo, message(romeo, "juliet@capulet.example", "hark"));
  EXPECT_THAT(juliet.heard, IsEmpty());

  log.commit();
  ASSERT_THAT(juliet.heard, SizeIs(1));
  EXPECT_EQ(juliet.heard[0].second.sequence, 1u);
}

TEST_F(RouterTest, SaysWhichCopiesTheReceiversOwnArchiveHolds) {
  FakeSession romeo, juliet, later;
  set_archive(true);
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  const auto stamps = [](FakeSession& session) {
    std::vector<std::pair<std::uint64_t, bool>> found;
    for (const auto& [envelope, stamp] : session.heard) {
      if (envelope.kind == Kind::message) found.push_back({stamp.sequence, stamp.archived});
    }
    session.heard.clear();
    return found;
  };

  Envelope unkept = message(romeo, "juliet@capulet.example", "not this one");
  unkept.facts.no_permanent_store = true;
  router.route(romeo, message(romeo, "juliet@capulet.example", "live"));
  router.route(romeo, unkept);
  settle();
  EXPECT_THAT(stamps(juliet), ElementsAre(std::pair{1u, true}, std::pair{0u, false}));

  router.close(juliet);
  router.route(romeo, message(romeo, "juliet@capulet.example", "waits"));
  router.route(romeo, unkept);
  settle();
  login(later, "juliet@capulet.example/later", kNoPresence);
  be_available(later, 0);
  EXPECT_THAT(stamps(later), ElementsAre(std::pair{2u, true}, std::pair{3u, false}));
}

TEST_F(RouterTest, KeepsItsArchiveMarkOnAMessageThatGoesOnToAnotherSession) {
  set_archive(true);
  FakeSession romeo, phone, desk;
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone");
  router.route(romeo, message(romeo, "juliet@capulet.example", "hark"));
  settle();
  const auto [envelope, stamp] = phone.heard.back();
  router.close(phone);
  login(desk, "juliet@capulet.example/desk");

  router.undelivered(phone, envelope, stamp);
  settle();

  ASSERT_THAT(desk.heard, SizeIs(1));
  EXPECT_EQ(desk.heard[0].second.sequence, 1u);
  EXPECT_TRUE(desk.heard[0].second.archived);
}

TEST_F(RouterTest, AsksEachSideWhatItWantsToKeep) {
  set_archive(true);
  FakeSession romeo, juliet;
  accounts.states["romeo@capulet.example"].archive = ArchivePreferences{.never = {jid("juliet@capulet.example")}};
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  const auto kept = [&] {
    settle();
    const auto& references = log.records.back().entry.references;
    return std::pair{references.sender_archive, references.recipient_archive};
  };

  router.route(romeo, message(romeo, "juliet@capulet.lan", "hark"));  // the rule is about the real name
  EXPECT_EQ(kept(), (std::pair{false, true}));
  router.route(juliet, message(juliet, "romeo@capulet.example", "hark"));
  EXPECT_EQ(kept(), (std::pair{true, false}));

  bool stored = false;
  router.set_archive_preferences(*router.find("romeo@capulet.example"), ArchivePreferences{},
                                 [&](Result<void> outcome) { stored = outcome.has_value(); });
  settle();
  EXPECT_TRUE(stored);
  router.route(romeo, message(romeo, "juliet@capulet.example", "hark"));
  EXPECT_EQ(kept(), (std::pair{true, true}));
}

TEST_F(RouterTest, LetsTheConfigurationDecideForWhomHasNoPreferences) {
  set_archive(true);
  RouterLimits limits = router.limits();
  limits.archive_default = ArchiveDefault::roster;
  limits.archive_rules = 2;
  router.set_limits(limits);
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  router.route(romeo, message(romeo, "juliet@capulet.example", "hark"));
  settle();
  EXPECT_THAT(log.records, IsEmpty());

  Account& account = *router.find("romeo@capulet.example");
  EXPECT_EQ(router.archive_preferences(account).otherwise, ArchiveDefault::roster);
  std::optional<Errc> refused;
  const ArchivePreferences many{.always = {jid("a@x.example"), jid("b@x.example"), jid("c@x.example")}};
  router.set_archive_preferences(account, many, [&](Result<void> outcome) { refused = outcome.error().code; });
  EXPECT_EQ(refused, Errc::resource_limit);
}

TEST_F(RouterTest, ArchivesWhatTakesBackThoughItHasNoBody) {
  set_archive(true);
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  Envelope bare = message(romeo, "juliet@capulet.example", "<retract/>");
  bare.facts.has_body = false;
  Envelope taking_back = bare;
  taking_back.retracts = "m1";

  router.route(romeo, bare);
  router.route(romeo, taking_back);
  settle();

  ASSERT_THAT(log.records, SizeIs(1));
  EXPECT_EQ(log.records[0].entry.envelope.retracts, "m1");
}

// What a session asked for is nothing that another would miss.
TEST_F(RouterTest, GivesNobodyElseTheAnswerThatASessionDidNotTake) {
  FakeSession phone, desk;
  login(phone, "juliet@capulet.example/phone");
  login(desk, "juliet@capulet.example/desk");
  Envelope result = message(phone, "juliet@capulet.example/phone", "an archive's result", Type::normal);
  router.close(phone);

  router.undelivered(phone, result, Stamp{.answer = true});
  settle();

  EXPECT_THAT(desk.bodies(), IsEmpty());
  EXPECT_THAT(log.records, IsEmpty());
}

TEST_F(RouterTest, NothingOvertakesAMessageThatIsOnItsWayToTheDisk) {
  set_archive(true);
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  router.route(romeo, message(romeo, "juliet@capulet.example", "first"));
  Envelope state = message(romeo, "juliet@capulet.example", "second");
  state.facts.no_store = true;  // needs no append
  router.route(romeo, state);
  EXPECT_THAT(juliet.heard, IsEmpty());
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("first", "second"));
}

TEST_F(RouterTest, ABatchOfAppendsMayNameAnAccountSeveralTimes) {
  set_archive(true);
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  router.route(romeo, message(romeo, "juliet@capulet.example", "one"));
  router.route(juliet, message(juliet, "romeo@capulet.example", "two"));
  router.route(romeo, message(romeo, "juliet@capulet.example", "three"));
  log.commit();

  EXPECT_THAT(juliet.bodies(), ElementsAre("one", "three"));
  EXPECT_THAT(romeo.bodies(), ElementsAre("two"));
}

TEST_F(RouterTest, WhoLeavesWhileAMessageIsOnItsWayFindsItAtTheNextLogin) {
  set_archive(true);
  FakeSession romeo, juliet, later;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  router.route(romeo, message(romeo, "juliet@capulet.example", "hark"));

  router.close(juliet);
  settle();

  login(later, "juliet@capulet.example/bed", kNoPresence);
  be_available(later, 0);
  EXPECT_THAT(later.bodies(), ElementsAre("hark"));
}

TEST_F(RouterTest, AFencePassesAfterWhatWasSentBeforeItIsDurable) {
  FakeSession romeo;
  login(romeo, "romeo@capulet.example/garden");
  router.route(romeo, message(romeo, "juliet@capulet.example", "keep this"));

  router.fence(romeo, 7);
  EXPECT_FALSE(romeo.passed);
  while (storage.run_one() || log.answer()) {
  }
  EXPECT_FALSE(romeo.passed);
  log.commit();

  EXPECT_EQ(romeo.passed, 7u);
}

TEST_F(RouterTest, AFencePassesAtOnceWhenNothingIsOpen) {
  FakeSession romeo;
  login(romeo, "romeo@capulet.example/garden");

  router.fence(romeo, 1);

  EXPECT_EQ(romeo.passed, 1u);
}

TEST_F(RouterTest, ANewSessionReplacesTheOldOneOfItsResource) {
  FakeSession old, fresh;
  login(old, "romeo@capulet.example/Smack");

  login(fresh, "romeo@capulet.example/Smack");

  EXPECT_EQ(old.closed, CloseReason::replaced);
  EXPECT_FALSE(fresh.closed);
}

TEST_F(RouterTest, ARefusedAppendIsToldToTheSender) {
  FakeSession romeo;
  login(romeo, "romeo@capulet.example/garden");
  log.full = true;

  router.route(romeo, message(romeo, "juliet@capulet.example", "x"));
  settle();
  router.fence(romeo, 1);

  ASSERT_THAT(romeo.of(Kind::message, Type::error), SizeIs(1));
  EXPECT_EQ(romeo.passed, 1u);  // and nothing waits for it for ever
}

TEST_F(RouterTest, AFullDiskIsToldToTheSenderBeforeItsFencePasses) {
  FakeSession romeo;
  login(romeo, "romeo@capulet.example/garden");
  log.disk_full = true;

  router.route(romeo, message(romeo, "juliet@capulet.example", "x"));
  router.fence(romeo, 1);
  settle();

  const auto errors = romeo.of(Kind::message, Type::error);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].failure->code, Errc::disk_full);
  EXPECT_EQ(romeo.passed, 1u);
  EXPECT_EQ(router.find("juliet@capulet.example")->waiting_messages(), 0u);
}

TEST_F(RouterTest, ASubscriptionMakesPresenceVisible) {
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  const auto ask = [&](FakeSession& who, std::string_view whom, Type type) {
    Envelope presence;
    presence.kind = Kind::presence;
    presence.type = type;
    presence.from = who.jid();
    presence.to = jid(whom);
    router.route(who, presence);
    settle();
  };

  ask(romeo, "juliet@capulet.example", Type::subscribe);
  ASSERT_THAT(juliet.of(Kind::presence, Type::subscribe), SizeIs(1));
  EXPECT_EQ(juliet.of(Kind::presence, Type::subscribe)[0].from.full(), "romeo@capulet.example");  // the bare address
  ask(juliet, "romeo@capulet.example", Type::subscribed);

  EXPECT_THAT(romeo.of(Kind::presence, Type::subscribed), SizeIs(1));
  EXPECT_THAT(romeo.of(Kind::presence, Type::available), SizeIs(1));
  router.close(juliet);
  EXPECT_THAT(romeo.of(Kind::presence, Type::unavailable), SizeIs(1));
}

TEST_F(RouterTest, DirectedPresenceIsTakenBackAtTheEnd) {
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden", kNoPresence);
  login(juliet, "juliet@capulet.example/balcony");
  Envelope presence;
  presence.kind = Kind::presence;
  presence.type = Type::available;
  presence.from = romeo.jid();
  presence.to = juliet.jid();

  router.route(romeo, presence);
  router.close(romeo);

  EXPECT_THAT(juliet.of(Kind::presence, Type::available), SizeIs(1));
  EXPECT_THAT(juliet.of(Kind::presence, Type::unavailable), SizeIs(1));
}

TEST_F(RouterTest, RequestsToAnAccountAreAnsweredForItAndNeverDelivered) {
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  Envelope iq;
  iq.kind = Kind::iq;
  iq.type = Type::get;
  iq.id = "1";
  iq.from = romeo.jid();
  iq.to = jid("juliet@capulet.example");

  router.route(romeo, iq);

  ASSERT_THAT(iqs.served, SizeIs(1));
  EXPECT_EQ(iqs.served[0].first, "juliet@capulet.example");
  EXPECT_THAT(juliet.heard, IsEmpty());
}

TEST_F(RouterTest, NobodyLearnsWhetherAnAccountExists) {
  FakeSession romeo;
  login(romeo, "romeo@capulet.example/garden");

  router.route(romeo, message(romeo, "nobody@capulet.example", "x"));
  settle();

  const auto errors = romeo.of(Kind::message, Type::error);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].failure->code, Errc::unavailable);
}

TEST_F(RouterTest, BlockedPeopleAreNotHeardAndOneCannotWriteToThem) {
  FakeSession romeo, juliet;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  router.block(*router.find("juliet@capulet.example"), {jid("romeo@capulet.example")}, [](Result<void>) {});
  settle();

  router.route(romeo, message(romeo, "juliet@capulet.example", "hark"));
  router.route(juliet, message(juliet, "romeo@capulet.example", "fie"));

  EXPECT_THAT(juliet.bodies(), IsEmpty());
  ASSERT_THAT(romeo.of(Kind::message, Type::error), SizeIs(1));
  EXPECT_EQ(romeo.of(Kind::message, Type::error)[0].failure->code, Errc::unavailable);
}

TEST_F(RouterTest, DeletingAnAccountEndsItsSessionsAndItsContactsSubscriptions) {
  FakeSession romeo, juliet;
  accounts.states["romeo@capulet.example"].contacts = {
      {jid("juliet@capulet.example"), {.to = true, .from = true, .listed = true}}};
  accounts.states["juliet@capulet.example"].contacts = {
      {jid("romeo@capulet.example"), {.to = true, .from = true, .listed = true}}};
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  router.remove_account(jid("romeo@capulet.example"), 0, [](Result<void>) {});
  settle();

  EXPECT_EQ(romeo.closed, CloseReason::account_removed);
  EXPECT_EQ(router.find("juliet@capulet.example")->subscription("romeo@capulet.example").to, false);
  EXPECT_EQ(router.find("juliet@capulet.example")->subscription("romeo@capulet.example").from, false);
}

TEST_F(RouterTest, WhatASessionCouldNotWriteGoesToTheOthersOrWaits) {
  FakeSession romeo, juliet, later;
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  router.close(juliet);

  router.undelivered(juliet, message(romeo, "juliet@capulet.example", "unread"), {});
  settle();

  login(later, "juliet@capulet.example/bed", kNoPresence);
  be_available(later, 0);
  EXPECT_THAT(later.bodies(), ElementsAre("unread"));
}

}  // namespace
}  // namespace anser::domain
