// The sub-commands of anser-load that speak WebSocket. As those of command.h: each opens its clients, measures, prints
// its figures and returns; the error says why a run is void.
#pragma once

#include "command.h"
#include "ws_dialect.h"

namespace anser::load {

struct WsWindow {
  int warm_up_ms = 1000;
  int window_ms = 3000;
};

// Heartbeats, one in flight on each connection.
Result<void> run_ws_echo(const RunPlan& run, const WsPlan& plan, std::size_t clients, const WsWindow& window);
// Client 0 sends to everybody; a message is in flight until all have it.
Result<void> run_ws_fan_out(const RunPlan& run, const WsPlan& plan, std::size_t clients, std::size_t in_flight,
                            const WsWindow& window);
// Anser's dialect only: everybody sends to a partner; a message is in flight until the server has acknowledged it.
Result<void> run_ws_pairs(const RunPlan& run, const WsPlan& plan, std::size_t clients, std::size_t in_flight,
                          const WsWindow& window);
// Memory of connections of which each has had one heartbeat answered.
Result<void> run_ws_idle(const RunPlan& run, const WsPlan& plan, const IdlePlan& idle);

// A server that does nothing but pass on: what a fan-out costs at the least (ws_bare.cpp).
struct WsBarePlan {
  std::string certificate, key;  // PEM files: over TLS
};
Result<void> run_ws_bare(const std::string& host, std::uint16_t port, const WsBarePlan& plan);

}  // namespace anser::load
