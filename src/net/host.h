// Names of hosts as they come from people, configurations and the DNS. Pure; IDN names come as A-labels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace anser::net {

// Letters, digits, '-' and '_' in labels of 1 to 63 bytes, 253 in all. What is none may not go on any wire: not into a
// DNS question, not into the request to a proxy.
bool is_host_name(std::string_view name);

// The bytes of an IP address in network order, 4 or 16 of them; empty for everything else. IPv6 with brackets, as in an
// XMPP domain, or without.
std::string address_bytes(std::string_view host);

// "host:port", with the brackets that an IPv6 address needs.
std::string authority(std::string_view host, std::uint16_t port);

}  // namespace anser::net
