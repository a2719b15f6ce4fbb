// What sessions with acknowledgements are owed: a message that they were given waits in the log until they have it, and
// nobody else is handed it meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/router_fixture.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class OwedTest : public RouterTest {
 protected:
  OwedTest() { router.set_limits({}); }

  void login(FakeSession& session, std::string_view address, bool confirms = false, int priority = 0) {
    if (confirms) session.set_confirms();
    RouterTest::login(session, address, priority);
    session.queue = UnackedQueue{};
  }
  void send(FakeSession& from, std::string_view to, std::string_view body) {
    router.route(from, message(from, to, body));
    settle();
  }
  void end(FakeSession& session) {
    router.close(session);
    for (auto& entry : session.queue.take_all()) router.undelivered(session, std::move(entry.envelope), entry.stamp);
    settle();
  }
  // Without acknowledgements, and nothing of what it was given had been written.
  void end_unwritten(FakeSession& session) {
    router.close(session);
    for (auto& [envelope, stamp] : std::exchange(session.heard, {})) router.undelivered(session, envelope, stamp);
    settle();
  }
  // What a new session would find.
  std::vector<std::uint64_t> waiting() {
    std::vector<std::uint64_t> found;
    log.offline(0, jid(kJuliet), {}, 1000, 1 << 20, [&](Result<std::vector<LogRecord>> records) {
      for (const auto& record : *records) found.push_back(record.sequence);
    });
    settle();
    return found;
  }
  void archive(bool on) {
    RouterLimits limits = router.limits();
    limits.archive = on;
    router.set_limits(limits);
  }

  static constexpr const char* kRomeo = "romeo@capulet.example";
  static constexpr const char* kJuliet = "juliet@capulet.example";

  FakeSession romeo, phone, desk, later;
};

TEST_F(OwedTest, WhatIsGivenWaitsUntilItIsConfirmed) {
  for (const bool archived : {true, false}) {
    archive(archived);
    login(romeo, "romeo@capulet.example/garden");
    login(phone, "juliet@capulet.example/phone", true);
    const std::uint64_t before = log.records.size();
    send(romeo, kJuliet, "a");
    send(romeo, "juliet@capulet.example/phone", "b");
    EXPECT_THAT(phone.bodies(), ElementsAre("a", "b"));
    EXPECT_THAT(waiting(), ElementsAre(before + 1, before + 2));
    EXPECT_EQ(router.find(kJuliet)->waiting_messages(), 0u) << "they are no business of the next session";

    phone.acknowledge(router, 1);
    settle();
    EXPECT_THAT(waiting(), ElementsAre(before + 2));
    phone.acknowledge(router, 2);
    settle();
    EXPECT_THAT(waiting(), IsEmpty());
    for (auto* session : {&romeo, &phone}) end(*session);
  }
}

TEST_F(OwedTest, WhoeverCannotConfirmIsOwedNothing) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone");
  send(romeo, kJuliet, "a");
  EXPECT_THAT(phone.bodies(), ElementsAre("a"));
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(OwedTest, WhatWasNotConfirmedWaitsForTheNextSession) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", true);
  for (const char* body : {"a", "b", "c"}) send(romeo, kJuliet, body);
  phone.acknowledge(router, 1);
  settle();
  const auto records = log.records.size();
  end(phone);
  EXPECT_EQ(log.records.size(), records) << "it waits already";
  EXPECT_EQ(router.find(kJuliet)->waiting_messages(), 2u);

  login(later, "juliet@capulet.example/later", true);
  // login() has taken what came; it is confirmed as a page.
  EXPECT_TRUE(later.asked);
  router.confirmed(later, *later.asked);
  settle();
  EXPECT_EQ(router.find(kJuliet)->waiting_messages(), 0u);
}

TEST_F(OwedTest, ANewSessionIsNotGivenWhatAnotherHolds) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", true);
  send(romeo, kJuliet, "a");
  desk.set_confirms();
  login(desk, "juliet@capulet.example/desk", true);
  send(romeo, "juliet@capulet.example/desk", "b");
  EXPECT_THAT(desk.bodies(), ElementsAre("b"));
}

TEST_F(OwedTest, OfTwoDevicesBothConfirm) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", true);
  login(desk, "juliet@capulet.example/desk", true);
  send(romeo, kJuliet, "a");
  const auto sequence = log.records.size();

  phone.acknowledge(router, 1);
  settle();
  EXPECT_THAT(waiting(), ElementsAre(sequence)) << "the other may still have to be given it after a crash";
  EXPECT_TRUE(desk.queue.entries()[0].stamp.had);
  desk.acknowledge(router, 1);
  settle();
  EXPECT_THAT(waiting(), IsEmpty());
}

// What a device without acknowledgements had not been able to write when it went, beside one that has them.
TEST_F(OwedTest, WhatNobodyHadIsNotLostWithTheLastDevice) {
  for (const bool archived : {true, false}) {
    for (const bool both_are_given : {true, false}) {
      SCOPED_TRACE(testing::Message() << "archived " << archived << ", both are given it " << both_are_given);
      archive(archived);
      FakeSession pad;
      login(romeo, "romeo@capulet.example/garden");
      login(phone, "juliet@capulet.example/phone", true, both_are_given ? 0 : -1);
      login(pad, "juliet@capulet.example/pad");
      send(romeo, kJuliet, "a");
      ASSERT_THAT(pad.heard, SizeIs(1));

      end(phone);
      end_unwritten(pad);
      router.open(later, jid("juliet@capulet.example/later"), false, [](const Result<void>&) {});
      settle();
      be_available(later, 0);
      EXPECT_THAT(later.bodies(), ElementsAre("a"));
      router.confirmed(later, *later.asked);
      for (auto* session : {&romeo, &later}) end(*session);
    }
  }
}

TEST_F(OwedTest, WhatComesBackComesBeforeWhatIsOnItsWay) {
  for (const bool archived : {true, false}) {
    archive(archived);
    login(romeo, "romeo@capulet.example/garden");
    login(phone, "juliet@capulet.example/phone", true, 5);
    login(desk, "juliet@capulet.example/desk");
    for (const char* body : {"a", "b"}) send(romeo, kJuliet, body);
    router.route(romeo, message(romeo, kJuliet, "c"));
    router.route(romeo, message(romeo, kJuliet, "d"));

    end(phone);
    EXPECT_THAT(desk.bodies(), ElementsAre("a", "b", "c", "d"));
    for (auto* session : {&romeo, &desk}) end(*session);
  }
}

// Whoever is there gets what was acknowledged, whether or not the disk takes the note that it waits.
TEST_F(OwedTest, WhatComesBackIsHandedOnThoughTheLogTakesNothing) {
  for (const bool archived : {true, false}) {
    for (const bool queue : {true, false}) {
      SCOPED_TRACE(testing::Message() << "archived " << archived << ", the queue is full " << queue);
      archive(archived);
      FakeSession pad;
      login(romeo, "romeo@capulet.example/garden");
      login(pad, "juliet@capulet.example/pad", false, 5);
      login(phone, "juliet@capulet.example/phone", true);
      pad.heard.clear();
      send(romeo, kJuliet, "a");
      ASSERT_THAT(pad.heard, SizeIs(1));

      (queue ? log.full : log.disk_full) = true;
      end_unwritten(pad);
      EXPECT_THAT(phone.bodies(), ElementsAre("a"));
      EXPECT_THAT(romeo.of(Kind::message, Type::error), IsEmpty());
      log.full = log.disk_full = false;
      for (auto* session : {&romeo, &phone}) end(*session);
      login(later, "juliet@capulet.example/later");
      if (later.asked) router.confirmed(later, *later.asked);
      end(later);
    }
  }
}

TEST_F(OwedTest, WhatOneStillHoldsIsNotGivenToItAgain) {
  for (const bool archived : {true, false}) {
    archive(archived);
    FakeSession pad;
    login(romeo, "romeo@capulet.example/garden");
    login(pad, "juliet@capulet.example/pad", false, 5);
    login(phone, "juliet@capulet.example/phone", true, 5);
    pad.heard.clear();
    send(romeo, kJuliet, "a");
    be_available(phone, 1);
    end_unwritten(pad);
    EXPECT_THAT(phone.bodies(), ElementsAre("a"));
    phone.acknowledge(router, static_cast<std::uint32_t>(phone.queue.last()));
    settle();
    for (auto* session : {&romeo, &phone}) end(*session);
  }
}

TEST_F(OwedTest, NothingIsAcknowledgedBeforeItWaitsForWhoShallConfirmIt) {
  archive(true);
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone");
  router.route(romeo, message(romeo, kJuliet, "a"));
  router.fence(romeo, 7);
  phone.set_confirms();  // while it is on its way to the disk

  log.commit();
  EXPECT_FALSE(romeo.passed);
  EXPECT_THAT(phone.bodies(), IsEmpty());
  log.commit();
  EXPECT_EQ(romeo.passed, 7u);
  EXPECT_THAT(phone.bodies(), ElementsAre("a"));
  EXPECT_THAT(waiting(), SizeIs(1));
}

TEST_F(OwedTest, WhatOneDeviceHasConfirmedIsOverWhenTheOtherGoes) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", true);
  login(desk, "juliet@capulet.example/desk", true);
  send(romeo, kJuliet, "a");
  phone.bodies();
  phone.acknowledge(router, 1);
  settle();
  end(desk);
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_THAT(phone.bodies(), IsEmpty());
}

TEST_F(OwedTest, WhatOneDeviceStillHoldsIsNotTakenBackFromTheOther) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", true);
  login(desk, "juliet@capulet.example/desk", true);
  send(romeo, kJuliet, "a");
  phone.bodies();
  end(desk);
  EXPECT_THAT(phone.bodies(), IsEmpty());
  EXPECT_THAT(waiting(), SizeIs(1));
  phone.acknowledge(router, 1);
  settle();
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(OwedTest, WhatNobodyConfirmedGoesToAnotherDevice) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", true, 5);
  login(desk, "juliet@capulet.example/desk", true, 0);
  send(romeo, kJuliet, "a");
  EXPECT_THAT(desk.bodies(), IsEmpty());
  end(phone);
  EXPECT_THAT(desk.bodies(), ElementsAre("a"));
  EXPECT_THAT(waiting(), SizeIs(1));
  desk.acknowledge(router, 1);
  settle();
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(OwedTest, WhatAnotherDeviceCannotConfirmIsOverWhenItHasIt) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", true, 5);
  login(desk, "juliet@capulet.example/desk", false, 0);
  send(romeo, kJuliet, "a");
  end(phone);
  EXPECT_THAT(desk.bodies(), ElementsAre("a"));
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(OwedTest, ACopyIsOwedAsTheMessageIs) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", false, 5);
  login(desk, "juliet@capulet.example/desk", true, 0);
  desk.set_carbons(true);
  send(romeo, kJuliet, "a");
  EXPECT_THAT(waiting(), SizeIs(1));
  desk.acknowledge(router, 1);
  settle();
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(OwedTest, ACopyOfWhatIsKeptEndsNothingWhenItIsConfirmed) {
  login(romeo, "romeo@capulet.example/garden");
  login(desk, "juliet@capulet.example/desk", true, -1);
  desk.set_carbons(true);
  send(romeo, kJuliet, "a");  // nobody takes messages: it waits, and the desk sees a copy
  EXPECT_THAT(desk.bodies(), ElementsAre("a"));
  desk.acknowledge(router, 1);
  settle();
  EXPECT_THAT(waiting(), SizeIs(1));
}

TEST_F(OwedTest, AMessageThatWasCommittedBeforeTheSessionConfirmedIsOwedFromItsDelivery) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone");
  Envelope envelope;
  envelope.type = Type::chat;
  envelope.from = romeo.jid();
  envelope.to = jid(kJuliet);
  envelope.facts.has_body = envelope.facts.has_payload = true;
  envelope.inner = Bytes::copy("a");
  router.route(romeo, std::move(envelope));
  phone.set_confirms();  // while it is on its way to the disk
  settle();
  EXPECT_THAT(waiting(), SizeIs(1));
  phone.acknowledge(router, 1);
  settle();
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(OwedTest, ASendersStanzaIsNotedWithItsMessage) {
  login(romeo, "romeo@capulet.example/garden");
  Envelope envelope;
  envelope.type = Type::chat;
  envelope.from = romeo.jid();
  envelope.to = jid(kJuliet);
  envelope.facts.has_body = envelope.facts.has_payload = true;
  envelope.taken = {4711, 9};
  router.route(romeo, std::move(envelope));
  EXPECT_THAT(log.notes, IsEmpty());
  settle();
  ASSERT_THAT(log.notes, SizeIs(1));
  EXPECT_EQ(log.notes.begin()->first.first, 4711u);
}

TEST_F(OwedTest, ANoteIsToldWhenItIsDurableOrFoundNoRoom) {
  login(phone, "juliet@capulet.example/phone", true);
  phone.set_journal(5);
  ASSERT_TRUE(router.note(phone, handled_note(5, 3), 12));
  EXPECT_THAT(phone.notes, IsEmpty());
  settle();
  log.disk_full = true;
  ASSERT_TRUE(router.note(phone, handled_note(5, 4), 13));
  settle();
  EXPECT_THAT(phone.notes, ElementsAre(std::pair{12u, true}, std::pair{13u, false}));
  log.full = true;
  EXPECT_FALSE(router.note(phone, handled_note(5, 5), 14));
}

// ---- after a restart ------------------------------------------------------------------------------------------------

class RestoredTest : public OwedTest {
 protected:
  // The log of a process that died; `given` are the sequences that the phone had been given.
  void restore(FakeSession& session, std::string_view address, std::vector<std::uint64_t> given, bool carbons = false) {
    SavedSession saved;
    saved.journal = 7;
    saved.jid = jid(address);
    saved.state.presence = Presence{};
    saved.state.carbons = carbons;
    std::vector<Outgoing> entries;
    for (const auto sequence : given) {
      entries.push_back({.envelope = {}, .stamp = {.sequence = sequence, .owed = true}, .text = {}, .absent = true});
    }
    session.queue.restore(0, std::move(entries));
    router.restore(session, std::move(saved),
                   [this](Result<void> outcome) { outcomes.push_back(outcome.has_value()); });
  }
  void come_up() {
    router.load_restored();
    settle();
  }
  void logged(std::string_view body) {
    LogEntry entry;
    entry.owner = jid(kJuliet);
    entry.references = {.recipient_archive = true, .offline = true};
    entry.envelope.type = Type::chat;
    entry.envelope.from = jid("romeo@capulet.example/garden");
    entry.envelope.to = jid(kJuliet);
    entry.envelope.facts.has_body = entry.envelope.facts.has_payload = true;
    entry.envelope.inner = Bytes::copy(body);
    log.records.push_back({log.records.size() + 1, Time{}, std::move(entry)});
  }
  std::vector<bool> outcomes;
};

TEST_F(RestoredTest, ASessionIsAsItWas) {
  for (const char* body : {"a", "b"}) logged(body);
  restore(phone, "juliet@capulet.example/phone", {1, 2}, true);
  come_up();
  EXPECT_THAT(outcomes, ElementsAre(true));
  EXPECT_TRUE(phone.available() && phone.carbons());
  EXPECT_EQ(router.find(kJuliet)->waiting_messages(), 0u);
  EXPECT_THAT(phone.bodies(), IsEmpty());

  std::vector<LogRecord> records;
  router.recall(phone, {1, 2}, [&](Result<std::vector<LogRecord>> found) { records = std::move(*found); });
  settle();
  phone.queue.fill(std::move(records));
  ASSERT_EQ(phone.queue.size(), 2u);
  EXPECT_EQ(phone.queue.entries()[1].envelope.inner.view(), "b");
  phone.acknowledge(router, 2);
  settle();
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(RestoredTest, WhatWasCommittedAndNotYetGivenIsGivenNow) {
  for (const char* body : {"a", "b", "c"}) logged(body);
  restore(phone, "juliet@capulet.example/phone", {1});
  restore(desk, "juliet@capulet.example/desk", {1, 2});
  come_up();
  EXPECT_THAT(phone.bodies(), ElementsAre("c"));
  EXPECT_THAT(desk.bodies(), ElementsAre("c"));
  EXPECT_EQ(router.find(kJuliet)->waiting_messages(), 0u);
  EXPECT_EQ(phone.queue.size(), 2u);
  EXPECT_THAT(waiting(), ElementsAre(1, 2, 3));
}

TEST_F(RestoredTest, WhatIsGivenNowComesBeforeWhatIsSentNow) {
  logged("a");
  restore(phone, "juliet@capulet.example/phone", {});
  router.load_restored();
  login(romeo, "romeo@capulet.example/garden");
  send(romeo, kJuliet, "b");
  EXPECT_THAT(phone.bodies(), ElementsAre("a", "b"));
}

TEST_F(RestoredTest, ASessionThatIsNeverResumedLeavesItsMessagesWaiting) {
  for (const char* body : {"a", "b"}) logged(body);
  restore(phone, "juliet@capulet.example/phone", {1, 2});
  come_up();
  router.close(phone);
  router.undelivered(phone, phone.queue.take_all());
  settle();
  EXPECT_THAT(waiting(), ElementsAre(1, 2));
  EXPECT_EQ(router.find(kJuliet)->waiting_messages(), 2u);
  EXPECT_EQ(log.records.size(), 2u);
}

TEST_F(RestoredTest, ASessionThatIsNeverResumedGivesItsMessagesToAnother) {
  for (const char* body : {"a", "b"}) logged(body);
  restore(phone, "juliet@capulet.example/phone", {1, 2});
  come_up();
  login(desk, "juliet@capulet.example/desk", true);
  EXPECT_THAT(desk.bodies(), IsEmpty());
  router.close(phone);
  router.undelivered(phone, phone.queue.take_all());
  settle();
  EXPECT_THAT(desk.bodies(), ElementsAre("a", "b"));
}

TEST_F(RestoredTest, AnAccountThatHasGoneHasNoSessions) {
  accounts.states[kJuliet].exists = false;
  restore(phone, "juliet@capulet.example/phone", {});
  come_up();
  EXPECT_THAT(outcomes, ElementsAre(false));
  EXPECT_EQ(router.session_count(), 0u);
}

}  // namespace
}  // namespace anser::domain
