// What crosses from one core to another: plain values, never a pointer to state, so the same letters can cross between
// machines (`encode`, `decode_mail`). Order is kept for each pair of cores.
#pragma once

#include <variant>
#include <vector>

#include "domain/envelope.h"
#include "domain/session.h"

namespace anser::domain {

// A stanza for an account or a session of the receiving core.
struct Route {
  Envelope envelope;
  Jid target;  // where envelope.to leads if it names an alias; empty when envelope.to is the place itself
  const Jid& place() const { return target.empty() ? envelope.to : target; }
};

// One presence for many accounts of the receiving core: fan-out costs one letter per core, not per contact.
struct Broadcast {
  Envelope presence;  // `to` is empty; each contact's copy is addressed to its bare address
  std::vector<Jid> contacts;
  std::vector<Jid> except = {};  // single resources of theirs that the sender has blocked (XEP-0191)
};

// A resource came online and asks after its contacts (RFC 6121 §4.3).
struct Probe {
  Jid from;  // full
  std::vector<Jid> contacts;
};

// Tell me when all I sent you before this is done.
struct Fence {
  CoreId core = 0;
  SessionId session = 0;
  std::uint64_t number = 0;
};
struct FencePassed {
  SessionId session = 0;
  std::uint64_t number = 0;
};

// Something outside the account's own actor changed the account: what its core remembers of it no longer holds.
struct AccountChanged {
  enum class What : std::uint8_t {
    created,
    password,
    removed,
    gone  // removed; every core forgets what its accounts have granted it
  };
  Jid account;
  What what = What::created;
  SessionId spare = 0;  // this session made the change and stays
};

// What one device of an account of the receiving core has sent, for its other devices (XEP-0280): it is in the log by
// now where it had to be. Letters about one recipient come in the order of the log.
struct SentCopy {
  Envelope envelope;
  std::uint64_t sequence = 0;  // as in Stamp
  Time time{};
};

// A message that an account of the receiving core has sent was answered with an error: sent again, it is no retry.
struct Refused {
  Jid account;
  std::uint64_t message = 0;  // its fingerprint (retry_window.h)
};

// ---- groups (groups.h) ----

// A message for a group whose home is the receiving core. Its sender is subscribed.
struct Publish {
  Envelope envelope;
  Jid group;  // where envelope.to leads if it names an alias; empty when envelope.to is the place itself
};

// A message of a group, for all its subscribers on the receiving core: fan-out costs one letter per core, not per
// subscriber. Letters about one group come in the order of the log.
struct Published {
  Envelope envelope;
  Jid group;                   // as in Publish
  std::uint64_t sequence = 0;  // as in Stamp; 0: the group's archive has not got it
  Time time{};
};

// To a group's home: the sending core has subscribers, or has them no longer.
struct Interest {
  Jid group;
  CoreId core = 0;
  bool wanted = false;
};
// The answer to one that was wanted.
struct InterestNoted {
  Jid group;
  bool taken = false;  // false: there are too many groups
};

using Mail = std::variant<Route, Broadcast, Probe, Fence, FencePassed, AccountChanged, SentCopy, Refused, Publish,
                          Published, Interest, InterestNoted>;

void encode(const Mail& mail, std::string& out);
Result<Mail> decode_mail(std::string_view& in);

// Brings a letter to a core, the own one included; delivered after what this core is doing now.
class Post {
 public:
  virtual ~Post() = default;
  virtual void send(CoreId from, CoreId to, Mail mail) = 0;
};

}  // namespace anser::domain
