// src/xmpp/features/ping.cpp: XEP-0199 XMPP Ping. The stream holds the answer until all that was sent before the ping
// is done, so it also says that nothing before it can be lost.
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kPing{"urn:xmpp:ping", "ping"};

net::Task<Reply> pong(Iq) { co_return Reply{std::nullopt}; }

}  // namespace

Feature ping(const Services&) {
  Feature feature{
      {.xep = 199, .version = "2.0.1", .title = "XMPP Ping", .disco = {kPing.ns}, .disco_account = {kPing.ns}}};
  feature.on_iq_get(kPing, pong);
  return feature;
}

}  // namespace anser::xmpp
