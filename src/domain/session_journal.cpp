// state    = version jid door client flags [priority inner id lang extra]
// version  = %x01
// flags    = byte: 1 carbons, 2 interested, 4 wants the block list, 8 reads the archive, 16 available
// directed = *jid;            door … extra = string (byte_codec.h)
// handled  = varint;          taken = varint, content
// given    = 1*(varint varint byte): number after the one before (the first: after the key's), sequence,
//            byte: 1 owed, 2 sent copy, 4 received copy, 8 it had waited before
// due      = byte, as in given;     had = %x31
#include "domain/session_journal.h"

#include <limits>
#include <utility>

#include "base/assert.h"
#include "domain/byte_codec.h"

namespace anser::domain {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxText =
    64 << 20;  // far above any stanza: only keeps a damaged file from asking for all memory
constexpr std::size_t kDirectedBytes = 8192;  // written anew with each change

// The kind stands in the highest byte of a key, below 2^63 as the store wants it.
constexpr unsigned kShift = 56;
enum KeyKind : std::uint64_t { kState = 1, kHandled = 2, kTaken = 3, kGiven = 4, kDue = 5, kHad = 6, kDirected = 7 };
constexpr std::uint64_t key(KeyKind kind, std::uint64_t number = 0) { return kind << kShift | number; }
constexpr std::uint64_t kLast = std::numeric_limits<std::int64_t>::max();

enum StateFlag : std::uint8_t { kCarbons = 1, kInterested = 2, kBlocklist = 4, kReadsArchive = 8, kAvailable = 16 };
constexpr std::uint8_t kAllState = 31;
enum GivenFlag : std::uint8_t { kOwed = 1, kSentCopy = 2, kReceivedCopy = 4, kDelayed = 8 };
constexpr std::uint8_t kAllGiven = 15;
constexpr std::string_view kYes = "1";

std::uint8_t flags_of(const Stamp& stamp) {
  // What had waited before it was given waits still.
  return static_cast<std::uint8_t>((stamp.owed || stamp.delayed ? kOwed : 0) | (stamp.delayed ? kDelayed : 0) |
                                   (stamp.copy == Copy::sent ? kSentCopy : 0) |
                                   (stamp.copy == Copy::received ? kReceivedCopy : 0));
}

Outgoing absent(std::uint64_t sequence, std::uint8_t flags) {
  Outgoing entry;
  entry.absent = true;
  entry.stamp.sequence = sequence;
  entry.stamp.owed = flags & kOwed;
  entry.stamp.delayed = flags & kDelayed;
  entry.stamp.copy = flags & kSentCopy ? Copy::sent : flags & kReceivedCopy ? Copy::received : Copy::none;
  return entry;
}

bool read_state(std::string_view bytes, SavedSession& session) {
  ByteReader reader{bytes};
  if (reader.byte() != kVersion) return false;
  auto& state = session.state;
  session.jid = reader.jid();
  state.door = reader.string(kMaxText);
  state.client = reader.string(kMaxText);
  const std::uint8_t flags = reader.byte(kAllState);
  state.carbons = flags & kCarbons;
  state.interested = flags & kInterested;
  state.wants_blocklist = flags & kBlocklist;
  state.reads_archive = flags & kReadsArchive;
  if (flags & kAvailable) {
    state.priority = static_cast<std::int8_t>(reader.byte());
    auto& presence = state.presence.emplace();
    presence.inner = Bytes::copy(reader.string(kMaxText));
    presence.id = Bytes::copy(reader.string(kMaxText));
    presence.lang = Bytes::copy(reader.string(kMaxText));
    presence.extra = Bytes::copy(reader.string(kMaxText));
  }
  return reader.ok() && reader.rest().empty() && !session.jid.resource().empty();
}

bool read_given(std::uint64_t first, std::string_view bytes, SavedSession& session) {
  ByteReader reader{bytes};
  std::uint64_t number = first;
  // The rest of a row that was confirmed in part may stand beside the whole of it.
  while (!session.numbers.empty() && session.numbers.back() >= first) {
    session.numbers.pop_back();
    session.given.pop_back();
  }
  while (reader.ok() && !reader.rest().empty()) {
    number += reader.varint();
    const std::uint64_t sequence = reader.varint();
    const std::uint8_t flags = reader.byte(kAllGiven);
    if (!reader.ok() || sequence == 0 || number > kLastNumber) return false;
    if (!session.numbers.empty() && number <= session.numbers.back()) return false;
    session.numbers.push_back(number);
    session.given.push_back(absent(sequence, flags));
  }
  return reader.ok();
}

bool read_note(const SessionNote& note, SavedSession& session) {
  const std::uint64_t number = note.key & kLastNumber;
  ByteReader reader{note.bytes};
  switch (note.key >> kShift) {
    case kState:
      return read_state(note.bytes, session);
    case kHandled:
      session.handled = reader.varint();
      return reader.ok();
    case kTaken:
      if (number > session.handled) session.taken.push_back({number, reader.varint()});
      return reader.ok();
    case kGiven:
      return read_given(number, note.bytes, session);
    case kHad:
      for (auto& entry : session.given) {
        if (entry.stamp.sequence == number) entry.stamp.had = true;
      }
      return true;
    case kDirected:
      while (reader.ok() && !reader.rest().empty()) session.state.directed.push_back(reader.jid());
      return reader.ok();
    case kDue:
      session.given.push_back(absent(number, reader.byte(kAllGiven)));
      return reader.ok() && reader.rest().empty();
    default:
      return false;
  }
}

SessionNote at_number(std::uint64_t journal, KeyKind kind, std::uint64_t number) {
  return {.session = journal, .key = key(kind, number), .bytes = std::string{kYes}};
}

SessionNote without_number(std::uint64_t journal, KeyKind kind, std::uint64_t number) {
  return {.session = journal, .key = 0, .bytes = {}, .erase = SessionNote::Range{key(kind, number), key(kind, number)}};
}

std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  // FNV-1a; the length keeps neighbours apart.
  hash = (hash ^ text.size()) * 1099511628211ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash;
}

}  // namespace

std::uint64_t content_of(const Envelope& message, std::string_view to) {
  std::uint64_t hash = 14695981039346656037ull ^ static_cast<std::uint64_t>(message.type);
  for (const std::string_view part :
       {to, std::string_view{message.id}, std::string_view{message.extra}, message.inner.view()}) {
    hash = mix(hash, part);
  }
  return hash;
}

SessionNote state_note(std::uint64_t journal, const Jid& jid, const SessionState& state) {
  std::string bytes;
  bytes += static_cast<char>(kVersion);
  put_jid(bytes, jid);
  put_string(bytes, state.door);
  put_string(bytes, state.client);
  bytes += static_cast<char>((state.carbons ? kCarbons : 0) | (state.interested ? kInterested : 0) |
                             (state.wants_blocklist ? kBlocklist : 0) | (state.reads_archive ? kReadsArchive : 0) |
                             (state.presence ? kAvailable : 0));
  if (state.presence) {
    bytes += static_cast<char>(state.priority);
    put_string(bytes, state.presence->inner.view());
    put_string(bytes, state.presence->id.view());
    put_string(bytes, state.presence->lang.view());
    put_string(bytes, state.presence->extra.view());
  }
  return {.session = journal, .key = key(kState), .bytes = std::move(bytes)};
}

SessionNote directed_note(std::uint64_t journal, std::span<const Jid> directed) {
  std::size_t size = 0, first = directed.size();
  while (first > 0 && (size += directed[first - 1].full().size() + 2) <= kDirectedBytes) --first;
  SessionNote note{.session = journal,
                   .key = key(kDirected),
                   .bytes = {},
                   .erase = SessionNote::Range{key(kDirected), key(kDirected)}};
  for (const Jid& to : directed.subspan(first)) put_jid(note.bytes, to);
  return note;
}

SessionNote handled_note(std::uint64_t journal, std::uint64_t handled) {
  SessionNote note{.session = journal, .key = key(kHandled), .bytes = {}};
  put_varint(note.bytes, handled);
  note.erase = SessionNote::Range{key(kTaken), key(kTaken, handled)};
  return note;
}

std::shared_ptr<const SessionNote> taken_notes(const Envelope& message) {
  std::shared_ptr<const SessionNote> notes;
  for (const auto session : message.taken.copies) {
    notes = std::make_shared<const SessionNote>(SessionNote{.session = session,
                                                            .key = key(kDue),
                                                            .bytes = std::string(1, kSentCopy),
                                                            .erase = {},
                                                            .at_sequence = true,
                                                            .next = std::move(notes)});
  }
  if (message.taken.session == 0) return notes;
  auto note = std::make_shared<SessionNote>(
      SessionNote{.session = message.taken.session, .key = key(kTaken, message.taken.number), .bytes = {}});
  put_varint(note->bytes, content_of(message, message.to.full()));
  note->next = std::move(notes);
  return note;
}

std::optional<SessionNote> given_note(std::uint64_t journal, const Given& given) {
  SessionNote note{.session = journal, .key = 0, .bytes = {}};
  if (given.instead_of) {
    note.erase = SessionNote::Range{key(kGiven, given.instead_of->from),
                                    key(kGiven, std::min(given.instead_of->through, kLastNumber))};
  }
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < given.entries.size(); ++i) {
    const Stamp& stamp = given.entries[i].stamp;
    if (!journaled(given.entries[i])) continue;
    const std::uint64_t number = given.numbers.empty() ? given.first + i : given.numbers[i];
    if (note.bytes.empty()) {
      note.key = key(kGiven, number);
      before = number;
    }
    put_varint(note.bytes, number - before);
    put_varint(note.bytes, stamp.sequence);
    note.bytes += static_cast<char>(flags_of(stamp));
    before = number;
    if (stamp.copy != Copy::sent && !given.due) continue;
    auto no_longer_due = without_number(journal, kDue, stamp.sequence);
    no_longer_due.next = std::move(note.next);
    note.next = std::make_shared<const SessionNote>(std::move(no_longer_due));
  }
  if (note.bytes.empty() && !note.erase) return std::nullopt;
  return note;
}

std::shared_ptr<const SessionNote> due_notes(std::uint64_t journal, std::span<const Outgoing> entries) {
  std::vector<SessionNote> notes;
  for (const Outgoing& entry : entries) {
    if (!journaled(entry)) continue;
    notes.push_back({.session = journal,
                     .key = key(kDue, entry.stamp.sequence),
                     .bytes = std::string(1, static_cast<char>(flags_of(entry.stamp)))});
  }
  return linked(std::move(notes));
}

SessionNote not_taken_note(std::uint64_t journal, std::uint64_t number) {
  return without_number(journal, kTaken, number);
}

SessionNote had_note(std::uint64_t journal, std::uint64_t sequence) { return at_number(journal, kHad, sequence); }

SessionNote had_over_note(std::uint64_t journal, std::uint64_t sequence) {
  return without_number(journal, kHad, sequence);
}

SessionNote forget_note(std::uint64_t journal) {
  return {.session = journal, .key = 0, .bytes = {}, .erase = SessionNote::Range{0, kLast}};
}

std::shared_ptr<const SessionNote> linked(std::vector<SessionNote> notes) {
  std::vector<SessionNote> flat;
  for (SessionNote& note : notes) {
    auto more = std::exchange(note.next, nullptr);
    flat.push_back(std::move(note));
    for (; more; more = more->next) flat.push_back(*more);
  }
  std::shared_ptr<const SessionNote> all;
  for (auto note = flat.rbegin(); note != flat.rend(); ++note) {
    note->next = std::move(all);
    all = std::make_shared<const SessionNote>(std::move(*note));
  }
  return all;
}

std::vector<SavedSession> read_sessions(std::span<const SessionNote> notes, std::vector<std::uint64_t>& worthless) {
  std::vector<SavedSession> sessions;
  for (std::size_t at = 0; at < notes.size();) {
    SavedSession session;
    session.journal = notes[at].session;
    bool sound = notes[at].key == key(kState) && session.journal != 0;
    for (; at < notes.size() && notes[at].session == session.journal; ++at) {
      sound = sound && read_note(notes[at], session);
    }
    if (!sound && session.journal != 0) worthless.push_back(session.journal);
    if (!sound) continue;
    session.confirmed = session.numbers.empty() ? 0 : session.numbers.front() - 1;
    sessions.push_back(std::move(session));
  }
  return sessions;
}

}  // namespace anser::domain
