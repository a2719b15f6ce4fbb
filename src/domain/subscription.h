// The subscription state machine of RFC 6121 Appendix A, as rules without side effects: given what we have with a
// contact and a subscription stanza, what becomes of it. `Subscription` itself is in ports.h, because it is what is
// stored.
#pragma once

#include "domain/ports.h"

namespace anser::domain {

struct SubscriptionChange {
  Subscription next;
  bool pass_on = false;  // outbound: route to the contact; inbound: deliver to the account's available resources
  bool reply = false;    // inbound: answer for the account, with `reply_type`
  Type reply_type = Type::subscribed;
  bool push = false;  // clients see the item differently now: send a roster push
};

// What the account itself sends to a contact (Appendix A.2, §3.4 for approval in advance).
SubscriptionChange outbound(Subscription current, Type type);

// What the contact sends to the account (Appendix A.3).
SubscriptionChange inbound(Subscription current, Type type);

// The roster's words (RFC 6121 §2.1.2.5).
const char* subscription_name(Subscription subscription);

constexpr bool is_subscription(Type type) {
  return type == Type::subscribe || type == Type::subscribed || type == Type::unsubscribe || type == Type::unsubscribed;
}

}  // namespace anser::domain
