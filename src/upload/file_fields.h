// What a request that is a file says of it in its fields. Pure.
#pragma once

#include <string>
#include <string_view>

#include "net/http_request.h"

namespace anser::upload {

// From Content-Disposition (RFC 6266: `filename*` before `filename`), else from the parameter `name`; safe to show.
std::string file_name_in(const net::HttpRequest& request, std::string_view charset);

}  // namespace anser::upload
