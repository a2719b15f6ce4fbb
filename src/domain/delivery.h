// What becomes of a message that reaches an account (RFC 6121 §8.5, XEP-0160): a rule without side effects.
#pragma once

#include "domain/account.h"

namespace anser::domain {

enum class Fate : std::uint8_t {
  one,     // to the session that the full address names
  all,     // to every eligible session
  store,   // nobody is there: keep it
  refuse,  // service-unavailable to the sender
  ignore,
};

Fate fate_of(const Account& account, const Envelope& message, const Jid& target);

// Worth keeping for later: XEP-0160 §3 and the hints of XEP-0334.
bool storable(const Envelope& message);
// Belongs in an archive: has a body (or a hint, or takes back what had one), is chat or normal, and no hint forbids it
// (XEP-0313 §6.1.1, XEP-0334, XEP-0424 §5).
bool archivable(const Envelope& message);

}  // namespace anser::domain
