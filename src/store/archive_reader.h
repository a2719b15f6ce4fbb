// Reads one page of an archive: what archive.db has placed, then what the tail adds, with the messages themselves from
// the log. Runs on the read thread. The work is bounded: nothing is read that does not match, but for a single resource
// of a contact, which no index knows; there it gives up after kLooked messages with what it has, and
// says how far it came.
#pragma once

#include <cstdint>

#include "domain/ports.h"
#include "store/tail.h"

namespace anser::store {

inline constexpr std::size_t kLooked = 2'048;

// In what roles the owner's archive shows a record (chunk.h: kSent, kReceived); 0: not at all.
std::uint8_t roles_of(const domain::LogEntry& entry, std::string_view owner);

// Whether a record of the owner's archive is what the query asks for; its bounds in time and sequence included.
bool matches(const domain::LogRecord& record, const domain::ArchiveQuery& query);

Result<domain::ArchivePage> read_archive(const domain::ArchiveQuery& query, Tail::ArchiveView tail,
                                         domain::ArchiveStore& archive, domain::LogStore& log);

}  // namespace anser::store
