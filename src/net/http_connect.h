// HTTP's CONNECT (RFC 9110 section 9.3.6), the client's side, with Basic authorization (RFC 7617) or without.
#pragma once

#include "net/tunnel.h"

namespace anser::net {

inline constexpr std::size_t kLongestHttpHeader = 8 * 1024;  // of a proxy's answer; interim answers count too

Result<std::unique_ptr<Tunnel>> make_http_connect(const Proxy& proxy, std::string_view host, std::uint16_t port);

}  // namespace anser::net
