// The page at /upload: a form for files, which works without scripts and does more with them. Its files are part of the
// program (web/upload). What the form sends is not ours: upload::add_routes takes POST.
#pragma once

#include "net/http_server.h"

namespace anser::app {

// A handler for net::HttpServer, of "/upload" and "/upload/".
net::Task<void> serve_upload_page(net::HttpExchange& exchange);

}  // namespace anser::app
