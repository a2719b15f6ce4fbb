// What a stream with stream management (XEP-0198) knows beside its outbox: how much of what the client sent is done,
// who has asked whom for an acknowledgement, and how it may be resumed. State only; stream_management.cpp acts on it.
// Lives on the core of its stream.
//
// Acknowledged means done: `h` counts a stanza when what it changed is committed and its answer is queued. Stanzas are
// numbered from 1 as they are taken; a fence (router) covers all up to the one it was set behind, and a request counts
// when it is no longer open. Numbers are 64 bits here and wrap only on the wire.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/session_journal.h"
#include "net/connection.h"
#include "net/timers.h"
#include "xml/reader.h"
#include "xmpp/welcome.h"

namespace anser::xmpp {

class Stream;

inline constexpr std::string_view kManagementNs = "urn:xmpp:sm:3";

// A connection that wants to go on with a session.
struct Resumption {
  net::Handed handed;
  xml::StreamReader reader;
  std::string lang;
  std::uint32_t handled = 0;         // what its client has of the session; the outbox knows it was sent
  std::unique_ptr<Welcome> welcome;  // it asked while it logged in by SASL2: <success/> is due
};

// What the log knows of the session, so that it can be gone on with after a crash (domain/session_journal.h). Nothing
// is told or written before the log has it; a note that finds no room is tried again.
struct Journal {
  static constexpr std::chrono::seconds kTryAgain{1};
  static constexpr std::uint64_t kHandledUnasked = 256;  // stanzas done before that is noted without a request

  Journal(Stream& stream, net::AlarmOf<Stream>::Ring again) : try_again(stream, again) {}

  // One note of each kind is on its way at a time, however often the client makes it due; but of `given` any number.
  bool state_due = false, directed_due = false;
  bool noting_state = false, noting_directed = false;
  std::uint8_t generation = 0;          // of what was given: notes behind one that found no room are void
  std::uint64_t noting_handled = 0;     // 0: none
  std::uint64_t given = 0;              // entries of the outbox up to this number may be written
  std::uint64_t noting_given = 0;       // and up to this one are on their way
  std::optional<std::uint64_t> renote;  // what they left in the log, from this number on, goes with the next
  struct Row {
    std::uint64_t first, last;
  };
  std::vector<Row> rows;  // of what is given, oldest first
  net::AlarmOf<Stream> try_again;

  // What a session of before this process was.
  struct Past {
    bool waits = true;  // until it is resumed, and what it was given recalled
    bool recalling = false;
    std::vector<std::uint64_t> numbers;    // of the outbox's entries, which have no gaps there
    std::size_t known = 0, due = 0;        // of these the log knows, from before the restart or since
    std::vector<domain::TakenNote> taken;  // beyond what is told: its client sends them again, and they are done
  };
  std::unique_ptr<Past> past;
};

// Most sessions are idle and shall hold nothing: the last one that goes takes the vector's memory along.
template <class T>
void drop(std::vector<T>& from, typename std::vector<T>::iterator first, typename std::vector<T>::iterator last) {
  from.erase(first, last);
  if (from.empty()) from = std::vector<T>{};
}

struct Management {
  // How long an answer to <r/> may wait for the disk before the client hears how far it is.
  static constexpr std::chrono::milliseconds kAnswerWithin{250};
  // Unconfirmed stanzas before the client is asked; or the time after which it is asked about fewer.
  static constexpr std::size_t kAskAfter = 16;
  static constexpr std::chrono::milliseconds kAskWithin{2'000};

  // 90 bits, which nobody guesses (and another account's is no use); a std::string holds as much without an allocation.
  static constexpr std::size_t kIdLength = 15;

  using Ring = net::AlarmOf<Stream>::Ring;
  Management(Stream& stream, Ring answer, Ring ask) : answer_late(stream, answer), ask_late(stream, ask) {}

  bool resumable() const { return !id.empty(); }

  std::string id;  // of the session, for <resume/>; empty when it cannot be resumed
  std::chrono::seconds resume_within{0};

  // What the client sent.
  std::uint64_t taken = 0;  // stanzas
  std::uint64_t taken_bytes = 0;
  std::uint64_t fenced = 0;  // of the stanzas, so many are covered by fences that have passed
  struct Mark {
    std::uint64_t fence;
    std::uint64_t taken, taken_bytes;  // when it was set
  };
  std::vector<Mark> marks;          // fences that have not passed, oldest first
  std::vector<std::uint64_t> open;  // requests without an answer, ascending
  std::uint64_t routing = 0;        // the request that is being routed now and has not begun; 0: none
  bool owes = false;                // an <a/>, once everything up to `asked` is done
  bool asking = false;              // <r/> is out
  std::uint64_t asked = 0;
  std::uint64_t told = 0;  // the last h we sent or may send: the log knows it

  // What it was given.
  struct Confirmation {
    std::uint64_t number;   // of the stanza in this stream
    std::uint64_t waiting;  // Router::confirmed is told so
  };
  std::vector<Confirmation> confirmations;  // oldest first

  std::unique_ptr<Journal> journal;        // if it can be resumed
  std::unique_ptr<Resumption> resumption;  // until the stream's coroutine takes it
  net::AlarmOf<Stream> answer_late, ask_late;
};

}  // namespace anser::xmpp
