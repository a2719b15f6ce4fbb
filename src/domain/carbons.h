// Which messages all devices of an account should see (XEP-0280 §6.1, urn:xmpp:carbons:rules:0): a rule without side
// effects over the facts that the door has read off.
#pragma once

#include "domain/envelope.h"

namespace anser::domain {

// The sender's other devices get a copy of it.
bool copied_to_sender(const Envelope& message);

// The recipient's devices that are not given the message itself get a copy of it.
bool copied_to_recipient(const Envelope& message);

}  // namespace anser::domain
