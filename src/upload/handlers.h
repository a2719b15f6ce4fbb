// One function for each kind of request; door.cpp has the table of paths. They run on the core of their connection.
#pragma once

#include "net/http_server.h"
#include "upload/services.h"

namespace anser::upload {

// form_post.cpp: POST /upload. (GET is the page, which the application has.)
net::Task<void> post_form(Shared& shared, net::HttpExchange& exchange);
// raw_post.cpp: POST /uploads that is neither tus nor the draft.
net::Task<void> post_file(Shared& shared, net::HttpExchange& exchange);
// tus.cpp: /uploads and /uploads/ID with Tus-Resumable, and OPTIONS of both.
net::Task<void> serve_tus(Shared& shared, net::HttpExchange& exchange);
// resumable.cpp: the same by the IETF's draft. Also PUT into a slot that has Upload-Complete.
net::Task<void> serve_resumable(Shared& shared, net::HttpExchange& exchange);
// slot_put.cpp: PUT /files/ID/NAME.
net::Task<void> put_into_slot(Shared& shared, net::HttpExchange& exchange);
// serving.cpp: GET, HEAD, OPTIONS of /files/ID/NAME.
net::Task<void> serve_file(Shared& shared, net::HttpExchange& exchange);
// owning.cpp: DELETE of /files/ID/NAME, /files, /delete/ID/KEY.
net::Task<void> remove_file(Shared& shared, net::HttpExchange& exchange);
net::Task<void> list_files(Shared& shared, net::HttpExchange& exchange);
net::Task<void> remove_by_key(Shared& shared, net::HttpExchange& exchange);

}  // namespace anser::upload
