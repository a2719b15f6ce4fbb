// The domain part of an address (RFC 7622 §3.2). Inside core only: everybody else calls prepare_domain (core/jid.h).
#pragma once

#include <cstddef>
#include <string_view>

namespace anser::core {

inline constexpr std::size_t kMaxLabel = 63;        // RFC 1034 §3.1, in the form that DNS sees
inline constexpr std::size_t kMaxDomainName = 253;  // the same, written with dots

// ASCII that needs no more than lower case: NR-LDH labels (or an IPv4 address, which looks like some), within limits,
// no trailing dot. `has_upper` tells whether it does need lower case.
bool is_plain_domain(std::string_view domain, bool& has_upper);

}  // namespace anser::core
