// What is committed and not yet placed: the newest end of the log, in memory. It answers, per owner, what its records
// do to the owner's waiting messages and which of them his archive shows, so that a query may add that to what the
// archive says. Records stand in segments
// that never move, so the placer reads a span of them while newer ones are pushed. Not synchronised: message_log.cpp
// holds its mutex around every call; only the spans of unplaced() are read outside it. Invariant: sequences ascend;
// unplaced() stays valid until placed() is told of it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/ports.h"

namespace anser::store {

class Tail {
 public:
  void push(domain::LogRecord record);

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_; }  // approximately, on the heap
  bool empty() const { return size_ == 0; }

  // The oldest records, at most `limit`; perhaps fewer than there are, never none if there is one.
  std::span<const domain::LogRecord> unplaced(std::size_t limit) const;
  // Everything up to `through` is in the archive.
  void placed(std::uint64_t through);

  const domain::LogRecord* find(std::uint64_t sequence) const;

  // What the owner's records up to `upto` do: first nothing up to `done_through` and nothing of `released` (ascending)
  // waits any more, then `waiting` (ascending) waits, whether the archive knows it yet or not.
  struct View {
    std::uint64_t done_through = 0;
    std::vector<std::uint64_t> released;
    std::vector<std::uint64_t> waiting;
  };
  View view(std::string_view owner, std::uint64_t upto) const;

  // What the records up to `upto` add to the owner's archive. Everything before `first` is the archive's to say, less
  // what is gone up to `gone_through`; `records` are those that match, in the direction asked for, at most `limit`.
  struct ArchiveView {
    std::uint64_t first = 0;
    std::uint64_t gone_through = 0;
    std::vector<domain::LogRecord> records;
    std::vector<std::uint64_t> named;            // of the query's, those that are here, in its order
    std::vector<domain::LogRecord> retractions;  // that may reach the owner's messages and are not carried out yet
  };
  ArchiveView archive_view(const domain::ArchiveQuery& query, std::size_t limit, std::uint64_t upto) const;

 private:
  // Hashes of the two addresses whose archives may show a record: a query looks through these alone, so that it does
  // not hold up appends with a walk through every record.
  struct Holders {
    std::size_t sender = 0, recipient = 0;
  };
  struct Segment {
    std::vector<domain::LogRecord> records;  // never more than it reserved
    std::vector<Holders> holders;            // one for each
    std::size_t placed = 0;
  };
  struct Events {
    std::vector<std::uint64_t> sequences;  // of the owner's records that touch what waits
    std::size_t placed = 0;
    std::vector<std::uint64_t> forgotten;  // of these, the owner's removals: hardly ever any
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  static Holders holders_of(const domain::LogEntry& entry);
  bool still_held(const domain::LogRecord& record) const;
  // Calls `visit` with each unplaced record that may be in the owner's archive until it returns false.
  template <class Visit>
  void each_held(std::string_view owner, bool backwards, Visit visit) const;
  void forget_event(const domain::LogRecord& record);

  std::deque<std::unique_ptr<Segment>> segments_;
  std::unordered_map<std::string, Events, Hash, std::equal_to<>> events_;
  std::deque<std::uint64_t> retractions_;  // sequences
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

// What a record or entry occupies, for limits.
std::size_t bytes_of(const domain::LogEntry& entry);

}  // namespace anser::store
