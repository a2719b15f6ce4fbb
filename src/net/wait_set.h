// One coroutine that waits for several descriptors and a point in time at once: look-ups, races of connections, talks
// with a proxy. Off the hot path; a connection waits in Poller.
//
// An epoll of its own with a timer in it, and the loop watches that one descriptor. So nothing calls back into its
// owner: it lives in the coroutine's frame and goes with it, whether that ends, is cancelled or dies with its core.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <chrono>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "net/core.h"
#include "net/file.h"
#include "net/task.h"

namespace anser::net {

using Moment = std::chrono::steady_clock::time_point;

class WaitSet {
 public:
  explicit WaitSet(Core& core);
  WaitSet(const WaitSet&) = delete;
  WaitSet& operator=(const WaitSet&) = delete;

  // Errc::resource_limit when the system has no descriptors left; then nothing else may be called.
  Result<void> open();

  // Waits for `what` (EPOLLIN, EPOLLOUT) of a descriptor from now on, instead of what was asked for it before. False
  // with errno when the kernel refuses.
  bool watch(int fd, std::uint32_t what);
  void forget(int fd);  // before it is closed

  // What has become possible; nothing when `until` has passed. Valid until the next wait. Errc::closed when the owner's
  // task was cancelled: return at once, for a cancelled task cannot wait any more.
  Task<Result<std::span<const epoll_event>>> wait(Moment until);

 private:
  static constexpr int kEvents = 16;  // of one wait; the others come with the next

  boost::asio::posix::basic_stream_descriptor<Executor> epoll_;
  File timer_;
  std::array<epoll_event, kEvents> events_;
};

}  // namespace anser::net
