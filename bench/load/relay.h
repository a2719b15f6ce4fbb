// A bare relay: accepts, reads one line "NAME PEER", answers <ready/>, and from then on hands every byte that NAME
// sends to PEER. No XML, no accounts, one thread of epoll: what a message costs the kernel, to compare servers with.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace anser::load {

// Serves until SIGTERM or SIGINT.
Result<void> run_relay(const std::string& host, std::uint16_t port);

}  // namespace anser::load
