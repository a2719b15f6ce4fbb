// Character data on its way out. The text must be legal (`is_legal_text`): every door sees to that, since U+0001 cannot
// be escaped in XML 1.0 and would end the stream of whoever gets it. Source: XML 1.0 §2.2, §2.4, §2.11, §3.3.3.
#pragma once

#include <string>
#include <string_view>

#include "xml/name.h"

namespace anser::xml {

// For element content: & < > and CR, which a reader would turn into LF.
void append_escaped(std::string& out, std::string_view text);

// For an attribute value in either kind of quotes: also ' " TAB LF.
void append_escaped_attribute(std::string& out, std::string_view value);

// ` local='value'`; a name in a namespace gets a prefix: `xml`, or one made up from `number`, which is declared on the
// spot. Attributes of one tag need different numbers.
void append_attribute(std::string& out, Name name, std::string_view value, unsigned number = 0);

// UTF-8 without overlong forms or surrogates, and every character one that XML 1.0 can carry.
bool is_legal_text(std::string_view text);

}  // namespace anser::xml
