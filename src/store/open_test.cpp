#include "store/open.h"

#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "store/sqlite/log_store.h"
#include "tests/support/store_engines.h"
#include "tests/support/temporary_directory.h"

namespace anser::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class OpenTest : public ::testing::Test {
 protected:
  fs::path in(const char* name) const { return directory_.path() / name; }
  Error failure() const {
    const auto opened = open_sqlite(directory_.path());
    EXPECT_FALSE(opened);
    return opened ? Error{} : opened.error();
  }
  static void run(const fs::path& file, const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  test::TemporaryDirectory directory_;
};

TEST_F(OpenTest, MakesADirectoryAndFilesForItsOwnerOnly) {
  const auto directory = in("new") / "deep";
  const auto stores = open_sqlite(directory);
  ASSERT_TRUE(stores);
  ASSERT_TRUE((*stores)->accounts->put_setting("a", "b"));

  EXPECT_EQ(fs::status(directory).permissions(), fs::perms::owner_all);
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator{directory}) {
    const auto expected = entry.is_directory() ? fs::perms::owner_all : fs::perms::owner_read | fs::perms::owner_write;
    EXPECT_EQ(entry.status().permissions(), expected) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 9u);  // four databases, their side files, the lock, the directory of files
}

TEST_F(OpenTest, KeepsASecondServerOutAndNamesTheFirst) {
  auto first = open_sqlite(directory_.path());
  ASSERT_TRUE(first);

  const Error error = failure();

  EXPECT_EQ(error.code, Errc::conflict);
  EXPECT_THAT(error.message, HasSubstr("in use by process " + std::to_string(::getpid())));
  first->reset();
  EXPECT_TRUE(open_sqlite(directory_.path()));
}

TEST_F(OpenTest, SaysWhyADirectoryCannotBeUsed) {
  std::ofstream{in("file")} << "x";

  const auto opened = open_sqlite(in("file"));

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::io);
  EXPECT_THAT(opened.error().message, HasSubstr(in("file").string()));
}

TEST_F(OpenTest, SaysWhenAFileCannotBeWritten) {
  fs::create_directory(in("log.db"));

  const Error error = failure();

  EXPECT_EQ(error.code, Errc::io);
  EXPECT_THAT(error.message, HasSubstr("cannot open " + in("log.db").string() + " for writing: Is a directory"));
}

TEST_F(OpenTest, NamesAFileThatIsNoDatabase) {
  for (const char* name : {"accounts.db", "log.db", "archive.db"}) {
    std::ofstream{in(name)} << std::string(5'000, 'x');

    const Error error = failure();

    EXPECT_EQ(error.code, Errc::storage_failed);
    EXPECT_THAT(error.message, HasSubstr(in(name).string() + " is damaged (file is not a database)"));
    fs::remove(in(name));
  }
}

TEST_F(OpenTest, RefusesAnotherProgramsDatabaseAndASwappedOne) {
  run(in("accounts.db"), "CREATE TABLE theirs(x)");
  EXPECT_THAT(failure().message, HasSubstr("is not the database that belongs there"));
  fs::remove(in("accounts.db"));
  ASSERT_TRUE(open_sqlite(directory_.path()));

  fs::rename(in("accounts.db"), in("log.db"));

  const Error error = failure();
  EXPECT_EQ(error.code, Errc::storage_failed);
  EXPECT_THAT(error.message, HasSubstr("log.db is not the database that belongs there"));
}

TEST_F(OpenTest, RefusesAFileOfANewerVersion) {
  ASSERT_TRUE(open_sqlite(directory_.path()));
  run(in("archive.db"), "PRAGMA user_version=999");

  const Error error = failure();

  EXPECT_EQ(error.code, Errc::storage_failed);
  EXPECT_THAT(error.message,
              HasSubstr("archive.db was written by a newer version of Anser (schema 999, this program knows"));
}

TEST_F(OpenTest, BringsAnOlderFileUpToDateStepByStep) {
  constexpr const char* kSteps[] = {"CREATE TABLE a(x); INSERT INTO a VALUES(1)",
                                    "ALTER TABLE a ADD COLUMN y DEFAULT 7", "CREATE TABLE a(again)"};
  const std::span<const char* const> steps{kSteps};
  std::ofstream{in("x.db")};
  const auto open = [&](std::size_t count) { return Connection::open(in("x.db"), {1, steps.first(count)}, {}); };
  ASSERT_TRUE(open(1));

  const auto second = open(2);

  ASSERT_TRUE(second);
  auto select = (*second)->use("SELECT x + y FROM a");
  ASSERT_TRUE(select.step().value());
  EXPECT_EQ(select.integer(0), 8);
  select.reset();
  EXPECT_FALSE(open(3)) << "a step that fails is an error";
  EXPECT_TRUE(open(2)) << "and leaves the file as it was";
}

TEST_F(OpenTest, GivesALogOfTheFirstVersionRoomForNotes) {
  ASSERT_TRUE((*open_sqlite(directory_.path()))
                  ->log->append(std::vector{test::record(1, test::message("a@x.example", "b@x.example", {}))}));
  run(in("log.db"), "DROP TABLE session_note");
  run(in("log.db"), "PRAGMA user_version=1");

  const auto stores = open_sqlite(directory_.path());

  ASSERT_TRUE(stores) << stores.error().message;
  EXPECT_EQ((*stores)->log->read(1, 10)->size(), 1u);
  ASSERT_TRUE((*stores)->log->append(std::vector{test::record(0, test::noted({7, 1, "a"}))}));
  EXPECT_EQ((*stores)->log_reader->notes()->size(), 1u);
}

TEST_F(OpenTest, TellsAFullDatabaseFromABrokenOne) {
  constexpr const char* kSteps[] = {"CREATE TABLE a(x)"};
  std::ofstream{in("x.db")};
  const auto database = Connection::open(in("x.db"), {1, kSteps}, {});
  ASSERT_TRUE(database);
  ASSERT_TRUE((*database)->run("PRAGMA max_page_count=10"));

  const auto full = (*database)->run("INSERT INTO a VALUES(zeroblob(100000))");
  const auto broken = (*database)->run("INSERT INTO nowhere VALUES(1)");

  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::disk_full);
  EXPECT_THAT(full.error().message, HasSubstr("x.db: the disk is full"));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::storage_failed);
  EXPECT_THAT(broken.error().message, HasSubstr("no such table: nowhere"));
  EXPECT_TRUE((*database)->run("INSERT INTO a VALUES(1)")) << "what fits goes on";
}

TEST_F(OpenTest, SaysWhichRecordOfTheLogIsDamaged) {
  {
    const auto stores = open_sqlite(directory_.path());
    ASSERT_TRUE((*stores)->log->append(std::vector{test::record(1, test::message("a@x.example", "b@x.example", {}))}));
  }
  run(in("log.db"), "UPDATE record SET bytes=substr(bytes, 1, 20)");
  const auto stores = open_sqlite(directory_.path());

  const auto records = (*stores)->log->read(1, 10);

  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().code, Errc::storage_failed);
  EXPECT_THAT(records.error().message, HasSubstr("log.db, record 1"));
}

}  // namespace
}  // namespace anser::store
