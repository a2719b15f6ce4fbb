#include "store/sqlite/log_store.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/assert.h"
#include "store/record_codec.h"

namespace anser::store {
namespace {

using domain::LogRecord;
using domain::RecordKind;
using domain::SessionNote;

constexpr std::int32_t kApplicationId = 0x414e5302;
constexpr const char* kMigrations[] = {R"(
  CREATE TABLE record(
    sequence INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,  -- microseconds since 1970
    bytes BLOB NOT NULL);   -- store/record_codec.h
  CREATE TABLE erased_end(  -- the last record's sequence and time, once it is erased
    only INTEGER PRIMARY KEY CHECK(only = 1),
    sequence INTEGER NOT NULL,
    time INTEGER NOT NULL);
)",
                                       R"(
  CREATE TABLE session_note(  -- what a restart must know of the sessions, in the domain's own bytes
    session INTEGER NOT NULL,
    key INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY(session, key)) WITHOUT ROWID;
)"};
constexpr Schema kSchema{kApplicationId, kMigrations};

// Keys stand in SQLite's order, which is that of signed integers.
constexpr std::uint64_t kLastKey = std::numeric_limits<std::int64_t>::max();

// A query that returns many rows reserves no more than this ahead.
constexpr std::size_t kReserve = 1'024;

Time time_of(std::int64_t microseconds) { return Time{Duration{microseconds}}; }

// sequence, time, bytes
Result<LogRecord> read_record(const Statement& row) {
  auto entry = decode_entry(row.bytes(2));
  if (!entry) return fail(Errc::storage_failed, "log.db, record {}: {}", row.sequence(0), entry.error().message);
  return LogRecord{row.sequence(0), time_of(row.integer(1)), std::move(*entry)};
}

}  // namespace

Result<std::unique_ptr<SqliteLogStore>> SqliteLogStore::open(const std::filesystem::path& file,
                                                             const Connection::Options& options) {
  auto database = Connection::open(file, kSchema, options);
  if (!database) return pass(database);
  std::unique_ptr<SqliteLogStore> store{new SqliteLogStore{std::move(*database)}};
  const auto last = store->last_sequence();
  if (!last) return pass(last);
  store->last_ = *last;
  return store;
}

Result<void> SqliteLogStore::append(std::span<const LogRecord> records) {
  std::uint64_t last = last_;
  puts_.clear();
  erasures_.clear();
  Transaction transaction{*database_};
  if (auto done = transaction.begin(); !done) return done;
  {
    auto insert = database_->use("INSERT INTO record VALUES(?, ?, ?)");
    for (const auto& record : records) {
      for (const auto* note = record.entry.note.get(); note; note = note->next.get()) gather(*note, record.sequence);
      if (record.entry.kind == RecordKind::note) continue;
      if (record.sequence <= last)
        return fail(Errc::conflict, "log record {} does not follow {}", record.sequence, last);
      last = record.sequence;
      buffer_.clear();
      encode_entry(record.entry, buffer_);
      insert.with(record.sequence, record.time.time_since_epoch().count(), Blob{buffer_});
      if (auto done = insert.run(); !done) return done;
      insert.reset();
    }
  }
  if (!puts_.empty() || !erasures_.empty()) {
    if (auto done = write_notes(); !done) return done;
  }
  auto done = transaction.commit();
  if (done) last_ = last;
  return done;
}

void SqliteLogStore::gather(const SessionNote& note, std::uint64_t sequence) {
  const std::uint64_t key = note.key + (note.at_sequence ? sequence : 0);
  ANSER_ASSERT(note.session != 0 && key <= kLastKey);
  const std::size_t order = erasures_.size() + puts_.size();
  if (note.erase && note.erase->from <= std::min(note.erase->through, kLastKey)) {
    erasures_.push_back({note.session, note.erase->from, std::min(note.erase->through, kLastKey), order});
  }
  if (!note.bytes.empty()) puts_.push_back({note.session, key, order, note.bytes});
}

// First all ranges go, then what is left of the puts is written, both in the order of the table: in a large one that
// costs two thirds of what the order of submission does.
Result<void> SqliteLogStore::write_notes() {
  std::sort(puts_.begin(), puts_.end(), [](const Put& a, const Put& b) {
    return std::tie(a.session, a.key, a.order) < std::tie(b.session, b.key, b.order);
  });
  std::sort(erasures_.begin(), erasures_.end(), [](const Erasure& a, const Erasure& b) {
    return std::tie(a.session, a.from) < std::tie(b.session, b.from);
  });
  drop_what_is_erased();
  if (auto done = write_erasures(); !done) return done;
  return write_puts();
}

// What one batch writes and erases again never reaches the file.
void SqliteLogStore::drop_what_is_erased() {
  for (const auto& erasure : erasures_) {
    auto put = std::lower_bound(puts_.begin(), puts_.end(), erasure, [](const Put& a, const Erasure& b) {
      return std::tie(a.session, a.key) < std::tie(b.session, b.from);
    });
    for (; put != puts_.end() && put->session == erasure.session && put->key <= erasure.through; ++put) {
      if (put->order < erasure.order) put->bytes = {};
    }
  }
}

Result<void> SqliteLogStore::write_erasures() {
  for (std::size_t begin = 0, end; begin < erasures_.size(); begin = end) {
    const std::uint64_t session = erasures_[begin].session, from = erasures_[begin].from;
    std::uint64_t through = erasures_[begin].through;
    const auto goes_on = [&](const Erasure& next) { return next.session == session && next.from <= through + 1; };
    // What clients confirm bit by bit is one range.
    for (end = begin + 1; end < erasures_.size() && goes_on(erasures_[end]); ++end) {
      through = std::max(through, erasures_[end].through);
    }
    auto remove = database_->use("DELETE FROM session_note WHERE session=? AND key BETWEEN ? AND ?");
    if (auto done = remove.with(session, from, through).run(); !done) return done;
  }
  return {};
}

Result<void> SqliteLogStore::write_puts() {
  auto insert = database_->use("INSERT OR REPLACE INTO session_note VALUES(?, ?, ?)");
  for (std::size_t i = 0; i < puts_.size(); ++i) {
    const Put& put = puts_[i];
    const bool replaced = i + 1 < puts_.size() && puts_[i + 1].session == put.session && puts_[i + 1].key == put.key;
    if (replaced || put.bytes.empty()) continue;
    if (auto done = insert.with(put.session, put.key, Blob{put.bytes}).run(); !done) return done;
    insert.reset();
  }
  return {};
}

Result<std::vector<SessionNote>> SqliteLogStore::notes() {
  std::vector<SessionNote> notes;
  auto select = database_->use("SELECT session, key, bytes FROM session_note ORDER BY session, key");
  std::size_t negative = 0;  // to SQLite, whose integers are signed: these come first
  for (;;) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) break;
    if (select.integer(0) < 0) ++negative;
    notes.push_back({select.sequence(0), select.sequence(1), std::string{select.bytes(2)}});
  }
  std::rotate(notes.begin(), notes.begin() + static_cast<std::ptrdiff_t>(negative), notes.end());
  return notes;
}

Result<std::vector<LogRecord>> SqliteLogStore::read(std::uint64_t from, std::size_t limit) {
  std::vector<LogRecord> records;
  records.reserve(std::min(limit, kReserve));
  auto select = database_->use("SELECT sequence, time, bytes FROM record WHERE sequence>=? ORDER BY sequence LIMIT ?");
  select.with(from, static_cast<std::int64_t>(limit));
  for (;;) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) return records;
    auto record = read_record(select);
    if (!record) return pass(record);
    records.push_back(std::move(*record));
  }
}

Result<std::vector<LogRecord>> SqliteLogStore::fetch(std::span<const std::uint64_t> sequences) {
  std::vector<LogRecord> records;
  records.reserve(std::min(sequences.size(), kReserve));
  auto select = database_->use("SELECT sequence, time, bytes FROM record WHERE sequence=?");
  for (const auto sequence : sequences) {
    const auto row = select.with(sequence).step();
    if (!row) return pass(row);
    if (*row) {
      auto record = read_record(select);
      if (!record) return pass(record);
      records.push_back(std::move(*record));
    }
    select.reset();
  }
  return records;
}

// Times rise with sequences, so no index of times is needed: some thirty looks find a place among a thousand million.
// The reader's last_ is not kept, so the end is asked for.
Result<std::uint64_t> SqliteLogStore::first_since(Time time) {
  const auto last = last_sequence();
  if (!last) return pass(last);
  const std::int64_t wanted = time.time_since_epoch().count();
  std::uint64_t low = 1, high = *last + 1;  // the answer lies in between, both included
  auto select = database_->use("SELECT sequence, time FROM record WHERE sequence>=? ORDER BY sequence LIMIT 1");
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto row = select.with(middle).step();
    if (!row) return pass(row);
    if (*row && select.integer(1) < wanted)
      low = select.sequence(0) + 1;
    else
      high = middle;
    select.reset();
  }
  return low;
}

Result<SqliteLogStore::Last> SqliteLogStore::find_last() {
  auto select = database_->use(
      "SELECT sequence, time FROM (SELECT * FROM (SELECT sequence, time FROM record ORDER BY sequence DESC LIMIT 1) "
      "UNION ALL SELECT sequence, time FROM erased_end) ORDER BY sequence DESC LIMIT 1");
  const auto row = select.step();
  if (!row) return pass(row);
  if (!*row) return Last{};
  return Last{select.sequence(0), time_of(select.integer(1))};
}

Result<std::uint64_t> SqliteLogStore::last_sequence() {
  const auto last = find_last();
  if (!last) return pass(last);
  return last->sequence;
}

Result<Time> SqliteLogStore::last_time() {
  const auto last = find_last();
  if (!last) return pass(last);
  return last->time;
}

Result<void> SqliteLogStore::erase(std::span<const std::uint64_t> sequences) {
  Transaction transaction{*database_};
  if (auto done = transaction.begin(); !done) return done;
  if (std::find(sequences.begin(), sequences.end(), last_) != sequences.end()) {
    auto keep =
        database_->use("INSERT OR REPLACE INTO erased_end SELECT 1, sequence, time FROM record WHERE sequence=?");
    if (auto done = keep.with(last_).run(); !done) return done;
  }
  // Runs without a gap go in one statement: they are most of what is erased.
  for (std::size_t begin = 0, end; begin < sequences.size(); begin = end) {
    for (end = begin + 1; end < sequences.size() && sequences[end] == sequences[end - 1] + 1;) ++end;
    auto remove = database_->use("DELETE FROM record WHERE sequence BETWEEN ? AND ?");
    if (auto done = remove.with(sequences[begin], sequences[end - 1]).run(); !done) return done;
  }
  return transaction.commit();
}

Result<void> SqliteLogStore::replace(std::span<const LogRecord> records) {
  // What is cut off is written over with zeros: it shall be gone, not only unreachable.
  if (auto done = database_->run("PRAGMA secure_delete=1"); !done) return done;
  auto done = [&]() -> Result<void> {
    Transaction transaction{*database_};
    if (auto begun = transaction.begin(); !begun) return begun;
    auto update = database_->use("UPDATE record SET bytes=? WHERE sequence=?");
    for (const auto& record : records) {
      buffer_.clear();
      encode_entry(record.entry, buffer_);
      if (auto written = update.with(Blob{buffer_}, record.sequence).run(); !written) return written;
      update.reset();
    }
    return transaction.commit();
  }();
  if (auto restored = database_->run("PRAGMA secure_delete=0"); !restored && done) done = restored;
  return done;
}

}  // namespace anser::store
