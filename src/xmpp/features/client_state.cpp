// src/xmpp/features/client_state.cpp: XEP-0352 Client State Indication: says that it is understood. The stream takes
// the elements (src/xmpp/stream.cpp); what waits for an inactive client is in src/domain/held_back.h.
#include "xmpp/feature.h"

namespace anser::xmpp {

Feature client_state(const Services&) {
  return Feature{
      {.xep = 352, .version = "1.0.0", .title = "Client State Indication", .stream = "<csi xmlns='urn:xmpp:csi:0'/>"}};
}

}  // namespace anser::xmpp
