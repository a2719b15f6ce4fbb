// What the configuration says about the WebSocket door. A reload replaces the whole value; a session keeps the one that
// it began with.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "net/http_proxies.h"
#include "net/websocket_handshake.h"

namespace anser::ws {

struct Settings {
  net::WebSocketSettings websocket;
  net::HttpProxies proxies;                         // they speak TLS with clients and say where these are
  bool password_without_tls = false;                // from other machines; from this one always
  std::chrono::seconds sign_in_timeout{20};         // for the first frame
  std::chrono::seconds ping_after{45};              // 0: never
  std::chrono::seconds silent_limit{90};            // 0: none
  std::chrono::seconds message_timeout{60};         // from a message's first byte to its last
  std::size_t unfinished_bytes = 256 << 20;         // kept of unfinished messages, of all sessions and cores together
  std::chrono::milliseconds write_timeout{60'000};  // that something waits and nothing of it is taken
  std::size_t output_bytes = 2 << 20;               // waiting for a client that does not read
  std::size_t backlog_messages = 10'000;
  std::size_t unacked_bytes = 2 << 20;  // given to a client that acknowledges, and not acknowledged
  std::size_t unacked_messages = 2'000;
  unsigned uncommitted_messages = 64;  // of one session; then it is not read from
  std::size_t uncommitted_bytes = 256 * 1024;
  std::size_t rate_bytes_per_second = 0;  // 0: no limit
  std::size_t rate_burst_bytes = 0;
};

using SharedSettings = std::shared_ptr<const Settings>;

}  // namespace anser::ws
