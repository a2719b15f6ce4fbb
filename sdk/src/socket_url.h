// The address of a WebSocket (RFC 6455 §3), or of what HTTP serves, in its parts. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "anser/error.h"

namespace anser::sdk {

struct SocketUrl {
  bool tls = false;
  std::string host;  // a name or an IP address, IPv6 in brackets
  std::uint16_t port = 0;
  std::string target;  // path and query

  bool has_default_port() const { return port == (tls ? 443 : 80); }  // the scheme's
};

// What is not ASCII in path and query is percent-encoded. Errc::invalid_argument, which never tells the query.
Result<SocketUrl> parse_socket_url(std::string_view url);

// The same of http: and https:; a fragment is left out.
Result<SocketUrl> parse_http_url(std::string_view url);

// Adds a parameter to the query, both encoded.
void add_parameter(std::string& target, std::string_view name, std::string_view value);

}  // namespace anser::sdk
