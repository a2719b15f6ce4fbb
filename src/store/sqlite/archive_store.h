// archive.db: who has what. The log holds the messages; here are only sequences, so the file can be made again from the
// log as long as nothing was erased there. One thread at a time; a second store on the same file may read beside it.
//
//   address          bare addresses by small integers
//   chunk            an owner's archive, packed (chunk.h); peer_chunk says which chunks hold anything with a peer
//   offline          what an owner has yet to get
//   reference_block  for 512 records each what refers to them, a byte each; a record whose byte becomes 0 is dead
//   dead             dead records, a row for each batch, until the log has erased them
//   retraction       messages of the last batch that take others back, until the log has written over those
//   watermark        everything up to here is placed; moved by the transaction that placed it
#pragma once

#include <memory>

#include "domain/ports.h"
#include "store/sqlite/addresses.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/placement.h"

namespace anser::store {

class SqliteArchiveStore final : public domain::ArchiveStore {
 public:
  static Result<std::unique_ptr<SqliteArchiveStore>> open(const std::filesystem::path& file,
                                                          const Connection::Options& options);

  Result<std::uint64_t> watermark() override;
  Result<std::vector<std::uint64_t>> place(std::span<const domain::LogRecord> records) override;
  Result<std::vector<std::uint64_t>> dead() override;
  Result<std::vector<std::uint64_t>> retractions() override;
  Result<std::vector<std::uint64_t>> may_bear(const domain::Sought& sought, std::size_t& work) override;
  Result<Expired> expire(const domain::Expiry& expiry) override;
  Result<std::vector<std::uint64_t>> offline(const domain::Jid& owner, std::uint64_t after, std::size_t limit) override;
  Result<std::vector<std::uint64_t>> archived(const domain::ArchiveRange& range) override;

 private:
  explicit SqliteArchiveStore(std::unique_ptr<Connection> database)
      : database_(std::move(database)), addresses_(*database_) {}

  Result<std::vector<std::uint64_t>> place_in_transaction(std::span<const domain::LogRecord> records);
  // owner, peer (0: any), after, before -> entries, first
  Statement select_chunks(bool with_peer, bool backwards);
  Result<void> forget_erased();
  Result<void> remember_retractions(std::span<const std::uint64_t> retractions);
  Result<Expired> expire_in_transaction(const domain::Expiry& expiry);
  Result<std::size_t> expire_old(Placement& placement, const domain::Expiry& expiry);
  Result<std::size_t> expire_surplus(Placement& placement, const domain::Expiry& expiry);
  Result<void> remember_dead(std::span<const std::uint64_t> sequences);

  std::unique_ptr<Connection> database_;
  Addresses addresses_;
  std::int64_t reported_ = 0;  // the last row of `dead` that was given out
  bool retracted_ = true;      // there may be rows of `retraction`
};

}  // namespace anser::store
