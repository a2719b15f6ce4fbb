// JSON from strangers (RFC 8259), read strictly: I-JSON's one meaning for every text (RFC 7493 §2.3). Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace anser::codec {

// One object and nothing around it but white space. Errc::bad_request: it is no JSON, no UTF-8, no object, deeper than
// `depth` (the object itself is 1), or has a name twice in the same object.
Result<boost::json::object> parse_json_object(std::string_view text, std::size_t depth = 8);

}  // namespace anser::codec
