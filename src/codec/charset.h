// Text in other charsets, by ICU: what a browser's form has that was written in GBK. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace anser::codec {

// Does ICU know it, by whatever alias ("GB2312", "windows-936")? UTF-7 and what is no superset of ASCII: no, since text
// that looks harmless before it is decoded is none afterwards.
bool is_charset(std::string_view name);

// UTF-8; what is no text of that charset becomes U+FFFD. None: no such charset. "gb2312" is read as GB18030 (as
// browsers do, WHATWG Encoding §4.2), "iso-8859-1" as windows-1252.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// How many bytes the character at the front of `text` has in that charset; at least 1, at most text.size().
// For "" and UTF-8 as for every charset whose further bytes are never ASCII: 1.
std::size_t character_size(std::string_view text, std::string_view charset);

}  // namespace anser::codec
