// For who destroys a connection and waits for its end. Apart from the session, so that the loop's thread has let go of
// that before it says so: it is destroyed where the connection is.
#pragma once

#include <condition_variable>
#include <mutex>

namespace anser::sdk {

class Gone {
 public:
  void attempt_begins() {
    change([this] { ++attempts_; });
  }
  void attempt_is_over() {
    change([this] { --attempts_; });
  }
  void abandon() {
    change([this] { abandoned_ = true; });
  }
  void wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return abandoned_ && attempts_ == 0; });
  }

 private:
  template <class Change>
  void change(Change change) {
    const std::lock_guard lock{mutex_};
    change();
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int attempts_ = 0;  // one may begin before the last has returned
  bool abandoned_ = false;
};

}  // namespace anser::sdk
