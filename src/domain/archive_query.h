// What may be asked of one account's archive (XEP-0313 §4), in the log's own terms: messages are named by sequence,
// which rises with time. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "core/jid.h"

namespace anser::domain {

inline constexpr std::uint64_t kBehindAll = std::numeric_limits<std::uint64_t>::max();

// A part of an archive: what lies between two sequences, which are left out themselves.
struct ArchiveRange {
  core::Jid owner = {};  // bare
  core::Jid peer = {};   // bare; empty: with anybody
  std::uint64_t after = 0;
  std::uint64_t before = kBehindAll;
  bool backwards = false;  // from the end of the range, newest first
  std::size_t limit = 0;
};

struct ArchiveQuery {
  core::Jid owner = {};  // bare
  // With whom: a bare address with any of its resources, a full one with that alone, the owner's own with himself
  // alone. Empty: with anybody.
  core::Jid with = {};
  std::uint64_t after = 0;
  std::uint64_t before = kBehindAll;
  std::optional<Time> since = {};  // not older
  std::optional<Time> until = {};  // older
  // Sequences that the caller has named: if one is not in the archive, the answer is Errc::not_found.
  std::vector<std::uint64_t> named = {};
  bool only_named = false;  // nothing but these
  bool backwards = false;   // the last page of what matches, not the first
  std::size_t limit = 0;
  std::size_t bytes = 0;  // no more messages once they have so many together
};

}  // namespace anser::domain
