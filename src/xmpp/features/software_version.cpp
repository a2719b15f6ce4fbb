// src/xmpp/features/software_version.cpp: XEP-0092 Software Version of the server.
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kVersion{"jabber:iq:version", "query"};

net::Task<Reply> tell_version(Iq) {
  co_return Reply{xml::Element{kVersion}.child("name", "Anser").child("version", ANSER_VERSION)};
}

}  // namespace

Feature software_version(const Services&) {
  Feature feature{{.xep = 92, .version = "1.1", .title = "Software Version", .disco = {kVersion.ns}}};
  feature.on_iq_get(kVersion, tell_version);
  return feature;
}

}  // namespace anser::xmpp
