#include "domain/subscription.h"

#include "base/assert.h"

namespace anser::domain {
namespace {

// What a client sees of an item: subscription, ask and approved; "pending in" it does not.
bool looks_different(Subscription a, Subscription b) {
  if (!a.listed && !b.listed) return false;
  return a.to != b.to || a.from != b.from || a.ask != b.ask || a.approved != b.approved || a.listed != b.listed;
}

}  // namespace

SubscriptionChange outbound(Subscription current, Type type) {
  SubscriptionChange change{.next = current};
  Subscription& next = change.next;
  switch (type) {
    case Type::subscribe:
      change.pass_on = true;
      next.listed = true;
      if (!current.to) next.ask = true;
      break;
    case Type::unsubscribe:
      change.pass_on = true;
      next.to = false;
      next.ask = false;
      break;
    case Type::subscribed:
      if (current.asked) {
        change.pass_on = true;
        next.asked = false;
        next.from = true;
        next.listed = true;
      } else if (!current.from) {
        next.approved = true;
        next.listed = true;
      }
      break;
    case Type::unsubscribed:
      change.pass_on = current.asked || current.from;
      next.asked = false;
      next.from = false;
      next.approved = false;
      break;
    default:
      ANSER_ASSERT(!"not a subscription stanza");
  }
  change.push = looks_different(current, next);
  return change;
}

SubscriptionChange inbound(Subscription current, Type type) {
  SubscriptionChange change{.next = current};
  Subscription& next = change.next;
  switch (type) {
    case Type::subscribe:
      if (current.from) {
        change.reply = true;
        change.reply_type = Type::subscribed;
      } else if (current.approved) {
        next.from = true;
        next.listed = true;
        change.reply = true;
        change.reply_type = Type::subscribed;
      } else if (!current.asked) {
        next.asked = true;
        change.pass_on = true;
      }
      break;
    case Type::unsubscribe:
      if (current.from || current.asked) {
        next.from = false;
        next.asked = false;
        change.pass_on = true;
        change.reply = true;
        change.reply_type = Type::unsubscribed;
      }
      break;
    case Type::subscribed:
      if (current.ask && !current.to) {
        next.to = true;
        next.ask = false;
        change.pass_on = true;
      }
      break;
    case Type::unsubscribed:
      if (current.ask || current.to) {
        next.to = false;
        next.ask = false;
        change.pass_on = true;
      }
      break;
    default:
      ANSER_ASSERT(!"not a subscription stanza");
  }
  change.push = looks_different(current, next);
  return change;
}

const char* subscription_name(Subscription subscription) {
  if (subscription.to) return subscription.from ? "both" : "to";
  return subscription.from ? "from" : "none";
}

}  // namespace anser::domain
