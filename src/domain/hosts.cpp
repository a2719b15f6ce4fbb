#include "domain/hosts.h"

#include "base/assert.h"

namespace anser::domain {
namespace {

constexpr std::string_view kGroups = "conference.";

}  // namespace

Hosts::Hosts(std::vector<Host> hosts, const std::vector<std::string>& own_addresses) : hosts_(std::move(hosts)) {
  ANSER_ASSERT(!hosts_.empty());
  for (std::size_t i = 0; i < hosts_.size(); ++i) index_.try_emplace(hosts_[i].name, i);
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    for (const auto& alias : hosts_[i].aliases) index_.try_emplace(alias, i);
  }
  for (const auto& address : own_addresses) index_.try_emplace(address, 0);
}

const std::string* Hosts::resolve(std::string_view domain) const {
  const auto found = index_.find(domain);
  return found == index_.end() ? nullptr : &hosts_[found->second].name;
}

std::optional<core::Jid> Hosts::canonical(const core::Jid& address) const {
  const std::string* name = resolve(address.domain());
  if (!name) return std::nullopt;
  if (*name == address.domain()) return address;
  auto real = core::Jid::make(address.local(), *name, address.resource());
  if (!real) return std::nullopt;
  return std::move(*real);
}

const std::string* Hosts::host_of_groups(std::string_view domain) const {
  if (!domain.starts_with(kGroups) || resolve(domain)) return nullptr;
  return resolve(domain.substr(kGroups.size()));
}

std::optional<core::Jid> Hosts::group(const core::Jid& address) const {
  if (!address.has_local() || address.has_resource()) return std::nullopt;
  const std::string* host = host_of_groups(address.domain());
  if (!host) return std::nullopt;
  if (address.domain().substr(kGroups.size()) == *host) return address;
  auto real = core::Jid::make(address.local(), std::string{kGroups} + *host);
  if (!real) return std::nullopt;
  return std::move(*real);
}

}  // namespace anser::domain
