// The IETF's draft for uploads that go on where they stopped, for who begins one in another way than POST /uploads: a
// PUT into a slot. resumable.cpp has the rest.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_server.h"
#include "upload/services.h"
#include "upload/vault.h"

namespace anser::upload {

// Does it say Upload-Complete? With anything but a Boolean the field is as if it were not there (draft, 4.1.2).
bool asks_for_resumption(const net::HttpRequest& request);

// NewUpload::metadata for an upload into this slot: later requests need its address, not the slot's signature. What the
// request says for later (Repr-Digest) is in it, too.
std::string slot_notes(const net::HttpRequest& request);

// The request that has begun `upload` (with `resumable`, and `length` if it is known) goes on: where it can be resumed
// (104), its body, the answer. Lengths that contradict the upload's are answered with 400, and it is gone. `fields` go
// with the answer.
net::Task<void> go_on(Shared& shared, net::HttpExchange& exchange, OpenUpload upload,
                      std::vector<std::pair<std::string, std::string>> fields = {});

}  // namespace anser::upload
