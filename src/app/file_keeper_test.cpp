// What becomes of files whose account goes while they cannot.
#include "app/file_keeper.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/fake_domain.h"
#include "tests/support/faulty_files.h"

namespace anser::app {
namespace {

const core::Jid kRomeo = domain::jid("romeo@example.com");

class FileKeeperTest : public testing::Test {
 protected:
  FileKeeperTest() {
    domain::UploadRecord upload;
    upload.id = "u";
    upload.owner = kRomeo;
    upload.expires = clock_.now() + std::chrono::hours{24};
    EXPECT_TRUE(index_->begin_upload(upload));
    EXPECT_TRUE(content_->create("u"));
    cores_->start();
  }
  ~FileKeeperTest() override {
    workers_.stop();
    cores_->stop();
    cores_->join();
    cores_.reset();
  }

  void account_goes() {
    keeper_.hear(domain::AccountChanged{kRomeo, domain::AccountChanged::What::gone});
    work_is_done();
  }
  void hour_is_over() {
    std::promise<void> swept;
    cores_->post(0, [&] {
      keeper_.sweep_hourly();
      swept.set_value();
    });
    swept.get_future().wait();
    work_is_done();
  }
  // There is one worker.
  void work_is_done() {
    std::promise<void> done;
    ASSERT_TRUE(workers_.submit([&] { done.set_value(); }));
    done.get_future().wait();
  }
  std::size_t left() { return index_->files_of(kRomeo, 10)->size(); }

  test::Faults faults_;
  std::shared_ptr<test::FaultyFileIndex> index_ = std::make_shared<test::FaultyFileIndex>(faults_);
  std::shared_ptr<test::FaultyFileContent> content_ = std::make_shared<test::FaultyFileContent>(faults_);
  std::shared_ptr<domain::FakeAccounts> accounts_ = std::make_shared<domain::FakeAccounts>();
  domain::FakeClock clock_;
  store::Stores stores_{{}, accounts_, {}, {}, {}, {}, index_, content_};
  net::Workers workers_{1, 16};
  std::unique_ptr<net::Cores> cores_ = std::make_unique<net::Cores>(1);
  FileKeeper keeper_{stores_, *cores_, workers_, clock_, Config{}};
};

TEST_F(FileKeeperTest, TheyGoWithTheirAccount) {
  account_goes();

  EXPECT_EQ(left(), 0u);
}

TEST_F(FileKeeperTest, WhatCannotGoGoesWithinTheHour) {
  faults_.set("remove_upload", Errc::storage_failed);
  account_goes();
  EXPECT_EQ(left(), 1u);
  hour_is_over();
  EXPECT_EQ(left(), 1u);
  faults_.clear("remove_upload");

  hour_is_over();

  EXPECT_EQ(left(), 0u);
}

TEST_F(FileKeeperTest, WhoHasTakenTheNameMeanwhileLosesNothing) {
  faults_.set("remove_upload", Errc::storage_failed);
  account_goes();
  faults_.clear("remove_upload");
  domain::AccountRecord account;
  account.jid = kRomeo;
  accounts_->records.push_back(account);

  hour_is_over();

  EXPECT_EQ(left(), 1u);
}

}  // namespace
}  // namespace anser::app
