// src/xmpp/features/retraction.cpp: XEP-0424 Message Retraction. A retraction is a message like any other; storage
// finds what it takes back and leaves a tombstone in both archives (src/store/retraction.h). This says so to whoever
// asks.
#include "xmpp/feature.h"

namespace anser::xmpp {

Feature retraction(const Services&) {
  const std::vector<std::string_view> names{"urn:xmpp:message-retract:1", "urn:xmpp:message-retract:1#tombstone"};
  return Feature{
      {.xep = 424, .version = "0.4.2", .title = "Message Retraction", .disco = names, .disco_account = names}};
}

}  // namespace anser::xmpp
