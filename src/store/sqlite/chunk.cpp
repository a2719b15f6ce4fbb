#include "store/sqlite/chunk.h"

#include "domain/byte_codec.h"

namespace anser::store {
namespace {

constexpr unsigned kRoleBits = 2;
constexpr std::uint8_t kRoleMask = 3;

std::uint64_t microseconds(Time time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }

std::uint32_t folded_hash(std::string_view id) {
  constexpr std::uint32_t kOffset = 2'166'136'261, kPrime = 16'777'619;
  std::uint32_t hash = kOffset;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return (hash >> 16) ^ (hash & 0xffff);
}

}  // namespace

std::uint32_t message_hash(const domain::Envelope& envelope) {
  return folded_hash(envelope.id) | folded_hash(envelope.origin_id) << 16;
}

bool may_be_named(std::uint32_t hash, std::string_view id) {
  const std::uint32_t wanted = folded_hash(id);
  return (hash & 0xffff) == wanted || hash >> 16 == wanted;
}

void append_entry(const ChunkEntry* before, const ChunkEntry& entry, std::string& chunk) {
  domain::put_varint(chunk, entry.sequence - (before ? before->sequence : 0));
  domain::put_varint(chunk, static_cast<std::uint64_t>(entry.peer) << kRoleBits | entry.roles);
  // Subtraction and addition wrap, so a time before 1970 or before its neighbour's comes back right, only longer.
  domain::put_varint(chunk, microseconds(entry.time) - (before ? microseconds(before->time) : 0));
  for (unsigned shift = 0; shift < 32; shift += 8) chunk += static_cast<char>(entry.hash >> shift);
}

Result<std::vector<ChunkEntry>> decode_chunk(std::string_view chunk) {
  std::vector<ChunkEntry> entries;
  entries.reserve(kChunkEntries);
  domain::ByteReader reader{chunk};
  std::uint64_t sequence = 0, time = 0;
  while (!reader.rest().empty()) {
    ChunkEntry entry;
    entry.sequence = sequence += reader.varint();
    const std::uint64_t peer = reader.varint();
    entry.peer = static_cast<std::int64_t>(peer >> kRoleBits);
    entry.roles = static_cast<std::uint8_t>(peer & kRoleMask);
    time += reader.varint();
    entry.time = Time{Duration{static_cast<std::int64_t>(time)}};
    for (unsigned shift = 0; shift < 32; shift += 8) entry.hash |= static_cast<std::uint32_t>(reader.byte()) << shift;
    if (!reader.ok()) return fail(Errc::storage_failed, "archive.db holds a damaged chunk");
    entries.push_back(entry);
  }
  return entries;
}

}  // namespace anser::store
