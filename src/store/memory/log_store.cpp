#include "store/memory/log_store.h"

#include <algorithm>

#include "base/assert.h"
#include "store/record_codec.h"

namespace anser::store {

using domain::LogRecord;
using domain::RecordKind;
using domain::SessionNote;

Result<void> MemoryLogStore::append(std::span<const LogRecord> records) {
  const std::lock_guard lock{mutex_};
  std::uint64_t last = last_sequence_;
  for (const auto& record : records) {
    if (record.entry.kind == RecordKind::note) continue;
    if (record.sequence <= last) return fail(Errc::conflict, "log record {} does not follow {}", record.sequence, last);
    last = record.sequence;
  }
  for (const auto& record : records) {
    for (const auto* note = record.entry.note.get(); note; note = note->next.get()) keep(*note, record.sequence);
    if (record.entry.kind == RecordKind::note) continue;
    Stored& stored = records_[record.sequence];
    stored.time = record.time;
    encode_entry(record.entry, stored.bytes);
    last_sequence_ = record.sequence;
    last_time_ = record.time;
  }
  return {};
}

void MemoryLogStore::keep(const SessionNote& note, std::uint64_t sequence) {
  const std::uint64_t key = note.key + (note.at_sequence ? sequence : 0);
  ANSER_ASSERT(note.session != 0 && key >> 63 == 0);  // as every engine
  if (note.erase && note.erase->from <= note.erase->through) {
    notes_.erase(notes_.lower_bound({note.session, note.erase->from}),
                 notes_.upper_bound({note.session, note.erase->through}));
  }
  if (!note.bytes.empty()) notes_[{note.session, key}] = note.bytes;
}

Result<LogRecord> MemoryLogStore::read_record(const Records::value_type& stored) {
  auto entry = decode_entry(stored.second.bytes);
  if (!entry) return pass(entry);
  return LogRecord{stored.first, stored.second.time, std::move(*entry)};
}

Result<std::vector<LogRecord>> MemoryLogStore::read(std::uint64_t from, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  std::vector<LogRecord> records;
  for (auto next = records_.lower_bound(from); next != records_.end() && records.size() < limit; ++next) {
    auto record = read_record(*next);
    if (!record) return pass(record);
    records.push_back(std::move(*record));
  }
  return records;
}

Result<std::vector<LogRecord>> MemoryLogStore::fetch(std::span<const std::uint64_t> sequences) {
  const std::lock_guard lock{mutex_};
  std::vector<LogRecord> records;
  for (const auto sequence : sequences) {
    const auto found = records_.find(sequence);
    if (found == records_.end()) continue;
    auto record = read_record(*found);
    if (!record) return pass(record);
    records.push_back(std::move(*record));
  }
  return records;
}

Result<std::uint64_t> MemoryLogStore::first_since(Time time) {
  const std::lock_guard lock{mutex_};
  const auto found =
      std::find_if(records_.begin(), records_.end(), [time](const auto& stored) { return stored.second.time >= time; });
  return found == records_.end() ? last_sequence_ + 1 : found->first;
}

Result<std::uint64_t> MemoryLogStore::last_sequence() {
  const std::lock_guard lock{mutex_};
  return last_sequence_;
}

Result<Time> MemoryLogStore::last_time() {
  const std::lock_guard lock{mutex_};
  return last_time_;
}

Result<void> MemoryLogStore::replace(std::span<const LogRecord> records) {
  const std::lock_guard lock{mutex_};
  for (const auto& record : records) {
    const auto found = records_.find(record.sequence);
    if (found == records_.end()) continue;
    found->second.bytes.clear();
    encode_entry(record.entry, found->second.bytes);
  }
  return {};
}

Result<void> MemoryLogStore::erase(std::span<const std::uint64_t> sequences) {
  const std::lock_guard lock{mutex_};
  for (const auto sequence : sequences) records_.erase(sequence);
  return {};
}

Result<std::vector<SessionNote>> MemoryLogStore::notes() {
  const std::lock_guard lock{mutex_};
  std::vector<SessionNote> notes;
  notes.reserve(notes_.size());
  for (const auto& [place, bytes] : notes_) notes.push_back({place.first, place.second, bytes});
  return notes;
}

}  // namespace anser::store
