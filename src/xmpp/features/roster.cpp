// src/xmpp/features/roster.cpp: RFC 6121 §2, the roster: get (with versions), set, remove. The rules are the router's.
#include <set>

#include "xmpp/feature.h"
#include "xmpp/roster_text.h"

namespace anser::xmpp {
namespace {

constexpr std::size_t kMaxName = 1023;  // octets of a name or a group
constexpr std::size_t kMaxGroups = 100;

net::Task<Reply> fetch(Shared& shared, Iq iq) {
  if (!iq.payload.children().empty()) co_return fail(Errc::bad_request, "a roster is asked for without items");
  if (iq.session) iq.session->set_interested();
  const std::string known{iq.payload.attr("ver")};
  // §2.6.3: with the version that we have, nothing needs to be sent.
  if (!known.empty() && known == std::to_string(iq.account->roster_version())) co_return Reply{std::nullopt};

  auto work = [owner = iq.target](domain::AccountStore& store) { return store.load_roster(owner); };
  auto task = ask<domain::Roster>(shared, std::move(work));
  auto roster = co_await std::move(task);
  if (!roster) co_return pass(roster);
  xml::Element query{kRosterQuery};
  query.attr("ver", std::to_string(roster->version));
  for (const auto& item : roster->items) query.child(roster_item(item));
  co_return Reply{std::move(query)};
}

net::Task<Reply> change(const Services& services, Iq iq) {
  const xml::Element* item = iq.payload.first_child();
  if (!item || iq.payload.children().size() != 1 || !item->is({kRosterQuery.ns, "item"})) {
    co_return fail(Errc::bad_request, "a roster set has exactly one item");  // §2.1.5
  }
  auto contact = core::Jid::parse(item->attr("jid"));
  if (!contact) co_return fail(Errc::jid_malformed, "{}", contact.error().message);
  core::Jid address = contact->to_bare();
  // An alias is stored under the host's real name, so it is one contact however it was written.
  if (auto real = services.router.hosts().canonical(address)) address = std::move(*real);

  domain::Router& router = services.router;
  if (item->attr("subscription") == "remove") {
    auto start = [&router, account = iq.account, address](domain::Router::Done done) {
      router.remove_roster_entry(*account, address, std::move(done));
    };
    auto task = stored(std::move(start));
    auto removed = co_await std::move(task);
    if (!removed) co_return pass(removed);
    co_return Reply{std::nullopt};
  }

  if (address == iq.target) co_return fail(Errc::not_allowed, "nobody is a contact of their own");
  std::string name{item->attr("name")};
  if (name.size() > kMaxName) co_return fail(Errc::not_acceptable, "a name may have {} bytes", kMaxName);  // §2.3.3
  std::vector<std::string> groups;
  std::set<std::string> seen;
  for (const auto& child : item->children()) {
    if (!child.is({kRosterQuery.ns, "group"})) continue;
    std::string group = child.text();
    if (group.empty()) co_return fail(Errc::not_acceptable, "a group needs a name");
    if (group.size() > kMaxName) co_return fail(Errc::not_acceptable, "a group's name may have {} bytes", kMaxName);
    if (!seen.insert(group).second) co_return fail(Errc::bad_request, "the same group stands there twice");
    groups.push_back(std::move(group));
  }
  if (groups.size() > kMaxGroups) co_return fail(Errc::not_acceptable, "a contact may be in {} groups", kMaxGroups);
  auto start = [&router, account = iq.account, address, name = std::move(name),
                groups = std::move(groups)](domain::Router::Done done) {
    router.set_roster_entry(*account, address, name, groups, std::move(done));
  };
  auto task = stored(std::move(start));
  auto written = co_await std::move(task);
  if (!written) co_return pass(written);
  co_return Reply{std::nullopt};
}

net::Task<Reply> refuse(Iq) { co_return fail(Errc::forbidden, "a roster is its owner's"); }

}  // namespace

Feature roster(const Services& services) {
  Feature feature{
      {.xep = 0,
       .title = "RFC 6121 roster, with versions and approval in advance",
       .disco = {"jabber:iq:roster"},
       .stream = "<ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/>"}};
  feature.on_iq_get(
      kRosterQuery, [&services](Iq iq) { return fetch(services.shared, std::move(iq)); }, Scope::own);
  feature.on_iq_set(
      kRosterQuery, [&services](Iq iq) { return change(services, std::move(iq)); }, Scope::own);
  feature.on_iq_get(kRosterQuery, refuse, Scope::account);
  feature.on_iq_set(kRosterQuery, refuse, Scope::account);
  return feature;
}

}  // namespace anser::xmpp
