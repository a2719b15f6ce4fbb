// The archive in memory: for tests, and for a server that shall forget everything. Plain maps that say what the packed
// engine must say. Any thread: the writer and the reader share it.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "domain/ports.h"

namespace anser::store {

class MemoryArchiveStore final : public domain::ArchiveStore {
 public:
  Result<std::uint64_t> watermark() override;
  Result<std::vector<std::uint64_t>> place(std::span<const domain::LogRecord> records) override;
  Result<std::vector<std::uint64_t>> dead() override;
  Result<std::vector<std::uint64_t>> retractions() override;
  Result<std::vector<std::uint64_t>> may_bear(const domain::Sought& sought, std::size_t& work) override;
  Result<Expired> expire(const domain::Expiry& expiry) override;
  Result<std::vector<std::uint64_t>> offline(const domain::Jid& owner, std::uint64_t after, std::size_t limit) override;
  Result<std::vector<std::uint64_t>> archived(const domain::ArchiveRange& range) override;

 private:
  // Who holds a record; it dies with the last of them.
  enum class Holder : std::uint8_t { sender_archive, recipient_archive, offline, outbound };
  struct Placed {
    std::string peer;
    std::set<Holder> roles;
    Time time;
    std::uint32_t hash;
  };

  void place_one(const domain::LogRecord& record);
  void place_message(const domain::LogRecord& record);
  void archive(const std::string& owner, const domain::LogRecord& record, std::string_view peer, Holder role);
  void expire_one(const std::string& owner, const domain::Expiry& expiry);
  void take_back_offline(const std::string& owner, std::uint64_t through);
  void take_back_archive(const std::string& owner);
  void release(std::uint64_t sequence, Holder holder);

  std::mutex mutex_;
  std::uint64_t watermark_ = 0;
  std::map<std::uint64_t, std::set<Holder>> holders_;
  std::map<std::string, std::map<std::uint64_t, Placed>> archives_;  // by owner
  std::map<std::string, std::set<std::uint64_t>> offline_;           // by owner
  std::set<std::uint64_t> dead_;                                     // of the batch being placed
  std::vector<std::uint64_t> retractions_;                           // of the batch that was placed last
  std::set<std::uint64_t> reported_;                                 // until the next call says that they are erased
};

}  // namespace anser::store
