// What the log keeps of a session that outlives the process (XEP-0198, after a crash), and how that is written: notes
// under keys of the session's own (ports.h). Pure. The session's door and the router write them, a restart reads them.
//
//   key            bytes
//   state          version, address, what its door needs, flags, client, presence
//   directed       who got directed presence: the newest, as far as they fit
//   handled        how many stanzas of its client are done, told or about to be
//   taken n        stanza n is in the log with what it changed; erased by a `handled` from n on
//   given n        stanzas n and on that it was given: which messages of the log; erased when all are confirmed
//   had s          another device has confirmed the message with sequence s, which this one has not
//   due s          it is due the message with sequence s, or a copy of it, and has no number for it yet
//
// A note is committed before anybody acts on what it says: `handled` before the client hears of it, `given` before a
// byte of it is written; `taken` and the message are one commit. So after a crash it is known what the client may have,
// and what of it is done; stanzas that are in no log (presence, requests) may be done without a trace, and are done
// again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/ports.h"
#include "domain/session.h"
#include "domain/unacked_queue.h"

namespace anser::domain {

struct SessionState {
  std::string door;  // the door's own words: what names the session to its client
  std::string client;
  bool carbons = false;
  bool interested = false;
  bool wants_blocklist = false;
  bool reads_archive = false;
  std::optional<Presence> presence;
  std::int8_t priority = 0;
  std::vector<Jid> directed;
};

struct TakenNote {
  std::uint64_t number = 0;
  std::uint64_t content = 0;  // content_of the stanza
};

struct SavedSession {
  std::uint64_t journal = 0;
  Jid jid;  // full
  SessionState state;
  std::uint64_t handled = 0;
  std::vector<TakenNote> taken;        // beyond `handled`, ascending
  std::uint64_t confirmed = 0;         // the number before the first that follows
  std::vector<Outgoing> given;         // absent ones, in order; numbers between them were in no log and are not counted
  std::vector<std::uint64_t> numbers;  // of those, ascending; the last of them may have none: it was not given them yet
};

// Tells whether what is sent again is what was taken: type, address, id and content; the
// language may be the stream's.
std::uint64_t content_of(const Envelope& message, std::string_view to);

SessionNote state_note(std::uint64_t journal, const Jid& jid, const SessionState& state);
SessionNote directed_note(std::uint64_t journal, std::span<const Jid> directed);
SessionNote handled_note(std::uint64_t journal, std::uint64_t handled);
// All that Envelope::taken asks for; null: nothing.
std::shared_ptr<const SessionNote> taken_notes(const Envelope& message);
// What was given before under the numbers `from` to `through` is forgotten, and `entries` have been given now: the
// first under the number `first`, the others under those that follow, or under `numbers`. Those that are not in the log
// are skipped. What is given is due no more.
struct Given {
  std::uint64_t first = 0;
  std::span<const Outgoing> entries = {};
  std::span<const std::uint64_t> numbers = {};
  std::optional<SessionNote::Range> instead_of = {};
  bool due = false;  // not only copies may have been due
};
std::optional<SessionNote> given_note(std::uint64_t journal, const Given& given);  // nothing: there is nothing to note
// Its client has not come back yet, so nobody knows the numbers. Null: nothing to note.
std::shared_ptr<const SessionNote> due_notes(std::uint64_t journal, std::span<const Outgoing> entries);
// Stanza n was another one than the one that had been taken under its number.
SessionNote not_taken_note(std::uint64_t journal, std::uint64_t number);
inline constexpr std::uint64_t kLastNumber = (std::uint64_t{1} << 56) - 1;
SessionNote had_note(std::uint64_t journal, std::uint64_t sequence);
SessionNote had_over_note(std::uint64_t journal, std::uint64_t sequence);
SessionNote forget_note(std::uint64_t journal);

// All of them, and what follows each, as one, in this order.
std::shared_ptr<const SessionNote> linked(std::vector<SessionNote> notes);

// Whether a restart needs to know that a session was given this.
inline bool journaled(const Outgoing& entry) { return entry.stamp.sequence != 0 && !entry.stamp.answer; }

// All sessions of these notes, by session and key. `worthless` gets those that cannot be gone on with: damaged, or left
// over from a session that ended.
std::vector<SavedSession> read_sessions(std::span<const SessionNote> notes, std::vector<std::uint64_t>& worthless);

}  // namespace anser::domain
