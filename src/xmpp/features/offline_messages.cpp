// src/xmpp/features/offline_messages.cpp: XEP-0160 Best Practices for Handling Offline Messages. The router keeps and
// delivers them (src/domain/messages.cpp); this says so to whoever asks.
#include "xmpp/feature.h"

namespace anser::xmpp {

Feature offline_messages(const Services&) {
  return Feature{{.xep = 160,
                  .version = "1.0.1",
                  .title = "Offline Messages",
                  .disco = {"msgoffline"},
                  .disco_account = {"msgoffline"}}};
}

}  // namespace anser::xmpp
