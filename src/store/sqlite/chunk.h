// A piece of one owner's archive: up to kChunkEntries placements in order of sequence, packed, so that an owner's
// archive is few rows and paging through it few pages. Pure.
//
//   chunk = 1*entry
//   entry = sequence peer time hash
//   sequence, time = varint: what is added to the entry before (the first: to zero)
//   peer = varint: the peer's address id, times 4, plus the roles (1 the owner sent it, 2 the owner got it)
//   hash = 4 bytes, little-endian: message_hash
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/envelope.h"

namespace anser::store {

inline constexpr std::size_t kChunkEntries = 64;

inline constexpr std::uint8_t kSent = 1;
inline constexpr std::uint8_t kReceived = 2;

struct ChunkEntry {
  std::uint64_t sequence = 0;
  std::int64_t peer = 0;   // address id
  std::uint8_t roles = 0;  // kSent, kReceived; both in messages to oneself
  Time time{};
  std::uint32_t hash = 0;

  friend bool operator==(const ChunkEntry&, const ChunkEntry&) = default;
};

// Of the sender's ids for a message, the attribute in the lower half, the origin-id in the upper one: finds what a
// retraction is about without reading the log, by whichever of the two it names. FNV-1a folded to 16 bits each.
std::uint32_t message_hash(const domain::Envelope& envelope);
// One message in some 32,000 is a false alarm: whoever acts on it compares the ids.
bool may_be_named(std::uint32_t hash, std::string_view id);

// `before` is the chunk's last entry, none for the first.
void append_entry(const ChunkEntry* before, const ChunkEntry& entry, std::string& chunk);
// Errc::storage_failed.
Result<std::vector<ChunkEntry>> decode_chunk(std::string_view chunk);

}  // namespace anser::store
