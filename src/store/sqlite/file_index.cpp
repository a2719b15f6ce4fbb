#include "store/sqlite/file_index.h"

#include <algorithm>
#include <limits>

namespace anser::store {
namespace {

using domain::FileRecord;
using domain::UploadRecord;

constexpr std::int32_t kApplicationId = 0x414e5304;
constexpr const char* kMigrations[] = {R"(
  CREATE TABLE file(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,        -- a bare address; '': nobody's
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    size INTEGER NOT NULL,
    content TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    removal BLOB NOT NULL,
    created INTEGER NOT NULL,   -- microseconds since 1970, as the others
    expires INTEGER NOT NULL);  -- 0: never
  CREATE INDEX file_of_owner ON file(owner, number);
  CREATE INDEX file_by_fingerprint ON file(size, fingerprint);
  CREATE INDEX file_by_content ON file(content);
  CREATE INDEX file_by_end ON file(expires) WHERE expires > 0;
  CREATE TABLE upload(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    metadata BLOB NOT NULL,
    removal BLOB NOT NULL,
    length INTEGER NOT NULL,    -- -1: not known
    held INTEGER NOT NULL,
    partial INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    file_expires INTEGER NOT NULL);
  CREATE INDEX upload_of_owner ON upload(owner);
  CREATE INDEX upload_by_end ON upload(expires);
)"};
constexpr Schema kSchema{kApplicationId, kMigrations};

constexpr std::int64_t kUnknown = -1;
constexpr std::size_t kMost = 10'000;  // rows of one answer, whatever is asked for

std::int64_t micros(Time time) { return time.time_since_epoch().count(); }
Time time_at(std::int64_t micros) { return Time{Duration{micros}}; }
std::int64_t length_of(const UploadRecord& upload) {
  return upload.length ? static_cast<std::int64_t>(*upload.length) : kUnknown;
}
std::int64_t rows(std::size_t limit) { return static_cast<std::int64_t>(std::min(limit, kMost)); }

Result<core::Jid> owner_at(const Statement& row, int column) {
  const auto text = row.bytes(column);
  if (text.empty()) return core::Jid{};
  auto owner = core::Jid::parse(text);
  if (!owner) return fail(Errc::storage_failed, "files.db has an owner that is no address: {}", owner.error().message);
  return owner;
}

#define ANSER_FILE_COLUMNS "id, owner, name, type, size, content, fingerprint, removal, created, expires"
Result<FileRecord> file_at(const Statement& row) {
  FileRecord file;
  file.id = row.bytes(0);
  auto owner = owner_at(row, 1);
  if (!owner) return pass(owner);
  file.owner = std::move(*owner);
  file.name = row.bytes(2);
  file.type = row.bytes(3);
  file.size = row.sequence(4);
  file.content = row.bytes(5);
  file.fingerprint = row.bytes(6);
  file.removal = row.bytes(7);
  file.created = time_at(row.integer(8));
  file.expires = time_at(row.integer(9));
  return file;
}

#define ANSER_UPLOAD_COLUMNS \
  "id, owner, name, type, metadata, removal, length, held, partial, whole, expires, file_expires"
Result<UploadRecord> upload_at(const Statement& row) {
  UploadRecord upload;
  upload.id = row.bytes(0);
  auto owner = owner_at(row, 1);
  if (!owner) return pass(owner);
  upload.owner = std::move(*owner);
  upload.name = row.bytes(2);
  upload.type = row.bytes(3);
  upload.metadata = row.bytes(4);
  upload.removal = row.bytes(5);
  if (row.integer(6) != kUnknown) upload.length = row.sequence(6);
  upload.held = row.sequence(7);
  upload.partial = row.integer(8) != 0;
  upload.whole = row.integer(9) != 0;
  upload.expires = time_at(row.integer(10));
  upload.file_expires = time_at(row.integer(11));
  return upload;
}

Result<core::Jid> first_owner_at(const Statement& row) { return owner_at(row, 0); }
Result<std::string> text_at(const Statement& row) { return std::string{row.bytes(0)}; }

template <class T>
Result<std::vector<T>> all(Statement& select, Result<T> (*read)(const Statement&)) {
  std::vector<T> found;
  for (;;) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) return found;
    auto one = read(select);
    if (!one) return pass(one);
    found.push_back(std::move(*one));
  }
}

template <class T>
Result<std::optional<T>> first(Statement& select, Result<T> (*read)(const Statement&)) {
  const auto row = select.step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  auto one = read(select);
  if (!one) return pass(one);
  return std::move(*one);
}

}  // namespace

Result<std::unique_ptr<SqliteFileIndex>> SqliteFileIndex::open(const std::filesystem::path& file,
                                                               const Connection::Options& options) {
  auto database = Connection::open(file, kSchema, options);
  if (!database) return pass(database);
  return std::unique_ptr<SqliteFileIndex>{new SqliteFileIndex{std::move(*database)}};
}

// Another process that holds the database is no failure of ours: later it may go.
template <class Work>
auto SqliteFileIndex::in_transaction(Work work) -> decltype(work()) {
  const auto told = [](Error error) {
    if (error.code == Errc::timeout) error.code = Errc::resource_limit;
    return tl::make_unexpected(std::move(error));
  };
  const std::lock_guard lock{mutex_};
  Transaction transaction{*database_};
  if (auto begun = transaction.begin(); !begun) return told(begun.error());
  auto done = work();
  if (!done) return told(done.error());
  if (auto committed = transaction.commit(); !committed) return told(committed.error());
  return done;
}

// `database_` is ours: the caller holds the lock.
Result<bool> SqliteFileIndex::exists(const char* sql, std::string_view key) {
  auto select = database_->use(sql);
  return select.with(key).step();
}

Result<void> SqliteFileIndex::begin_upload(const UploadRecord& upload) {
  return in_transaction([&]() -> Result<void> {
    for (const char* sql : {"SELECT 1 FROM upload WHERE id=?", "SELECT 1 FROM file WHERE id=?"}) {
      const auto taken = exists(sql, upload.id);
      if (!taken) return pass(taken);
      if (*taken) return fail(Errc::conflict, "there is such an upload already");
    }
    return database_->use("INSERT INTO upload(" ANSER_UPLOAD_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?)")
        .with(upload.id, upload.owner.full(), upload.name, upload.type, Blob{upload.metadata}, Blob{upload.removal},
              length_of(upload), upload.held, upload.partial, upload.whole, micros(upload.expires),
              micros(upload.file_expires))
        .run();
  });
}

Result<void> SqliteFileIndex::update_upload(const UploadRecord& upload) {
  return in_transaction([&]() -> Result<void> {
    auto done =
        database_
            ->use(
                "UPDATE upload SET name=?, type=?, metadata=?, removal=?, length=?, held=?, partial=?, "
                "whole=?, expires=?, file_expires=? WHERE id=?")
            .with(upload.name, upload.type, Blob{upload.metadata}, Blob{upload.removal}, length_of(upload), upload.held,
                  upload.partial, upload.whole, micros(upload.expires), micros(upload.file_expires), upload.id)
            .run();
    if (done && database_->changes() == 0) return fail(Errc::not_found, "there is no such upload");
    return done;
  });
}

Result<std::optional<UploadRecord>> SqliteFileIndex::find_upload(std::string_view id) {
  const std::lock_guard lock{mutex_};
  auto select = database_->use("SELECT " ANSER_UPLOAD_COLUMNS " FROM upload WHERE id=?");
  return first(select.with(id), upload_at);
}

Result<void> SqliteFileIndex::remove_upload(std::string_view id) {
  return in_transaction([&] { return database_->use("DELETE FROM upload WHERE id=?").with(id).run(); });
}

Result<void> SqliteFileIndex::finish_uploads(std::span<const FileRecord> files, bool keep_uploads) {
  return in_transaction([&]() -> Result<void> {
    Result<void> entered;
    for (auto file = files.begin(); entered && file != files.end(); ++file) entered = enter(*file, keep_uploads);
    return entered;
  });
}

Result<void> SqliteFileIndex::enter(const FileRecord& file, bool keep_upload) {
  const auto taken = exists("SELECT 1 FROM file WHERE id=?", file.id);
  if (!taken) return pass(taken);
  if (*taken) return fail(Errc::conflict, "there is such a file already");
  auto entered = database_->use("INSERT INTO file(" ANSER_FILE_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?)")
                     .with(file.id, file.owner.full(), file.name, file.type, file.size, file.content,
                           Blob{file.fingerprint}, Blob{file.removal}, micros(file.created), micros(file.expires))
                     .run();
  if (!entered) return entered;
  if (!keep_upload) return database_->use("DELETE FROM upload WHERE id=?").with(file.id).run();
  return database_->use("UPDATE upload SET whole=1, held=0, length=? WHERE id=?").with(file.size, file.id).run();
}

Result<std::optional<FileRecord>> SqliteFileIndex::find_file(std::string_view id) {
  const std::lock_guard lock{mutex_};
  auto select = database_->use("SELECT " ANSER_FILE_COLUMNS " FROM file WHERE id=?");
  return first(select.with(id), file_at);
}

Result<std::vector<std::string>> SqliteFileIndex::find_content(std::uint64_t size, std::string_view fingerprint,
                                                               std::size_t limit) {
  const std::lock_guard lock{mutex_};
  auto select = database_->use(
      "SELECT content FROM file WHERE size=? AND fingerprint=? GROUP BY content ORDER BY min(number) LIMIT ?");
  return all(select.with(size, Blob{fingerprint}, rows(limit)), text_at);
}

Result<std::vector<FileRecord>> SqliteFileIndex::list_files(const core::Jid& owner, std::string_view before,
                                                            std::size_t limit) {
  const std::lock_guard lock{mutex_};
  std::int64_t below = std::numeric_limits<std::int64_t>::max();
  if (!before.empty()) {
    auto number = database_->use("SELECT number FROM file WHERE id=? AND owner=?");
    const auto row = number.with(before, owner.full()).step();
    if (!row) return pass(row);
    if (!*row) return fail(Errc::not_found, "there is no such file");
    below = number.integer(0);
  }
  auto select =
      database_->use("SELECT " ANSER_FILE_COLUMNS " FROM file WHERE owner=? AND number<? ORDER BY number DESC LIMIT ?");
  return all(select.with(owner.full(), below, rows(limit)), file_at);
}

Result<bool> SqliteFileIndex::remove_file(std::string_view id) {
  return in_transaction([&]() -> Result<bool> {
    auto find = database_->use("SELECT content FROM file WHERE id=?");
    const auto row = find.with(id).step();
    if (!row) return pass(row);
    if (!*row) return fail(Errc::not_found, "there is no such file");
    const std::string content{find.bytes(0)};
    if (auto done = database_->use("DELETE FROM file WHERE id=?").with(id).run(); !done) return pass(done);
    const auto used = exists("SELECT 1 FROM file WHERE content=?", content);
    if (!used) return pass(used);
    return !*used;
  });
}

Result<domain::FileUse> SqliteFileIndex::use_of(const core::Jid& owner, Time now) {
  const std::lock_guard lock{mutex_};
  domain::FileUse use;
  for (const char* sql :
       {"SELECT coalesce(sum(size),0), count(*), 0 FROM file WHERE owner=? AND (expires=0 OR expires>?)",
        "SELECT coalesce(sum(held),0), 0, coalesce(sum(partial OR NOT whole),0) FROM upload WHERE owner=? AND "
        "expires>?"}) {
    auto select = database_->use(sql);
    const auto row = select.with(owner.full(), micros(now)).step();
    if (!row) return pass(row);
    use.bytes += select.sequence(0);
    use.files += select.sequence(1);
    use.unfinished += select.sequence(2);
  }
  return use;
}

Result<std::vector<FileRecord>> SqliteFileIndex::ended_files(Time now, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  auto select =
      database_->use("SELECT " ANSER_FILE_COLUMNS " FROM file WHERE expires>0 AND expires<=? ORDER BY expires LIMIT ?");
  return all(select.with(micros(now), rows(limit)), file_at);
}

Result<std::vector<UploadRecord>> SqliteFileIndex::ended_uploads(Time now, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  auto select = database_->use("SELECT " ANSER_UPLOAD_COLUMNS " FROM upload WHERE expires<=? ORDER BY expires LIMIT ?");
  return all(select.with(micros(now), rows(limit)), upload_at);
}

Result<bool> SqliteFileIndex::has_content(std::string_view content) {
  const std::lock_guard lock{mutex_};
  return exists("SELECT 1 FROM file WHERE content=?", content);
}

Result<bool> SqliteFileIndex::has_upload(std::string_view id) {
  const std::lock_guard lock{mutex_};
  return exists("SELECT 1 FROM upload WHERE id=?", id);
}

Result<std::vector<std::string>> SqliteFileIndex::files_of(const core::Jid& owner, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  auto select =
      database_->use("SELECT id FROM file WHERE owner=?1 UNION ALL SELECT id FROM upload WHERE owner=?1 LIMIT ?2");
  return all(select.with(owner.full(), rows(limit)), text_at);
}

Result<std::vector<core::Jid>> SqliteFileIndex::owners(std::string_view after, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  auto select = database_->use(
      "SELECT owner FROM file WHERE owner>?1 UNION SELECT owner FROM upload WHERE owner>?1 ORDER BY 1 LIMIT ?2");
  return all(select.with(after, rows(limit)), first_owner_at);
}

}  // namespace anser::store
