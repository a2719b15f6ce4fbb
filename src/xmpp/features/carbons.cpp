// src/xmpp/features/carbons.cpp: XEP-0280 Message Carbons: a session asks for copies. Which messages are copied is in
// src/domain/carbons.cpp, when and to whom in src/domain/copies.cpp.
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr std::string_view kNs = "urn:xmpp:carbons:2";
constexpr std::string_view kRules = "urn:xmpp:carbons:rules:0";
constexpr xml::Name kEnable{kNs, "enable"};
constexpr xml::Name kDisable{kNs, "disable"};

net::Task<Reply> turn_on(Iq iq) {
  if (iq.session) iq.session->set_carbons(true);
  co_return Reply{std::nullopt};
}

net::Task<Reply> turn_off(Iq iq) {
  if (iq.session) iq.session->set_carbons(false);
  co_return Reply{std::nullopt};
}

}  // namespace

Feature carbons(const Services&) {
  Feature feature{{.xep = 280,
                   .version = "1.0.1",
                   .title = "Message Carbons",
                   .disco = {kNs, kRules},
                   .disco_account = {kNs, kRules}}};
  feature.on_iq_set(kEnable, turn_on, Scope::own);
  feature.on_iq_set(kDisable, turn_off, Scope::own);
  return feature;
}

}  // namespace anser::xmpp
