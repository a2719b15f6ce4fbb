// The page at /demo/: a small chat in the browser, to try the WebSocket door with. Its files are part of the program
// (web/demo).
#pragma once

#include "net/http_server.h"

namespace anser::app {

// A handler for net::HttpServer: "/" and "/demo" lead to "/demo/".
net::Task<void> serve_demo_page(net::HttpExchange& exchange);

}  // namespace anser::app
