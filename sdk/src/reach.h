// Finds the server of a configuration and opens a socket to it: SRV records, addresses, a proxy, or the application's
// own socket factory. And its TLS configuration in the terms of src/net.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "anser/configuration.h"
#include "net/connection.h"
#include "net/tls_client.h"
#include "sdk/src/fail.h"
#include "sdk/src/loop_state.h"

namespace anser::sdk {

struct Reached {
  std::string host;
  std::uint16_t port = 0;
  bool direct_tls = false;
};

struct Opened {
  net::Handed socket;
  Reached where;
};

// `elsewhere` instead of what the configuration says. Errc::unreachable with all that was tried; closed when cancelled.
net::Task<Result<Opened>> reach(LoopState& loop, const ConnectionConfiguration& configuration, std::string service,
                                std::optional<Reached> elsewhere, std::chrono::steady_clock::time_point until);

// Reads files, so it belongs on a worker. `alpn` is what will be spoken (XEP-0368); a server that does not know it
// takes no notice. Errc::invalid_argument, tls.
Result<std::shared_ptr<const net::TlsClient>> tls_client(const TlsConfiguration& tls, std::string alpn);

// A host as the DNS knows it; addresses as they are, without brackets.
anser::Result<std::string> dns_name(const std::string& host);

}  // namespace anser::sdk
