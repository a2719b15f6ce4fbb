// A stanza as XML, for a stream whose default namespace is jabber:client. Everything is escaped. What check() refuses
// may come out as XML that no server takes, so check before sending.
#pragma once

#include <string>
#include <string_view>

#include "anser/stanza.h"

namespace anser::sdk {

// With this id and this `from` instead of the stanza's own, unless they are "".
void append_stanza(std::string& out, const Stanza& stanza, std::string_view id = {}, std::string_view from = {});

}  // namespace anser::sdk
