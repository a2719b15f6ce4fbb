// What can wait while nobody looks at a client (XEP-0352): presence, and messages that carry nothing but a chat state.
// Of each sender the last presence and the last chat state are kept; older ones are forgotten, for the last one says it
// all. Whatever else comes for the client goes on at once, behind what was held of the same account, so a client sees
// what one sender does in its order; senders among each other are not in order. Nothing here is owed: when the session
// ends it is dropped. Owned by one session; every door that knows of inactive clients asks it.
// Invariant: at most `limit` stanzas are held.
#pragma once

#include <vector>

#include "domain/envelope.h"
#include "domain/session.h"

namespace anser::domain {

class HeldBack {
 public:
  struct Entry {
    Envelope envelope;
    Stamp stamp;
  };

  // `own` is the session's address: what it hears of itself is an answer and never waits.
  HeldBack(const Jid& own, std::size_t limit) : own_(own), limit_(limit) {}

  // Takes what was delivered and gives what is to be written now, in order: nothing if it waits.
  std::vector<Entry> pass(const Envelope& envelope, const Stamp& stamp);

  // Everything that waits; somebody looks at the client again.
  std::vector<Entry> release();

  std::size_t size() const { return held_.size(); }

 private:
  bool can_wait(const Envelope& envelope) const;

  const Jid own_;
  const std::size_t limit_;
  std::vector<Entry> held_;  // oldest first
};

}  // namespace anser::domain
