#include "store/tail.h"

#include <algorithm>

#include "base/assert.h"
#include "store/archive_reader.h"
#include "store/retraction.h"

namespace anser::store {
namespace {

using domain::LogRecord;
using domain::RecordKind;

constexpr std::size_t kSegmentRecords = 8'192;
constexpr std::size_t kRetractionsSeen = 1'024;  // the newest, by a query

bool touches_waiting(const domain::LogEntry& entry) {
  return entry.kind != RecordKind::message || entry.references.offline;
}

std::size_t hash_of(std::string_view address) { return std::hash<std::string_view>{}(address); }

}  // namespace

std::size_t bytes_of(const domain::LogEntry& entry) {
  const auto& envelope = entry.envelope;
  std::size_t notes = 0;
  for (auto note = entry.note.get(); note; note = note->next.get()) notes += sizeof(*note) + note->bytes.size();
  return sizeof(LogRecord) + entry.owner.full().size() + envelope.from.full().size() + envelope.to.full().size() +
         envelope.id.size() + envelope.lang.size() + envelope.extra.size() + envelope.origin_id.size() +
         envelope.retracts.size() + envelope.inner.size() + entry.sequences.size() * sizeof(entry.sequences[0]) + notes;
}

void Tail::push(LogRecord record) {
  if (segments_.empty() || segments_.back()->records.size() == kSegmentRecords) {
    segments_.push_back(std::make_unique<Segment>());
    segments_.back()->records.reserve(kSegmentRecords);
    segments_.back()->holders.reserve(kSegmentRecords);
  }
  auto& records = segments_.back()->records;
  ANSER_ASSERT(records.empty() || records.back().sequence < record.sequence);
  if (touches_waiting(record.entry)) {
    const std::string_view owner = record.entry.owner.bare();
    auto found = events_.find(owner);
    if (found == events_.end()) found = events_.emplace(owner, Events{}).first;
    found->second.sequences.push_back(record.sequence);
    if (record.entry.kind == RecordKind::forget) found->second.forgotten.push_back(record.sequence);
  }
  if (is_retraction(record.entry)) retractions_.push_back(record.sequence);
  ++size_;
  bytes_ += bytes_of(record.entry);
  segments_.back()->holders.push_back(holders_of(record.entry));
  records.push_back(std::move(record));
}

Tail::Holders Tail::holders_of(const domain::LogEntry& entry) {
  if (entry.kind != RecordKind::message) return {};
  return {.sender = entry.references.sender_archive ? hash_of(entry.envelope.from.bare()) : 0,
          .recipient = entry.references.recipient_archive ? hash_of(entry.owner.bare()) : 0};
}

std::span<const LogRecord> Tail::unplaced(std::size_t limit) const {
  for (const auto& segment : segments_) {
    const std::size_t waiting = segment->records.size() - segment->placed;
    if (waiting > 0) return {segment->records.data() + segment->placed, std::min(waiting, limit)};
  }
  return {};
}

void Tail::placed(std::uint64_t through) {
  while (!segments_.empty()) {
    Segment& segment = *segments_.front();
    for (; segment.placed < segment.records.size(); ++segment.placed) {
      LogRecord& record = segment.records[segment.placed];
      if (record.sequence > through) return;
      forget_event(record);
      if (!retractions_.empty() && retractions_.front() == record.sequence) retractions_.pop_front();
      --size_;
      bytes_ -= bytes_of(record.entry);
      record.entry = {};  // the segment may stay for long; its strings shall not
    }
    if (segment.records.size() < kSegmentRecords) return;
    segments_.pop_front();
  }
}

void Tail::forget_event(const LogRecord& record) {
  if (!touches_waiting(record.entry)) return;
  const auto found = events_.find(record.entry.owner.bare());
  ANSER_ASSERT(found != events_.end());
  Events& events = found->second;
  ANSER_ASSERT(events.sequences[events.placed] == record.sequence);
  if (++events.placed == events.sequences.size()) events_.erase(found);
}

const LogRecord* Tail::find(std::uint64_t sequence) const {
  const auto after = std::partition_point(segments_.begin(), segments_.end(), [sequence](const auto& segment) {
    return segment->records.front().sequence <= sequence;
  });
  if (after == segments_.begin()) return nullptr;
  const Segment& segment = **std::prev(after);
  const auto first = segment.records.begin() + static_cast<std::ptrdiff_t>(segment.placed);
  const auto found = std::lower_bound(first, segment.records.end(), sequence,
                                      [](const LogRecord& record, std::uint64_t s) { return record.sequence < s; });
  return found != segment.records.end() && found->sequence == sequence ? &*found : nullptr;
}

// May an `offline` record still refer to it? What was only kept for later and is done is dead (and if it is not done,
// it waits already).
bool Tail::still_held(const LogRecord& record) const {
  const auto& references = record.entry.references;
  return record.entry.kind == RecordKind::message &&
         (references.sender_archive || references.recipient_archive || references.outbound);
}

Tail::View Tail::view(std::string_view owner, std::uint64_t upto) const {
  View view;
  const auto found = events_.find(owner);
  if (found == events_.end()) return view;

  std::deque<std::uint64_t> waiting;  // most goes from its front
  const auto done = [&](std::uint64_t through) {
    view.done_through = std::max(view.done_through, through);
    waiting.erase(waiting.begin(), std::upper_bound(waiting.begin(), waiting.end(), through));
  };
  const auto release = [&](const std::vector<std::uint64_t>& sequences) {
    view.released.insert(view.released.end(), sequences.begin(), sequences.end());
    for (const auto sequence : sequences) {
      const auto place = std::lower_bound(waiting.begin(), waiting.end(), sequence);
      if (place != waiting.end() && *place == sequence) waiting.erase(place);
    }
  };
  const Events& events = found->second;
  for (std::size_t i = events.placed; i < events.sequences.size() && events.sequences[i] <= upto; ++i) {
    const LogRecord* record = find(events.sequences[i]);
    ANSER_ASSERT(record != nullptr);
    const std::uint64_t target = record->entry.target;
    switch (record->entry.kind) {
      case RecordKind::message:
        waiting.push_back(record->sequence);
        break;
      case RecordKind::delivered:
        done(target);
        break;
      case RecordKind::forget:
        done(record->sequence);
        break;
      case RecordKind::released:
        release(record->entry.sequences);
        break;
      case RecordKind::note:
        break;  // never here
      case RecordKind::offline: {
        const LogRecord* referred = find(target);
        const bool held = referred ? still_held(*referred) : target < record->sequence;
        const auto place = std::lower_bound(waiting.begin(), waiting.end(), target);
        if (held && (place == waiting.end() || *place != target)) waiting.insert(place, target);
        break;
      }
    }
  }
  view.waiting.assign(waiting.begin(), waiting.end());
  std::sort(view.released.begin(), view.released.end());
  return view;
}

template <class Visit>
void Tail::each_held(std::string_view owner, bool backwards, Visit visit) const {
  const std::size_t wanted = hash_of(owner);
  const std::size_t count = segments_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Segment& segment = *segments_[backwards ? count - 1 - i : i];
    const std::size_t waiting = segment.records.size() - segment.placed;
    for (std::size_t j = 0; j < waiting; ++j) {
      const std::size_t at = backwards ? segment.records.size() - 1 - j : segment.placed + j;
      const Holders& holders = segment.holders[at];
      if (holders.sender != wanted && holders.recipient != wanted) continue;
      const LogRecord& record = segment.records[at];
      if (roles_of(record.entry, owner) != 0 && !visit(record)) return;
    }
  }
}

Tail::ArchiveView Tail::archive_view(const domain::ArchiveQuery& query, std::size_t limit, std::uint64_t upto) const {
  ArchiveView view;
  const std::string_view owner = query.owner.bare();
  const auto oldest = unplaced(1);
  view.first = oldest.empty() ? upto + 1 : std::min(oldest.front().sequence, upto + 1);
  if (const auto found = events_.find(owner); found != events_.end()) {
    for (const auto sequence : found->second.forgotten) {
      if (sequence <= upto) view.gone_through = sequence;
    }
  }
  for (const auto sequence : query.named) {
    const LogRecord* record = sequence > view.gone_through && sequence <= upto ? find(sequence) : nullptr;
    if (record && roles_of(record->entry, owner) != 0) view.named.push_back(sequence);
  }
  for (std::size_t i = 0; i < std::min(retractions_.size(), kRetractionsSeen); ++i) {
    const std::uint64_t sequence = retractions_[retractions_.size() - 1 - i];
    const LogRecord* record = sequence <= upto ? find(sequence) : nullptr;
    if (record && (record->entry.envelope.from.bare() == owner || record->entry.owner.bare() == owner)) {
      view.retractions.push_back(*record);
    }
  }
  std::reverse(view.retractions.begin(), view.retractions.end());
  each_held(owner, query.backwards, [&](const LogRecord& record) {
    if (record.sequence > view.gone_through && record.sequence <= upto && matches(record, query)) {
      view.records.push_back(record);
    }
    return view.records.size() < limit;
  });
  return view;
}

}  // namespace anser::store
