// Stores that fail, wait or count when a test tells them to; else they do what the store behind them does. The test's
// thread sets them, storage threads meet them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "domain/ports.h"

namespace anser::test {

// A place where storage threads can be held up, as a slow disk does.
class Gate {
 public:
  void close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  void open() {
    const std::lock_guard lock{mutex_};
    closed_ = false;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
    --waiting_;
  }
  void wait_until_somebody_waits() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return closed_ && waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  int waiting_ = 0;
};

// Fails as long as it is set.
class Fault {
 public:
  void set(std::optional<Errc> code) {
    const std::lock_guard lock{mutex_};
    code_ = code;
  }
  Result<void> meet() {
    calls.fetch_add(1);
    gate.pass();
    const std::lock_guard lock{mutex_};
    if (code_) return fail(*code_, "the test says so");
    return {};
  }

  Gate gate;
  std::atomic<int> calls{0};

 private:
  std::mutex mutex_;
  std::optional<Errc> code_;
};

class FaultyLogStore final : public domain::LogStore {
 public:
  explicit FaultyLogStore(std::shared_ptr<domain::LogStore> store) : store_(std::move(store)) {}

  Result<void> append(std::span<const domain::LogRecord> records) override {
    if (auto met = on_append.meet(); !met) return met;
    return store_->append(records);
  }
  Result<std::vector<domain::LogRecord>> read(std::uint64_t from, std::size_t limit) override {
    return store_->read(from, limit);
  }
  Result<std::vector<domain::LogRecord>> fetch(std::span<const std::uint64_t> sequences) override {
    if (auto met = on_fetch.meet(); !met) return tl::make_unexpected(met.error());
    return store_->fetch(sequences);
  }
  Result<std::uint64_t> first_since(Time time) override { return store_->first_since(time); }
  Result<std::uint64_t> last_sequence() override { return store_->last_sequence(); }
  Result<Time> last_time() override { return store_->last_time(); }
  Result<void> erase(std::span<const std::uint64_t> sequences) override {
    if (auto met = on_erase.meet(); !met) return met;
    return store_->erase(sequences);
  }
  Result<void> replace(std::span<const domain::LogRecord> records) override {
    if (auto met = on_replace.meet(); !met) return met;
    return store_->replace(records);
  }

  Result<std::vector<domain::SessionNote>> notes() override {
    if (auto met = on_notes.meet(); !met) return tl::make_unexpected(met.error());
    return store_->notes();
  }

  Fault on_append, on_fetch, on_erase, on_replace, on_notes;

 private:
  std::shared_ptr<domain::LogStore> store_;
};

class FaultyArchiveStore final : public domain::ArchiveStore {
 public:
  explicit FaultyArchiveStore(std::shared_ptr<domain::ArchiveStore> store) : store_(std::move(store)) {}

  Result<std::uint64_t> watermark() override { return store_->watermark(); }
  Result<std::vector<std::uint64_t>> place(std::span<const domain::LogRecord> records) override {
    if (auto met = on_place.meet(); !met) return tl::make_unexpected(met.error());
    return store_->place(records);
  }
  Result<std::vector<std::uint64_t>> dead() override { return store_->dead(); }
  Result<std::vector<std::uint64_t>> retractions() override { return store_->retractions(); }
  Result<std::vector<std::uint64_t>> may_bear(const domain::Sought& sought, std::size_t& work) override {
    if (auto met = on_may_bear.meet(); !met) return tl::make_unexpected(met.error());
    return store_->may_bear(sought, work);
  }
  Result<Expired> expire(const domain::Expiry& expiry) override {
    if (auto met = on_expire.meet(); !met) return tl::make_unexpected(met.error());
    return store_->expire(expiry);
  }
  Result<std::vector<std::uint64_t>> offline(const domain::Jid& owner, std::uint64_t after,
                                             std::size_t limit) override {
    if (auto met = on_offline.meet(); !met) return tl::make_unexpected(met.error());
    return store_->offline(owner, after, limit);
  }
  Result<std::vector<std::uint64_t>> archived(const domain::ArchiveRange& range) override {
    if (auto met = on_archived.meet(); !met) return tl::make_unexpected(met.error());
    return store_->archived(range);
  }

  Fault on_place, on_offline, on_archived, on_expire, on_may_bear;

 private:
  std::shared_ptr<domain::ArchiveStore> store_;
};

}  // namespace anser::test
