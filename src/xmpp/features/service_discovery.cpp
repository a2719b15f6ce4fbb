// src/xmpp/features/service_discovery.cpp: XEP-0030 Service Discovery, of hosts and of accounts. What there is to say
// comes from the features' own registrations. An account tells about itself to those who see its presence. A host adds
// a form with its software (XEP-0128), so that whoever knows its capabilities' hash need not ask for the version.
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kInfo{"http://jabber.org/protocol/disco#info", "query"};
constexpr xml::Name kItems{"http://jabber.org/protocol/disco#items", "query"};

xml::Element identity(std::string_view category, std::string_view type, std::string_view name) {
  xml::Element element{std::string{kInfo.ns}, "identity"};
  element.attr("category", category).attr("type", type);
  if (!name.empty()) element.attr("name", name);
  return element;
}

// XEP-0128: a form whose hidden first field says of which kind it is. The kind is that of XEP-0115's own example.
xml::Element software_form() {
  constexpr std::string_view kForm = "jabber:x:data";
  xml::Element form{std::string{kForm}, "x"};
  form.attr("type", "result");
  const auto add = [&](std::string_view name, std::string_view value) -> xml::Element {
    xml::Element field{std::string{kForm}, "field"};
    field.attr("var", name).child("value", value);
    return field;
  };
  form.child(add("FORM_TYPE", "urn:xmpp:dataforms:softwareinfo").attr("type", "hidden"));
  form.child(add("software", "Anser")).child(add("software_version", ANSER_VERSION));
  return form;
}

void add_features(xml::Element& info, const std::vector<std::string_view>& names) {
  for (const auto name : names) info.child(xml::Element{std::string{kInfo.ns}, "feature"}.attr("var", name));
}

net::Task<Reply> tell_host(const Services& services, Iq iq) {
  const auto node = iq.payload.attr("node");
  xml::Element info = services.features->host_info();
  if (!node.empty()) {
    if (node != std::string{kCapsNode} + "#" + caps_hash(info))
      co_return fail(Errc::not_found, "there is no such node");
    info.attr("node", node);
  }
  co_return Reply{std::move(info)};
}

net::Task<Reply> tell_account(const Services& services, Iq iq) {
  if (!iq.payload.attr("node").empty()) co_return fail(Errc::not_found, "there is no such node");
  // §8: strangers learn nothing, not even that the account exists.
  if (iq.scope == Scope::account && !iq.account->subscription(iq.envelope.from.bare()).from) {
    co_return fail(Errc::unavailable, "nobody there answers this");
  }
  xml::Element info{kInfo};
  info.child(identity("account", "registered", {}));
  add_features(info, services.features->disco(Scope::own));
  co_return Reply{std::move(info)};
}

net::Task<Reply> no_items(Iq iq) {
  if (!iq.payload.attr("node").empty()) co_return fail(Errc::not_found, "there is no such node");
  co_return Reply{xml::Element{kItems}};
}

net::Task<Reply> account_items(Iq iq) {
  if (iq.scope == Scope::account && !iq.account->subscription(iq.envelope.from.bare()).from) {
    co_return fail(Errc::unavailable, "nobody there answers this");
  }
  xml::Element items{kItems};
  for (const auto* session : iq.account->sessions()) {
    if (session->available())
      items.child(xml::Element{std::string{kItems.ns}, "item"}.attr("jid", session->jid().full()));
  }
  co_return Reply{std::move(items)};
}

}  // namespace

xml::Element make_host_info(const Features& features) {
  constexpr xml::Name kIdentity{kInfo.ns, "identity"};
  std::vector<const xml::Element*> more;
  for (const auto& feature : features.all()) {
    for (const auto& element : feature.info.about) more.push_back(&element);
  }
  xml::Element info{kInfo};
  info.child(identity("server", "im", "Anser"));
  for (const auto* element : more) {
    if (element->is(kIdentity)) info.child(*element);
  }
  add_features(info, features.disco(Scope::host));
  info.child(software_form());
  for (const auto* element : more) {
    if (!element->is(kIdentity)) info.child(*element);
  }
  return info;
}

Feature service_discovery(const Services& services) {
  Feature feature{{.xep = 30,
                   .version = "2.5.0",
                   .title = "Service Discovery",
                   .disco = {kInfo.ns, kItems.ns},
                   .disco_account = {kInfo.ns, kItems.ns}}};
  feature.on_iq_get(
      kInfo, [&services](Iq iq) { return tell_host(services, std::move(iq)); }, Scope::host);
  feature.on_iq_get(
      kInfo, [&services](Iq iq) { return tell_account(services, std::move(iq)); }, Scope::own | Scope::account);
  feature.on_iq_get(kItems, no_items, Scope::host);
  feature.on_iq_get(kItems, account_items, Scope::own | Scope::account);
  return feature;
}

}  // namespace anser::xmpp
