// The roster and its version in a file (RFC 6121 §2.6), so that a login need not fetch it again. A line of its own for
// what it is, then a line for each contact:
//
//   <roster xmlns='urn:anser:roster:1' account='romeo@example.org' service='example.org' ver='ver7' items='1'/>
//   <item xmlns='jabber:iq:roster' jid='juliet@example.org' subscription='both'><group>Friends</group></item>
//
// A file that is another account's, or not whole, is as good as none. It is replaced in one step and only its owner can
// read it.
#pragma once

#include <string>
#include <vector>

#include "anser/roster.h"

namespace anser::sdk {

struct RosterCache {
  static constexpr std::size_t kEntries = 100'000;           // of a roster, in memory too
  static constexpr std::size_t kBytes = 64UL * 1024 * 1024;  // of the file

  std::string account, service, version;
  std::vector<RosterEntry> entries = {};

  // Errc::io with what is wrong with it.
  static Result<RosterCache> load(const std::string& path, const std::string& account, const std::string& service);
  Result<void> save(const std::string& path) const;
};

}  // namespace anser::sdk
