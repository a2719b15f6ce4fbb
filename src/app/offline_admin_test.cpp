#include "app/offline_admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/password.h"
#include "domain/session_journal.h"
#include "tests/support/store_engines.h"

namespace anser::app {
namespace {

using core::Jid;
using domain::RecordKind;
using domain::Subscription;
using test::jid;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr domain::References kWaits{.offline = true};

class StoppedClock final : public Clock {
 public:
  Time now() const override { return test::at(1'800'000'000'000'000); }
  Tick tick() const override { return {}; }
};

template <class Engine>
class OfflineAdminOn : public testing::Test {
 protected:
  domain::AccountStore& accounts() { return *engine_.stores().accounts; }
  domain::LogStore& log() { return *engine_.stores().log; }
  domain::ArchiveStore& archive() { return *engine_.stores().archive; }

  void append(std::vector<domain::LogRecord> records) { ASSERT_TRUE(log().append(records)); }

  Engine engine_;
  const StoppedClock clock_;
  OfflineAdmin admin_{
      {accounts(), log(), archive(), *engine_.stores().files, *engine_.stores().content}, clock_, core::kMinIterations};
};

TYPED_TEST_SUITE(OfflineAdminOn, test::Engines, test::EngineNames);

TYPED_TEST(OfflineAdminOn, MakesAccountsWithAllThreeKeys) {
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "secret"));

  const auto account = this->accounts().find_account(jid("romeo@localhost"));
  ASSERT_TRUE(account && *account);
  EXPECT_EQ((*account)->created, this->clock_.now());
  ASSERT_THAT((*account)->keys, SizeIs(3));
  std::vector<core::Hash> hashes;
  for (const core::ScramKeys& keys : (*account)->keys) {
    hashes.push_back(keys.hash);
    EXPECT_EQ(keys.iterations, core::kMinIterations);
    EXPECT_TRUE(core::verify(keys, "secret"));
    EXPECT_FALSE(core::verify(keys, "Secret"));
  }
  EXPECT_THAT(hashes, testing::UnorderedElementsAre(core::Hash::sha1, core::Hash::sha256, core::Hash::sha512));
}

TYPED_TEST(OfflineAdminOn, DoesNotMakeAnAccountTwice) {
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "first"));

  EXPECT_EQ(this->admin_.add(jid("romeo@localhost"), "second").error().code, Errc::conflict);

  const auto account = this->accounts().find_account(jid("romeo@localhost"));
  EXPECT_TRUE(core::verify((*account)->keys.front(), "first"));
}

TYPED_TEST(OfflineAdminOn, MakesThoseOfManyThatCanBeMade) {
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "x"));
  const std::vector<NewAccount> accounts{{jid("a@localhost"), "x"},
                                         {jid("romeo@localhost"), "x"},
                                         {jid("b@localhost"), ""},
                                         {jid("a@localhost"), "x"},
                                         {jid("c@localhost"), "x"}};

  const auto outcomes = this->admin_.add_many(accounts);

  ASSERT_THAT(outcomes, SizeIs(5));
  EXPECT_TRUE(outcomes[0]);
  EXPECT_EQ(outcomes[1].error().code, Errc::conflict);
  EXPECT_EQ(outcomes[2].error().code, Errc::not_acceptable);
  EXPECT_EQ(outcomes[3].error().code, Errc::conflict);
  EXPECT_TRUE(outcomes[4]);
  EXPECT_EQ(*this->accounts().count_accounts("localhost"), 3u);
  EXPECT_THAT(this->admin_.add_many({}), SizeIs(0));
}

TYPED_TEST(OfflineAdminOn, ChangesPasswords) {
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "old"));

  ASSERT_TRUE(this->admin_.set_password(jid("romeo@localhost"), "new"));

  const auto account = this->accounts().find_account(jid("romeo@localhost"));
  ASSERT_THAT((*account)->keys, SizeIs(3));
  for (const core::ScramKeys& keys : (*account)->keys) EXPECT_TRUE(core::verify(keys, "new"));
  EXPECT_EQ(this->admin_.set_password(jid("romeo@localhost"), "").error().code, Errc::not_acceptable);
  EXPECT_EQ(this->admin_.set_password(jid("juliet@localhost"), "x").error().code, Errc::not_found);
}

TYPED_TEST(OfflineAdminOn, ListsInPages) {
  for (const char* name : {"c@localhost", "a@localhost", "b@localhost", "a@elsewhere"}) {
    ASSERT_TRUE(this->admin_.add(jid(name), "x"));
  }

  const auto page = this->admin_.list("localhost", "a@localhost", 10);

  ASSERT_TRUE(page);
  ASSERT_THAT(*page, SizeIs(2));
  EXPECT_EQ((*page)[0].jid, jid("b@localhost"));
  EXPECT_EQ((*page)[1].jid, jid("c@localhost"));
}

TYPED_TEST(OfflineAdminOn, LeavesNoSessionToWhoTakesTheName) {
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "x"));
  for (const auto& [session, address] : {std::pair{1u, "romeo@localhost/garden"}, {2u, "juliet@localhost/balcony"}}) {
    domain::LogEntry entry;
    entry.kind = RecordKind::note;
    entry.note = std::make_shared<domain::SessionNote>(domain::state_note(session, jid(address), {}));
    this->append({{0, {}, std::move(entry)}});
  }

  ASSERT_TRUE(this->admin_.remove(jid("romeo@localhost")));

  const auto notes = this->log().notes();
  ASSERT_THAT(*notes, SizeIs(1));
  EXPECT_EQ((*notes)[0].session, 2u);
}

TYPED_TEST(OfflineAdminOn, CountsWhatWaitsPlacedOrNot) {
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "x"));
  const auto for_romeo = test::message("juliet@localhost/b", "romeo@localhost", kWaits);
  const auto for_nurse = test::message("juliet@localhost/b", "nurse@localhost", kWaits);
  const std::vector<domain::LogRecord> placed{test::record(1, for_romeo), test::record(2, for_romeo)};
  this->append(placed);
  ASSERT_TRUE(this->archive().place(placed));
  EXPECT_EQ(this->admin_.show(jid("romeo@localhost"))->offline_messages, 2u);

  this->append({test::record(3, for_romeo), test::record(4, for_nurse), test::record(5, for_romeo)});
  EXPECT_EQ(this->admin_.show(jid("romeo@localhost"))->offline_messages, 4u);

  this->append({test::record(6, test::note(RecordKind::delivered, "romeo@localhost", 3))});
  EXPECT_EQ(this->admin_.show(jid("romeo@localhost"))->offline_messages, 1u);
  this->append({test::record(7, test::released("romeo@localhost", {4, 5}))});
  EXPECT_EQ(this->admin_.show(jid("romeo@localhost"))->offline_messages, 0u);
  EXPECT_EQ(this->admin_.show(jid("juliet@localhost")).error().code, Errc::not_found);
}

TYPED_TEST(OfflineAdminOn, RemovesAnAccountAndItsMessages) {
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "x"));
  this->append({test::record(1, test::message("juliet@localhost/b", "romeo@localhost", kWaits))});

  ASSERT_TRUE(this->admin_.remove(jid("romeo@localhost")));

  EXPECT_EQ(this->admin_.show(jid("romeo@localhost")).error().code, Errc::not_found);
  EXPECT_EQ(this->admin_.remove(jid("romeo@localhost")).error().code, Errc::not_found);
  const auto records = this->log().read(2, 10);
  ASSERT_THAT(*records, SizeIs(1));
  EXPECT_EQ(records->front().entry.kind, RecordKind::forget);
  EXPECT_EQ(records->front().entry.owner, jid("romeo@localhost"));

  // Whoever takes the name next begins with nothing.
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "y"));
  EXPECT_EQ(this->admin_.show(jid("romeo@localhost"))->offline_messages, 0u);
}

TYPED_TEST(OfflineAdminOn, EndsEveryRightThatARemovedAccountHad) {
  for (const char* name : {"romeo@localhost", "juliet@localhost", "nurse@localhost"}) {
    ASSERT_TRUE(this->admin_.add(jid(name), "x"));
  }
  const Subscription both{.to = true, .from = true, .listed = true};
  const auto set = [this](const char* owner, const char* contact, Subscription subscription) {
    ASSERT_TRUE(this->accounts().set_subscription(jid(owner), jid(contact), subscription, "<x/>"));
  };
  set("romeo@localhost", "juliet@localhost", both);
  set("juliet@localhost", "romeo@localhost", both);
  set("romeo@localhost", "nurse@localhost", {.ask = true, .listed = true});
  set("nurse@localhost", "romeo@localhost", {.asked = true, .approved = false});
  set("romeo@localhost", "friend@elsewhere.example", both);

  ASSERT_TRUE(this->admin_.remove(jid("romeo@localhost")));

  const auto juliets = this->accounts().find_roster_item(jid("juliet@localhost"), jid("romeo@localhost"));
  ASSERT_TRUE(juliets && *juliets);
  EXPECT_EQ((*juliets)->subscription, Subscription{.listed = true});
  EXPECT_EQ(*this->accounts().find_roster_item(jid("nurse@localhost"), jid("romeo@localhost")), std::nullopt);
}

TYPED_TEST(OfflineAdminOn, ShowsContacts) {
  ASSERT_TRUE(this->admin_.add(jid("romeo@localhost"), "x"));
  ASSERT_TRUE(this->accounts().set_roster_entry(jid("romeo@localhost"), jid("juliet@localhost"), "J", {}));

  EXPECT_EQ(this->admin_.show(jid("romeo@localhost"))->roster_items, 1u);
}

// ---- opening --------------------------------------------------------------------------------------------------------

class OpeningOffline : public testing::Test {
 protected:
  OpeningOffline() {
    config_.server.data = (directory_.path() / "data").string();
    config_.auth.scram_iterations = core::kMinIterations;
  }

  test::TemporaryDirectory directory_;
  Config config_;
};

TEST_F(OpeningOffline, MakesTheDatabasesOnlyToAddToThem) {
  const auto looking = open_offline_admin(config_, /*create=*/false);
  ASSERT_FALSE(looking);
  EXPECT_EQ(looking.error().message, fmt::format("there are no accounts in {} yet", config_.server.data));
  EXPECT_FALSE(std::filesystem::exists(config_.server.data));

  ASSERT_TRUE(open_offline_admin(config_, /*create=*/true).value()->add(jid("romeo@localhost"), "x"));

  const auto again = open_offline_admin(config_, /*create=*/false);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(*(*again)->list("localhost", "", 10), SizeIs(1));
}

TEST_F(OpeningOffline, LeavesTheDatabasesToWhoHasThem) {
  const auto first = open_offline_admin(config_, /*create=*/true);
  ASSERT_TRUE(first);

  EXPECT_EQ(open_offline_admin(config_, /*create=*/true).error().code, Errc::conflict);
}

TEST_F(OpeningOffline, FindsNothingInMemory) {
  config_.storage.engine = StorageEngine::memory;

  EXPECT_THAT(open_offline_admin(config_, /*create=*/true).error().message, HasSubstr("accounts are kept in memory"));
}

}  // namespace
}  // namespace anser::app
