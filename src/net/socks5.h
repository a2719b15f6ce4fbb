// SOCKS 5 (RFC 1928), the client's side of CONNECT, with a name and password (RFC 1929) or without.
#pragma once

#include "net/tunnel.h"

namespace anser::net {

Result<std::unique_ptr<Tunnel>> make_socks5(const Proxy& proxy, std::string_view host, std::uint16_t port);

}  // namespace anser::net
