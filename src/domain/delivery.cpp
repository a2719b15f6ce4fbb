#include "domain/delivery.h"

namespace anser::domain {

bool storable(const Envelope& message) {
  const bool kept_type = message.type == Type::normal || message.type == Type::chat;
  return kept_type && message.facts.has_payload && !message.facts.no_store &&
         (!message.facts.chat_state_only || message.facts.store);
}

bool archivable(const Envelope& message) {
  return storable(message) && (message.facts.has_body || message.facts.store || !message.retracts.empty()) &&
         !message.facts.no_permanent_store;
}

Fate fate_of(const Account& account, const Envelope& message, const Jid& target) {
  const bool answered = message.type != Type::error && message.type != Type::headline;  // these two are never bounced
  const Fate unwanted = answered ? Fate::refuse : Fate::ignore;
  if (!account.present() || (!message.failure && account.blocks(message.from))) return unwanted;

  if (!target.resource().empty()) {
    if (account.find_session(target.resource())) return Fate::one;
    if (message.type != Type::chat) return unwanted;  // §8.5.3.2.1; only chat goes on as if sent to the account
  }
  switch (message.type) {
    case Type::groupchat:
      return Fate::refuse;
    case Type::error:
      return Fate::ignore;
    case Type::headline:
      return account.any_eligible() ? Fate::all : Fate::ignore;
    default:
      break;
  }
  if (account.any_eligible()) return Fate::all;
  if (account.temporary()) return Fate::refuse;
  return storable(message) ? Fate::store : Fate::ignore;
}

}  // namespace anser::domain
