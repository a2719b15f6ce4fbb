// The router when something fails or happens in between: storage refuses, sessions leave while a message is on its way
// to the disk, contacts are deleted. What was taken over must not be lost, doubled or reordered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/router.h"
#include "tests/support/fake_domain.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Refuses whatever is submitted while told so.
class RefusingStorage final : public Storage {
 public:
  explicit RefusingStorage(FakeStorage& storage) : storage_(storage) {}
  bool refuses = false;

  void submit(CoreId core, Work work, Done done) override {
    if (refuses)
      refused_.push_back(std::move(done));
    else
      storage_.submit(core, std::move(work), std::move(done));
  }
  bool run_one() {
    if (refused_.empty()) return storage_.run_one();
    const Done done = std::move(refused_.front());
    refused_.pop_front();
    done(fail(Errc::resource_limit, "too many jobs wait"));
    return true;
  }

 private:
  FakeStorage& storage_;
  std::deque<Done> refused_;
};

class RouterFaultsTest : public testing::Test {
 protected:
  RouterFaultsTest() {
    router.set_iq_service(iqs);
    for (const char* name : {kRomeo, kJuliet}) accounts.states[name].exists = true;
  }

  void settle() {
    while (storage.run_one() || log.answer() || log.commit() || read_letter()) {
    }
  }
  bool read_letter() {
    if (post.letters.empty()) return false;
    auto [core, letter] = std::move(post.letters.front());
    post.letters.pop_front();
    router.receive(std::move(letter));
    return true;
  }
  Result<void> open(FakeSession& session, std::string_view address, Tick since = Tick::max()) {
    Result<void> opened = fail(Errc::internal, "not answered");
    router.open(
        session, jid(address), false, [&](Result<void> outcome) { opened = std::move(outcome); }, since);
    settle();
    return opened;
  }
  void login(FakeSession& session, std::string_view address) {
    ASSERT_TRUE(open(session, address));
    become(session, Type::available);
    settle();
  }
  void become(FakeSession& session, Type type) {
    Envelope presence;
    presence.kind = Kind::presence;
    presence.type = type;
    presence.from = session.jid();
    router.route(session, std::move(presence));
  }
  void send(FakeSession& from, std::string_view to, std::string_view body, Type type = Type::chat) {
    router.route(from, message(from, to, body, type));
  }
  Envelope message(const FakeSession& from, std::string_view to, std::string_view body, Type type = Type::chat) {
    Envelope envelope;
    envelope.type = type;
    envelope.from = from.jid();
    envelope.to = jid(to);
    envelope.facts.has_body = envelope.facts.has_payload = true;
    envelope.inner = Bytes::copy(body);
    return envelope;
  }
  void subscription_stanza(FakeSession& from, std::string_view to, Type type) {
    Envelope presence;
    presence.kind = Kind::presence;
    presence.type = type;
    presence.from = from.jid();
    presence.to = jid(to);
    router.route(from, std::move(presence));
  }
  void archive(bool on) {
    RouterLimits limits = router.limits();
    limits.archive = on;
    router.set_limits(limits);
  }

  static constexpr const char* kRomeo = "romeo@capulet.example";
  static constexpr const char* kJuliet = "juliet@capulet.example";

  Hosts hosts{{{"capulet.example", {}}}, {}};
  FakeClock clock;
  FakeAccounts accounts;
  FakeStorage jobs{accounts};
  RefusingStorage storage{jobs};
  FakeLog log;
  FakePost post;
  FakeIqs iqs;
  Router router{0, 1, hosts, storage, log, post, clock};
  FakeSession romeo, juliet, other;
};

TEST_F(RouterFaultsTest, AnAccountThatCouldNotBeLoadedIsNotMissing) {
  accounts.states[kRomeo].contacts = {{jid(kJuliet), {.to = true, .from = true, .listed = true}}};
  ASSERT_TRUE(open(romeo, "romeo@capulet.example/garden"));
  storage.refuses = true;
  become(romeo, Type::available);  // probes Juliet, who cannot be loaded
  send(romeo, kJuliet, "hark");
  storage.refuses = false;
  settle();

  EXPECT_TRUE(router.find(kRomeo)->subscription(kJuliet).to);
  const auto errors = romeo.of(Kind::message, Type::error);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].failure->code, Errc::resource_limit);
  EXPECT_TRUE(open(juliet, "juliet@capulet.example/balcony"));
}

TEST_F(RouterFaultsTest, WhatWasStoredWhileAPageWasUnconfirmedComesAfterIt) {
  login(romeo, "romeo@capulet.example/garden");
  send(romeo, kJuliet, "m1");
  settle();
  login(juliet, "juliet@capulet.example/balcony");
  EXPECT_THAT(juliet.bodies(), ElementsAre("m1"));
  const auto asked = juliet.asked.value();
  become(juliet, Type::unavailable);
  send(romeo, kJuliet, "m2");
  settle();
  become(juliet, Type::available);
  settle();
  router.confirmed(juliet, asked);
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("m2"));
  router.confirmed(juliet, juliet.asked.value());
  send(romeo, kJuliet, "m3");
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("m3"));
}

TEST_F(RouterFaultsTest, ManyWaitingMessagesComeInPagesAndNewOnesBehindThem) {
  login(romeo, "romeo@capulet.example/garden");
  const std::string large(100 * 1024, 'x');
  for (const char* number : {"1", "2", "3", "4", "5"}) send(romeo, kJuliet, number + large);
  settle();
  login(juliet, "juliet@capulet.example/balcony");
  std::vector<std::string> heard;
  const auto listen = [&] {
    for (const auto& body : juliet.bodies()) heard.push_back(body.substr(0, 1));
  };
  listen();
  EXPECT_THAT(heard, ElementsAre("1", "2", "3"));  // a page, not all at once
  send(romeo, kJuliet, "6");
  settle();
  for (int i = 0; i < 3; ++i) {
    router.confirmed(juliet, juliet.asked.value());
    settle();
    listen();
  }
  EXPECT_THAT(heard, ElementsAre("1", "2", "3", "4", "5", "6"));
  send(romeo, kJuliet, "7");
  settle();
  listen();
  EXPECT_EQ(heard.back(), "7");
}

TEST_F(RouterFaultsTest, WhatIsOnItsWayToTheDiskWhenThePageIsConfirmedStaysBehind) {
  login(romeo, "romeo@capulet.example/garden");
  const std::string large(200 * 1024, 'x');
  for (const char* number : {"1", "2", "3", "4"}) send(romeo, kJuliet, number + large);
  settle();
  login(juliet, "juliet@capulet.example/balcony");  // hears 1 and 2
  send(romeo, kJuliet, "5");
  router.confirmed(juliet, juliet.asked.value());  // the next page is asked for while 5 is not durable
  settle();
  router.confirmed(juliet, juliet.asked.value());
  settle();
  std::vector<std::string> heard;
  for (const auto& body : juliet.bodies()) heard.push_back(body.substr(0, 1));
  EXPECT_THAT(heard, ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(RouterFaultsTest, TheLogKeepsTheOrderOfWhatWaitedUndecided) {
  archive(false);
  login(romeo, "romeo@capulet.example/garden");
  send(romeo, kJuliet, "m0");
  settle();
  ASSERT_TRUE(open(juliet, "juliet@capulet.example/balcony"));
  become(juliet, Type::available);  // fetches m0; meanwhile
  send(romeo, kJuliet, "m1");
  router.close(juliet);
  send(romeo, kJuliet, "m2");
  settle();

  login(other, "juliet@capulet.example/bed");
  EXPECT_THAT(other.bodies(), ElementsAre("m0", "m1", "m2"));
}

TEST_F(RouterFaultsTest, WhatSeveralSessionsWereGivenIsNotDoubledWhenOneFails) {
  for (const bool on : {false, true}) {
    archive(on);
    FakeSession a, b;
    login(romeo, "romeo@capulet.example/garden");
    login(a, "juliet@capulet.example/a");
    login(b, "juliet@capulet.example/b");
    send(romeo, kJuliet, "m1");
    settle();
    const auto unread = a.heard.back();
    EXPECT_THAT(b.bodies(), ElementsAre("m1"));
    router.close(a);
    router.undelivered(a, unread.first, unread.second);
    settle();
    EXPECT_THAT(b.bodies(), IsEmpty());
    const auto last = unread;
    router.close(b);
    router.undelivered(b, last.first, last.second);  // nobody has it now
    settle();
    FakeSession later;
    login(later, "juliet@capulet.example/c");
    EXPECT_THAT(later.bodies(), ElementsAre("m1"));
    router.confirmed(later, later.asked.value());
    settle();
    router.close(later);
    router.close(romeo);
  }
}

TEST_F(RouterFaultsTest, WhatIsGivenBackComesInItsPlace) {
  login(romeo, "romeo@capulet.example/garden");
  send(romeo, kJuliet, "m0");
  settle();
  FakeSession a, b;
  login(a, "juliet@capulet.example/a");
  send(romeo, kJuliet, "m1");
  settle();
  ASSERT_TRUE(open(b, "juliet@capulet.example/b"));
  become(b, Type::available);
  const auto unread = a.heard;
  router.close(a);  // what it had not confirmed goes to the other, and then what it had not read
  for (const auto& [envelope, stamp] : unread) router.undelivered(a, envelope, stamp);
  settle();
  EXPECT_THAT(b.bodies(), ElementsAre("m0", "m1"));
}

TEST_F(RouterFaultsTest, ASenderIsToldWhenTheRecipientLeavesDuringTheCommit) {
  login(romeo, "romeo@capulet.example/garden");
  login(juliet, "juliet@capulet.example/balcony");
  send(romeo, "juliet@capulet.example/balcony", "for this resource alone", Type::normal);
  router.close(juliet);
  settle();
  EXPECT_THAT(romeo.of(Kind::message, Type::error), SizeIs(1));
}

TEST_F(RouterFaultsTest, ASenderIsToldWhenTheLogRefusesToKeepWhatCouldNotBeDelivered) {
  login(romeo, "romeo@capulet.example/garden");
  for (const bool disk : {false, true}) {
    romeo.heard.clear();
    login(juliet, "juliet@capulet.example/balcony");
    send(romeo, kJuliet, "m1");
    router.close(juliet);
    (disk ? log.disk_full : log.full) = !disk;
    log.commit();
    log.disk_full = disk;
    settle();
    log.full = log.disk_full = false;
    EXPECT_THAT(romeo.of(Kind::message, Type::error), SizeIs(1)) << disk;
  }
}

TEST_F(RouterFaultsTest, AMessageToOneselfSurvivesAFullDisk) {
  login(romeo, "romeo@capulet.example/garden");
  log.disk_full = true;
  for (const char* body : {"m1", "m2", "m3"}) send(romeo, kRomeo, body);
  settle();
  EXPECT_THAT(romeo.of(Kind::message, Type::error), SizeIs(3));
}

TEST_F(RouterFaultsTest, AFenceCoversWhatASubscriptionBringsAbout) {
  login(romeo, "romeo@capulet.example/garden");
  subscription_stanza(romeo, kJuliet, Type::subscribe);
  router.fence(romeo, 1);
  while (!romeo.passed) ASSERT_TRUE(storage.run_one() || log.answer() || log.commit());
  router.fence(romeo, 2);  // as the stream does before it answers the next request
  while (romeo.passed != 2) ASSERT_TRUE(storage.run_one() || log.answer() || log.commit());
  EXPECT_TRUE((accounts.items[std::string{kJuliet} + " " + kRomeo].subscription.asked));
}

TEST_F(RouterFaultsTest, AFailedRosterChangeLeavesTheOldStateInMemory) {
  accounts.states[kRomeo].contacts = {{jid(kJuliet), {.to = true, .from = true, .listed = true}}};
  login(romeo, "romeo@capulet.example/garden");
  storage.refuses = true;
  bool removed = true;
  router.remove_roster_entry(*router.find(kRomeo), jid(kJuliet),
                             [&](Result<void> outcome) { removed = outcome.has_value(); });
  storage.run_one();
  storage.refuses = false;
  settle();
  EXPECT_FALSE(removed);
  storage.run_one();
  settle();
  EXPECT_TRUE(router.find(kRomeo)->subscription(kJuliet).listed || !removed);
}

TEST_F(RouterFaultsTest, ADeletedAccountKeepsNoRightEvenWhereItIsBlockedOrApprovedInAdvance) {
  accounts.states[kRomeo].contacts = {{jid(kJuliet), {.to = true, .from = true, .listed = true}}};
  accounts.states[kJuliet].contacts = {{jid(kRomeo), {.to = true, .from = true, .listed = true}}};
  accounts.states["nurse@capulet.example"].exists = true;
  accounts.states["nurse@capulet.example"].contacts = {{jid(kRomeo), {.approved = true}}};
  FakeSession nurse;
  login(juliet, "juliet@capulet.example/balcony");
  login(nurse, "nurse@capulet.example/room");
  router.block(*router.find(kJuliet), {jid(kRomeo)}, [](Result<void>) {});
  settle();
  router.remove_account(jid(kRomeo), 0, [](Result<void>) {});
  settle();
  EXPECT_FALSE(router.find(kJuliet)->subscription(kRomeo).from);
  EXPECT_FALSE(router.find("nurse@capulet.example")->subscription(kRomeo).approved);
}

TEST_F(RouterFaultsTest, AnAccountIsDeletedOnlyWhenTheLogHasForgottenIt) {
  log.disk_full = true;
  std::optional<bool> removed;
  router.remove_account(jid(kRomeo), 0, [&](Result<void> outcome) { removed = outcome.has_value(); });
  settle();
  EXPECT_EQ(removed, false);
  EXPECT_TRUE(accounts.states[kRomeo].exists);
  log.disk_full = false;
  removed.reset();
  router.remove_account(jid(kRomeo), 0, [&](Result<void> outcome) { removed = outcome.has_value(); });
  while (!removed) {
    ASSERT_TRUE(log.answer() || log.commit() || storage.run_one());
    if (accounts.states.contains(kRomeo)) continue;
    ASSERT_THAT(log.records, SizeIs(1));
    EXPECT_EQ(log.records.back().entry.kind, RecordKind::forget);
  }
  EXPECT_EQ(removed, true);
}

TEST_F(RouterFaultsTest, ALoginFromBeforeAPasswordChangeIsWorthless) {
  router.end_sessions(jid(kRomeo), 0, CloseReason::password_changed);
  EXPECT_EQ(open(romeo, "romeo@capulet.example/garden", clock.tick()).error().code, Errc::not_authorized);
  EXPECT_TRUE(open(juliet, "juliet@capulet.example/balcony", clock.tick()));
  EXPECT_TRUE(open(other, "romeo@capulet.example/garden", clock.tick() + std::chrono::seconds{1}));
}

TEST_F(RouterFaultsTest, StrangersRequestsNeitherFillTheRosterNorTheLogin) {
  for (int i = 0; i < 300; ++i) {
    Envelope request;
    request.kind = Kind::presence;
    request.type = Type::subscribe;
    request.from = jid("stranger" + std::to_string(i) + "@capulet.example");
    request.to = jid(kJuliet);
    router.receive(Route{std::move(request), {}});
  }
  settle();
  std::size_t kept = 0;
  for (const auto& [key, item] : accounts.items) kept += item.subscription.asked;
  EXPECT_EQ(kept, 200u);
  EXPECT_EQ(router.find(kJuliet)->listed_contacts(), 0u);
}

TEST_F(RouterFaultsTest, ALongRequestIsRefusedBeforeAnythingChanges) {
  login(romeo, "romeo@capulet.example/garden");
  Envelope request;
  request.kind = Kind::presence;
  request.type = Type::subscribe;
  request.from = romeo.jid();
  request.to = jid(kJuliet);
  request.inner = Bytes::copy(std::string(5000, 'x'));
  router.route(romeo, std::move(request));
  settle();
  EXPECT_THAT(romeo.of(Kind::presence, Type::error), SizeIs(1));
  EXPECT_FALSE(router.find(kRomeo)->subscription(kJuliet).ask);
}

}  // namespace
}  // namespace anser::domain
