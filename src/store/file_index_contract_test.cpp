// What every engine's FileIndex and FileContent promise.
#include <gmock/gmock.h>

#include "tests/support/store_engines.h"

namespace anser::store {
namespace {

using domain::FileRecord;
using domain::UploadRecord;
using test::at;
using test::jid;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr const char* kRomeo = "romeo@montague.example";
constexpr const char* kJuliet = "juliet@capulet.example";
constexpr std::size_t kAll = 100;

FileRecord file(std::string id, const char* owner = kRomeo, std::string content = {}) {
  FileRecord file;
  file.id = id;
  file.owner = *owner ? jid(owner) : core::Jid{};
  file.name = "图.png";
  file.type = "image/png";
  file.size = 10;
  file.content = content.empty() ? id : content;
  file.fingerprint = std::string(31, '\0') + "f";
  file.created = at(1'700'000'000'000'001);
  return file;
}

UploadRecord upload(std::string id, const char* owner = kRomeo) {
  UploadRecord upload;
  upload.id = id;
  upload.owner = *owner ? jid(owner) : core::Jid{};
  upload.name = "a.txt";
  upload.type = "text/plain";
  upload.metadata = std::string{"a\0b", 3};
  upload.length = 100;
  upload.held = 100;
  upload.expires = at(2'000);
  return upload;
}

std::vector<std::string> ids(const std::vector<FileRecord>& files) {
  std::vector<std::string> ids;
  for (const auto& one : files) ids.push_back(one.id);
  return ids;
}

template <class Engine>
class FileContract : public ::testing::Test {
 protected:
  domain::FileIndex& index() { return *engine_.stores().files; }
  domain::FileContent& content() { return *engine_.stores().content; }
  void enter(const FileRecord& record) {
    const auto entered = index().finish_uploads({&record, 1}, false);
    EXPECT_TRUE(entered) << entered.error().message;
  }
  void append(std::string_view id, std::uint64_t offset, std::string_view bytes) {
    const auto appended = content().append(id, offset, bytes);
    EXPECT_TRUE(appended) << appended.error().message;
  }
  std::string read(std::string_view id, std::uint64_t offset = 0, std::size_t size = 100) {
    std::string bytes(size, '?');
    const auto got = content().read(id, offset, bytes);
    EXPECT_TRUE(got) << got.error().message;
    bytes.resize(got.value_or(0));
    return bytes;
  }

  Engine engine_;
};
TYPED_TEST_SUITE(FileContract, test::Engines, test::EngineNames);

// ---- the index ------------------------------------------------------------------------------------------------------

TYPED_TEST(FileContract, KeepsAnUploadAsItWasBegun) {
  auto begun = upload("u1");
  begun.removal = std::string(32, '\xff');
  begun.partial = true;
  begun.file_expires = at(5'000);
  auto unknown = upload("u2", "");
  unknown.length = std::nullopt;
  unknown.held = 0;

  ASSERT_TRUE(this->index().begin_upload(begun));
  ASSERT_TRUE(this->index().begin_upload(unknown));
  this->engine_.reopen();

  EXPECT_EQ(this->index().find_upload("u1").value(), begun);
  EXPECT_EQ(this->index().find_upload("u2").value(), unknown);
  EXPECT_EQ(this->index().find_upload("u3").value(), std::nullopt);
  EXPECT_TRUE(this->index().has_upload("u1").value());
  EXPECT_FALSE(this->index().has_upload("u3").value());
}

TYPED_TEST(FileContract, RefusesAnIdThatIsTakenByAnUploadOrAFile) {
  ASSERT_TRUE(this->index().begin_upload(upload("u1")));
  this->enter(file("f1"));

  EXPECT_EQ(this->index().begin_upload(upload("u1")).error().code, Errc::conflict);
  EXPECT_EQ(this->index().begin_upload(upload("f1")).error().code, Errc::conflict);
}

TYPED_TEST(FileContract, EntersAllFilesOfAFormOrNone) {
  ASSERT_TRUE(this->index().begin_upload(upload("u1")));
  this->enter(file("f1"));
  const std::vector<FileRecord> taken{file("u1"), file("f1"), file("f2")}, free{file("u1"), file("f2")};

  EXPECT_EQ(this->index().finish_uploads(taken, false).error().code, Errc::conflict);
  EXPECT_FALSE(this->index().find_file("u1").value());
  EXPECT_FALSE(this->index().find_file("f2").value());
  EXPECT_TRUE(this->index().has_upload("u1").value());

  EXPECT_TRUE(this->index().finish_uploads(free, false));
  this->engine_.reopen();
  EXPECT_EQ(this->index().find_file("u1").value(), file("u1"));
  EXPECT_EQ(this->index().find_file("f2").value(), file("f2"));
  EXPECT_FALSE(this->index().has_upload("u1").value());
}

TYPED_TEST(FileContract, UpdatesAnUploadThatIsThere) {
  ASSERT_TRUE(this->index().begin_upload(upload("u1")));
  auto changed = upload("u1");
  changed.length = 7;
  changed.held = 7;
  changed.expires = at(9'000);
  changed.whole = true;

  ASSERT_TRUE(this->index().update_upload(changed));

  EXPECT_EQ(this->index().find_upload("u1").value(), changed);
  EXPECT_EQ(this->index().update_upload(upload("u2")).error().code, Errc::not_found);
}

TYPED_TEST(FileContract, ForgetsAnUploadAndDoesNotMindWhenThereIsNone) {
  ASSERT_TRUE(this->index().begin_upload(upload("u1")));

  ASSERT_TRUE(this->index().remove_upload("u1"));

  EXPECT_FALSE(this->index().has_upload("u1").value());
  EXPECT_TRUE(this->index().remove_upload("u1"));
}

TYPED_TEST(FileContract, AnUploadBecomesAFileAndIsRememberedOnlyIfItShallBe) {
  ASSERT_TRUE(this->index().begin_upload(upload("u1")));
  ASSERT_TRUE(this->index().begin_upload(upload("u2")));

  ASSERT_TRUE(this->index().finish_uploads(std::vector{file("u1")}, true));
  ASSERT_TRUE(this->index().finish_uploads(std::vector{file("u2")}, false));
  this->engine_.reopen();

  EXPECT_EQ(this->index().find_file("u1").value(), file("u1"));
  EXPECT_TRUE(this->index().find_upload("u1").value()->whole);
  EXPECT_EQ(this->index().find_upload("u1").value()->length, 10u);
  EXPECT_EQ(this->index().find_upload("u2").value(), std::nullopt);
  EXPECT_EQ(this->index().find_file("u3").value(), std::nullopt);
}

TYPED_TEST(FileContract, FindsContentsOfTheSameSizeAndFingerprintOldestFirst) {
  this->enter(file("f1", kRomeo, "c2"));
  this->enter(file("f2", kJuliet, "c1"));
  this->enter(file("f3", kJuliet, "c2"));
  auto other_size = file("f4", kRomeo, "c3");
  other_size.size = 11;
  this->enter(other_size);
  auto other_print = file("f5", kRomeo, "c4");
  other_print.fingerprint.back() = 'g';
  this->enter(other_print);

  EXPECT_THAT(this->index().find_content(10, file("").fingerprint, kAll).value(), ElementsAre("c2", "c1"));
  EXPECT_THAT(this->index().find_content(10, file("").fingerprint, 1).value(), ElementsAre("c2"));
  EXPECT_THAT(this->index().find_content(12, file("").fingerprint, kAll).value(), IsEmpty());
}

TYPED_TEST(FileContract, ListsAnOwnersFilesNewestFirstPageByPage) {
  for (const char* id : {"f1", "f2", "f3"}) this->enter(file(id));
  this->enter(file("g1", kJuliet));

  EXPECT_THAT(ids(this->index().list_files(jid(kRomeo), "", 2).value()), ElementsAre("f3", "f2"));
  EXPECT_THAT(ids(this->index().list_files(jid(kRomeo), "f2", 2).value()), ElementsAre("f1"));
  EXPECT_EQ(this->index().list_files(jid(kRomeo), "g1", 2).error().code, Errc::not_found);
  EXPECT_EQ(this->index().list_files(jid(kRomeo), "x", 2).error().code, Errc::not_found);
}

TYPED_TEST(FileContract, SaysWhenTheLastFileOfAContentGoes) {
  this->enter(file("f1", kRomeo, "c"));
  this->enter(file("f2", kJuliet, "c"));
  EXPECT_TRUE(this->index().has_content("c").value());

  EXPECT_FALSE(this->index().remove_file("f1").value());
  EXPECT_TRUE(this->index().remove_file("f2").value());

  EXPECT_FALSE(this->index().has_content("c").value());
  EXPECT_EQ(this->index().remove_file("f2").error().code, Errc::not_found);
}

TYPED_TEST(FileContract, CountsFilesAndWhatUploadsHold) {
  this->enter(file("f1"));
  this->enter(file("f2"));
  this->enter(file("f3", ""));
  ASSERT_TRUE(this->index().begin_upload(upload("u1")));
  ASSERT_TRUE(this->index().begin_upload(upload("u2")));
  ASSERT_TRUE(this->index().finish_uploads(std::vector{file("u2")}, true));

  const auto romeo = this->index().use_of(jid(kRomeo), at(0)).value();
  const auto nobody = this->index().use_of({}, at(0)).value();
  const auto juliet = this->index().use_of(jid(kJuliet), at(0)).value();

  EXPECT_EQ(romeo.bytes, 130u);
  EXPECT_EQ(romeo.files, 3u);
  EXPECT_EQ(romeo.unfinished, 1u);
  EXPECT_EQ(nobody.bytes, 10u);
  EXPECT_EQ(juliet.files, 0u);
}

TYPED_TEST(FileContract, KnowsWhatHasEnded) {
  auto ends = file("f1");
  ends.expires = at(1'000);
  this->enter(ends);
  this->enter(file("f2"));  // never
  ASSERT_TRUE(this->index().begin_upload(upload("u1")));

  EXPECT_EQ(this->index().use_of(jid(kRomeo), at(999)).value().files, 2u);
  EXPECT_EQ(this->index().use_of(jid(kRomeo), at(1'000)).value().files, 1u);
  EXPECT_GT(this->index().use_of(jid(kRomeo), at(1'999)).value().bytes,
            this->index().use_of(jid(kRomeo), at(2'000)).value().bytes);
  EXPECT_THAT(this->index().ended_files(at(999), kAll).value(), IsEmpty());
  EXPECT_THAT(ids(this->index().ended_files(at(1'000), kAll).value()), ElementsAre("f1"));
  EXPECT_THAT(this->index().ended_files(at(1'000), 0).value(), IsEmpty());
  EXPECT_THAT(this->index().ended_uploads(at(1'999), kAll).value(), IsEmpty());
  EXPECT_THAT(this->index().ended_uploads(at(2'000), kAll).value(), ElementsAre(upload("u1")));
}

TYPED_TEST(FileContract, NamesAllOfAnOwner) {
  this->enter(file("f1"));
  this->enter(file("g1", kJuliet));
  ASSERT_TRUE(this->index().begin_upload(upload("u1")));

  EXPECT_THAT(this->index().files_of(jid(kRomeo), kAll).value(), UnorderedElementsAre("f1", "u1"));
  EXPECT_EQ(this->index().files_of(jid(kRomeo), 1).value().size(), 1u);
}

TYPED_TEST(FileContract, NamesAllOwnersOnce) {
  this->enter(file("f1", kRomeo));
  this->enter(file("f2", kRomeo));
  this->enter(file("f3", ""));
  ASSERT_TRUE(this->index().begin_upload(upload("u1", kRomeo)));
  ASSERT_TRUE(this->index().begin_upload(upload("u2", kJuliet)));

  EXPECT_THAT(this->index().owners("", kAll).value(), ElementsAre(jid(kJuliet), jid(kRomeo)));
  EXPECT_THAT(this->index().owners("", 1).value(), ElementsAre(jid(kJuliet)));
  EXPECT_THAT(this->index().owners(kJuliet, kAll).value(), ElementsAre(jid(kRomeo)));
}

// ---- the bytes ------------------------------------------------------------------------------------------------------

TYPED_TEST(FileContract, AppendsAtTheEndOnly) {
  ASSERT_TRUE(this->content().create("abc"));
  this->append("abc", 0, "wilt ");
  this->append("abc", 5, "thou");

  EXPECT_EQ(this->content().append("abc", 0, std::string_view{"x"}).error().code, Errc::conflict);
  EXPECT_EQ(this->content().append("abc", 10, std::string_view{"x"}).error().code, Errc::conflict);
  EXPECT_EQ(this->content().append("none", 0, std::string_view{"x"}).error().code, Errc::not_found);

  EXPECT_EQ(this->content().size("abc").value(), 9u);
  std::string bytes(4, '?');
  EXPECT_EQ(this->content().read_unfinished("abc", 5, bytes).value(), 4u);
  EXPECT_EQ(bytes, "thou");
  EXPECT_TRUE(this->content().sync("abc"));
  EXPECT_EQ(this->content().sync("none").error().code, Errc::not_found);
  EXPECT_EQ(this->content().size("none").error().code, Errc::not_found);
  EXPECT_EQ(this->content().create("abc").error().code, Errc::conflict);
}

TYPED_TEST(FileContract, SealsAnUploadAsAContentAndKeepsItUntilItIsDiscarded) {
  ASSERT_TRUE(this->content().create("abc"));
  this->append("abc", 0, "be gone?");

  ASSERT_TRUE(this->content().seal("abc", "xyz"));
  EXPECT_TRUE(this->content().seal("abc", "xyz")) << "again, after a failure in between";
  EXPECT_EQ(this->content().size("abc").value(), 8u);
  ASSERT_TRUE(this->content().discard("abc"));
  this->engine_.reopen();

  if (TypeParam::kLasting) {
    EXPECT_EQ(this->read("xyz"), "be gone?");
    EXPECT_EQ(this->read("xyz", 3, 4), "gone");
    EXPECT_EQ(this->read("xyz", 8), "");
    EXPECT_EQ(this->read("xyz", 900), "");
  }
  EXPECT_EQ(this->content().size("abc").error().code, Errc::not_found);
  EXPECT_TRUE(this->content().discard("abc"));
  EXPECT_EQ(this->content().seal("abc", "uvw").error().code, Errc::not_found);
}

TYPED_TEST(FileContract, NeverSealsOverAContentThatIsThere) {
  for (const char* id : {"one", "two"}) {
    ASSERT_TRUE(this->content().create(id));
    this->append(id, 0, id);
  }
  ASSERT_TRUE(this->content().seal("one", "xyz"));

  EXPECT_EQ(this->content().seal("two", "xyz").error().code, Errc::conflict);

  EXPECT_EQ(this->read("xyz"), "one");
}

TYPED_TEST(FileContract, RemovesAContent) {
  ASSERT_TRUE(this->content().create("abc"));
  ASSERT_TRUE(this->content().seal("abc", "xyz"));

  ASSERT_TRUE(this->content().remove("xyz"));

  std::string bytes(1, '?');
  EXPECT_EQ(this->content().read("xyz", 0, bytes).error().code, Errc::not_found);
  EXPECT_TRUE(this->content().remove("xyz"));
}

TYPED_TEST(FileContract, NamesWhatIsThereInOrder) {
  for (const char* id : {"b", "aa1", "aa2", "zz", "-x"}) {
    ASSERT_TRUE(this->content().create(id));
    ASSERT_TRUE(this->content().seal(id, id));
  }

  EXPECT_THAT(this->content().unfinished("", kAll).value(), ElementsAre("-x", "aa1", "aa2", "b", "zz"));
  EXPECT_THAT(this->content().unfinished("aa1", 2).value(), ElementsAre("aa2", "b"));
  EXPECT_THAT(this->content().contents("", kAll).value(), ElementsAre("-x", "aa1", "aa2", "b", "zz"));
  EXPECT_THAT(this->content().contents("", 2).value(), ElementsAre("-x", "aa1"));
  EXPECT_THAT(this->content().contents("aa1", 2).value(), ElementsAre("aa2", "b"));
  EXPECT_THAT(this->content().contents("zz", 2).value(), IsEmpty());
}

}  // namespace
}  // namespace anser::store
