// PRECIS (RFC 8264) and its profiles UsernameCaseMapped and OpaqueString (RFC 8265): what may stand in a user name, a
// password or a resource, and in which form. Pure functions over UTF-8; ASCII never reaches ICU.
// Invariant: what a profile returns it returns unchanged when asked again (RFC 8264 §7: rules are reapplied until the
// text is stable, or it is refused).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace anser::core {

// The derived property of RFC 8264 §8. `free_pvalid` is valid in the FreeformClass, not in the IdentifierClass.
enum class CodePoint { pvalid, free_pvalid, contextj, contexto, disallowed, unassigned };
CodePoint derived_property(char32_t code_point);

// Both: Errc::not_acceptable for text that the profile refuses, empty text and what is not UTF-8 included. The sentence
// names the code point at fault: do not show it where the text is a secret.
//
// Lower case is per code point ("PRECIS mapping rules do not account for" the final sigma, RFC 8265 §3.6).
Result<std::string> username_case_mapped(std::string_view utf8);
Result<std::string> opaque_string(std::string_view utf8);

}  // namespace anser::core
