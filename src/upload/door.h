// The door for files (docs/wire/upload.md): forms, uploads that go on where they stopped, slots, and serving.
#pragma once

#include "net/http_server.h"
#include "upload/services.h"

namespace anser::upload {

// Before the first connection. The page at GET /upload is the application's: `page` answers it.
void add_routes(Shared& shared, net::HttpServer& server, net::HttpServer::Handler page);

}  // namespace anser::upload
