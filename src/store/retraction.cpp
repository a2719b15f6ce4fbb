#include "store/retraction.h"

namespace anser::store {

using domain::LogEntry;
using domain::LogRecord;

bool is_retraction(const LogEntry& entry) {
  return entry.kind == domain::RecordKind::message && !entry.envelope.retracts.empty() &&
         entry.envelope.retracted == Time{} && (entry.references.sender_archive || entry.references.recipient_archive);
}

bool names(const LogRecord& retraction, const LogRecord& target) {
  if (!is_retraction(retraction.entry) || target.entry.kind != domain::RecordKind::message) return false;
  const auto &later = retraction.entry.envelope, &earlier = target.entry.envelope;
  const bool tombstone = earlier.retracted != Time{};
  return target.sequence < retraction.sequence && (earlier.retracts.empty() || tombstone) &&
         earlier.from.bare() == later.from.bare() && target.entry.owner == retraction.entry.owner &&
         (earlier.id == later.retracts || earlier.origin_id == later.retracts);
}

bool takes_back(const LogRecord& retraction, const LogRecord& target) {
  return target.entry.envelope.retracted == Time{} && names(retraction, target);
}

void bury(LogRecord& target, const LogRecord& retraction) {
  auto& envelope = target.entry.envelope;
  const auto& by = retraction.entry.envelope;
  domain::Facts facts;
  facts.typed = envelope.facts.typed;
  facts.temporary_sender = envelope.facts.temporary_sender;
  facts.sender_forgoes = envelope.facts.sender_forgoes;
  facts.has_payload = true;  // the tombstone
  envelope.facts = facts;
  envelope.lang.clear();
  envelope.extra.clear();
  envelope.inner = {};
  envelope.retracts = by.id.empty() ? by.origin_id : by.id;
  envelope.retracted = retraction.time;
}

}  // namespace anser::store
