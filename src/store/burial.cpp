#include "store/burial.h"

#include <algorithm>
#include <utility>

#include "store/retraction.h"

namespace anser::store {

using domain::LogRecord;

Burial::Burial(std::span<const LogRecord> records) {
  for (const auto& record : records) {
    if (is_retraction(record.entry)) retractions_.push_back({.record = record, .before = record.sequence});
  }
}

Result<bool> Burial::seek(domain::ArchiveStore& archive) {
  bool found = false;
  for (auto& retraction : retractions_) {
    if (auto done = seek(retraction, archive); !done) return pass(done);
    found = found || !retraction.candidates.empty();
  }
  return found;
}

// In the archive of who takes back, then in the other's, which may have kept what the first has not.
Result<void> Burial::seek(Retraction& retraction, domain::ArchiveStore& archive) {
  const auto sender = retraction.record.entry.envelope.from.to_bare(), owner = retraction.record.entry.owner.to_bare();
  std::size_t& of_sender = left_[std::string{sender.bare()}].pieces;
  while (!retraction.done && retraction.candidates.empty()) {
    const std::size_t most = std::min(retraction.pieces, of_sender);
    std::size_t work = most;
    auto found = archive.may_bear({.owner = retraction.in_other ? owner : sender,
                                   .peer = retraction.in_other ? sender : owner,
                                   .sent = !retraction.in_other,
                                   .id = retraction.record.entry.envelope.retracts,
                                   .before = retraction.before},
                                  work);
    if (!found) return pass(found);
    retraction.pieces -= most - work;
    of_sender -= most - work;
    if (!found->empty()) {
      retraction.before = found->back();
      std::reverse(found->begin(), found->end());
      retraction.candidates = std::move(*found);
    } else if (!retraction.in_other) {
      retraction.in_other = true;
      retraction.before = retraction.record.sequence;
      retraction.pieces = kPieces;
    } else {
      retraction.done = true;
    }
  }
  return {};
}

// If what is named is a tombstone already, all is done: the message before it with that id is not meant.
Result<void> Burial::carry_out(domain::LogStore& log) {
  std::size_t compared = 0;
  for (auto& retraction : retractions_) {
    std::size_t& of_sender = left_[std::string{retraction.record.entry.envelope.from.bare()}].compared;
    for (; !retraction.done && !retraction.candidates.empty() && compared < kAtOnce; ++compared) {
      const std::uint64_t sequence = retraction.candidates.back();
      if (!buried_.contains(sequence)) {
        auto read = log.fetch(std::vector<std::uint64_t>{sequence});
        if (!read) return pass(read);
        if (!read->empty() && takes_back(retraction.record, read->front())) {
          bury(read->front(), retraction.record);
          buried_.emplace(sequence, std::move(read->front()));
          retraction.done = true;
        } else if (!read->empty() && names(retraction.record, read->front())) {
          retraction.done = true;
        }
      } else if (names(retraction.record, buried_.at(sequence))) {
        retraction.done = true;
      }
      retraction.candidates.pop_back();
      if (of_sender > 0) --of_sender;
      if (--retraction.compared == 0 || of_sender == 0) retraction.done = true;
    }
    if (retraction.done) retraction.candidates.clear();
  }
  if (buried_.empty()) return {};
  std::vector<LogRecord> tombstones;
  for (const auto& [sequence, record] : buried_) tombstones.push_back(record);
  if (auto done = log.replace(tombstones); !done) return done;
  buried_.clear();
  return {};
}

}  // namespace anser::store
