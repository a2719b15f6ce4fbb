// src/xmpp/features/stream_management.cpp: XEP-0198 Stream Management, offered after login; the stream itself speaks it
// (stream_management.cpp).
#include "xmpp/feature.h"

namespace anser::xmpp {

Feature stream_management(const Services&) {
  return Feature{
      {.xep = 198, .version = "1.6.3", .title = "Stream Management", .stream = "<sm xmlns='urn:xmpp:sm:3'/>"}};
}

}  // namespace anser::xmpp
