// A log record as bytes, in log.db and wherever else an engine keeps it whole. Sequence and time are not inside: an
// engine orders by them, so they stand beside. Pure; any thread.
//
//   record  = version kind flags owner target [envelope / sequences]
//             envelope only for a message, sequences only for `released`
//   version = %x01
//   kind    = byte, an enumerator of RecordKind, but not `note`
//   flags   = byte: 1 sender's archive, 2 recipient's archive, 4 offline, 8 outbound, 16 owner is envelope.to's bare
//   owner   = jid, left out with flag 16;   target = varint
//   sequences = varint (how many) *varint (each: what is added to the one before, never 0)
//
// The note of an entry is not inside either: it is stored by session and key.
#pragma once

#include <string>
#include <string_view>

#include "domain/ports.h"

namespace anser::store {

// The sequences of a `released` must ascend.
void encode_entry(const domain::LogEntry& entry, std::string& out);
// Errc::storage_failed: the bytes are not what encode_entry made.
Result<domain::LogEntry> decode_entry(std::string_view bytes);

}  // namespace anser::store
