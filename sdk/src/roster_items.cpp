#include "sdk/src/roster_items.h"

#include <optional>

#include "core/jid.h"
#include "sdk/src/fail.h"

namespace anser::sdk {
namespace {

using Subscription = RosterEntry::Subscription;

constexpr Subscription kSubscriptions[] = {Subscription::none, Subscription::to, Subscription::from, Subscription::both,
                                           Subscription::remove};

std::optional<Subscription> read_subscription(std::string_view text) {
  for (const auto subscription : kSubscriptions) {
    if (text == name_of(subscription)) return subscription;
  }
  return std::nullopt;
}

bool is_true(std::string_view text) { return text == "true" || text == "1"; }

}  // namespace

std::string_view name_of(RosterEntry::Subscription subscription) {
  switch (subscription) {
    case Subscription::none:
      return "none";
    case Subscription::to:
      return "to";
    case Subscription::from:
      return "from";
    case Subscription::both:
      return "both";
    case Subscription::remove:
      return "remove";
  }
  return "none";
}

Result<RosterEntry> read_item(const xml::Element& item, const RosterEntry* known) {
  const auto jid = core::Jid::parse(item.attr("jid"));
  if (!jid) return fail(Errc::invalid_argument, "a roster item without an address: {}", jid.error().message);
  RosterEntry entry;
  entry.user = jid->full();
  entry.name = item.attr("name");
  const auto unsaid = known && item.has_attr("subscription") ? known->subscription : Subscription::none;
  entry.subscription = read_subscription(item.attr("subscription")).value_or(unsaid);
  entry.subscription_pending = item.attr("ask") == "subscribe";
  entry.approved = is_true(item.attr("approved"));
  for (const auto& child : item.children()) {
    if (!child.is({kRosterNs, "group"})) continue;
    if (std::string group = child.text(); !group.empty()) entry.groups.insert(std::move(group));
  }
  return entry;
}

xml::Element item_to_set(const RosterEntry& entry) {
  xml::Element item{std::string{kRosterNs}, "item"};
  item.attr("jid", entry.user);
  if (!entry.name.empty()) item.attr("name", entry.name);
  for (const auto& group : entry.groups) item.child("group", group);
  return item;
}

xml::Element write_item(const RosterEntry& entry) {
  auto item = item_to_set(entry);
  item.attr("subscription", name_of(entry.subscription));
  if (entry.subscription_pending) item.attr("ask", "subscribe");
  if (entry.approved) item.attr("approved", "true");
  return item;
}

}  // namespace anser::sdk
