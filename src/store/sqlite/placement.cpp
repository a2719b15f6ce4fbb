#include "store/sqlite/placement.h"

#include <algorithm>

#include "store/retraction.h"

namespace anser::store {
namespace {

using domain::LogRecord;
using domain::RecordKind;

// The bits of one record in its block.
constexpr std::uint8_t kSenderArchive = 1;
constexpr std::uint8_t kRecipientArchive = 2;
constexpr std::uint8_t kOffline = 4;
constexpr std::uint8_t kOutbound = 8;

constexpr std::uint64_t kBlockRecords = 512;  // a row well below a page

std::uint8_t bits_of(const domain::References& references) {
  return static_cast<std::uint8_t>((references.sender_archive ? kSenderArchive : 0) |
                                   (references.recipient_archive ? kRecipientArchive : 0) |
                                   (references.offline ? kOffline : 0) | (references.outbound ? kOutbound : 0));
}

}  // namespace

Result<void> Placement::add(const LogRecord& record) {
  if (record.entry.kind != RecordKind::message)
    dead_.push_back(record.sequence);  // once placed it has said all it had to
  switch (record.entry.kind) {
    case RecordKind::message:
      return add_message(record);
    case RecordKind::offline:
      return add_offline(record);
    case RecordKind::delivered:
      return add_delivered(record);
    case RecordKind::forget:
      return add_forget(record);
    case RecordKind::released:
      return add_released(record);
    case RecordKind::note:
      break;  // never a record
  }
  return fail(Errc::internal, "log record {} is of no known kind", record.sequence);
}

Result<void> Placement::add_message(const LogRecord& record) {
  const auto& envelope = record.entry.envelope;
  const auto& references = record.entry.references;
  if (references.none()) {
    dead_.push_back(record.sequence);
    return {};
  }
  if (auto done = refer(record.sequence, bits_of(references)); !done) return done;

  const auto sender = addresses_.find_or_add(envelope.from.bare());
  const auto owner = addresses_.find_or_add(record.entry.owner.bare());
  if (!sender) return pass(sender);
  if (!owner) return pass(owner);
  if (is_retraction(record.entry)) retractions_.push_back(record.sequence);
  ChunkEntry entry{.sequence = record.sequence, .time = record.time, .hash = message_hash(envelope)};
  if (references.sender_archive) {
    entry.peer = *owner;  // the recipient at its real name, whatever alias the sender wrote
    entry.roles = kSent;
    archives_[*sender].push_back(entry);
  }
  if (references.recipient_archive) {
    auto& archive = archives_[*owner];
    if (!archive.empty() && archive.back().sequence == record.sequence) {
      archive.back().roles |= kReceived;  // to oneself: one message, one place
    } else {
      entry.peer = *sender;
      entry.roles = kReceived;
      archive.push_back(entry);
    }
  }
  if (references.offline) offline_[*owner].push_back(record.sequence);
  return {};
}

Result<void> Placement::add_offline(const LogRecord& record) {
  const std::uint64_t target = record.entry.target;
  if (target >= record.sequence) return {};
  const auto bits = references(target);
  if (!bits) return pass(bits);
  if (**bits == 0 || **bits & kOffline) return {};

  const auto owner = addresses_.find_or_add(record.entry.owner.bare());
  if (!owner) return pass(owner);
  auto& waiting = offline_[*owner];
  waiting.insert(std::upper_bound(waiting.begin(), waiting.end(), target), target);
  return refer(target, kOffline);
}

Result<void> Placement::add_delivered(const LogRecord& record) {
  const auto owner = addresses_.find(record.entry.owner.bare());
  if (!owner) return pass(owner);
  return *owner ? take_back_offline(**owner, record.entry.target) : Result<void>{};
}

Result<void> Placement::add_released(const LogRecord& record) {
  const auto owner = addresses_.find(record.entry.owner.bare());
  if (!owner) return pass(owner);
  if (!*owner) return {};
  auto& waiting = offline_[**owner];
  auto remove = database_.use("DELETE FROM offline WHERE owner=? AND sequence=?");
  for (const auto sequence : record.entry.sequences) {
    const auto bits = references(sequence);
    if (!bits) return pass(bits);
    if (!(**bits & kOffline)) continue;  // done already
    const auto place = std::lower_bound(waiting.begin(), waiting.end(), sequence);
    if (place != waiting.end() && *place == sequence) {
      waiting.erase(place);
    } else {
      if (auto done = remove.with(**owner, sequence).run(); !done) return done;
      remove.reset();
      if (database_.changes() == 0) continue;  // it waits for somebody else
    }
    if (auto done = release(sequence, kOffline); !done) return done;
  }
  return {};
}

Result<void> Placement::add_forget(const LogRecord& record) {
  const auto owner = addresses_.find(record.entry.owner.bare());
  if (!owner) return pass(owner);
  if (!*owner) return {};
  if (auto done = take_back_offline(**owner, record.sequence); !done) return done;
  return take_back_archive(**owner);
}

Result<void> Placement::take_back_offline(std::int64_t owner, std::uint64_t through) {
  if (const auto found = offline_.find(owner); found != offline_.end()) {
    auto& waiting = found->second;
    const auto end = std::upper_bound(waiting.begin(), waiting.end(), through);
    for (auto next = waiting.begin(); next != end; ++next) {
      if (auto done = release(*next, kOffline); !done) return done;
    }
    waiting.erase(waiting.begin(), end);
  }
  {
    auto select = database_.use("SELECT sequence FROM offline WHERE owner=? AND sequence<=?");
    select.with(owner, through);
    for (;;) {
      const auto row = select.step();
      if (!row) return pass(row);
      if (!*row) break;
      if (auto done = release(select.sequence(0), kOffline); !done) return done;
    }
  }
  return database_.use("DELETE FROM offline WHERE owner=? AND sequence<=?").with(owner, through).run();
}

Result<void> Placement::take_back_archive(std::int64_t owner) {
  if (auto done = write_archives(); !done) return done;  // so that everything of the owner is in the file
  {
    auto select = database_.use("SELECT entries FROM chunk WHERE owner=?");
    select.with(owner);
    for (;;) {
      const auto row = select.step();
      if (!row) return pass(row);
      if (!*row) break;
      const auto entries = decode_chunk(select.bytes(0));
      if (!entries) return pass(entries);
      if (auto done = release_archived(*entries); !done) return done;
    }
  }
  if (auto done = database_.use("DELETE FROM chunk WHERE owner=?").with(owner).run(); !done) return done;
  return database_.use("DELETE FROM peer_chunk WHERE owner=?").with(owner).run();
}

Result<void> Placement::release_archived(std::span<const ChunkEntry> entries) {
  for (const auto& entry : entries) {
    const int bits = (entry.roles & kSent ? kSenderArchive : 0) | (entry.roles & kReceived ? kRecipientArchive : 0);
    if (auto done = release(entry.sequence, static_cast<std::uint8_t>(bits)); !done) return done;
  }
  return {};
}

// Takes the first `count` entries out of a chunk; what is left is the same chunk under the name of its new first entry.
Result<void> Placement::cut(const Piece& piece, std::size_t count) {
  const std::span<const ChunkEntry> all{piece.entries}, left = all.subspan(count);
  if (auto done = release_archived(all.first(count)); !done) return done;
  for (const auto& entry : all) {
    auto remove = database_.use("DELETE FROM peer_chunk WHERE owner=? AND peer=? AND first=?");
    if (auto done = remove.with(piece.owner, entry.peer, piece.first).run(); !done) return done;
  }
  if (left.empty()) return database_.use("DELETE FROM chunk WHERE id=?").with(piece.id).run();
  std::string packed;
  for (const auto& entry : left) append_entry(&entry == left.data() ? nullptr : &entry - 1, entry, packed);
  auto update = database_.use("UPDATE chunk SET first=?, entries=? WHERE id=?");
  if (auto done = update.with(left.front().sequence, Blob{packed}, piece.id).run(); !done) return done;
  return insert_peer_chunks(piece.owner, left, 0);
}

// ---- references -----------------------------------------------------------------------------------------------------

Result<std::uint8_t*> Placement::references(std::uint64_t sequence) {
  const std::uint64_t number = sequence / kBlockRecords;
  const auto [found, fresh] = blocks_.try_emplace(number);
  Block& block = found->second;
  if (fresh) {
    auto select = database_.use("SELECT bits FROM reference_block WHERE number=?");
    const auto row = select.with(number).step();
    if (!row) return pass(row);
    if (*row) block.bits = select.bytes(0);
    block.bits.resize(kBlockRecords);
  }
  return reinterpret_cast<std::uint8_t*>(&block.bits[sequence % kBlockRecords]);
}

Result<void> Placement::refer(std::uint64_t sequence, std::uint8_t bits) {
  const auto all = references(sequence);
  if (!all) return pass(all);
  **all |= bits;
  blocks_[sequence / kBlockRecords].changed = true;
  return {};
}

Result<void> Placement::release(std::uint64_t sequence, std::uint8_t bits) {
  const auto all = references(sequence);
  if (!all) return pass(all);
  if (**all == 0) return {};
  **all = static_cast<std::uint8_t>(**all & ~bits);
  blocks_[sequence / kBlockRecords].changed = true;
  if (**all == 0) dead_.push_back(sequence);
  return {};
}

// ---- writing --------------------------------------------------------------------------------------------------------

Result<void> Placement::finish() {
  if (auto done = write_archives(); !done) return done;
  if (auto done = write_offline(); !done) return done;
  if (auto done = write_references(); !done) return done;
  std::sort(dead_.begin(), dead_.end());
  return {};
}

Result<void> Placement::write_archives() {
  for (auto& [owner, entries] : archives_) {
    if (auto done = write_archive(owner, entries); !done) return done;
  }
  archives_.clear();
  return {};
}

// The owner's last chunk is filled up, then new ones are begun.
Result<void> Placement::write_archive(std::int64_t owner, std::vector<ChunkEntry>& added) {
  std::string packed;
  std::vector<ChunkEntry> entries;
  std::int64_t row_id = 0;
  {
    auto select = database_.use("SELECT id, entries FROM chunk WHERE owner=? ORDER BY first DESC LIMIT 1");
    const auto row = select.with(owner).step();
    if (!row) return pass(row);
    if (*row) {
      auto last = decode_chunk(select.bytes(1));
      if (!last) return pass(last);
      if (last->size() < kChunkEntries) {
        row_id = select.integer(0);
        packed = select.bytes(1);
        entries = std::move(*last);
      }
    }
  }
  for (auto next = added.begin(); next != added.end();) {
    const std::size_t known = entries.size();
    for (; next != added.end() && entries.size() < kChunkEntries; ++next) {
      append_entry(entries.empty() ? nullptr : &entries.back(), *next, packed);
      entries.push_back(*next);
    }
    const auto done = row_id ? database_.use("UPDATE chunk SET entries=? WHERE id=?").with(Blob{packed}, row_id).run()
                             : database_.use("INSERT INTO chunk(owner, first, entries) VALUES(?, ?, ?)")
                                   .with(owner, entries.front().sequence, Blob{packed})
                                   .run();
    if (!done) return done;

    if (auto inserted = insert_peer_chunks(owner, entries, known); !inserted) return inserted;
    row_id = 0;
    packed.clear();
    entries.clear();
  }
  return {};
}

// A row for each peer of the entries from `known` on that stands in none before.
Result<void> Placement::insert_peer_chunks(std::int64_t owner, std::span<const ChunkEntry> entries, std::size_t known) {
  for (std::size_t i = known; i < entries.size(); ++i) {
    const std::int64_t peer = entries[i].peer;
    const auto same_peer = [peer](const ChunkEntry& entry) { return entry.peer == peer; };
    if (std::any_of(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(i), same_peer)) continue;
    auto insert = database_.use("INSERT INTO peer_chunk VALUES(?, ?, ?)");
    if (auto inserted = insert.with(owner, peer, entries.front().sequence).run(); !inserted) return inserted;
  }
  return {};
}

Result<void> Placement::write_offline() {
  auto insert = database_.use("INSERT OR IGNORE INTO offline VALUES(?, ?)");
  for (const auto& [owner, sequences] : offline_) {
    for (const auto sequence : sequences) {
      if (auto done = insert.with(owner, sequence).run(); !done) return done;
      insert.reset();
    }
  }
  return {};
}

Result<void> Placement::write_references() {
  for (const auto& [number, block] : blocks_) {
    if (!block.changed) continue;
    const bool empty = block.bits.find_first_not_of('\0') == std::string::npos;
    const auto done =
        empty
            ? database_.use("DELETE FROM reference_block WHERE number=?").with(number).run()
            : database_.use("INSERT OR REPLACE INTO reference_block VALUES(?, ?)").with(number, Blob{block.bits}).run();
    if (!done) return done;
  }
  return {};
}

}  // namespace anser::store
