// What a change does to a roster item, the same in every engine. Pure.
#pragma once

#include <string>
#include <string_view>

#include "domain/ports.h"

namespace anser::store {

inline domain::RosterItem new_item(const domain::Jid& contact) {
  domain::RosterItem item;
  item.contact = contact.to_bare();
  return item;
}

// Nothing is left that anybody would miss: the row goes (`asked` alone keeps it, it is a request to show at login).
inline bool nothing_left(const domain::Subscription& subscription) {
  return !subscription.listed && !subscription.asked && !subscription.approved;
}

// What is left of an item whose contact has gone.
inline domain::Subscription without_rights(const domain::Subscription& subscription) {
  return {.listed = subscription.listed};
}

// Do clients see a difference (RFC 6121 §2.1.2)? `asked` never shows; nothing shows of an item that is not listed.
inline bool visibly_different(const domain::Subscription& before, const domain::Subscription& after) {
  if (!before.listed && !after.listed) return false;
  return before.listed != after.listed || before.to != after.to || before.from != after.from ||
         before.ask != after.ask || before.approved != after.approved;
}

inline void apply_subscription(domain::RosterItem& item, const domain::Subscription& subscription,
                               std::string_view request) {
  item.subscription = subscription;
  if (!subscription.asked) item.request.clear();
  if (subscription.asked && !request.empty()) item.request = request;
  if (!subscription.listed) {
    item.name.clear();
    item.groups.clear();
  }
}

}  // namespace anser::store
