// <error/> of RFC 6120 §8.3, and the numbers that stood for it before (XEP-0086).
#pragma once

#include <string>
#include <string_view>

#include "anser/stanza.h"

namespace anser::sdk {

inline constexpr std::string_view kStanzaErrorsNs = "urn:ietf:params:xml:ns:xmpp-stanzas";

// Of an error whose own is 0: the condition's number, 0 if it has none.
int code_of(const StanzaError& error);

// `xml` is the whole element. There is a condition afterwards and one of the five types, whatever stood there. The
// application's condition is the first element that is neither.
StanzaError read_error(std::string_view xml);
void append_error(std::string& out, const StanzaError& error);
Result<void> check_error(const StanzaError& error);

}  // namespace anser::sdk
