#include "store/account_storage.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <future>

#include "tests/support/store_engines.h"
#include "tests/support/test_cores.h"

namespace anser::store {
namespace {

using domain::AccountStore;
using test::jid;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const auto kRomeo = jid("romeo@montague.example");

// Holds the storage thread inside a job until the test lets it go, so that jobs pile up behind it.
class Hold {
 public:
  Result<void> work() {
    entered_.set_value();
    released_.get_future().wait();
    return {};
  }
  void wait_until_entered() { entered_.get_future().wait(); }
  void release() { released_.set_value(); }

 private:
  std::promise<void> entered_, released_;
};

template <class Engine>
class AccountStorageTest : public ::testing::Test {
 protected:
  void start(AccountStorageOptions options = {}) {
    storage_ = std::make_unique<AccountStorage>(
        *engine_.stores().accounts, cores_.post(), [this](const Error& error) { fatal_.push_back(error.code); },
        options);
  }
  // Notes the outcome of a job in `outcomes_`, as its core sees it.
  void submit(domain::CoreId core, domain::Storage::Work work) {
    ++submitted_;
    storage_->submit(core, std::move(work), [this, core, number = submitted_](Result<void> outcome) {
      EXPECT_EQ(cores_.current(), core);
      order_.push_back(number);
      outcomes_.push_back(outcome ? std::nullopt : std::optional{outcome.error().code});
    });
  }
  void hold() {
    submit(0, [this](AccountStore&) { return hold_.work(); });
    hold_.wait_until_entered();
  }
  bool finish() {
    return cores_.run_until([this] { return outcomes_.size() == submitted_; });
  }
  static domain::Storage::Work create(const domain::Jid& address) {
    return [address](AccountStore& store) {
      return store.create_account({.jid = address, .keys = {}, .name = {}, .email = {}});
    };
  }

  Engine engine_;
  test::TestCores cores_;
  Hold hold_;
  std::size_t submitted_ = 0;
  std::vector<std::size_t> order_;
  std::vector<std::optional<Errc>> outcomes_;
  std::vector<Errc> fatal_;
  std::unique_ptr<AccountStorage> storage_;  // last: its thread ends first
};
TYPED_TEST_SUITE(AccountStorageTest, test::Engines, test::EngineNames);

TYPED_TEST(AccountStorageTest, BringsAValueHome) {
  this->start();
  std::optional<Result<domain::AccountState>> state;
  this->submit(1, this->create(kRomeo));

  this->storage_->template run<domain::AccountState>(
      2, [](AccountStore& store) { return store.load_state(kRomeo); },
      [&](Result<domain::AccountState> loaded) { state = std::move(loaded); });

  ASSERT_TRUE(this->cores_.run_until([&] { return state.has_value(); }));
  EXPECT_TRUE((*state)->exists);
  EXPECT_EQ(this->cores_.current(), 2);
}

TYPED_TEST(AccountStorageTest, RunsWhatWaitsInOneBatchAndPostsOncePerCore) {
  this->start();
  this->hold();
  for (int i = 0; i < 10; ++i)
    this->submit(static_cast<domain::CoreId>(1 + i % 2), this->create(jid(fmt::format("u{}@x.example", i))));
  this->hold_.release();

  ASSERT_TRUE(this->finish());

  EXPECT_THAT(this->cores_.posts(), ElementsAre(0, 1, 2));
  EXPECT_THAT(this->order_, ElementsAre(1, 2, 4, 6, 8, 10, 3, 5, 7, 9, 11));
  EXPECT_EQ(this->engine_.stores().accounts->count_accounts("x.example").value(), 10u);
}

TYPED_TEST(AccountStorageTest, UndoesAFailedJobAloneAndKeepsItsNeighbours) {
  this->start();
  this->hold();
  this->submit(0, this->create(kRomeo));
  this->submit(0, [](AccountStore& store) -> Result<void> {
    if (auto done = store.set_disabled(kRomeo, true); !done) return done;
    return fail(Errc::forbidden, "on second thoughts");
  });
  this->submit(0, this->create(kRomeo));
  this->submit(0, [](AccountStore& store) { return store.put_setting("a", "b"); });
  this->hold_.release();

  ASSERT_TRUE(this->finish());

  EXPECT_THAT(this->outcomes_, ElementsAre(std::nullopt, std::nullopt, Errc::forbidden, Errc::conflict, std::nullopt));
  this->storage_.reset();
  this->engine_.reopen();
  EXPECT_FALSE(this->engine_.stores().accounts->find_account(kRomeo)->value().disabled);
  EXPECT_EQ(this->engine_.stores().accounts->find_setting("a")->value(), "b");
  EXPECT_THAT(this->fatal_, IsEmpty());
}

TYPED_TEST(AccountStorageTest, RefusesWhatItsQueueCannotHold) {
  this->start({.queue = 2});
  this->hold();
  this->submit(0, this->create(jid("a@x.example")));
  this->submit(0, this->create(jid("b@x.example")));
  this->submit(3, this->create(jid("c@x.example")));
  ASSERT_TRUE(this->cores_.run_until([&] { return this->outcomes_.size() == 1; }));
  EXPECT_THAT(this->outcomes_, ElementsAre(Errc::resource_limit));
  this->hold_.release();

  ASSERT_TRUE(this->finish());

  EXPECT_THAT(this->outcomes_, ElementsAre(Errc::resource_limit, std::nullopt, std::nullopt, std::nullopt));
}

TYPED_TEST(AccountStorageTest, FinishesWhatWaitsBeforeItStops) {
  this->start({.batch = 3});
  this->hold();
  for (int i = 0; i < 10; ++i) this->submit(0, this->create(jid(fmt::format("u{}@x.example", i))));
  this->hold_.release();

  this->storage_->stop();
  this->submit(0, this->create(kRomeo));

  ASSERT_TRUE(this->finish());
  EXPECT_EQ(this->engine_.stores().accounts->count_accounts("x.example").value(), 10u);
  EXPECT_EQ(this->outcomes_.back(), Errc::closed);
}

TYPED_TEST(AccountStorageTest, LetsAFullDiskFailTheBatchAndGoesOn) {
  this->start();
  this->hold();
  this->submit(0, this->create(kRomeo));
  this->submit(1, [](AccountStore&) -> Result<void> { return fail(Errc::disk_full, "the test says so"); });
  this->submit(0, this->create(jid("a@x.example")));
  this->hold_.release();
  ASSERT_TRUE(this->finish());
  EXPECT_THAT(this->outcomes_, ElementsAre(std::nullopt, Errc::disk_full, Errc::disk_full, Errc::disk_full));

  this->submit(0, this->create(kRomeo));

  ASSERT_TRUE(this->finish());
  EXPECT_EQ(this->outcomes_.back(), std::nullopt);
  EXPECT_FALSE(this->engine_.stores().accounts->find_account(jid("a@x.example")).value());
  EXPECT_THAT(this->fatal_, IsEmpty());
}

TYPED_TEST(AccountStorageTest, RefusesTheJobThatMeetsALockAloneAndGoesOn) {
  this->start();
  this->hold();
  this->submit(0, this->create(kRomeo));
  this->submit(1, [](AccountStore&) -> Result<void> { return fail(Errc::timeout, "the test says so"); });
  this->submit(0, this->create(jid("a@x.example")));
  this->hold_.release();

  ASSERT_TRUE(this->finish());

  std::sort(this->outcomes_.begin(), this->outcomes_.end());  // of two cores, in either order
  EXPECT_THAT(this->outcomes_, ElementsAre(std::nullopt, std::nullopt, std::nullopt, Errc::resource_limit));
  EXPECT_TRUE(this->engine_.stores().accounts->find_account(jid("a@x.example")).value());
  EXPECT_THAT(this->fatal_, IsEmpty());
}

TYPED_TEST(AccountStorageTest, SaysOnceThatStorageFailedAndStoresNothingMore) {
  this->start();
  this->hold();
  this->submit(0, this->create(kRomeo));
  this->submit(0, [](AccountStore&) -> Result<void> { return fail(Errc::storage_failed, "the test says so"); });
  this->hold_.release();
  ASSERT_TRUE(this->finish());

  this->submit(0, this->create(kRomeo));

  ASSERT_TRUE(this->finish());
  EXPECT_THAT(this->outcomes_,
              ElementsAre(std::nullopt, Errc::storage_failed, Errc::storage_failed, Errc::storage_failed));
  this->storage_->stop();
  EXPECT_THAT(this->fatal_, ElementsAre(Errc::storage_failed));
  EXPECT_FALSE(this->engine_.stores().accounts->find_account(kRomeo).value());
}

}  // namespace
}  // namespace anser::store
