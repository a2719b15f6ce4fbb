// Where an XMPP service may be reached, by RFC 6120 section 3.2 and XEP-0368. Domains come as A-labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/resolver.h"
#include "net/task.h"

namespace anser::net {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  bool direct_tls = false;  // TLS from the first byte; never STARTTLS then

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct ServiceKind {
  const char* starttls;  // as SRV records call it
  const char* direct_tls;
  std::uint16_t port;  // where there are none
};
inline constexpr ServiceKind kXmppClient{"_xmpp-client._tcp.", "_xmpps-client._tcp.", 5222};
inline constexpr ServiceKind kXmppServer{"_xmpp-server._tcp.", "_xmpps-server._tcp.", 5269};

struct ServiceWish {
  std::string domain;      // an A-label or an IP address
  std::string host{};      // reach it here instead: no SRV look-up
  std::uint16_t port = 0;  // on this port instead: no SRV look-up either
  bool direct_tls = true;  // direct TLS may be used; with an explicit host or port: is used
};

// The order to try two services' records in: by priority, direct TLS first where that is equal, and otherwise as each
// look-up put its own.
std::vector<Endpoint> merged(const std::vector<SrvRecord>& direct_tls, const std::vector<SrvRecord>& starttls);

// Never empty. Errc::unavailable when the domain says that there is no such service; bad_request for what is no domain;
// invalid_config and closed as of Resolver. When the DNS does not answer, what is left is the domain itself.
Task<Result<std::vector<Endpoint>>> find_endpoints(Resolver& resolver, ServiceKind kind, ServiceWish wish,
                                                   Moment deadline = Moment::max());

}  // namespace anser::net
