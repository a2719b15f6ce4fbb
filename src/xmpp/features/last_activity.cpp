// src/xmpp/features/last_activity.cpp: XEP-0012 Last Activity. Of the server: how long it runs. Of an account: 0 while
// it is there, else since when it has gone; only for those who see its presence.
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kLast{"jabber:iq:last", "query"};

std::string seconds_between(Time from, Time to) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
  return std::to_string(std::max<long long>(0, seconds));
}

net::Task<Reply> uptime(Shared& shared) {
  co_return Reply{xml::Element{kLast}.attr("seconds", seconds_between(shared.started, shared.clock.now()))};
}

net::Task<Reply> last_seen(Shared& shared, Iq iq) {
  const bool own = iq.scope == Scope::own;
  if (!own && !iq.account->subscription(iq.envelope.from.bare()).from) {
    co_return fail(Errc::forbidden, "only for contacts that see this account's presence");
  }
  if (iq.account->any_available()) co_return Reply{xml::Element{kLast}.attr("seconds", "0")};
  auto work = [account = iq.target](domain::AccountStore& store) { return store.find_last_activity(account); };
  auto task = ask<std::optional<domain::LastActivity>>(shared, std::move(work));
  auto last = co_await std::move(task);
  if (!last) co_return pass(last);
  if (!last->has_value()) co_return fail(Errc::not_found, "it has never been here");
  xml::Element answer{kLast};
  answer.attr("seconds", seconds_between((*last)->at, shared.clock.now()));
  // What it said when it left (XEP-0012 §4) is the <status/> of its last presence.
  if (auto presence = xml::parse_element("<presence>" + (*last)->status + "</presence>"))
    answer.text(presence->child_text("status"));
  co_return Reply{std::move(answer)};
}

}  // namespace

Feature last_activity(const Services& services) {
  Feature feature{
      {.xep = 12, .version = "2.0", .title = "Last Activity", .disco = {kLast.ns}, .disco_account = {kLast.ns}}};
  Shared& shared = services.shared;
  feature.on_iq_get(
      kLast, [&shared](const Iq&) { return uptime(shared); }, Scope::host);
  feature.on_iq_get(
      kLast, [&shared](Iq iq) { return last_seen(shared, std::move(iq)); }, Scope::own | Scope::account);
  return feature;
}

}  // namespace anser::xmpp
