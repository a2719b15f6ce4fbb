// Which stanzas a listener or a collector wants. A filter is any function of a stanza; these are the usual ones.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "anser/iq.h"
#include "anser/message.h"
#include "anser/presence.h"

namespace anser::sdk {

// Called on the connection's thread for each stanza; must not block.
using StanzaFilter = std::function<bool(const Stanza&)>;

namespace filter {

ANSER_API StanzaFilter everything();
ANSER_API StanzaFilter kind(Stanza::Kind kind);
ANSER_API StanzaFilter message(Message::Type type);
ANSER_API StanzaFilter id(std::string id);
ANSER_API StanzaFilter from(std::string address);       // exactly, once both are prepared
ANSER_API StanzaFilter from_bare(std::string address);  // any resource of it
ANSER_API StanzaFilter to(std::string address);
ANSER_API StanzaFilter thread(std::string thread);
ANSER_API StanzaFilter extension(std::string name, std::string ns);
ANSER_API StanzaFilter extension(std::string ns);
ANSER_API StanzaFilter all_of(std::vector<StanzaFilter> filters);
ANSER_API StanzaFilter any_of(std::vector<StanzaFilter> filters);
ANSER_API StanzaFilter not_of(StanzaFilter filter);

}  // namespace filter
}  // namespace anser::sdk
