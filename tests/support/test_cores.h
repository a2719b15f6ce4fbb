// Cores without loops: what storage threads post waits here until the test runs it on its own thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "store/core_post.h"

namespace anser::test {

class TestCores {
 public:
  static constexpr std::chrono::seconds kPatience{60};  // only a test that fails waits so long

  store::CorePost post() {
    return [this](domain::CoreId core, std::function<void()> function) {
      const std::lock_guard lock{mutex_};
      waiting_.push_back({core, std::move(function)});
      posted_.notify_all();
    };
  }

  // Runs what is posted until `done` says so; false: it never did.
  bool run_until(const std::function<bool()>& done) {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      std::pair<domain::CoreId, std::function<void()>> next;
      {
        std::unique_lock lock{mutex_};
        if (!posted_.wait_until(lock, give_up, [this] { return !waiting_.empty(); })) return false;
        next = std::move(waiting_.front());
        waiting_.pop_front();
      }
      posts_.push_back(next.first);
      current_ = next.first;
      next.second();
    }
    return true;
  }

  // Runs what is there already.
  void run() {
    run_until([this] {
      const std::lock_guard lock{mutex_};
      return waiting_.empty();
    });
  }

  domain::CoreId current() const { return current_; }                  // whose function runs
  const std::vector<domain::CoreId>& posts() const { return posts_; }  // of all that ran

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::pair<domain::CoreId, std::function<void()>>> waiting_;
  std::vector<domain::CoreId> posts_;
  domain::CoreId current_ = 0;
};

}  // namespace anser::test
