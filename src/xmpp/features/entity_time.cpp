// src/xmpp/features/entity_time.cpp: XEP-0202 Entity Time, tells whoever asks what time it is (XEP-0082 profiles).
#include "xmpp/feature.h"
#include "xmpp/stanzas.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kTime{"urn:xmpp:time", "time"};

net::Task<Reply> tell_time(const Clock& clock) {
  co_return Reply{xml::Element{kTime}.child("tzo", "+00:00").child("utc", to_xmpp_date(clock.now()))};
}

}  // namespace

Feature entity_time(const Services& services) {
  Feature feature{{.xep = 202, .version = "2.0", .title = "Entity Time", .disco = {kTime.ns}}};
  feature.on_iq_get(kTime, [&clock = services.shared.clock](const Iq&) { return tell_time(clock); });
  return feature;
}

}  // namespace anser::xmpp
