// Text in other charsets, by ICU: what a browser's form has that was written in GBK. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace anser::codec {

// Does ICU know it, by whatever alias ("GB2312", "windows-936")? UTF-7 and what is no superset of ASCII: no, since text
// that looks harmless before it is decoded is none afterwards. "" is UTF-8.
bool is_charset(std::string_view name);

// UTF-8; what is no text of that charset becomes U+FFFD. None: no such charset. "gb2312" is read as GB18030 (as
// browsers do, WHATWG Encoding §4.2), "iso-8859-1" as windows-1252.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// The same for a text whose sender may not have kept to the charset: UTF-8 if it is that, else `charset`, else UTF-8
// with U+FFFD. In a charset with characters of two bytes (GBK, Big5, Shift_JIS …) UTF-8 is believed only with a
// character of three bytes or four: the single 一 of GBK is valid UTF-8 as well, for a letter that nobody sent.
std::string guess_utf8(std::string_view bytes, std::string_view charset);

// No byte above 0x7F. Such a text is the same in every charset of this header.
bool is_ascii(std::string_view bytes);

}  // namespace anser::codec
