#include "net/host.h"

#include <arpa/inet.h>
#include <fmt/format.h>

namespace anser::net {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

bool is_label_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (!is_label_byte(c) || ++label > kLongestLabel) {
      return false;
    }
  }
  return label > 0;
}

std::string address_bytes(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == host.npos) return {};
  }
  const std::string text{host};
  if (text.size() != std::string::traits_type::length(text.c_str())) return {};  // a NUL would hide the rest
  std::string bytes(16, '\0');
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(4);
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ? bytes : std::string{};
}

std::string authority(std::string_view host, std::uint16_t port) {
  const bool bare_v6 = host.find(':') != host.npos && !host.starts_with('[');
  return bare_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace anser::net
