#include "upload/vault.h"

#include <gmock/gmock.h>

#include "net/test_support.h"
#include "net/within.h"
#include "tests/support/faulty_files.h"

namespace anser::upload {
namespace {

using namespace std::chrono_literals;
using domain::FileRecord;
using net::Task;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Hands final : public Clock {
 public:
  Time now() const override { return time; }
  Tick tick() const override { return {}; }
  Time time{std::chrono::hours{24 * 20'000}};
};

core::Jid jid(std::string_view text) { return core::Jid::parse(text).value(); }
const core::Jid kRomeo = jid("romeo@montague.example"), kJuliet = jid("juliet@capulet.example");

class VaultTest : public ::testing::Test {
 protected:
  ~VaultTest() override { workers->stop(); }

  // What was begun lives until the test lets go of it.
  using Open = std::unique_ptr<OpenUpload>;

  Result<Open> begun(NewUpload upload) { return kept(loop.wait(vault->begin(std::move(upload)))); }
  Open begin(NewUpload upload) {
    auto open = begun(std::move(upload));
    EXPECT_TRUE(open) << open.error().message;
    return open ? std::move(*open) : nullptr;
  }
  Result<Open> opened(std::string id, std::optional<core::Jid> owner = std::nullopt) {
    return kept(loop.wait(vault->open(
        std::move(id), [owner](const domain::UploadRecord& record) { return !owner || *owner == record.owner; })));
  }
  Result<void> append(Open& upload, const std::string& bytes) { return loop.wait(vault->append(*upload, bytes)); }
  Result<void> confirm(Open& upload) { return loop.wait(vault->confirm(*upload)); }
  Result<FileRecord> finish(Open& upload) { return loop.wait(vault->finish(*upload)); }
  FileRecord put(std::string bytes, core::Jid owner = kRomeo, std::string id = {}) {
    auto upload = begin({.owner = std::move(owner), .name = "a.txt", .length = bytes.size(), .id = std::move(id)});
    EXPECT_TRUE(append(upload, std::move(bytes)));
    auto file = finish(upload);
    EXPECT_TRUE(file) << file.error().message;
    return file.value_or(FileRecord{});
  }
  std::string read(const FileRecord& file) { return loop.wait(vault->read(file, 0, 1'000)).value_or("(nothing)"); }
  bool there(const std::string& id) { return loop.wait(vault->find(id)).value().has_value(); }
  std::uint64_t used(const core::Jid& owner = kRomeo) { return loop.wait(vault->use_of(owner)).value().bytes; }
  // The one worker has done what was in its queue.
  void settle() { ASSERT_TRUE(loop.wait(vault->find("x"))); }
  // A server that starts again: what it knew is gone, what was stored is there.
  void start_again() {
    workers = std::make_unique<net::Workers>(1, 100);
    vault = make_vault();
  }
  std::vector<std::string> unfinished() { return content.unfinished("", 100).value(); }
  std::vector<std::string> contents() { return content.contents("", 100).value(); }

  struct TestLoop : net::Loop {
    template <class T>
    Result<T> wait(Task<Result<T>> task) {
      return net::wait_for(*this, std::move(task));
    }
  };

  static Settings small() {
    Settings settings;
    settings.file_bytes = 1'000;
    settings.quota_bytes = 2'000;
    settings.anonymous_quota_bytes = 50;
    return settings;
  }

  Settings settings = small();
  Hands clock;
  test::Faults faults;
  test::FaultyFileIndex index{faults};
  test::FaultyFileContent content{faults};
  std::unique_ptr<net::Workers> workers = std::make_unique<net::Workers>(1, 100);
  std::unique_ptr<Vault> vault = make_vault();
  TestLoop loop;  // what waits on it uses the rest

 private:
  std::unique_ptr<Vault> make_vault() {
    return std::make_unique<Vault>(index, content, *workers, clock,
                                   [this] { return std::make_shared<const Settings>(settings); });
  }
  static Result<Open> kept(Result<OpenUpload> open) {
    if (!open) return pass(open);
    return std::make_unique<OpenUpload>(std::move(*open));
  }
};

// ---- one upload -----------------------------------------------------------------------------------------------------

TEST_F(VaultTest, KeepsAFileThatCameInPieces) {
  auto upload = begin({.owner = kRomeo, .name = "图.png", .type = "image/png", .length = 9});
  ASSERT_TRUE(append(upload, "wilt "));
  ASSERT_TRUE(append(upload, "thou"));
  EXPECT_EQ(upload->offset(), 9u);

  const auto file = finish(upload).value();

  EXPECT_EQ(file.owner, kRomeo);
  EXPECT_EQ(file.name, "图.png");
  EXPECT_EQ(file.type, "image/png");
  EXPECT_EQ(file.size, 9u);
  EXPECT_EQ(file.id.size(), 32u);
  EXPECT_EQ(file.created, clock.time);
  EXPECT_EQ(file.expires, Time{});
  EXPECT_EQ(read(file), "wilt thou");
  EXPECT_EQ(loop.wait(vault->find(file.id)).value(), file);
  EXPECT_THAT(unfinished(), IsEmpty());
}

TEST_F(VaultTest, KeepsAnEmptyFile) { EXPECT_EQ(read(put("")), ""); }

TEST_F(VaultTest, ServesNothingOfAnUploadThatIsNotWhole) {
  auto upload = begin({.owner = kRomeo, .length = 9});
  ASSERT_TRUE(append(upload, "wilt"));

  const auto early = finish(upload);

  EXPECT_EQ(early.error().code, Errc::conflict);
  EXPECT_FALSE(there(upload->record().id));
}

TEST_F(VaultTest, RemovesAnUploadThatEndsEarlyAndCannotGoOn) {
  auto upload = begin({.owner = kRomeo, .length = 9});
  ASSERT_TRUE(append(upload, "wilt"));
  EXPECT_EQ(unfinished().size(), 1u);

  upload.reset();
  settle();

  EXPECT_THAT(unfinished(), IsEmpty());
  EXPECT_EQ(used(), 0u);
}

TEST_F(VaultTest, GoesOnWhereAnUploadStoppedAlsoAfterAStart) {
  auto upload = begin({.owner = kRomeo, .metadata = "m", .length = 9, .resumable = true});
  const std::string id = upload->record().id;
  ASSERT_TRUE(append(upload, "wilt "));
  upload.reset();
  settle();
  start_again();
  EXPECT_FALSE(vault->sweep());

  auto again = opened(id, kRomeo);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->offset(), 5u);
  EXPECT_EQ((*again)->record().metadata, "m");
  ASSERT_TRUE(append(*again, "thou"));
  ASSERT_TRUE(confirm(*again));
  const auto file = finish(*again);

  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(read(*file), "wilt thou");
  again->reset();
  auto whole = opened(id, kRomeo);
  ASSERT_TRUE(whole);
  EXPECT_TRUE((*whole)->record().whole);
  EXPECT_EQ((*whole)->offset(), 9u);
  EXPECT_EQ(append(*whole, "x").error().code, Errc::conflict);
}

TEST_F(VaultTest, GivesAnUploadToItsOwnerAndWhoKnowsItOnly) {
  auto upload = begin({.owner = kRomeo, .length = 9, .resumable = true});
  const std::string id = upload->record().id;
  upload.reset();
  settle();

  EXPECT_EQ(opened(id, kJuliet).error().code, Errc::not_authorized);
  EXPECT_EQ(opened(id, core::Jid{}).error().code, Errc::not_authorized);
  EXPECT_EQ(opened("unknown", kRomeo).error().code, Errc::not_found);
  EXPECT_TRUE(opened(id));
}

TEST_F(VaultTest, RemovesAnUploadThatIsAbandoned) {
  auto upload = begin({.owner = kRomeo, .length = 9, .resumable = true});
  const std::string id = upload->record().id;

  ASSERT_TRUE(loop.wait(vault->abandon(std::move(*upload))));

  EXPECT_EQ(opened(id).error().code, Errc::not_found);
  EXPECT_THAT(unfinished(), IsEmpty());
  EXPECT_EQ(used(), 0u);
}

TEST_F(VaultTest, TakesASlotOnce) {
  put("wilt", kRomeo, "slot");
  EXPECT_EQ(begun({.owner = kRomeo, .length = 4, .id = "slot"}).error().code, Errc::conflict);

  auto open = begin({.owner = kRomeo, .length = 4, .id = "other"});
  EXPECT_EQ(begun({.owner = kRomeo, .length = 4, .id = "other"}).error().code, Errc::conflict);
  open.reset();
  settle();
  EXPECT_TRUE(begun({.owner = kRomeo, .length = 4, .id = "other"})) << "nothing has come of the first";
}

// ---- limits ---------------------------------------------------------------------------------------------------------

TEST_F(VaultTest, RefusesWhatIsLargerThanAFileMayBe) {
  EXPECT_EQ(begun({.owner = kRomeo, .length = 1'001}).error().code, Errc::policy_violation);
  auto unknown = begin({.owner = kRomeo});
  ASSERT_TRUE(append(unknown, std::string(1'000, 'a')));
  EXPECT_EQ(append(unknown, "a").error().code, Errc::policy_violation);
  EXPECT_EQ(unknown->offset(), 1'000u);
  auto known = begin({.owner = kRomeo, .length = 3});
  EXPECT_EQ(append(known, "four").error().code, Errc::policy_violation);
  EXPECT_EQ(known->offset(), 0u);
}

TEST_F(VaultTest, HoldsTheQuotaForWhatIsAnnounced) {
  auto first = begin({.owner = kRomeo, .length = 1'000});
  auto second = begin({.owner = kRomeo, .length = 900, .resumable = true});
  EXPECT_EQ(used(), 1'900u);

  const auto refused = begun({.owner = kRomeo, .length = 101});

  EXPECT_EQ(refused.error().code, Errc::resource_limit);
  EXPECT_THAT(refused.error().message, HasSubstr("2001 bytes and may have 2000"));
  EXPECT_EQ(used(), 1'900u);
  EXPECT_TRUE(begun({.owner = kJuliet, .length = 1'000})) << "it is each account's own";
  EXPECT_TRUE(begun({.owner = kRomeo, .length = 100}));
}

TEST_F(VaultTest, HoldsTheQuotaForWhatComesUnannounced) {
  put(std::string(1'000, 'a'));
  put(std::string(900, 'b'));
  auto upload = begin({.owner = kRomeo, .resumable = true});

  EXPECT_TRUE(append(upload, std::string(100, 'c')));
  EXPECT_EQ(append(upload, "d").error().code, Errc::resource_limit);

  EXPECT_EQ(used(), 2'000u);
  upload.reset();
  settle();
  EXPECT_EQ(used(), 2'000u) << "what came of it still counts";
}

TEST_F(VaultTest, CountsAFileOnceItIsWhole) {
  auto upload = begin({.owner = kRomeo, .length = 1'000, .resumable = true});
  ASSERT_TRUE(append(upload, std::string(1'000, 'a')));
  ASSERT_TRUE(finish(upload));

  EXPECT_EQ(used(), 1'000u);
}

TEST_F(VaultTest, TakesSoManyFilesAndNoMore) {
  settings.files_per_account = 3;
  put("a");
  put("");  // has no bytes, but a name and a place
  begin({.owner = kRomeo, .resumable = true});

  EXPECT_EQ(begun({.owner = kRomeo, .length = 0}).error().code, Errc::forbidden);
  EXPECT_TRUE(begun({.owner = kJuliet, .length = 0}));
  settings.files_per_account = 0;
  EXPECT_TRUE(begun({.owner = kRomeo, .length = 0}));
}

TEST_F(VaultTest, DoesNotDisturbWhoHasAnUploadForWhoMayNotHaveIt) {
  auto upload = begin({.owner = kRomeo, .length = 9, .resumable = true});

  EXPECT_EQ(opened(upload->record().id, kJuliet).error().code, Errc::not_authorized);

  EXPECT_FALSE(upload->unwanted());
  EXPECT_TRUE(append(upload, "wilt"));
}

TEST_F(VaultTest, HasAQuotaForAllWithoutAnAccount) {
  auto upload = begin({.length = 50});
  EXPECT_FALSE(upload->removal_key().empty());

  EXPECT_EQ(begun({.length = 1}).error().code, Errc::resource_limit);
}

TEST_F(VaultTest, LetsWhoHasNoAccountRemoveWithTheKeyOnly) {
  auto upload = begin({.length = 1});
  const std::string key = upload->removal_key();
  ASSERT_TRUE(append(upload, "a"));
  const auto file = finish(upload).value();

  EXPECT_TRUE(Vault::is_removal_key(file, key));
  EXPECT_FALSE(Vault::is_removal_key(file, key + "x"));
  EXPECT_FALSE(Vault::is_removal_key(file, ""));
  EXPECT_FALSE(Vault::is_removal_key(put("b"), ""));
}

TEST_F(VaultTest, HasSoManyAtOnce) {
  settings.files_per_form = 1;
  settings.at_once_per_account = 2;
  settings.at_once = 3;
  auto first = begin({.owner = kRomeo}), second = begin({.owner = kRomeo});
  EXPECT_EQ(begun({.owner = kRomeo}).error().code, Errc::queue_full);
  auto third = begin({.owner = kJuliet});
  EXPECT_EQ(begun({.owner = kJuliet}).error().code, Errc::queue_full);

  first.reset();
  settle();

  EXPECT_TRUE(begun({.owner = kRomeo}));
}

TEST_F(VaultTest, TakesALengthThatBecomesKnown) {
  auto upload = begin({.owner = kRomeo, .resumable = true});
  ASSERT_TRUE(append(upload, "wilt"));

  EXPECT_EQ(loop.wait(vault->set_length(*upload, 3)).error().code, Errc::conflict);
  EXPECT_EQ(loop.wait(vault->set_length(*upload, 1'001)).error().code, Errc::policy_violation);
  EXPECT_TRUE(loop.wait(vault->set_length(*upload, 900)));
  EXPECT_TRUE(loop.wait(vault->set_length(*upload, 900)));
  EXPECT_EQ(loop.wait(vault->set_length(*upload, 901)).error().code, Errc::conflict);

  EXPECT_EQ(used(), 900u);
  EXPECT_EQ(index.find_upload(upload->record().id).value()->length, 900u);
}

// ---- one at a time --------------------------------------------------------------------------------------------------

Task<Result<void>> let_go_when_asked(Vault& vault, std::unique_ptr<OpenUpload>& older, std::string id) {
  bool asked = false;
  older->on_unwanted([&] {
    asked = true;
    older.reset();
  });
  auto opening = vault.open(std::move(id), [](const domain::UploadRecord&) { return true; });
  auto newer = co_await std::move(opening);
  EXPECT_TRUE(asked);
  if (!newer) co_return pass(newer);
  co_return Result<void>{};
}

TEST_F(VaultTest, ANewerRequestAsksTheOlderToLetGo) {
  auto older = begin({.owner = kRomeo, .length = 9, .resumable = true});
  ASSERT_TRUE(append(older, "wilt"));

  const auto taken = loop.wait(let_go_when_asked(*vault, older, older->record().id));

  EXPECT_TRUE(taken) << taken.error().message;
  settle();
}

TEST_F(VaultTest, NothingIsBegunOnceTheServerStops) {
  auto upload = begin({.owner = kRomeo, .length = 9, .resumable = true});
  vault->end_all();

  EXPECT_EQ(begun({.owner = kRomeo, .length = 1}).error().code, Errc::closed);
  EXPECT_TRUE(upload->unwanted());
  EXPECT_EQ(vault->under_way(), 1u);
  upload.reset();
  EXPECT_EQ(vault->under_way(), 0u);
}

// ---- once only ------------------------------------------------------------------------------------------------------

TEST_F(VaultTest, KeepsEqualBytesOnceUntilTheLastFileGoes) {
  const auto first = put("the same", kRomeo), second = put("the same", kJuliet);
  EXPECT_EQ(second.content, first.content);
  EXPECT_THAT(contents(), ElementsAre(first.content));
  EXPECT_NE(second.id, first.id);
  EXPECT_EQ(used(kJuliet), 8u);

  ASSERT_TRUE(loop.wait(vault->remove(first.id)));
  EXPECT_EQ(read(second), "the same");
  ASSERT_TRUE(loop.wait(vault->remove(second.id)));

  EXPECT_THAT(contents(), IsEmpty());
  EXPECT_EQ(loop.wait(vault->remove(second.id)).error().code, Errc::not_found);
}

TEST_F(VaultTest, NeverTakesAFingerprintForEquality) {
  settings.file_bytes = settings.quota_bytes = 1'000'000;
  std::string one(300'000, 'a'), other = one;
  other[150'000] = 'b';  // neither among the first nor the last 64 KiB

  const auto first = put(one), second = put(other);

  EXPECT_EQ(first.fingerprint, second.fingerprint);
  EXPECT_NE(first.content, second.content);
  EXPECT_EQ(loop.wait(vault->read(second, 150'000, 1)).value(), "b");
}

// ---- concatenation --------------------------------------------------------------------------------------------------

TEST_F(VaultTest, JoinsPartsInOrder) {
  std::vector<std::string> ids;
  for (const char* bytes : {"wilt ", "thou "}) {
    auto part = begin({.owner = kRomeo, .length = 5, .resumable = true, .partial = true});
    ASSERT_TRUE(append(part, bytes));
    ASSERT_TRUE(finish(part));
    ids.push_back(part->record().id);
    EXPECT_FALSE(there(ids.back()));
  }
  auto open = begin({.owner = kRomeo, .length = 5, .resumable = true, .partial = true});
  auto whole = begin({.owner = kRomeo, .resumable = true});

  auto with_open = ids;
  with_open.push_back(open->record().id);
  EXPECT_EQ(loop.wait(vault->append_all(*whole, with_open)).error().code, Errc::conflict);
  EXPECT_EQ(loop.wait(vault->append_all(*whole, {"unknown"})).error().code, Errc::not_found);
  ASSERT_TRUE(loop.wait(vault->append_all(*whole, {ids[1], ids[0], ids[1]})));

  EXPECT_EQ(read(finish(whole).value()), "thou wilt thou ");
}

// ---- ends -----------------------------------------------------------------------------------------------------------

TEST_F(VaultTest, FilesEndWhenTheyAreConfiguredTo) {
  settings.keep_for = 1h;
  const auto file = put("a");
  EXPECT_EQ(file.expires, clock.time + 1h);

  clock.time += 1h;
  EXPECT_FALSE(there(file.id));
  EXPECT_THAT(loop.wait(vault->list(kRomeo, "", 10)).value(), IsEmpty());
  EXPECT_EQ(contents().size(), 1u);
  vault->sweep();

  EXPECT_THAT(contents(), IsEmpty());
  EXPECT_EQ(used(), 0u);
}

TEST_F(VaultTest, UploadsEndSoLongAfterTheirLastByte) {
  settings.unfinished_for = 1h;
  auto upload = begin({.owner = kRomeo, .length = 9, .resumable = true});
  const std::string id = upload->record().id;
  clock.time += 50min;
  ASSERT_TRUE(append(upload, "wilt"));
  ASSERT_TRUE(confirm(upload));
  upload.reset();
  settle();
  clock.time += 50min;
  vault->sweep();
  EXPECT_TRUE(opened(id)) << "it has come nearer its end since";

  clock.time += 11min;
  EXPECT_EQ(opened(id).error().code, Errc::not_found);
  vault->sweep();

  EXPECT_THAT(unfinished(), IsEmpty());
  EXPECT_FALSE(index.has_upload(id).value());
}

TEST_F(VaultTest, SweepsWhatACrashHasLeft) {
  ASSERT_TRUE(content.create("nobodys-upload"));
  ASSERT_TRUE(content.create("nobodys-file"));
  ASSERT_TRUE(content.seal("nobodys-file", "nobodys-file"));
  const auto file = put("kept");
  auto upload = begin({.owner = kRomeo, .length = 9});

  vault->sweep();

  EXPECT_THAT(unfinished(), ElementsAre(upload->record().id));
  EXPECT_THAT(contents(), ElementsAre(file.content));
}

TEST_F(VaultTest, ForgetsAllOfAnAccount) {
  const auto file = put("a");
  const auto hers = put("a", kJuliet);
  auto stopped = begin({.owner = kRomeo, .length = 9, .resumable = true});
  const std::string id = stopped->record().id;
  stopped.reset();
  settle();
  auto under_way = begin({.owner = kRomeo, .length = 1});
  ASSERT_TRUE(append(under_way, "b"));

  ASSERT_TRUE(vault->remove_all_of(kRomeo));

  EXPECT_FALSE(there(file.id));
  EXPECT_EQ(opened(id).error().code, Errc::not_found);
  EXPECT_EQ(finish(under_way).error().code, Errc::not_found);
  EXPECT_EQ(read(hers), "a");
}

// ---- faults ---------------------------------------------------------------------------------------------------------

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
