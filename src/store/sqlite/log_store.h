// log.db: one row per record, keyed by sequence, so that appends only ever touch the end of the tree. Sequences are
// given once: the last one is remembered when its record is erased. Beside them what sessions have noted, one row for
// each key of each; keys are below 2^63. One thread at a time; a second store on the same file may read beside it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
  Result<std::vector<domain::SessionNote>> notes() override;

 private:
  struct Last {
    std::uint64_t sequence = 0;
    Time time{};
  };

  // What the notes of one append say; `order` is that of submission. The bytes are the records' own.
  struct Put {
    std::uint64_t session, key;
    std::size_t order;
    std::string_view bytes;
  };
  struct Erasure {
    std::uint64_t session, from, through;
    std::size_t order;
  };

  explicit SqliteLogStore(std::unique_ptr<Connection> database) : database_(std::move(database)) {}
  Result<Last> find_last();
  void gather(const domain::SessionNote& note, std::uint64_t sequence);
  Result<void> write_notes();
  void drop_what_is_erased();
  Result<void> write_erasures();
  Result<void> write_puts();

  std::unique_ptr<Connection> database_;
  std::uint64_t last_ = 0;  // of the writer
  std::string buffer_;      // one record's bytes, kept for its capacity
  std::vector<Put> puts_;   // of the append under way, as are
  std::vector<Erasure> erasures_;
};

}  // namespace anser::store
