#include "tests/support/vault_fixture.h"

namespace anser::upload {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::IsEmpty;

TEST_F(VaultTest, GoesOnAfterTheDiskWasFull) {
  auto upload = begin({.owner = kRomeo, .length = 8});
  ASSERT_TRUE(append(upload, "wilt"));
  faults.set("append", Errc::disk_full);
  EXPECT_EQ(append(upload, "thou").error().code, Errc::disk_full);
  EXPECT_EQ(upload->offset(), 4u);

  faults.clear("append");
  ASSERT_TRUE(append(upload, "thou"));

  EXPECT_EQ(read(finish(upload).value()), "wiltthou");
}

TEST_F(VaultTest, ConfirmsNothingThatIsNotOnDisk) {
  auto upload = begin({.owner = kRomeo, .length = 8, .resumable = true});
  ASSERT_TRUE(append(upload, "wilt"));
  faults.set("sync", Errc::io);

  EXPECT_EQ(confirm(upload).error().code, Errc::io);
}

TEST_F(VaultTest, ServesNothingThatCouldNotBeSealedOrEntered) {
  auto upload = begin({.owner = kRomeo, .length = 4, .resumable = true});
  const std::string id = upload->record().id;
  ASSERT_TRUE(append(upload, "wilt"));

  faults.set("seal", Errc::io);
  EXPECT_EQ(finish(upload).error().code, Errc::io);
  faults.clear("seal");
  faults.set("finish_uploads", Errc::storage_failed);
  EXPECT_EQ(finish(upload).error().code, Errc::storage_failed);
  EXPECT_FALSE(there(id));
  EXPECT_THAT(contents(), IsEmpty());

  faults.clear("finish_uploads");
  EXPECT_EQ(read(finish(upload).value()), "wilt") << "nothing is lost";
}

TEST_F(VaultTest, HoldsNothingForWhatCouldNotBeBegun) {
  faults.set("begin_upload", Errc::disk_full);

  EXPECT_EQ(begun({.owner = kRomeo, .length = 9, .resumable = true}).error().code, Errc::disk_full);

  EXPECT_THAT(unfinished(), IsEmpty());
  EXPECT_EQ(used(), 0u);
  EXPECT_EQ(vault->under_way(), 0u);
}

TEST_F(VaultTest, IsKilledBetweenAnyTwoStepsAndHasTheWholeFileOrNothing) {
  bool survived = false;
  for (std::size_t steps = 0; !survived; ++steps) {
    ASSERT_LT(steps, 50u);
    faults.die_after(steps);
    std::string id;
    if (auto upload = begun({.owner = kRomeo, .length = 8, .resumable = true})) {
      id = (*upload)->record().id;
      if (append(*upload, "wilt") && confirm(*upload) && append(*upload, "thou") && finish(*upload)) {
        upload->reset();
        survived = static_cast<bool>(loop.wait(vault->remove(id)));
      }
    }
    settle();
    faults.revive();
    start_again();

    ASSERT_FALSE(vault->sweep());

    auto file = id.empty() ? std::optional<FileRecord>{} : loop.wait(vault->find(id)).value();
    EXPECT_EQ(contents().size(), file ? 1u : 0u) << steps;
    if (!file && !id.empty() && !survived) {
      auto again = opened(id, kRomeo);
      if (again && !(*again)->record().whole) {  // a file that was about to be removed has gone already
        ASSERT_TRUE(append(*again, std::string{"wiltthou"}.substr((*again)->offset()))) << steps;
        file = finish(*again).value();
      }
    }
    EXPECT_THAT(unfinished(), IsEmpty()) << steps;
    if (!file) continue;
    EXPECT_EQ(read(*file), "wiltthou") << steps;
    ASSERT_TRUE(loop.wait(vault->remove(id))) << steps;
    EXPECT_THAT(contents(), IsEmpty()) << steps;
    EXPECT_EQ(used(), 0u) << steps;
  }
}

TEST_F(VaultTest, IsKilledBetweenAnyTwoStepsAndHasAllFilesOfAFormOrNone) {
  settings.quota_bytes = 10'000;
  const std::vector<std::string> bytes{"wilt thou", "be gone", "wilt thou"};
  bool survived = false;
  for (std::size_t steps = 0; !survived; ++steps) {
    ASSERT_LT(steps, 50u);
    faults.die_after(steps);
    std::vector<Open> open;
    std::vector<OpenUpload*> all;
    std::vector<std::string> ids;
    for (const auto& one : bytes) {
      auto upload = begun({.owner = kRomeo, .name = "a.txt"});
      if (!upload || !append(*upload, one)) break;
      ids.push_back((*upload)->record().id);
      open.push_back(std::move(*upload));
      all.push_back(open.back().get());
    }
    if (all.size() == bytes.size()) {
      // What comes after the files are entered is no error.
      const bool done = static_cast<bool>(loop.wait(vault->finish_all(all)));
      survived = done && static_cast<bool>(content.discard("nobody"));
    }
    open.clear();
    settle();
    faults.revive();
    start_again();

    ASSERT_FALSE(vault->sweep());

    const auto files = loop.wait(vault->list(kRomeo, "", 10)).value();
    EXPECT_THAT(files.size(), AnyOf(0u, bytes.size())) << steps;
    EXPECT_EQ(contents().size(), files.empty() ? 0u : 2u) << steps << ": equal ones once";
    EXPECT_THAT(unfinished(), IsEmpty()) << steps;
    for (std::size_t i = 0; i < files.size(); ++i) {
      const auto found = loop.wait(vault->find(ids[i])).value();
      ASSERT_TRUE(found) << steps;
      EXPECT_EQ(read(*found), bytes[i]) << steps;
      ASSERT_TRUE(loop.wait(vault->remove(ids[i]))) << steps;
    }
    EXPECT_THAT(contents(), IsEmpty()) << steps;
    EXPECT_EQ(used(), 0u) << steps;
  }
}

TEST_F(VaultTest, LeavesNoContentOfAFormThatCouldNotBeFinished) {
  auto upload = begin({.owner = kRomeo});
  ASSERT_TRUE(append(upload, "wilt"));
  ASSERT_TRUE(content.seal(upload->record().id, upload->record().id));  // as a form does before its next file fails

  upload.reset();
  settle();

  EXPECT_THAT(contents(), IsEmpty());
}

TEST_F(VaultTest, LeavesToTheSweepWhatCannotBeRemovedAtOnce) {
  faults.set("discard", Errc::io);
  const auto file = put("wilt");
  EXPECT_EQ(read(file), "wilt");
  EXPECT_EQ(unfinished().size(), 1u);

  faults.clear("discard");
  vault->sweep();

  EXPECT_THAT(unfinished(), IsEmpty());
  EXPECT_EQ(read(file), "wilt");
}

TEST_F(VaultTest, SaysThatWorkersHaveTooMuchToDo) {
  workers->stop();

  EXPECT_EQ(begun({.owner = kRomeo}).error().code, Errc::queue_full);
}

}  // namespace
}  // namespace anser::upload
