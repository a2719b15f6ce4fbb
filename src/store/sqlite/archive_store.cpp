#include "store/sqlite/archive_store.h"

#include <algorithm>

#include "domain/byte_codec.h"
#include "store/sqlite/chunk.h"
#include "store/sqlite/placement.h"

namespace anser::store {
namespace {

constexpr std::int32_t kApplicationId = 0x414e5303;
constexpr const char* kMigrations[] = {R"(
  CREATE TABLE address(
    id INTEGER PRIMARY KEY,
    bare TEXT NOT NULL UNIQUE);
  CREATE TABLE chunk(
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL,
    first INTEGER NOT NULL,  -- the sequence of its first entry
    entries BLOB NOT NULL);
  CREATE UNIQUE INDEX chunk_of_owner ON chunk(owner, first);
  CREATE TABLE peer_chunk(
    owner INTEGER NOT NULL,
    peer INTEGER NOT NULL,
    first INTEGER NOT NULL,
    PRIMARY KEY(owner, peer, first)) WITHOUT ROWID;
  CREATE TABLE offline(
    owner INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY(owner, sequence)) WITHOUT ROWID;
  CREATE TABLE reference_block(
    number INTEGER PRIMARY KEY,
    bits BLOB NOT NULL);
  CREATE TABLE dead(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sequences BLOB NOT NULL);  -- each: varint, what is added to the one before
  CREATE TABLE watermark(
    only INTEGER PRIMARY KEY CHECK(only = 1),
    sequence INTEGER NOT NULL);
  INSERT INTO watermark VALUES(1, 0);
)"};
constexpr Schema kSchema{kApplicationId, kMigrations};

}  // namespace

Result<std::unique_ptr<SqliteArchiveStore>> SqliteArchiveStore::open(const std::filesystem::path& file,
                                                                     const Connection::Options& options) {
  auto database = Connection::open(file, kSchema, options);
  if (!database) return pass(database);
  return std::unique_ptr<SqliteArchiveStore>{new SqliteArchiveStore{std::move(*database)}};
}

Result<std::uint64_t> SqliteArchiveStore::watermark() {
  auto select = database_->use("SELECT sequence FROM watermark");
  const auto row = select.step();
  if (!row) return pass(row);
  if (!*row) return fail(Errc::storage_failed, "archive.db has lost its watermark: restore it from a backup");
  return select.sequence(0);
}

// ---- placing --------------------------------------------------------------------------------------------------------

Result<std::vector<std::uint64_t>> SqliteArchiveStore::place(std::span<const domain::LogRecord> records) {
  Transaction transaction{*database_};
  if (auto done = transaction.begin(); !done) return pass(done);
  const std::int64_t reported = reported_;
  auto dead = place_in_transaction(records);
  if (dead) {
    if (auto done = transaction.commit(); !done) dead = pass(done);
  }
  if (!dead) {
    reported_ = reported;
    addresses_.forget_unsaved();
  }
  return dead;
}

Result<std::vector<std::uint64_t>> SqliteArchiveStore::place_in_transaction(
    std::span<const domain::LogRecord> records) {
  if (auto done = forget_erased(); !done) return pass(done);
  const auto placed = watermark();
  if (!placed) return pass(placed);

  Placement placement{*database_, addresses_};
  std::uint64_t last = *placed;
  for (const auto& record : records) {
    if (record.sequence <= last) continue;
    if (auto done = placement.add(record); !done) return pass(done);
    last = record.sequence;
  }
  if (last == *placed) return std::vector<std::uint64_t>{};
  if (auto done = placement.finish(); !done) return pass(done);
  if (auto done = remember_dead(placement.dead()); !done) return pass(done);
  if (auto done = database_->use("UPDATE watermark SET sequence=?").with(last).run(); !done) return pass(done);
  return placement.dead();
}

Result<void> SqliteArchiveStore::forget_erased() {
  if (reported_ == 0) return {};
  return database_->use("DELETE FROM dead WHERE id<=?").with(reported_).run();
}

Result<void> SqliteArchiveStore::remember_dead(std::span<const std::uint64_t> sequences) {
  if (sequences.empty()) return {};
  std::string packed;
  std::uint64_t before = 0;
  for (const auto sequence : sequences) {
    domain::put_varint(packed, sequence - before);
    before = sequence;
  }
  if (auto done = database_->use("INSERT INTO dead(sequences) VALUES(?)").with(Blob{packed}).run(); !done) return done;
  reported_ = database_->last_insert_id();
  return {};
}

Result<std::vector<std::uint64_t>> SqliteArchiveStore::dead() {
  std::vector<std::uint64_t> sequences;
  auto select = database_->use("SELECT id, sequences FROM dead ORDER BY id");
  for (;;) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) break;
    reported_ = select.integer(0);
    domain::ByteReader reader{select.bytes(1)};
    for (std::uint64_t sequence = 0; reader.ok() && !reader.rest().empty();) {
      sequences.push_back(sequence += reader.varint());
    }
  }
  std::sort(sequences.begin(), sequences.end());
  return sequences;
}

// ---- queries --------------------------------------------------------------------------------------------------------

Result<std::vector<std::uint64_t>> SqliteArchiveStore::offline(const domain::Jid& owner, std::uint64_t after,
                                                               std::size_t limit) {
  std::vector<std::uint64_t> sequences;
  const auto id = addresses_.find(owner.bare());
  if (!id) return pass(id);
  if (!*id) return sequences;

  auto select = database_->use("SELECT sequence FROM offline WHERE owner=? AND sequence>? ORDER BY sequence LIMIT ?");
  select.with(**id, after, static_cast<std::int64_t>(limit));
  for (;;) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) return sequences;
    sequences.push_back(select.sequence(0));
  }
}

Result<std::vector<std::uint64_t>> SqliteArchiveStore::archived(const domain::Jid& owner, const domain::Jid& peer,
                                                                std::uint64_t after, std::size_t limit) {
  std::vector<std::uint64_t> sequences;
  const auto owner_id = addresses_.find(owner.bare());
  const auto peer_id = peer.empty() ? Result<std::optional<std::int64_t>>{0} : addresses_.find(peer.bare());
  if (!owner_id) return pass(owner_id);
  if (!peer_id) return pass(peer_id);
  if (!*owner_id || !*peer_id) return sequences;

  // Begins with the chunk that may hold `after` itself: the last one that begins at or before it.
  auto select = peer.empty() ? database_->use(
                                   "SELECT entries FROM chunk WHERE owner=?1 AND first>=coalesce("
                                   "(SELECT max(first) FROM chunk WHERE owner=?1 AND first<=?3), 0) "
                                   "AND ?2=0 ORDER BY first")
                             : database_->use(
                                   "SELECT entries FROM peer_chunk JOIN chunk USING(owner, first) "
                                   "WHERE owner=?1 AND peer=?2 AND first>=coalesce("
                                   "(SELECT max(first) FROM peer_chunk WHERE owner=?1 AND peer=?2 "
                                   "AND first<=?3), 0) ORDER BY first");
  select.with(**owner_id, **peer_id, after);
  while (sequences.size() < limit) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) break;
    const auto entries = decode_chunk(select.bytes(0));
    if (!entries) return pass(entries);
    for (const auto& entry : *entries) {
      if (entry.sequence <= after || sequences.size() == limit) continue;
      if (peer.empty() || entry.peer == **peer_id) sequences.push_back(entry.sequence);
    }
  }
  return sequences;
}

}  // namespace anser::store
