// The way in: from a request for /ws to a session on the core of its account. Opening and signing in are described in
// docs/wire/websocket.md.
#pragma once

#include "net/http_server.h"
#include "ws/services.h"

namespace anser::ws {

// A handler for net::HttpServer.
net::Task<void> serve(Shared& shared, net::HttpExchange& exchange);

}  // namespace anser::ws
