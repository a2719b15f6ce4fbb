// What went wrong, as a code for programs and a sentence for people. Each door has one table from Errc to its own wire
// errors, so a code here names a kind of failure, never a protocol's element.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace anser {

enum class Errc {
  bad_request,            // malformed or senseless input
  not_well_formed,        // not XML, or not the XML that XMPP allows
  policy_violation,       // a limit that the configuration names was crossed
  not_found,              // no such account, contact, item
  conflict,               // exists already, or somebody else holds it
  not_authorized,         // credentials are wrong or missing
  forbidden,              // known, but may not
  blocked,                // the sender itself has blocked the recipient
  subscription_required,  // only for those who see the account's presence
  not_allowed,            // nobody may
  not_acceptable,         // understood, but the values are not taken
  unsupported,            // a feature that is not there
  jid_malformed,          // not an address by RFC 7622
  unavailable,            // nobody there to take it
  remote_not_found,       // a domain that is not ours
  resource_limit,         // too many of something; later it may go
  queue_full,             // a bounded queue is full
  ack_ahead,              // an acknowledgement for what was never sent
  disk_full,              // storage has no room
  storage_failed,         // storage broke; nothing further may be acknowledged
  io,                     // the network or the file system failed
  closed,                 // the other side went away
  timeout,                // a bounded wait ran out
  invalid_config,         // the configuration is wrong
  internal,               // our own fault
};

// The code's name in lower case with underscores, for logs and tests.
const char* name_of(Errc code);

struct Error {
  Errc code = Errc::internal;
  std::string message;  // a sentence for people, never with a password, key or body in it

  friend bool operator==(const Error&, const Error&) = default;
};

}  // namespace anser
