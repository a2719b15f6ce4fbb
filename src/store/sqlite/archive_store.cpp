#include "store/sqlite/archive_store.h"

#include <algorithm>
#include <limits>

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
)",
                                       R"(
  CREATE INDEX chunk_by_first ON chunk(first);  -- oldest first, whoever owns them
  CREATE TABLE retraction(
    target INTEGER NOT NULL,
    by INTEGER NOT NULL,
    PRIMARY KEY(target, by)) WITHOUT ROWID;
)",
                                       R"(
  ALTER TABLE retraction RENAME TO retraction_with_target;
  CREATE TABLE retraction(
    sequence INTEGER PRIMARY KEY);
  INSERT INTO retraction SELECT DISTINCT by FROM retraction_with_target;
  DROP TABLE retraction_with_target;
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
  if (auto done = remember_retractions(placement.retractions()); !done) return pass(done);
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

Result<void> SqliteArchiveStore::remember_retractions(std::span<const std::uint64_t> retractions) {
  if (retracted_) {
    if (auto done = database_->run("DELETE FROM retraction"); !done) return done;
  }
  retracted_ = !retractions.empty();
  auto insert = database_->use("INSERT OR IGNORE INTO retraction VALUES(?)");
  for (const auto sequence : retractions) {
    if (auto done = insert.with(sequence).run(); !done) return done;
    insert.reset();
  }
  return {};
}

Result<std::vector<std::uint64_t>> SqliteArchiveStore::retractions() {
  std::vector<std::uint64_t> found;
  if (!retracted_) return found;
  auto select = database_->use("SELECT sequence FROM retraction ORDER BY sequence");
  for (;;) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) return found;
    found.push_back(select.sequence(0));
  }
}

Result<std::vector<std::uint64_t>> SqliteArchiveStore::may_bear(const domain::Sought& sought, std::size_t& work) {
  std::vector<std::uint64_t> found;
  const auto owner = addresses_.find(sought.owner.bare());
  const auto peer = addresses_.find(sought.peer.bare());
  if (!owner) return pass(owner);
  if (!peer) return pass(peer);
  if (!*owner || !*peer) return found;
  const std::uint8_t role = sought.sent ? kSent : kReceived;
  auto select = select_chunks(true, true);
  select.with(**owner, **peer, std::uint64_t{0}, sought.before);
  for (; found.empty() && work > 0; --work) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) break;
    const auto entries = decode_chunk(select.bytes(0));
    if (!entries) return pass(entries);
    for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
      if (entry->sequence >= sought.before || entry->peer != **peer || !(entry->roles & role)) continue;
      if (may_be_named(entry->hash, sought.id)) found.push_back(entry->sequence);
    }
  }
  return found;
}

// ---- expiry ---------------------------------------------------------------------------------------------------------

Result<domain::ArchiveStore::Expired> SqliteArchiveStore::expire(const domain::Expiry& expiry) {
  Transaction transaction{*database_};
  if (auto done = transaction.begin(); !done) return pass(done);
  const std::int64_t reported = reported_;
  auto expired = expire_in_transaction(expiry);
  if (expired) {
    if (auto done = transaction.commit(); !done) expired = pass(done);
  }
  if (!expired) reported_ = reported;
  return expired;
}

Result<domain::ArchiveStore::Expired> SqliteArchiveStore::expire_in_transaction(const domain::Expiry& expiry) {
  if (auto done = forget_erased(); !done) return pass(done);
  Placement placement{*database_, addresses_};
  const auto old = expire_old(placement, expiry);
  if (!old) return pass(old);
  const auto surplus = expire_surplus(placement, expiry);
  if (!surplus) return pass(surplus);
  if (auto done = placement.finish(); !done) return pass(done);
  if (auto done = remember_dead(placement.dead()); !done) return pass(done);
  return Expired{.dead = placement.dead(), .more = *old == expiry.work || *surplus == expiry.work};
}

// Chunks begin in the order of time, so the first that begins late enough is the end.
Result<std::size_t> SqliteArchiveStore::expire_old(Placement& placement, const domain::Expiry& expiry) {
  std::size_t count = 0;
  if (!expiry.before) return count;
  std::vector<Placement::Piece> pieces;
  {
    auto select = database_->use("SELECT id, owner, first, entries FROM chunk ORDER BY first LIMIT ?");
    select.with(static_cast<std::int64_t>(expiry.work));
    for (;;) {
      const auto row = select.step();
      if (!row) return pass(row);
      if (!*row) break;
      auto entries = decode_chunk(select.bytes(3));
      if (!entries) return pass(entries);
      if (!entries->empty() && entries->front().time >= *expiry.before) break;
      pieces.push_back({select.integer(0), select.integer(1), select.sequence(2), std::move(*entries)});
    }
  }
  for (auto& piece : pieces) {
    const auto young = std::find_if(piece.entries.begin(), piece.entries.end(),
                                    [&](const ChunkEntry& entry) { return entry.time >= *expiry.before; });
    if (auto done = placement.cut(piece, static_cast<std::size_t>(young - piece.entries.begin())); !done)
      return pass(done);
    ++count;
  }
  return count;
}

// Whole chunks: all but the last are full, so counting them counts messages.
Result<std::size_t> SqliteArchiveStore::expire_surplus(Placement& placement, const domain::Expiry& expiry) {
  std::size_t count = 0;
  if (expiry.keep == 0) return count;
  const std::size_t most = (expiry.keep + kChunkEntries - 1) / kChunkEntries + 1;
  std::vector<Placement::Piece> pieces;
  {
    auto owners = database_->use("SELECT owner, count(*) FROM chunk GROUP BY owner HAVING count(*)>?");
    owners.with(static_cast<std::int64_t>(most));
    auto select = database_->use("SELECT id, first, entries FROM chunk WHERE owner=? ORDER BY first LIMIT ?");
    while (pieces.size() < expiry.work) {
      const auto owner = owners.step();
      if (!owner) return pass(owner);
      if (!*owner) break;
      const std::size_t surplus =
          std::min(static_cast<std::size_t>(owners.integer(1)) - most, expiry.work - pieces.size());
      select.with(owners.integer(0), static_cast<std::int64_t>(surplus));
      for (;;) {
        const auto row = select.step();
        if (!row) return pass(row);
        if (!*row) break;
        auto entries = decode_chunk(select.bytes(2));
        if (!entries) return pass(entries);
        pieces.push_back({select.integer(0), owners.integer(0), select.sequence(1), std::move(*entries)});
      }
      select.reset();
    }
  }
  for (auto& piece : pieces) {
    if (auto done = placement.cut(piece, piece.entries.size()); !done) return pass(done);
    ++count;
  }
  return count;
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

// Chunks are found by the sequence of their first entry, those with a peer by peer_chunk, so a page reads no more
// chunks than it has entries, and a few at its ends.
Statement SqliteArchiveStore::select_chunks(bool with_peer, bool backwards) {
  // Forwards it begins with the chunk that may hold `after` itself: the last one that begins at or before it.
  if (with_peer) {
    return backwards ? database_->use(
                           "SELECT entries, first FROM peer_chunk JOIN chunk USING(owner, first) "
                           "WHERE owner=?1 AND peer=?2 AND ?3>=0 AND first<?4 ORDER BY first DESC")
                     : database_->use(
                           "SELECT entries, first FROM peer_chunk JOIN chunk USING(owner, first) "
                           "WHERE owner=?1 AND peer=?2 AND first<?4 AND first>=coalesce("
                           "(SELECT max(first) FROM peer_chunk WHERE owner=?1 AND peer=?2 AND first<=?3), 0) "
                           "ORDER BY first");
  }
  return backwards ? database_->use(
                         "SELECT entries, first FROM chunk WHERE owner=?1 AND ?2=0 AND ?3>=0 AND first<?4 "
                         "ORDER BY first DESC")
                   : database_->use(
                         "SELECT entries, first FROM chunk WHERE owner=?1 AND ?2=0 AND first<?4 AND first>=coalesce("
                         "(SELECT max(first) FROM chunk WHERE owner=?1 AND first<=?3), 0) ORDER BY first");
}

Result<std::vector<std::uint64_t>> SqliteArchiveStore::archived(const domain::ArchiveRange& range) {
  // What SQLite takes for a number; no sequence comes near it.
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::vector<std::uint64_t> sequences;
  const auto owner = addresses_.find(range.owner.bare());
  const auto peer = range.peer.empty() ? Result<std::optional<std::int64_t>>{0} : addresses_.find(range.peer.bare());
  if (!owner) return pass(owner);
  if (!peer) return pass(peer);
  const std::uint64_t after = std::min(range.after, kMost), before = std::min(range.before, kMost);
  if (!*owner || !*peer || before <= after) return sequences;

  auto select = select_chunks(!range.peer.empty(), range.backwards);
  select.with(**owner, **peer, after, before);
  for (bool more = true; more && sequences.size() < range.limit;) {
    const auto row = select.step();
    if (!row) return pass(row);
    if (!*row) break;
    auto entries = decode_chunk(select.bytes(0));
    if (!entries) return pass(entries);
    if (range.backwards) {
      more = select.sequence(1) > after;  // what is in front of this chunk is older still
      std::reverse(entries->begin(), entries->end());
    }
    for (const auto& entry : *entries) {
      if (entry.sequence <= after || entry.sequence >= before || sequences.size() == range.limit) continue;
      if (range.peer.empty() || entry.peer == **peer) sequences.push_back(entry.sequence);
    }
  }
  return sequences;
}

}  // namespace anser::store
