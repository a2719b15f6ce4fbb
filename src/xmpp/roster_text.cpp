#include "xmpp/roster_text.h"

#include "domain/subscription.h"

namespace anser::xmpp {
namespace {

void append_push(std::string& out, xml::Element item, std::uint64_t version) {
  xml::Element query{kRosterQuery};
  query.attr("ver", std::to_string(version)).child(std::move(item));
  query.append_to(out);
}

}  // namespace

xml::Element roster_item(const domain::RosterItem& item) {
  xml::Element element{"jabber:iq:roster", "item"};
  element.attr("jid", item.contact.full());
  if (!item.name.empty()) element.attr("name", item.name);
  element.attr("subscription", domain::subscription_name(item.subscription));
  if (item.subscription.ask) element.attr("ask", "subscribe");
  if (item.subscription.approved) element.attr("approved", "true");
  for (const auto& group : item.groups) element.child("group", group);
  return element;
}

void append_roster_push(std::string& out, const domain::RosterItem& item, std::uint64_t version) {
  append_push(out, roster_item(item), version);
}

void append_roster_removal(std::string& out, const core::Jid& contact, std::uint64_t version) {
  xml::Element item{"jabber:iq:roster", "item"};
  item.attr("jid", contact.full()).attr("subscription", "remove");
  append_push(out, std::move(item), version);
}

}  // namespace anser::xmpp
