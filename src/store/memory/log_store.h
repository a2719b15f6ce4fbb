// The log in memory: for tests, and for a server that shall forget everything. Records are kept as the bytes that an
// engine on disk would keep, so both give back the same. Any thread: the writer and the reader share it.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "domain/ports.h"

namespace anser::store {

class MemoryLogStore final : public domain::LogStore {
 public:
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
  struct Stored {
    Time time;
    std::string bytes;
  };
  using Records = std::map<std::uint64_t, Stored>;
  static Result<domain::LogRecord> read_record(const Records::value_type& stored);
  void keep(const domain::SessionNote& note, std::uint64_t sequence);

  std::mutex mutex_;
  Records records_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> notes_;  // by session and key
  std::uint64_t last_sequence_ = 0;
  Time last_time_{};
};

}  // namespace anser::store
