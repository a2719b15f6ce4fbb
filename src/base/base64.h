// Base64 by RFC 4648 section 4, strict: no line breaks, canonical padding, zero trailing bits. Here and not in codec
// because SCRAM (core) speaks it too.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace anser {

std::string base64_encode(std::string_view bytes);
// Errc::bad_request for anything that base64_encode would not have made.
Result<std::string> base64_decode(std::string_view text);

// The alphabet of section 5, for URLs and JSON web tokens (RFC 7515 §2): no padding, everything else as strict.
std::string base64url_encode(std::string_view bytes);
Result<std::string> base64url_decode(std::string_view text);

}  // namespace anser
