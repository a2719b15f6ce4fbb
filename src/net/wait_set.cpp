#include "net/wait_set.h"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace anser::net {
namespace {

// steady_clock is the kernel's monotonic one. Zero would disarm.
itimerspec at(Moment moment) {
  const auto since = std::max(moment.time_since_epoch(), Moment::duration{1});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  itimerspec spec{};
  spec.it_value.tv_sec = seconds.count();
  spec.it_value.tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count();
  return spec;
}

}  // namespace

WaitSet::WaitSet(Core& core) : epoll_(core.io()) {}

Result<void> WaitSet::open() {
  File epoll{::epoll_create1(EPOLL_CLOEXEC)};
  timer_ = File{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  if (!epoll || !timer_) return fail(Errc::resource_limit, "cannot wait for the network: {}", std::strerror(errno));

  boost::system::error_code error;
  epoll_.assign(epoll.get(), error);
  if (error) return fail(Errc::resource_limit, "cannot wait for the network: {}", error.message());
  epoll.release();
  if (!watch(timer_.get(), EPOLLIN)) {
    return fail(Errc::resource_limit, "cannot wait for the network: {}", std::strerror(errno));
  }
  return {};
}

bool WaitSet::watch(int fd, std::uint32_t what) {
  epoll_event wish{};
  wish.events = what;
  wish.data.fd = fd;
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, fd, &wish) == 0) return true;
  return errno == ENOENT && ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &wish) == 0;
}

void WaitSet::forget(int fd) { ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, fd, nullptr); }

Task<Result<std::span<const epoll_event>>> WaitSet::wait(Moment until) {
  const itimerspec spec = at(until);
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);  // and what it had counted is forgotten
  for (;;) {
    const auto [error] = co_await epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read, kAwait);
    if (error) co_return fail(Errc::closed, "given up before it was done");

    const int count = ::epoll_wait(epoll_.native_handle(), events_.data(), kEvents, 0);
    if (count <= 0) continue;  // woken without cause
    const auto end = std::remove_if(events_.begin(), events_.begin() + count,
                                    [this](const epoll_event& event) { return event.data.fd == timer_.get(); });
    co_return std::span<const epoll_event>{events_.begin(), end};
  }
}

}  // namespace anser::net
