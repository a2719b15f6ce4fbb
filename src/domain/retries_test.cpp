// A message that is sent again: acknowledged again, delivered once, and tried again if the first one was refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "domain/router.h"
#include "tests/support/fake_domain.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// One or two cores, each with a log of its own; what is in the logs outlives them.
class RetriesTest : public testing::Test {
 protected:
  RetriesTest() {
    for (const char* name : {kRomeo, kJuliet, kNurse}) accounts.states[name].exists = true;
    run(1);
  }

  void run(unsigned cores) {
    routers.clear();
    logs.resize(cores);
    post.letters.clear();
    for (unsigned core = 0; core < cores; ++core) {
      if (!logs[core]) logs[core] = std::make_unique<FakeLog>();
      routers.push_back(
          std::make_unique<Router>(static_cast<CoreId>(core), cores, hosts, storage, *logs[core], post, clock));
      routers.back()->set_iq_service(iqs);
      routers.back()->set_limits(limits);
    }
  }
  void set_limits(const RouterLimits& changed) {
    limits = changed;
    for (auto& router : routers) router->set_limits(limits);
  }
  Router& router_of(const Jid& address) {
    return *routers[core_of(address.bare(), static_cast<unsigned>(routers.size()))];
  }
  Router& router() { return *routers[0]; }
  FakeLog& log() { return *logs[0]; }

  bool read_letter() {
    if (post.letters.empty()) return false;
    auto [core, letter] = std::move(post.letters.front());
    post.letters.pop_front();
    routers[core]->receive(std::move(letter));
    return true;
  }
  bool commit() {
    bool any = false;
    for (auto& each : logs) any |= each->commit();
    return any;
  }
  bool answer() {
    bool any = false;
    for (auto& each : logs) any |= each->answer();
    return any;
  }
  void settle() {
    while (storage.run_one() || read_letter() || answer() || commit()) {
    }
  }
  void read_letters() {
    while (storage.run_one() || read_letter()) {
    }
  }

  void login(FakeSession& session, std::string_view address, bool temporary = false) {
    const Jid full = jid(address);
    router_of(full).open(session, full, temporary, [](Result<void> outcome) { ASSERT_TRUE(outcome); });
    settle();
    Envelope presence;
    presence.kind = Kind::presence;
    presence.type = Type::available;
    presence.from = session.jid();
    router_of(full).route(session, std::move(presence));
    settle();
    session.heard.clear();
  }
  void send(FakeSession& from, const Envelope& envelope) { router_of(from.jid()).route(from, envelope); }
  void fence(FakeSession& session, std::uint64_t number) { router_of(session.jid()).fence(session, number); }
  // The id attribute differs each time: it says nothing.
  Envelope message(const FakeSession& from, std::string_view to, std::string_view body, std::string_view origin,
                   Type type = Type::chat) {
    Envelope envelope;
    envelope.type = type;
    envelope.from = from.jid();
    envelope.to = jid(to);
    envelope.id = std::to_string(++ids);
    envelope.origin_id = origin;
    envelope.facts.has_body = envelope.facts.has_payload = true;
    envelope.inner = Bytes::copy(body);
    return envelope;
  }
  std::size_t errors_of(const FakeSession& session) { return session.of(Kind::message, Type::error).size(); }

  static constexpr const char* kRomeo = "romeo@capulet.example";
  static constexpr const char* kJuliet = "juliet@capulet.example";
  static constexpr const char* kNurse = "nurse@capulet.example";

  Hosts hosts{{{"capulet.example", {"capulet.lan"}}}, {}};
  FakeClock clock;
  FakeAccounts accounts;
  FakeStorage storage{accounts};
  FakePost post;
  FakeIqs iqs;
  RouterLimits limits;
  std::vector<std::unique_ptr<FakeLog>> logs;
  FakeSession romeo, again, juliet, nurse;  // outlive the routers, as doors do
  std::vector<std::unique_ptr<Router>> routers;
  int ids = 0;
};

TEST_F(RetriesTest, IsDeliveredAndKeptOnce) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  for (int i = 0; i < 3; ++i) send(romeo, message(romeo, kJuliet, "hark", "1"));
  fence(romeo, 1);
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
  EXPECT_THAT(log().records, SizeIs(1));
  EXPECT_EQ(romeo.passed, 1u);
  EXPECT_EQ(errors_of(romeo), 0u);
}

TEST_F(RetriesTest, IsKnownFromAnotherSessionOfTheAccount) {
  login(romeo, "romeo@capulet.example/garden");
  login(again, "romeo@capulet.example/orchard");
  login(juliet, "juliet@capulet.example/balcony");

  send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();
  router().close(romeo);
  send(again, message(again, kJuliet, "hark", "1"));
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
}

TEST_F(RetriesTest, OtherContentDestinationTypeOrSenderIsAnotherMessage) {
  login(romeo, "romeo@capulet.example/garden");
  login(nurse, "nurse@capulet.example/hall");
  login(juliet, "juliet@capulet.example/balcony");

  send(romeo, message(romeo, kJuliet, "one", "1"));
  send(romeo, message(romeo, kJuliet, "two", "1"));
  send(romeo, message(romeo, kJuliet, "one", "1", Type::normal));
  send(romeo, message(romeo, "juliet@capulet.example/balcony", "one", "1"));
  send(nurse, message(nurse, kJuliet, "one", "1"));
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("one", "two", "one", "one", "one"));
}

TEST_F(RetriesTest, WithoutAnOriginIdNothingIsARetry) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  Envelope said = message(romeo, kJuliet, "hark", "");
  said.id = "1";

  send(romeo, said);
  send(romeo, said);
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("hark", "hark"));
}

TEST_F(RetriesTest, AnErrorIsNeverARetry) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  for (int i = 0; i < 2; ++i) {
    send(romeo, message(romeo, "juliet@capulet.example/balcony", "what?", "1", Type::error));
  }
  settle();

  EXPECT_EQ(errors_of(juliet), 2u);
}

TEST_F(RetriesTest, WhatIsNotKeptIsKnownAllTheSame) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  for (int i = 0; i < 2; ++i) {
    Envelope secret = message(romeo, kJuliet, "secret", "1");
    secret.facts.no_store = true;
    send(romeo, secret);
    send(romeo, message(romeo, kJuliet, "news", "1", Type::headline));
    settle();
  }

  EXPECT_THAT(juliet.bodies(), ElementsAre("secret", "news"));
  EXPECT_THAT(log().records, IsEmpty());
}

TEST_F(RetriesTest, OneSaysToOneselfWhatOneSaysOnce) {
  login(romeo, "romeo@capulet.example/garden");

  for (int i = 0; i < 2; ++i) {
    Envelope note = message(romeo, kRomeo, "buy a dagger", "1");
    if (i == 1) note.to = {};  // the same place
    send(romeo, note);
  }
  settle();

  EXPECT_THAT(romeo.bodies(), ElementsAre("buy a dagger"));
}

TEST_F(RetriesTest, OtherDevicesGetOneCopy) {
  login(romeo, "romeo@capulet.example/garden");
  login(again, "romeo@capulet.example/orchard");
  login(juliet, "juliet@capulet.example/balcony");
  again.set_carbons(true);

  for (int i = 0; i < 2; ++i) {
    send(romeo, message(romeo, kJuliet, "hark", "1"));
    settle();
  }

  EXPECT_THAT(again.bodies(), ElementsAre("hark"));
}

TEST_F(RetriesTest, WhoIsTemporaryIsKnownWhileHeIsHere) {
  login(romeo, "somebody@capulet.example/1", /*temporary=*/true);
  login(juliet, "juliet@capulet.example/balcony");

  for (int i = 0; i < 2; ++i) send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
}

TEST_F(RetriesTest, AreNotLookedForWhenNoneAreToBeKnown) {
  RouterLimits none = limits;
  none.retries = 0;
  set_limits(none);
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");

  for (int i = 0; i < 2; ++i) send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("hark", "hark"));
}

// ---- the first one's fate -------------------------------------------------------------------------------------------

TEST_F(RetriesTest, IsNotAcknowledgedBeforeTheFirstOneIsCommitted) {
  login(romeo, "romeo@capulet.example/garden");
  login(again, "romeo@capulet.example/orchard");
  send(romeo, message(romeo, kNurse, "before", "0"));
  settle();
  send(romeo, message(romeo, kJuliet, "hark", "1"));  // has not reached the disk

  send(again, message(again, kJuliet, "hark", "1"));
  fence(again, 7);
  read_letters();

  EXPECT_EQ(again.passed, std::nullopt);
  settle();
  EXPECT_EQ(again.passed, 7u);
  EXPECT_THAT(log().records, SizeIs(2));
}

TEST_F(RetriesTest, IsTriedAgainWhenTheFirstOneIsRefusedMeanwhile) {
  login(romeo, "romeo@capulet.example/garden");
  login(again, "romeo@capulet.example/orchard");
  login(juliet, "juliet@capulet.example/balcony");
  send(romeo, message(romeo, kNurse, "before", "0"));
  settle();
  log().disk_full = true;
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  send(again, message(again, kJuliet, "hark", "1"));
  send(again, message(again, kJuliet, "soft", "2"));
  fence(again, 7);

  commit();
  log().disk_full = false;
  EXPECT_EQ(again.passed, std::nullopt);
  settle();

  EXPECT_EQ(errors_of(romeo), 1u);
  EXPECT_EQ(errors_of(again), 0u);
  EXPECT_EQ(again.passed, 7u);
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark", "soft"));
}

TEST_F(RetriesTest, IsTriedAgainAfterAnError) {
  login(romeo, "romeo@capulet.example/garden");
  const auto say = [&] {
    send(romeo, message(romeo, "juliet@capulet.example/balcony", "hark", "1", Type::normal));
    settle();
  };
  say();
  ASSERT_EQ(errors_of(romeo), 1u);
  say();
  ASSERT_EQ(errors_of(romeo), 2u);

  login(juliet, "juliet@capulet.example/balcony");
  say();
  say();

  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
  EXPECT_EQ(errors_of(romeo), 2u);
}

TEST_F(RetriesTest, IsTriedAgainWhenTheLogsQueueWasFull) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  send(romeo, message(romeo, kJuliet, "before", "0"));
  settle();

  log().full = true;
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  log().full = false;
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("before", "hark"));
  EXPECT_EQ(errors_of(romeo), 1u);
}

TEST_F(RetriesTest, IsTriedAgainWhenTheFirstOneIsRefusedLater) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();
  const auto [unread, stamp] = juliet.heard.at(0);
  router().block(*router().find(kJuliet), {jid(kRomeo)}, [](Result<void>) {});
  settle();
  router().close(juliet);
  router().undelivered(juliet, unread, stamp);
  settle();
  ASSERT_EQ(errors_of(romeo), 1u);
  router().unblock(*router().find(kJuliet), {}, [](Result<void>) {});
  settle();

  login(nurse, "juliet@capulet.example/hall");
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();

  EXPECT_THAT(nurse.bodies(), ElementsAre("hark"));
}

// ---- after a restart ------------------------------------------------------------------------------------------------

TEST_F(RetriesTest, IsKnownAfterARestartFromTheSendersArchive) {
  login(romeo, "romeo@capulet.example/garden");
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();
  run(1);
  login(again, "romeo@capulet.example/garden");
  log().answer();

  send(again, message(again, kJuliet, "hark", "1"));
  send(again, message(again, kJuliet, "soft", ""));
  fence(again, 1);
  EXPECT_EQ(again.passed, std::nullopt);  // the archive has not answered yet
  settle();

  EXPECT_EQ(again.passed, 1u);
  ASSERT_THAT(log().records, SizeIs(2));
  EXPECT_EQ(log().records[1].entry.envelope.inner.view(), "soft");
}

TEST_F(RetriesTest, ItsArchiveIsReadInPagesAndForADayAtMost) {
  login(romeo, "romeo@capulet.example/garden");
  login(nurse, "nurse@capulet.example/hall");
  login(juliet, "juliet@capulet.example/balcony");
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();
  for (int i = 0; i < 600; ++i) send(nurse, message(nurse, kRomeo, "come", ""));
  settle();
  juliet.heard.clear();

  run(1);
  login(again, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  juliet.heard.clear();
  send(again, message(again, kJuliet, "hark", "1"));
  settle();
  EXPECT_THAT(juliet.bodies(), IsEmpty());

  clock.time += RetryWindow::kRemembers + std::chrono::hours{1};
  run(1);
  FakeSession later;
  login(later, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  send(later, message(later, kJuliet, "hark", "1"));
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
}

TEST_F(RetriesTest, AnArchiveThatCannotBeReadIsNoReasonToGuess) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  log().unreadable = true;

  send(romeo, message(romeo, kJuliet, "hark", "1"));
  send(romeo, message(romeo, kJuliet, "soft", ""));
  fence(romeo, 1);
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("soft"));
  EXPECT_EQ(errors_of(romeo), 1u);
  EXPECT_EQ(romeo.passed, 1u);
  log().unreadable = false;
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
}

TEST_F(RetriesTest, WhatWasTakenBackDoesNotComeAgain) {
  login(romeo, "romeo@capulet.example/garden");
  send(romeo, message(romeo, kJuliet, "I hate you", "1"));
  settle();
  auto& tombstone = log().records.at(0).entry.envelope;
  tombstone.inner = {};
  tombstone.retracts = "2";
  tombstone.retracted = clock.time;

  run(1);
  login(again, "romeo@capulet.example/garden");
  send(again, message(again, kJuliet, "I hate you", "1"));
  settle();

  EXPECT_THAT(log().records, SizeIs(1));
}

TEST_F(RetriesTest, AnAccountThatWasDroppedFromMemoryRemembers) {
  RouterLimits few = limits;
  few.idle_accounts = 0;
  set_limits(few);
  login(romeo, "romeo@capulet.example/garden");
  send(romeo, message(romeo, kJuliet, "hark", "1"));
  settle();
  router().close(romeo);
  settle();
  ASSERT_EQ(router().find(kRomeo), nullptr);

  login(again, "romeo@capulet.example/garden");
  send(again, message(again, kJuliet, "hark", "1"));
  settle();

  EXPECT_THAT(log().records, SizeIs(1));
}

TEST_F(RetriesTest, WhatASessionSaidLastIsSaidThoughItHasGone) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  send(romeo, message(romeo, kJuliet, "farewell", "1"));  // the archive is being asked
  send(romeo, message(romeo, kJuliet, "dear love", ""));
  Envelope presence;
  presence.kind = Kind::presence;
  presence.type = Type::available;
  presence.from = romeo.jid();
  presence.to = juliet.jid();
  send(romeo, presence);
  fence(romeo, 1);

  router().close(romeo);
  settle();

  EXPECT_THAT(juliet.of(Kind::presence, Type::available), IsEmpty());  // nobody would take it back
  EXPECT_THAT(juliet.bodies(), ElementsAre("farewell", "dear love"));
}

// ---- two cores ------------------------------------------------------------------------------------------------------

class RetriesAcrossCoresTest : public RetriesTest {
 protected:
  RetriesAcrossCoresTest() {
    run(2);
    // A pair that lives apart.
    for (int i = 0; far.empty(); ++i) {
      const std::string name = "friar" + std::to_string(i) + "@capulet.example";
      if (core_of(name, 2) != core_of(kRomeo, 2)) far = name;
    }
    accounts.states[far].exists = true;
  }
  FakeLog& far_log() { return *logs[core_of(far, 2)]; }

  std::string far;
};

TEST_F(RetriesAcrossCoresTest, TheFirstOnesCommitIsWaitedForThere) {
  login(romeo, "romeo@capulet.example/garden");
  login(again, "romeo@capulet.example/orchard");
  send(romeo, message(romeo, far, "hark", "1"));
  settle();
  send(romeo, message(romeo, far, "soft", "2"));
  read_letters();  // it is on its way to that core's disk

  send(again, message(again, far, "soft", "2"));
  fence(again, 7);
  read_letters();
  EXPECT_EQ(again.passed, std::nullopt);
  settle();

  EXPECT_EQ(again.passed, 7u);
  EXPECT_THAT(far_log().records, SizeIs(2));
}

TEST_F(RetriesAcrossCoresTest, IsTriedAgainWhenTheFirstOneIsRefusedThere) {
  login(romeo, "romeo@capulet.example/garden");
  login(again, "romeo@capulet.example/orchard");
  send(romeo, message(romeo, far, "hark", "1"));
  settle();
  far_log().disk_full = true;
  send(romeo, message(romeo, far, "soft", "2"));
  read_letters();
  send(again, message(again, far, "soft", "2"));
  read_letters();
  commit();
  far_log().disk_full = false;
  settle();

  EXPECT_EQ(errors_of(romeo), 1u);
  EXPECT_EQ(errors_of(again), 0u);
  EXPECT_THAT(far_log().records, SizeIs(2));
  send(again, message(again, far, "soft", "2"));
  settle();
  EXPECT_THAT(far_log().records, SizeIs(2));
}

TEST_F(RetriesAcrossCoresTest, TwoWhoWaitForEachOthersCoreDoNotWaitForEver) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, far + "/cell");
  send(romeo, message(romeo, kRomeo, "fill", "0"));
  send(juliet, message(juliet, far, "fill", "0"));
  settle();
  send(romeo, message(romeo, far, "hark", "1"));
  send(juliet, message(juliet, kRomeo, "hark", "1"));
  read_letters();

  send(romeo, message(romeo, far, "hark", "1"));
  send(juliet, message(juliet, kRomeo, "hark", "1"));
  fence(romeo, 1);
  fence(juliet, 1);
  settle();

  EXPECT_EQ(romeo.passed, 1u);
  EXPECT_EQ(juliet.passed, 1u);
}

}  // namespace
}  // namespace anser::domain
