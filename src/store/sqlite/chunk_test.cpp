#include "store/sqlite/chunk.h"

#include <gtest/gtest.h>

namespace anser::store {
namespace {

Time at(std::int64_t microseconds) { return Time{Duration{microseconds}}; }

std::string pack(const std::vector<ChunkEntry>& entries) {
  std::string chunk;
  for (std::size_t i = 0; i < entries.size(); ++i) append_entry(i ? &entries[i - 1] : nullptr, entries[i], chunk);
  return chunk;
}

TEST(Chunk, GivesBackWhatItTook) {
  const std::vector<ChunkEntry> entries{
      {.sequence = 7, .peer = 1, .roles = kSent, .time = at(1'700'000'000'000'000), .hash = 0},
      {.sequence = 8,
       .peer = 1 << 30,
       .roles = kSent | kReceived,
       .time = at(1'700'000'000'000'001),
       .hash = 0xffffffff},
      {.sequence = 1ull << 50, .peer = 3, .roles = kReceived, .time = at(-5), .hash = 0x01020304}};

  const auto decoded = decode_chunk(pack(entries));

  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, entries);
}

TEST(Chunk, TakesAFewBytesForAnEntry) {
  std::vector<ChunkEntry> entries;
  for (std::size_t i = 0; i < kChunkEntries; ++i) {
    entries.push_back({.sequence = 1'000'000 + 900 * i,
                       .peer = 20'000,
                       .roles = kSent,
                       .time = at(1'700'000'000'000'000 + 60'000'000 * static_cast<std::int64_t>(i)),
                       .hash = 77});
  }

  EXPECT_LE(pack(entries).size(), 14 * kChunkEntries);
}

TEST(Chunk, RefusesWhatIsCutShort) {
  const std::string chunk = pack({{.sequence = 300, .peer = 1, .roles = kSent, .time = at(9), .hash = 5}});

  for (std::size_t size = 1; size < chunk.size(); ++size) {
    const auto decoded = decode_chunk(std::string_view{chunk}.substr(0, size));
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code, Errc::storage_failed);
  }
}

TEST(Chunk, HashesBothIdsSoThatEitherMayNameTheMessage) {
  domain::Envelope envelope;
  envelope.id = "1";
  envelope.origin_id = "a";

  const auto hash = message_hash(envelope);

  EXPECT_EQ(hash, 0xcd20'9310u);  // FNV-1a folded: of "a" above that of "1"; both are in files
  EXPECT_TRUE(may_be_named(hash, "1"));
  EXPECT_TRUE(may_be_named(hash, "a"));
  EXPECT_FALSE(may_be_named(hash, "b"));
  envelope.origin_id.clear();
  EXPECT_TRUE(may_be_named(message_hash(envelope), "1"));
  EXPECT_FALSE(may_be_named(message_hash(envelope), "a"));
}

}  // namespace
}  // namespace anser::store
