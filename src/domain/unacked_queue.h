// What a session is to be given, in order: first what has been written and its client has not confirmed, then what has
// not been written yet. XEP-0198 and the WebSocket protocol share it; a door without acknowledgements confirms what it
// writes. The queue does no I/O and knows no limit: it remembers, forgets when told, and says what a resumed session is
// still owed. Numbers have 64 bits here and wrap at 2^32 on the wire; callers never see the arithmetic. Empty it holds
// no memory. Invariant: what is written is in front. Owned by one session, hence by one core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/session.h"

namespace anser::domain {

// A stanza on its way to a client: an envelope, or the door's own words (a push, a ping), which are lost with the
// session.
struct Outgoing {
  Envelope envelope;
  Stamp stamp;
  std::string text;     // not empty: written already, and there is no envelope
  bool absent = false;  // its session was restored: the envelope is still in the log, under stamp.sequence

  bool own_words() const { return !text.empty(); }
  std::size_t bytes() const { return own_words() ? sizeof(Outgoing) + text.size() : envelope.bytes(); }
};

class UnackedQueue {
 public:
  // `acked` is the last confirmed number; tests start it just before the wrap.
  explicit UnackedQueue(std::uint64_t acked = 0) : acked_(acked) {}

  void push(Outgoing entry);

  // What a session of before this process was given and its client has not confirmed; `acked` stanzas it has. Nothing
  // of it counts as written.
  void restore(std::uint64_t acked, std::vector<Outgoing> entries);

  // Acknowledgements have been agreed on: numbers begin with what is written from here on.
  void restart() { acked_ = 0; }

  // What the log had of the absent ones, in their order; those that it has no more are gone.
  void fill(std::vector<LogRecord> records);

  // The oldest entry that has not been written; null when all have.
  const Outgoing* next() const { return written_ < size() ? &entries_[first_ + written_] : nullptr; }
  void mark_written();  // next()
  // The connection has gone: all that is not confirmed is to be written again, under the same numbers.
  void rewind() { written_ = 0; }

  // Has it been written, on this connection or one before, and not been confirmed beyond?
  bool may_acknowledge(std::uint32_t handled) const { return handled - acked() <= reached_; }
  // What acknowledge(handled) would forget.
  std::span<const Outgoing> confirmed_by(std::uint32_t handled) const;
  // The client has everything up to `handled`. Never sent that? Errc::ack_ahead, no change.
  Result<void> acknowledge(std::uint32_t handled);

  // Messages of the log that are owed (Stamp::owed).
  bool owes(std::uint64_t sequence) const;
  // Another device has confirmed these, ascending; returns those that are owed here.
  std::vector<std::uint64_t> mark_had(std::span<const std::uint64_t> sequences);
  std::span<const Outgoing> entries() const { return std::span{entries_}.subspan(first_); }

  // The session ends: all that is left, oldest first.
  std::vector<Outgoing> take_all();

  std::size_t size() const { return entries_.size() - first_; }
  std::size_t bytes() const { return bytes_; }
  bool empty() const { return size() == 0; }
  std::size_t written() const { return written_; }  // on this connection, and not confirmed
  std::uint32_t acked() const { return static_cast<std::uint32_t>(acked_); }
  std::uint32_t sent() const { return static_cast<std::uint32_t>(acked_ + reached_); }  // the last ever written
  std::uint64_t confirmed() const { return acked_; }      // the number before the first entry's
  std::uint64_t last() const { return acked_ + size(); }  // of the last entry, written or not
  std::uint64_t next_number() const { return acked_ + written_ + 1; }

 private:
  void drop_front(std::size_t count);

  std::vector<Outgoing> entries_;
  std::size_t first_ = 0;  // entries before it are gone, their memory is not
  std::size_t written_ = 0;
  std::size_t reached_ = 0;  // the most that `written_` has been
  std::size_t bytes_ = 0;
  std::uint64_t acked_;
};

}  // namespace anser::domain
