// log.db: one row per record, keyed by sequence, so that appends only ever touch the end of the tree. Sequences are
// given once: the last one is remembered when its record is erased. One thread at a time; a second store on the same
// file may read beside it.
#pragma once

#include <memory>

#include "domain/ports.h"
#include "store/sqlite/connection.h"

namespace anser::store {

class SqliteLogStore final : public domain::LogStore {
 public:
  static Result<std::unique_ptr<SqliteLogStore>> open(const std::filesystem::path& file,
                                                      const Connection::Options& options);

  // Errc::conflict, and nothing is written, when the sequences do not ascend from the last one.
  Result<void> append(std::span<const domain::LogRecord> records) override;
  Result<std::vector<domain::LogRecord>> read(std::uint64_t from, std::size_t limit) override;
  Result<std::vector<domain::LogRecord>> fetch(std::span<const std::uint64_t> sequences) override;
  Result<std::uint64_t> first_since(Time time) override;
  Result<std::uint64_t> last_sequence() override;
  Result<Time> last_time() override;
  Result<void> erase(std::span<const std::uint64_t> sequences) override;
  Result<void> replace(std::span<const domain::LogRecord> records) override;

 private:
  struct Last {
    std::uint64_t sequence = 0;
    Time time{};
  };

  explicit SqliteLogStore(std::unique_ptr<Connection> database) : database_(std::move(database)) {}
  Result<Last> find_last();

  std::unique_ptr<Connection> database_;
  std::uint64_t last_ = 0;  // of the writer
  std::string buffer_;      // one record's bytes, kept for its capacity
};

}  // namespace anser::store
