// The server's side of the opening handshake (RFC 6455 §4.2): from a request to a connection that carries messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/websocket_reader.h"
#include "net/http_server.h"

namespace anser::net {

struct WebSocketSettings {
  codec::WebSocketLimits limits = {};
  bool compression = true;                // permessage-deflate, when the client offers it
  std::vector<std::string> origins = {};  // pages of other origins that may connect, as browsers write them; "*": all
};

// What is wrong with the request as a handshake, as the answer to it; none: it is one. A browser's page (§10.2) must
// come from the host and port that it connects to, or be one of `origins`.
std::optional<HttpResponse> refuse_websocket(const HttpRequest& request, const WebSocketSettings& settings, bool tls);

// The subprotocols that the client offers, in its order.
std::vector<std::string> offered_protocols(const HttpRequest& request);

// Answers 101. `protocol` is one of those offered, or empty. Errc::bad_request, and nothing is answered yet, when the
// extensions that the client offers break their grammar (RFC 6455 §9.1).
Result<Handed> accept_websocket(HttpExchange& exchange, const WebSocketSettings& settings, std::string_view protocol);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept(std::string_view key);

}  // namespace anser::net
