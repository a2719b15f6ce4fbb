// The roster's words on the wire (RFC 6121 §2.1.2), for results and pushes.
#pragma once

#include <string>

#include "domain/ports.h"
#include "xml/element.h"

namespace anser::xmpp {

inline constexpr xml::Name kRosterQuery{"jabber:iq:roster", "query"};

xml::Element roster_item(const domain::RosterItem& item);
void append_roster_push(std::string& out, const domain::RosterItem& item, std::uint64_t version);
void append_roster_removal(std::string& out, const core::Jid& contact, std::uint64_t version);

}  // namespace anser::xmpp
