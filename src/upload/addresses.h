// The addresses of files, taken apart: what of them counts, and what is there.
#pragma once

#include <string>
#include <string_view>

#include "domain/files.h"
#include "net/http_server.h"
#include "net/task.h"
#include "upload/services.h"

namespace anser::upload {

// The host that the client has dialled, as its proxy says if it is one of ours: without a port, in lower case.
std::string dialled_host(const Settings& settings, const net::HttpExchange& exchange);

// Of a path (decoded) /files/ID, /files/ID/NAME: the name is for people, and may be anything. "": no id can be that.
std::string file_id_in(std::string_view path);

// Of /delete/ID/KEY; both empty: it is no such address.
struct Removal {
  std::string id, key;
};
Removal removal_in(std::string_view path);

// Errc::not_found, also for ids that are none.
net::Task<Result<domain::FileRecord>> find_file(Shared& shared, std::string id);

}  // namespace anser::upload
