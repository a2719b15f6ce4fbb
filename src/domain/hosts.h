// The domains that are ours. Each virtual host has one real name and any number of aliases; the server's own IP
// addresses are aliases of the first. Its groups are at `conference.` and the same name (groups.h), unless a host has
// that name itself. Immutable once built, so every core reads it freely.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/jid.h"

namespace anser::domain {

struct Host {
  std::string name;
  std::vector<std::string> aliases;
};

class Hosts {
 public:
  // At least one host. A name that stands twice belongs to the first.
  Hosts(std::vector<Host> hosts, const std::vector<std::string>& own_addresses);

  // The real name behind a prepared domain, or null when it is not ours. Lives as long as this object.
  const std::string* resolve(std::string_view domain) const;

  // The same address at its real host; nothing when the domain is not ours.
  std::optional<core::Jid> canonical(const core::Jid& address) const;

  // The real name of the host whose groups are at this domain, or null.
  const std::string* host_of_groups(std::string_view domain) const;

  // The group's address at its real host; nothing when it is no group's: `name@conference.HOST`, without a resource.
  std::optional<core::Jid> group(const core::Jid& address) const;

  const std::vector<Host>& all() const { return hosts_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::vector<Host> hosts_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> index_;
};

}  // namespace anser::domain
