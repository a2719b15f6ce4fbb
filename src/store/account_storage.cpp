#include "store/account_storage.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"

namespace anser::store {
namespace {

// Who reads goes on while the database is locked, so nothing says when it is free again.
constexpr std::chrono::minutes kTellOfLockEvery{1};

bool storage_error(const Error& error) { return error.code == Errc::storage_failed || error.code == Errc::disk_full; }

}  // namespace

AccountStorage::AccountStorage(domain::AccountStore& store, CorePost post, Fatal fatal, AccountStorageOptions options)
    : store_(store), post_(std::move(post)), fatal_(std::move(fatal)), options_(options), thread_([this] {
        serve();
      }) {}

AccountStorage::~AccountStorage() { stop(); }

void AccountStorage::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void AccountStorage::submit(domain::CoreId core, Work work, Done done) {
  Error refusal;
  {
    const std::lock_guard lock{mutex_};
    if (failed_) {
      refusal = *failed_;
    } else if (stopping_) {
      refusal = {Errc::closed, "the account store is closed"};
    } else if (waiting_.size() >= options_.queue) {
      refusal = {Errc::resource_limit, "too many jobs wait for the account store"};
    } else {
      waiting_.push_back({core, std::move(work), std::move(done)});
      if (waiting_.size() == 1) wake_.notify_one();
      return;
    }
  }
  post_(core, [done = std::move(done), refusal = std::move(refusal)] { done(tl::make_unexpected(refusal)); });
}

void AccountStorage::serve() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;

    const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), options_.batch));
    std::vector<Job> jobs{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.begin() + count)};
    waiting_.erase(waiting_.begin(), waiting_.begin() + count);
    lock.unlock();
    run_batch(jobs);
    lock.lock();
  }
}

void AccountStorage::run_batch(std::vector<Job>& jobs) {
  auto outcomes = execute(jobs);

  std::map<domain::CoreId, std::shared_ptr<std::vector<Outcome>>> by_core;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    auto& core = by_core[jobs[i].core];
    if (!core) core = std::make_shared<std::vector<Outcome>>();
    core->push_back({std::move(jobs[i].done), std::move(outcomes[i])});
  }
  for (const auto& [core, batch] : by_core) {
    post_(core, [batch = batch] {
      for (auto& outcome : *batch) outcome.done(std::move(outcome.result));
    });
  }
}

// One outcome for each job. When the store itself fails, the whole batch is undone: SQLite may have done so already.
std::vector<Result<void>> AccountStorage::execute(std::vector<Job>& jobs) {
  std::vector<Result<void>> outcomes;
  const auto all_fail = [&](const Error& error) {
    store_.rollback();
    broke(error);
    return std::vector<Result<void>>(jobs.size(), tl::make_unexpected(error));
  };
  if (failed_) return std::vector<Result<void>>(jobs.size(), tl::make_unexpected(*failed_));

  if (auto begun = store_.begin(); !begun) return all_fail(begun.error());
  for (auto& job : jobs) {
    if (auto marked = store_.savepoint(); !marked) return all_fail(marked.error());
    Result<void> outcome = job.work(store_);
    if (!outcome && storage_error(outcome.error())) return all_fail(outcome.error());
    if (!outcome) store_.rollback_to_savepoint();
    if (!outcome && outcome.error().code == Errc::timeout)
      outcome = tl::make_unexpected(refused_by_lock(outcome.error()));
    outcomes.push_back(std::move(outcome));
  }
  if (auto committed = store_.commit(); !committed) return all_fail(committed.error());
  if (std::exchange(disk_full_, false)) log::info("store", "changes of accounts are stored again");
  return outcomes;
}

Error AccountStorage::refused_by_lock(const Error& error) {
  const Tick now = std::chrono::steady_clock::now();
  if (!told_of_lock_ || now - *told_of_lock_ >= kTellOfLockEvery) {
    told_of_lock_ = now;
    log::warn("store", "changes of accounts are refused: {}", error.message);
  }
  return {Errc::resource_limit, "this cannot be stored at the moment; try again later"};
}

// Storage that failed is not tried again; a full disk is.
void AccountStorage::broke(const Error& error) {
  if (error.code == Errc::disk_full) {
    if (!std::exchange(disk_full_, true)) log::warn("store", "changes of accounts are refused: {}", error.message);
    return;
  }
  {
    const std::lock_guard lock{mutex_};
    failed_ = error;
  }
  fatal_(error);
}

}  // namespace anser::store
