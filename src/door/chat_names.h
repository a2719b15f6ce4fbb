// The elements that chat messages are made of. Inside door only.
#pragma once

#include <string_view>

#include "xml/name.h"

namespace anser::door {

inline constexpr std::string_view kChatStatesNs = "http://jabber.org/protocol/chatstates";
inline constexpr std::string_view kReceiptsNs = "urn:xmpp:receipts";
inline constexpr std::string_view kMarkersNs = "urn:xmpp:chat-markers:0";

inline constexpr xml::Name kBody{xml::kClientNs, "body"};
inline constexpr xml::Name kThread{xml::kClientNs, "thread"};
inline constexpr xml::Name kReplace{"urn:xmpp:message-correct:0", "replace"};
inline constexpr xml::Name kOutOfBand{"jabber:x:oob", "x"};
inline constexpr xml::Name kOriginId{"urn:xmpp:sid:0", "origin-id"};
inline constexpr xml::Name kNoStore{"urn:xmpp:hints", "no-store"};
inline constexpr xml::Name kReceiptRequest{kReceiptsNs, "request"};
inline constexpr xml::Name kReceived{kReceiptsNs, "received"};
inline constexpr xml::Name kDisplayed{kMarkersNs, "displayed"};

bool is_message_type(std::string_view word);

}  // namespace anser::door
