#include "domain/unacked_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace anser::domain {
namespace {

constexpr std::size_t kCompact = 64;  // gone entries before the others are moved to the front

}  // namespace

void UnackedQueue::push(Outgoing entry) {
  bytes_ += entry.bytes();
  entries_.push_back(std::move(entry));
}

void UnackedQueue::restore(std::uint64_t acked, std::vector<Outgoing> entries) {
  entries_ = std::move(entries);
  first_ = written_ = reached_ = bytes_ = 0;
  for (const auto& entry : entries_) bytes_ += entry.bytes();
  acked_ = acked;
}

void UnackedQueue::fill(std::vector<LogRecord> records) {
  std::vector<Outgoing> all = take_all();
  auto record = records.begin();
  for (Outgoing& entry : all) {
    if (entry.absent) {
      if (record == records.end() || record->sequence != entry.stamp.sequence) continue;
      entry.absent = false;
      entry.stamp.time = record->time;
      const References& shown = record->entry.references;
      entry.stamp.archived = entry.stamp.copy == Copy::sent ? shown.sender_archive : shown.recipient_archive;
      entry.envelope = std::move((record++)->entry.envelope);
    }
    push(std::move(entry));
  }
}

std::span<const Outgoing> UnackedQueue::confirmed_by(std::uint32_t handled) const {
  const std::uint32_t confirmed = handled - acked();
  return entries().first(std::min<std::size_t>(confirmed, size()));
}

bool UnackedQueue::owes(std::uint64_t sequence) const {
  return std::ranges::any_of(
      entries(), [&](const Outgoing& entry) { return entry.stamp.sequence == sequence && entry.stamp.owed; });
}

std::vector<std::uint64_t> UnackedQueue::mark_had(std::span<const std::uint64_t> sequences) {
  std::vector<std::uint64_t> found;
  for (auto& entry : std::span{entries_}.subspan(first_)) {
    const bool waits = entry.stamp.owed || entry.stamp.delayed;
    if (!waits || !std::binary_search(sequences.begin(), sequences.end(), entry.stamp.sequence)) continue;
    entry.stamp.had = true;
    if (entry.stamp.owed) found.push_back(entry.stamp.sequence);
  }
  return found;
}

void UnackedQueue::mark_written() {
  ANSER_ASSERT(written_ < size());
  reached_ = std::max(reached_, ++written_);
}

Result<void> UnackedQueue::acknowledge(std::uint32_t handled) {
  const std::uint32_t confirmed = handled - acked();  // unsigned, so the wrap is free
  if (confirmed > reached_) return fail(Errc::ack_ahead, "{} was never sent", handled);
  reached_ -= confirmed;
  written_ -= std::min<std::size_t>(confirmed, written_);
  acked_ += confirmed;
  drop_front(confirmed);
  return {};
}

void UnackedQueue::drop_front(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    bytes_ -= entries_[first_].bytes();
    entries_[first_++] = {};
  }
  if (first_ == entries_.size()) {
    entries_ = std::vector<Outgoing>{};  // with `{}` alone it would keep its memory
    first_ = 0;
  } else if (first_ >= kCompact && first_ * 2 >= entries_.size()) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

std::vector<Outgoing> UnackedQueue::take_all() {
  std::vector<Outgoing> all(std::make_move_iterator(entries_.begin() + static_cast<std::ptrdiff_t>(first_)),
                            std::make_move_iterator(entries_.end()));
  entries_ = std::vector<Outgoing>{};
  first_ = written_ = reached_ = bytes_ = 0;
  return all;
}

}  // namespace anser::domain
