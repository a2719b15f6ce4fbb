// The thread of accounts.db. Cores submit jobs; the thread takes all that wait, runs them in order inside one
// transaction, commits once, and brings the outcomes home with one post per core. A job that fails is undone alone, its
// neighbours stay. A commit that fails, fails the whole batch; if the disk was not just full, the store is not used any
// more and `fatal` is called once. While another process holds the database's lock, jobs that only read go on, and
// those that write are refused with Errc::resource_limit. Owner: the application. `submit` may be called from any
// thread; the store is touched by the storage thread only. What cannot happen: a `done` before its commit, or two jobs
// of one core finishing out of order.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "domain/ports.h"
#include "store/core_post.h"

namespace anser::store {

struct AccountStorageOptions {
  std::size_t queue = 16'384;  // jobs that wait (`storage.queue`); past it, Errc::resource_limit
  std::size_t batch = 1'024;   // jobs in one transaction
};

class AccountStorage final : public domain::Storage {
 public:
  AccountStorage(domain::AccountStore& store, CorePost post, Fatal fatal, AccountStorageOptions options = {});
  ~AccountStorage() override;  // stop()

  void submit(domain::CoreId core, Work work, Done done) override;

  // Finishes what waits, then ends the thread; what is submitted afterwards is refused with Errc::closed.
  void stop();

 private:
  struct Job {
    domain::CoreId core;
    Work work;
    Done done;
  };
  struct Outcome {
    Done done;
    Result<void> result;
  };

  void serve();
  void run_batch(std::vector<Job>& jobs);
  std::vector<Result<void>> execute(std::vector<Job>& jobs);
  void broke(const Error& error);
  Error refused_by_lock(const Error& error);

  domain::AccountStore& store_;
  const CorePost post_;
  const Fatal fatal_;
  const AccountStorageOptions options_;

  // storage thread only
  bool disk_full_ = false;              // the last batch was refused
  std::optional<Tick> told_of_lock_{};  // when the log said so

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job> waiting_;
  std::optional<Error> failed_;  // written by the storage thread alone
  bool stopping_ = false;
  std::thread thread_;  // last: starts when everything above is there
};

}  // namespace anser::store
