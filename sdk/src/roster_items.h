// Roster items (RFC 6121 §2.1.2) between XML and values.
#pragma once

#include <string>
#include <string_view>

#include "anser/roster.h"
#include "xml/element.h"

namespace anser::sdk {

inline constexpr std::string_view kRosterNs = "jabber:iq:roster";

// Reads an <item/>. What the subscription says that is not in the RFC is ignored: then `known` holds, what is known of
// the contact so far. `remove` is taken as it is; where it may not stand the caller minds. Errc::invalid_argument if
// the item has no address.
Result<RosterEntry> read_item(const xml::Element& item, const RosterEntry* known = nullptr);

// All of it, as the server writes it: for the cache.
xml::Element write_item(const RosterEntry& entry);
// What a client may say: address, name, groups (§2.1.5).
xml::Element item_to_set(const RosterEntry& entry);

}  // namespace anser::sdk
