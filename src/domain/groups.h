// Groups: named topics at `conference.HOST` that sessions subscribe to; each subscriber gets what is sent to it. A
// group needs no creation. It exists while it has subscribers or messages on their way, and its archive for as long as
// any archive. Any account of this server may take part.
//
// A group has two halves. `Group` is its actor, on the core that its address hashes to: it gives the messages their
// order, has them logged, and knows which cores to hand them on to. `Audience` is one core's subscribers: only that
// core knows its sessions, so a message crosses to a core once, however many are there. State only; the router acts on
// it (groups.cpp).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/result.h"
#include "domain/completion_ring.h"
#include "domain/envelope.h"
#include "domain/session.h"

namespace anser::domain {

// Used by the group's home core alone.
struct Group {
  // A message on its way to the log, or behind one that is.
  struct Held {
    bool durable = true;  // or nothing is to be logged
    WorkId work = 0;
    Stamp stamp;
    Envelope envelope;
  };

  Jid address;              // bare, at the host's real name; the owner of the archive
  std::uint64_t cores = 0;  // that have an audience, a bit each
  // Invariant: what is in front is not durable, so the next append that the log answers is that one's.
  std::deque<Held> outbox;
};

// Messages of one turn that are handed out together, subscriber by subscriber: a thousand sessions come into the cache
// once for all of them.
inline constexpr std::size_t kHandedTogether = 64;

// Invariant: there is one while it has members, or its home's answer is awaited.
struct Audience {
  struct Waiting {
    SessionId session;
    std::function<void(Result<void>)> done;
  };

  Jid group;           // as Group::address
  bool known = false;  // the home hands messages on to this core
  // In no order. A session's verbs never call the router back, so nobody leaves while a message is handed out.
  std::vector<Session*> members;
  std::vector<Delivery> due;     // at the turn's end, or when there are kHandedTogether
  std::vector<Waiting> waiting;  // for the home's answer; bounded by what sessions may have under way
};

// Belongs in a group's archive; the sender's has it not.
bool archivable_in_group(const Envelope& message);

}  // namespace anser::domain
