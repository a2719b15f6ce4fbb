// Reads archives (XEP-0313) after a load to see that they hold all of it once and in order, and nothing else: the
// accounts must have been new.
#pragma once

#include <cstdint>

#include "fleet.h"
#include "traffic.h"

namespace anser::load {

// What was read: archives and messages in them.
struct ArchiveCount {
  std::size_t archives = 0;
  std::uint64_t messages = 0;
};

// Every account's; of thousands, every so many'th, at least 200. Page by page, since a server need not know how many
// messages a page of none stands for (XEP-0059, section 2.7). The error says which archive differs from the traffic.
Result<ArchiveCount> count_archives(Fleet& fleet, const Traffic& traffic, Tick deadline);

}  // namespace anser::load
