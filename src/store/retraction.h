// Taking back (XEP-0424): what a retraction reaches, and what is left of it. Pure; placer, append thread and queries
// all ask here, so they agree.
#pragma once

#include "domain/ports.h"

namespace anser::store {

// A message that takes an earlier one back, and is kept itself.
bool is_retraction(const domain::LogEntry& entry);

// Whether `retraction` is by whoever sent `target`, in the same conversation, later, and names it. What takes back is
// never taken back itself. `target` may be a tombstone: then this retraction, or one like it, has been carried out.
bool names(const domain::LogRecord& retraction, const domain::LogRecord& target);
// The same, and there is something left to take back.
bool takes_back(const domain::LogRecord& retraction, const domain::LogRecord& target);

// Leaves a tombstone: addresses, ids, type, references and time stay, everything that was said goes.
void bury(domain::LogRecord& target, const domain::LogRecord& retraction);

}  // namespace anser::store
