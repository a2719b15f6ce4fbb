// One SQLite connection with the settings that our promises need: WAL, synchronous=FULL (a commit that returned is on
// disk), foreign keys, a busy timeout. Statements are prepared once and kept. Owned by one store and used by one thread
// at a time. Errors: a full disk is Errc::disk_full, a lock that another process holds is Errc::timeout, all others are
// Errc::storage_failed with the file and SQLite's sentence. After the first two the connection can go on.
//
// After an I/O error the connection no longer moves its write-ahead log into the file, not even when it closes. The
// next start does, before anything is written: so no new commit ever stands in the log behind one that failed to be
// synced.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace anser::store {

// What a file is: migrations[n] brings it from version n to n + 1. They are never edited once released.
struct Schema {
  std::int32_t application_id = 0;  // in the file's header: tells our three files and other programs' apart
  std::span<const char* const> migrations;
};

class Connection;

// Bytes to bind that are not text.
struct Blob {
  std::string_view bytes;
};

// One use of a prepared statement: bind, step, read; reset when it goes. Bound text must live as long.
class Statement {
 public:
  Statement(Connection& connection, sqlite3_stmt* statement) : connection_(&connection), statement_(statement) {}
  Statement(Statement&& other) noexcept : connection_(other.connection_), statement_(other.statement_) {
    other.statement_ = nullptr;
  }
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  template <class... Values>
  Statement& with(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  Result<bool> step();                         // true: there is a row
  Result<void> run();                          // to the end, rows are ignored
  void reset() { sqlite3_reset(statement_); }  // before the next values

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  std::uint64_t sequence(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  std::string_view bytes(int column) const;  // text or blob, until the next step
  bool null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  void bind(int index, std::int64_t value) { sqlite3_bind_int64(statement_, index, value); }
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint32_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, bool value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::string_view text);
  void bind(int index, Blob blob);

  Connection* connection_;
  sqlite3_stmt* statement_;  // null: preparing it failed
};

class Connection {
 public:
  struct Options {
    std::size_t cache_bytes = 8 << 20;
    int checkpoint_pages = 1000;  // the write-ahead log is moved into the file when it has so many
    bool reader = false;          // a second connection to a file that another one writes
  };

  // The file must exist (it may be empty); brings it to the schema's last version.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& file, const Schema& schema,
                                                  const Options& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `sql` must be a literal: statements are kept by its address.
  Statement use(const char* sql);
  Result<void> run(const char* sql) { return use(sql).run(); }

  // For writing. Waits for a lock of another process, but not again before it has been free once: who comes next is
  // told at once.
  Result<void> begin();
  // Everything may be read while another process holds the lock; a write is Errc::timeout at once.
  Result<void> begin_reading();
  Result<void> commit();  // rolled back when it fails
  void rollback();
  bool in_transaction() const { return sqlite3_get_autocommit(database_) == 0; }

  std::int64_t last_insert_id() const { return sqlite3_last_insert_rowid(database_); }
  std::int64_t changes() const { return sqlite3_changes64(database_); }
  sqlite3* handle() const { return database_; }
  // The error that SQLite has just reported.
  tl::unexpected<Error> failure();

 private:
  Connection(sqlite3* database, std::string name) : database_(database), name_(std::move(name)) {}
  Result<std::int64_t> identify(const Schema& schema);
  Result<void> configure(const Options& options);
  Result<void> migrate(const Schema& schema, std::int64_t version);
  Result<void> script(const char* sql);  // several statements, without parameters
  Result<std::int64_t> number(const char* sql);

  sqlite3* database_;
  const std::string name_;  // of the file, for sentences
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
  bool locked_ = false;  // the last begin() waited in vain
};

// Rolls back what was not committed when it goes.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  ~Transaction() {
    if (connection_.in_transaction()) connection_.rollback();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Result<void> begin() { return connection_.begin(); }
  Result<void> commit() { return connection_.commit(); }

 private:
  Connection& connection_;
};

}  // namespace anser::store
