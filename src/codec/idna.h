// Domain names as DNS and certificates write them: ASCII, international labels in their xn-- form (A-labels, RFC 5890).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace anser::codec {

// Lower case, without a dot at the end. Errc::bad_request for what is no domain name.
Result<std::string> to_a_labels(std::string_view domain);

}  // namespace anser::codec
