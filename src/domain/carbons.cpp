#include "domain/carbons.h"

namespace anser::domain {
namespace {

// XEP-0334 §4.3: the hint alone speaks of full addresses only; with <private/> (XEP-0280 §9) it holds for all.
bool forbidden(const Envelope& message) {
  return message.facts.no_carbons || (message.facts.no_copy && !message.to.resource().empty());
}

bool eligible(const Envelope& message) {
  if (message.kind != Kind::message || forbidden(message)) return false;
  switch (message.type) {
    case Type::chat:
      return true;
    case Type::normal:
      return message.facts.has_body || message.facts.conversation;
    case Type::groupchat:
      return false;
    default:
      return message.facts.conversation;  // a headline with a receipt in it; an error by what it answers
  }
}

}  // namespace

// What one says to oneself is seen by all devices as received; an error is told to nobody but whom it concerns.
bool copied_to_sender(const Envelope& message) {
  return eligible(message) && !message.failure && message.from.bare() != message.to.bare();
}

// A room sends what one participant says to another to each of the recipient's devices that have joined.
bool copied_to_recipient(const Envelope& message) {
  return eligible(message) && !(message.facts.from_room && !message.from.resource().empty());
}

}  // namespace anser::domain
