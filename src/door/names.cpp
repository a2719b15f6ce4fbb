#include "door/names.h"

#include <optional>

namespace anser::door {

std::string name_at_host(std::string username, const std::string& host, const domain::Hosts& hosts) {
  if (username.find('@') == std::string::npos) return username;
  const auto jid = core::Jid::parse(username);
  const auto real = jid ? hosts.canonical(*jid) : std::nullopt;
  if (real && real->domain() == host && real->is_bare()) return std::string{real->local()};
  return username;
}

std::string host_of_name(std::string_view username, const std::string& otherwise, const domain::Hosts& hosts) {
  if (username.find('@') == std::string_view::npos) return otherwise;
  const auto jid = core::Jid::parse(username);
  const std::string* host = jid && jid->is_bare() && jid->has_local() ? hosts.resolve(jid->domain()) : nullptr;
  return host ? *host : otherwise;
}

std::string for_log(std::string_view address) {
  std::string word;
  word.reserve(address.size());
  for (const char c : address) {
    if (c == ' ')
      word.append("\\20");
    else
      word.push_back(c);
  }
  return word;
}

}  // namespace anser::door
