// What the SQLite stores do when the disk under them is full or does not sync.
#include <gmock/gmock.h>

#include "store/open.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/store_engines.h"
#include "tests/support/temporary_directory.h"

namespace anser::store {
namespace {

using test::message;
using test::record;
using ::testing::HasSubstr;

class DiskTest : public ::testing::Test {
 protected:
  DiskTest() { open(); }
  void open() {
    stores_.reset();
    auto opened = open_sqlite(directory_.path());
    EXPECT_TRUE(opened) << opened.error().message;
    stores_ = std::move(*opened);
  }
  Result<void> append(std::uint64_t sequence) {
    return stores_->log->append(
        std::vector{record(sequence, message("a@x.example", "b@x.example", {.offline = true}))});
  }

  test::TemporaryDirectory directory_;
  test::FaultyDisk disk_;
  std::unique_ptr<Stores> stores_;
};

TEST_F(DiskTest, SyncsEveryAppendBeforeItReturnsAndNoRead) {
  ASSERT_TRUE(append(1));
  const int before = disk_.syncs;

  ASSERT_TRUE(append(2));
  const int after_append = disk_.syncs;
  ASSERT_TRUE(stores_->accounts->begin());
  ASSERT_TRUE(stores_->accounts->load_state(test::jid("a@x.example")));
  ASSERT_TRUE(stores_->accounts->commit());

  EXPECT_EQ(after_append, before + 1);
  EXPECT_EQ(disk_.syncs, after_append);
}

TEST_F(DiskTest, RefusesWhileTheDiskIsFullAndGoesOnWhenItIsNot) {
  ASSERT_TRUE(append(1));
  disk_.full = true;

  const auto refused = append(2);
  const auto unplaced = stores_->archive->place(stores_->log->read(1, 10).value());
  const auto setting = stores_->accounts->put_setting("a", "b");

  EXPECT_EQ(refused.error().code, Errc::disk_full);
  EXPECT_THAT(refused.error().message, HasSubstr("log.db: the disk is full"));
  EXPECT_EQ(unplaced.error().code, Errc::disk_full);
  EXPECT_EQ(setting.error().code, Errc::disk_full);
  disk_.full = false;
  EXPECT_TRUE(append(2));
  EXPECT_TRUE(stores_->archive->place(stores_->log->read(1, 10).value()));
  EXPECT_TRUE(stores_->accounts->put_setting("a", "b"));
  open();
  EXPECT_EQ(stores_->log->last_sequence().value(), 2u);
  EXPECT_EQ(stores_->archive->offline(test::jid("b@x.example"), 0, 10)->size(), 2u);
}

TEST_F(DiskTest, WritesNoNoteWithoutItsMessage) {
  ASSERT_TRUE(append(1));
  const std::vector batch{record(0, test::noted({7, 1, "opened"})),
                          record(2, test::noted({7, 2, "counted"}, message("a@x.example", "b@x.example", {})))};
  disk_.full = true;
  EXPECT_EQ(stores_->log->append(batch).error().code, Errc::disk_full);
  disk_.full = false;
  EXPECT_TRUE(stores_->log->notes()->empty());

  ASSERT_TRUE(stores_->log->append(batch));

  open();
  EXPECT_THAT(stores_->log->notes().value(),
              ::testing::ElementsAre(domain::SessionNote{7, 1, "opened"}, domain::SessionNote{7, 2, "counted"}));
}

TEST_F(DiskTest, ReportsAFailedSyncAndSyncsNothingAfterIt) {
  ASSERT_TRUE(append(1));
  disk_.fails_to_sync = true;
  const auto failed = append(2);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::storage_failed);
  EXPECT_THAT(failed.error().message, HasSubstr("log.db: disk I/O error"));
  disk_.fails_to_sync = false;
  stores_->archive.reset();
  stores_->archive_reader.reset();
  stores_->accounts.reset();
  stores_->files.reset();
  const int before = disk_.syncs;

  stores_.reset();

  EXPECT_EQ(disk_.syncs, before) << "closing must not make durable what was reported as lost";
  open();
  EXPECT_GE(stores_->log->last_sequence().value(), 1u);
  EXPECT_TRUE(append(9));
}

}  // namespace
}  // namespace anser::store
