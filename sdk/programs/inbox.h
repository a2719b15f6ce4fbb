// From the library's thread to the program's: a bounded queue, and a descriptor to poll that is readable while
// something is in it. Any number of threads post; one takes.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

namespace anser::programs {

template <class Event>
class Inbox {
 public:
  explicit Inbox(std::size_t limit) : limit_(limit), fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Inbox() {
    if (fd_ >= 0) close(fd_);
  }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  int fd() const { return fd_; }

  // Never waits: an event that finds the queue full is only counted.
  void post(Event event) {
    const std::lock_guard lock{mutex_};
    if (events_.size() >= limit_) {
      ++lost_;
      return;
    }
    events_.push_back(std::move(event));
    const std::uint64_t one = 1;
    // It cannot fail but by overflow, and then the descriptor is readable already.
    [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
  }

  // All there is, oldest first.
  std::deque<Event> take() {
    const std::lock_guard lock{mutex_};
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(fd_, &count, sizeof count);
    return std::exchange(events_, {});
  }

  // How many were not taken in since somebody last asked.
  std::size_t lost() {
    const std::lock_guard lock{mutex_};
    return std::exchange(lost_, 0);
  }

 private:
  const std::size_t limit_;
  const int fd_;
  std::mutex mutex_;
  std::deque<Event> events_;
  std::size_t lost_ = 0;
};

}  // namespace anser::programs
