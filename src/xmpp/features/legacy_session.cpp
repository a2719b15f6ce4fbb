// src/xmpp/features/legacy_session.cpp: the session of RFC 3921 §3, which does nothing. Old clients (Smack 3) fail
// without it; new ones see <optional/> and save the round trip.
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kSession{"urn:ietf:params:xml:ns:xmpp-session", "session"};

net::Task<Reply> agree(Iq) { co_return Reply{std::nullopt}; }

}  // namespace

Feature legacy_session(const Services&) {
  Feature feature{{.xep = 0,
                   .title = "RFC 3921 session establishment",
                   .stream = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"}};
  feature.on_iq_set(kSession, agree);
  return feature;
}

}  // namespace anser::xmpp
