#include "store/sqlite/connection.h"

#include "base/assert.h"
#include "base/log.h"

namespace anser::store {
namespace {

// Our own second connection is in the way for moments only; another program, an open sqlite3 shell for one, for longer.
constexpr int kBusyTimeoutMs = 5'000;
constexpr int kPageBytes = 4'096;

}  // namespace

// ---- Statement ------------------------------------------------------------------------------------------------------

Statement::~Statement() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL; empty text is text.
  sqlite3_bind_text(statement_, index, text.data() ? text.data() : "", static_cast<int>(text.size()), SQLITE_STATIC);
}

void Statement::bind(int index, Blob blob) {
  const char* data = blob.bytes.data() ? blob.bytes.data() : "";
  sqlite3_bind_blob(statement_, index, data, static_cast<int>(blob.bytes.size()), SQLITE_STATIC);
}

Result<bool> Statement::step() {
  if (!statement_) return connection_->failure();
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return connection_->failure();
  }
}

Result<void> Statement::run() {
  for (;;) {
    const auto row = step();
    if (!row) return pass(row);
    if (!*row) return {};
  }
}

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return data ? std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))}
              : std::string_view{};
}

// ---- Connection -----------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file, const Schema& schema,
                                                     const Options& options) {
  ANSER_ASSERT(sqlite3_threadsafe() != 0);
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Connection> connection{new Connection{database, file.string()}};
  if (code != SQLITE_OK) return connection->failure();
  const auto version = connection->identify(schema);
  if (!version) return pass(version);
  if (auto done = connection->configure(options); !done) return pass(done);
  if (auto done = connection->migrate(schema, *version); !done) return pass(done);
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

// The version of a file that is ours. Another program's stays as it is: so much as the mode of its journal is its own.
Result<std::int64_t> Connection::identify(const Schema& schema) {
  sqlite3_extended_result_codes(database_, 1);
  sqlite3_busy_timeout(database_, kBusyTimeoutMs);
  const auto version = number("PRAGMA user_version");
  const auto application = number("PRAGMA application_id");
  const auto tables = number("SELECT count(*) FROM sqlite_schema");
  if (!version) return pass(version);
  if (!application) return pass(application);
  if (!tables) return pass(tables);

  const bool fresh = *version == 0 && *application == 0 && *tables == 0;
  if (!fresh && *application != schema.application_id) {
    return fail(Errc::storage_failed, "{} is not the database that belongs there (another program's, or renamed)",
                name_);
  }
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  if (*version > newest) {
    return fail(Errc::storage_failed, "{} was written by a newer version of Anser (schema {}, this program knows {})",
                name_, *version, newest);
  }
  return *version;
}

Result<void> Connection::configure(const Options& options) {
  const std::string settings = fmt::format(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
      "PRAGMA cache_size={}; PRAGMA wal_autocheckpoint={}; PRAGMA journal_size_limit={};",
      -static_cast<std::int64_t>(options.cache_bytes / 1024), options.checkpoint_pages,
      2 * std::int64_t{options.checkpoint_pages} * kPageBytes);
  if (options.reader) sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (auto done = script(settings.c_str()); !done || options.reader) return done;
  return script("PRAGMA wal_checkpoint(TRUNCATE)");
}

Result<void> Connection::migrate(const Schema& schema, std::int64_t version) {
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  for (std::int64_t next = version; next < newest; ++next) {
    Transaction transaction{*this};
    const std::string seal =
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={};", schema.application_id, next + 1);
    if (auto done = script("BEGIN IMMEDIATE"); !done) return done;
    if (auto done = script(schema.migrations[static_cast<std::size_t>(next)]); !done) return done;
    if (auto done = script(seal.c_str()); !done) return done;
    if (auto done = transaction.commit(); !done) return done;
    if (version != 0) log::info("store", "{}: schema {} is now {}", name_, next, next + 1);
  }
  if (version == 0) log::info("store", "made the database {}", name_);
  return {};
}

Statement Connection::use(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return Statement{*this, statement};
}

Result<void> Connection::begin() {
  if (locked_) sqlite3_busy_timeout(database_, 0);
  auto done = run("BEGIN IMMEDIATE");
  if (locked_) sqlite3_busy_timeout(database_, kBusyTimeoutMs);
  locked_ = !done && done.error().code == Errc::timeout;
  return done;
}

Result<void> Connection::begin_reading() {
  if (auto done = run("BEGIN"); !done) return done;
  return run("SELECT 1 FROM sqlite_schema LIMIT 1");  // the transaction begins here, and then nothing waits for a lock
}

Result<void> Connection::commit() {
  auto done = run("COMMIT");
  if (!done && in_transaction()) rollback();
  return done;
}

void Connection::rollback() {
  // Fails only when SQLite has rolled back by itself.
  if (in_transaction()) static_cast<void>(run("ROLLBACK"));
}

Result<void> Connection::script(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
  return {};
}

Result<std::int64_t> Connection::number(const char* sql) {
  auto statement = use(sql);
  const auto row = statement.step();
  if (!row) return pass(row);
  return statement.integer(0);
}

tl::unexpected<Error> Connection::failure() {
  const int extended = sqlite3_extended_errcode(database_);
  const int code = extended & 0xff;
  // The memory that SQLite shares between connections is a file too (-shm), which cannot grow on a full disk.
  if (code == SQLITE_FULL || extended == SQLITE_IOERR_SHMSIZE) {
    return fail(Errc::disk_full, "{}: the disk is full", name_);
  }
  if (code == SQLITE_BUSY) return fail(Errc::timeout, "{} is locked by another process", name_);
  if (code == SQLITE_IOERR) sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    return fail(Errc::storage_failed, "{} is damaged ({}): restore it from a backup, or move it away", name_,
                sqlite3_errmsg(database_));
  }
  return fail(Errc::storage_failed, "{}: {}", name_, sqlite3_errmsg(database_));
}

}  // namespace anser::store
