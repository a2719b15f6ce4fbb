// What may go out: the checks behind Stanza::check(), and what an element may be called. Pure.
#pragma once

#include <string_view>

#include "anser/error.h"

namespace anser::sdk {

bool is_legal_name(std::string_view name);     // NCName, of the letters that our reader takes (xml/reader.h)
bool is_legal_namespace(std::string_view ns);  // not one of the two that only XML itself may speak of

// Errc::invalid_argument. `what` is how the sentence calls it: "the body".
Result<void> check_text(std::string_view what, std::string_view text);
Result<void> check_address(std::string_view what, std::string_view address);  // "" is fine: there is none

}  // namespace anser::sdk
