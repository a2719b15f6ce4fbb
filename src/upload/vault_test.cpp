#include "tests/support/vault_fixture.h"

namespace anser::upload {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace anser::upload
