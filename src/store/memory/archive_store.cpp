#include "store/memory/archive_store.h"

#include "store/retraction.h"
#include "store/sqlite/chunk.h"

namespace anser::store {

using domain::Jid;
using domain::LogRecord;
using domain::RecordKind;

Result<std::uint64_t> MemoryArchiveStore::watermark() {
  const std::lock_guard lock{mutex_};
  return watermark_;
}

Result<std::vector<std::uint64_t>> MemoryArchiveStore::place(std::span<const LogRecord> records) {
  const std::lock_guard lock{mutex_};
  dead_.clear();
  if (!records.empty() && records.back().sequence > watermark_) retractions_.clear();
  for (const auto& record : records) {
    if (record.sequence <= watermark_) continue;
    place_one(record);
    watermark_ = record.sequence;
  }
  reported_ = dead_;
  return std::vector<std::uint64_t>{dead_.begin(), dead_.end()};
}

Result<std::vector<std::uint64_t>> MemoryArchiveStore::dead() {
  const std::lock_guard lock{mutex_};
  return std::vector<std::uint64_t>{reported_.begin(), reported_.end()};
}

Result<std::vector<std::uint64_t>> MemoryArchiveStore::retractions() {
  const std::lock_guard lock{mutex_};
  return retractions_;
}

Result<std::vector<std::uint64_t>> MemoryArchiveStore::may_bear(const domain::Sought& sought, std::size_t& work) {
  const std::lock_guard lock{mutex_};
  std::vector<std::uint64_t> found;
  const auto archive = archives_.find(std::string{sought.owner.bare()});
  if (archive == archives_.end()) return found;
  const Holder role = sought.sent ? Holder::sender_archive : Holder::recipient_archive;
  std::size_t looked = 0;  // of the piece that is being looked at
  for (auto next = archive->second.lower_bound(sought.before); work > 0 && next != archive->second.begin();) {
    const auto& [sequence, placed] = *--next;
    if (placed.peer != sought.peer.bare()) continue;
    if (placed.roles.contains(role) && may_be_named(placed.hash, sought.id)) found.push_back(sequence);
    if (++looked < kChunkEntries) continue;
    looked = 0;
    --work;
    if (!found.empty()) return found;
  }
  if (looked > 0) --work;
  return found;
}

Result<domain::ArchiveStore::Expired> MemoryArchiveStore::expire(const domain::Expiry& expiry) {
  const std::lock_guard lock{mutex_};
  dead_.clear();
  for (const auto& [owner, placed] : archives_) expire_one(owner, expiry);
  reported_ = dead_;
  return Expired{.dead = {dead_.begin(), dead_.end()}, .more = false};
}

void MemoryArchiveStore::expire_one(const std::string& owner, const domain::Expiry& expiry) {
  auto& archive = archives_[owner];
  while (!archive.empty()) {
    const auto oldest = archive.begin();
    const bool too_old = expiry.before && oldest->second.time < *expiry.before;
    if (!too_old && (expiry.keep == 0 || archive.size() <= expiry.keep)) return;
    for (const auto role : oldest->second.roles) release(oldest->first, role);
    archive.erase(oldest);
  }
}

void MemoryArchiveStore::place_one(const LogRecord& record) {
  if (record.entry.kind == RecordKind::message) return place_message(record);
  dead_.insert(record.sequence);
  const std::string owner{record.entry.owner.bare()};
  const std::uint64_t target = record.entry.target;
  switch (record.entry.kind) {
    case RecordKind::message:
    case RecordKind::note:
      break;
    case RecordKind::released:
      for (const auto sequence : record.entry.sequences) {
        if (offline_[owner].erase(sequence) > 0) release(sequence, Holder::offline);
      }
      break;
    case RecordKind::offline:
      if (!holders_.contains(target) || !holders_[target].insert(Holder::offline).second) break;
      offline_[owner].insert(target);
      break;
    case RecordKind::delivered:
      take_back_offline(owner, target);
      break;
    case RecordKind::forget:
      take_back_offline(owner, record.sequence);
      take_back_archive(owner);
      break;
  }
}

void MemoryArchiveStore::place_message(const LogRecord& record) {
  const domain::References& references = record.entry.references;
  if (references.none()) {
    dead_.insert(record.sequence);
    return;
  }
  const std::string sender{record.entry.envelope.from.bare()}, owner{record.entry.owner.bare()};
  if (is_retraction(record.entry)) retractions_.push_back(record.sequence);
  if (references.sender_archive) archive(sender, record, owner, Holder::sender_archive);
  if (references.recipient_archive) archive(owner, record, sender, Holder::recipient_archive);
  if (references.offline) {
    holders_[record.sequence].insert(Holder::offline);
    offline_[owner].insert(record.sequence);
  }
  if (references.outbound) holders_[record.sequence].insert(Holder::outbound);
}

void MemoryArchiveStore::archive(const std::string& owner, const LogRecord& record, std::string_view peer,
                                 Holder role) {
  holders_[record.sequence].insert(role);
  // To oneself: one message, one place.
  Placed placed{std::string{peer}, {}, record.time, message_hash(record.entry.envelope)};
  archives_[owner].try_emplace(record.sequence, std::move(placed)).first->second.roles.insert(role);
}

void MemoryArchiveStore::take_back_offline(const std::string& owner, std::uint64_t through) {
  auto& waiting = offline_[owner];
  while (!waiting.empty() && *waiting.begin() <= through) {
    release(*waiting.begin(), Holder::offline);
    waiting.erase(waiting.begin());
  }
}

void MemoryArchiveStore::take_back_archive(const std::string& owner) {
  for (const auto& [sequence, placed] : archives_[owner]) {
    for (const auto role : placed.roles) release(sequence, role);
  }
  archives_.erase(owner);
}

void MemoryArchiveStore::release(std::uint64_t sequence, Holder holder) {
  const auto found = holders_.find(sequence);
  if (found == holders_.end() || found->second.erase(holder) == 0 || !found->second.empty()) return;
  holders_.erase(found);
  dead_.insert(sequence);
}

Result<std::vector<std::uint64_t>> MemoryArchiveStore::offline(const Jid& owner, std::uint64_t after,
                                                               std::size_t limit) {
  const std::lock_guard lock{mutex_};
  std::vector<std::uint64_t> sequences;
  const auto& waiting = offline_[std::string{owner.bare()}];
  for (auto next = waiting.upper_bound(after); next != waiting.end() && sequences.size() < limit; ++next) {
    sequences.push_back(*next);
  }
  return sequences;
}

Result<std::vector<std::uint64_t>> MemoryArchiveStore::archived(const domain::ArchiveRange& range) {
  const std::lock_guard lock{mutex_};
  std::vector<std::uint64_t> sequences;
  const auto& placed = archives_[std::string{range.owner.bare()}];
  const auto take = [&](const auto& entry) {
    if (sequences.size() == range.limit) return false;
    if (range.peer.empty() || entry.second.peer == range.peer.bare()) sequences.push_back(entry.first);
    return true;
  };
  if (range.before <= range.after) return sequences;
  const auto first = placed.upper_bound(range.after), last = placed.lower_bound(range.before);
  if (range.backwards) {
    for (auto next = last; next != first && take(*std::prev(next)); --next) {
    }
  } else {
    for (auto next = first; next != last && take(*next); ++next) {
    }
  }
  return sequences;
}

}  // namespace anser::store
