// Is this text? Everything that enters through a door is checked here once, for one U+0001 in the log would break every
// XML stream that reads it. Pure; ASCII goes eight octets at a time.
#pragma once

#include <string_view>

#include "base/utf8.h"

namespace anser::core {

using anser::is_utf8;

// UTF-8 of nothing but XML 1.0 Chars (§2.2): no controls but tab, line feed and return, no U+FFFE, no U+FFFF.
bool is_xml_text(std::string_view bytes);

}  // namespace anser::core
