// What a login by SASL2 leaves to the core of its account: <success/> is written there, once the resource is bound
// (XEP-0386 §3.2) or the session resumed (XEP-0198 §9). Made by the negotiation, used up by the stream.
#pragma once

#include <optional>
#include <string>

#include "xmpp/sasl2_messages.h"

namespace anser::xmpp {

struct Welcome {
  std::string data;        // the mechanism's last word, in base64; empty: there is none, or it was said
  std::string token;       // <token/>, written; empty: none
  std::string agent_mark;  // of the client's installation; empty: it did not say
  std::optional<BindRequest> bind;
  std::optional<xml::Element> resume;  // comes before `bind`
  std::string not_resumed;             // <failed/>, written, when that came to nothing
};

}  // namespace anser::xmpp
