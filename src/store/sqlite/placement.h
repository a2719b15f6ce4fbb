// One batch of log records on its way into archive.db, inside the store's transaction. It gathers what the records mean
// in memory and writes each touched row once: an owner's open chunk, a block of reference bits, the offline rows that
// are left. What is stored and taken back within one batch never reaches the file. Used once, on the placer's thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "domain/ports.h"
#include "store/sqlite/addresses.h"
#include "store/sqlite/chunk.h"
#include "store/sqlite/connection.h"

namespace anser::store {

class Placement {
 public:
  Placement(Connection& database, Addresses& addresses) : database_(database), addresses_(addresses) {}

  Result<void> add(const domain::LogRecord& record);
  // Writes what was gathered; then dead() is complete.
  Result<void> finish();
  // Records that nothing refers to, ascending.
  const std::vector<std::uint64_t>& dead() const { return dead_; }

  // Records that take messages back, ascending.
  const std::vector<std::uint64_t>& retractions() const { return retractions_; }

  // A chunk as it is in the file, for the expiry of its first entries.
  struct Piece {
    std::int64_t id = 0, owner = 0;
    std::uint64_t first = 0;
    std::vector<ChunkEntry> entries;
  };
  Result<void> cut(const Piece& piece, std::size_t count);

 private:
  struct Block {
    std::string bits;  // one byte for each record
    bool changed = false;
  };

  Result<void> add_message(const domain::LogRecord& record);
  Result<void> add_offline(const domain::LogRecord& record);
  Result<void> add_delivered(const domain::LogRecord& record);
  Result<void> add_released(const domain::LogRecord& record);
  Result<void> add_forget(const domain::LogRecord& record);
  Result<void> insert_peer_chunks(std::int64_t owner, std::span<const ChunkEntry> entries, std::size_t known);
  Result<void> release_archived(std::span<const ChunkEntry> entries);
  Result<void> take_back_offline(std::int64_t owner, std::uint64_t through);
  Result<void> take_back_archive(std::int64_t owner);
  Result<void> write_archives();
  Result<void> write_archive(std::int64_t owner, std::vector<ChunkEntry>& entries);
  Result<void> write_offline();
  Result<void> write_references();

  Result<std::uint8_t*> references(std::uint64_t sequence);
  Result<void> refer(std::uint64_t sequence, std::uint8_t bits);
  Result<void> release(std::uint64_t sequence, std::uint8_t bits);

  Connection& database_;
  Addresses& addresses_;
  std::map<std::int64_t, std::vector<ChunkEntry>> archives_;    // by owner, so that rows are written in their order
  std::map<std::int64_t, std::vector<std::uint64_t>> offline_;  // by owner; ascending, not in the file yet
  std::map<std::uint64_t, Block> blocks_;
  std::vector<std::uint64_t> retractions_;
  std::vector<std::uint64_t> dead_;
};

}  // namespace anser::store
