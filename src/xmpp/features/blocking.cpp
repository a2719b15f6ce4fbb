// src/xmpp/features/blocking.cpp: XEP-0191 Blocking Command. The router enforces the list (src/domain/router.cpp).
#include <algorithm>

#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr std::string_view kNs = "urn:xmpp:blocking";
constexpr xml::Name kBlocklist{kNs, "blocklist"};
constexpr xml::Name kBlock{kNs, "block"};
constexpr xml::Name kUnblock{kNs, "unblock"};

// An alias is kept under the host's real name: the router compares real names.
Result<std::vector<core::Jid>> addresses_in(const xml::Element& command, const domain::Hosts& hosts) {
  std::vector<core::Jid> addresses;
  for (const auto& item : command.children()) {
    if (!item.is({kNs, "item"})) continue;
    auto address = core::Jid::parse(item.attr("jid"));
    if (!address) return fail(Errc::jid_malformed, "{}", address.error().message);
    if (auto real = hosts.canonical(*address)) address = std::move(*real);
    if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end())
      addresses.push_back(std::move(*address));
  }
  return addresses;
}

// Whoever blocked this would no longer reach his own account, or the host that serves it. Another host of ours may go.
bool cuts_off(const core::Jid& account, const core::Jid& blocked) {
  if (blocked.has_local()) return blocked.bare() == account.full();
  return blocked.full() == account.domain();
}

net::Task<Reply> show(Iq iq) {
  if (iq.session) iq.session->set_wants_blocklist();
  xml::Element list{kBlocklist};
  for (const auto& address : iq.account->blocked())
    list.child(xml::Element{std::string{kNs}, "item"}.attr("jid", address.full()));
  co_return Reply{std::move(list)};
}

net::Task<Reply> change(domain::Router& router, Iq iq, bool block) {
  auto addresses = addresses_in(iq.payload, router.hosts());
  if (!addresses) co_return pass(addresses);
  if (block && addresses->empty()) co_return fail(Errc::bad_request, "name at least one address to block");
  for (const auto& address : *addresses) {
    if (block && cuts_off(iq.target, address))
      co_return fail(Errc::not_allowed, "{} cannot be blocked: nobody blocks himself or his own server",
                     address.full());
  }
  auto start = [&router, account = iq.account, addresses = std::move(*addresses), block](domain::Router::Done done) {
    if (block)
      router.block(*account, addresses, std::move(done));
    else
      router.unblock(*account, addresses, std::move(done));
  };
  auto task = stored(std::move(start));
  auto outcome = co_await std::move(task);
  if (!outcome) co_return pass(outcome);
  co_return Reply{std::nullopt};
}

}  // namespace

Feature blocking(const Services& services) {
  Feature feature{{.xep = 191, .version = "1.3", .title = "Blocking Command", .disco = {kNs}, .disco_account = {kNs}}};
  domain::Router& router = services.router;
  feature.on_iq_get(kBlocklist, show, Scope::own);
  feature.on_iq_set(
      kBlock, [&router](Iq iq) { return change(router, std::move(iq), true); }, Scope::own);
  feature.on_iq_set(
      kUnblock, [&router](Iq iq) { return change(router, std::move(iq), false); }, Scope::own);
  return feature;
}

}  // namespace anser::xmpp
