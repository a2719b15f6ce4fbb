// A file's name as a stranger says it, and what of it may be shown and stored. Pure.
#pragma once

#include <string>
#include <string_view>

namespace anser::codec {

inline constexpr std::size_t kMaxFileName = 255;  // bytes of UTF-8

// The last part of a path of whatever system, without drive, alternate stream ("a.txt:b"), control characters and
// characters that turn the direction of text, without dots and blanks at the end; Windows' devices (CON, NUL, COM1 …)
// get a "_" in front; cut to kMaxFileName at a character's border, its extension kept. "file" if nothing is left. UTF-8
// in, UTF-8 out.
std::string safe_file_name(std::string_view name);

// The value of Content-Disposition: `attachment; filename="fallback"; filename*=UTF-8''…` (RFC 6266 §4.3, appendix D).
std::string content_disposition(std::string_view disposition, std::string_view name);

}  // namespace anser::codec
