#include "net/poller.h"

#include <boost/asio/post.hpp>
#include <cerrno>
#include <memory>
#include <system_error>

namespace anser::net {

// ---- one socket -----------------------------------------------------------------------------------------------------

bool Watched::watch(Poller& poller, int socket) {
  epoll_event wish{};
  wish.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  wish.data.ptr = this;
  if (::epoll_ctl(poller.epoll_.native_handle(), EPOLL_CTL_ADD, socket, &wish) != 0) return false;
  poller_ = &poller;
  join(poller.all_);
  poller.wait();
  return true;
}

void Watched::unwatch(int socket) {
  if (!poller_) return;
  ::epoll_ctl(poller_->epoll_.native_handle(), EPOLL_CTL_DEL, socket, nullptr);
  poller_->forget(*this);
  unlink();
  if (poller_->all_.alone()) poller_->stop_waiting();
  poller_ = nullptr;
}

void Watched::happened(std::uint32_t events) {
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    hung_up_ = true;
    events |= EPOLLIN | EPOLLOUT;
  }
  ready_ |= events & (kInput | kOutput);
  Poller& poller = *poller_;
  const int at = poller.at_;
  if (output_asked_ && (events & EPOLLOUT)) {
    output_asked_ = false;
    output_possible();
    if (poller.events_[static_cast<std::size_t>(at)].data.ptr != this) return;  // it is gone
  }
  if (waiter_.waits() && (ready_ & awaited_)) {
    ready_ &= ~awaited_;
    waiter_.resume();
  }
}

void Watched::bring_near() const {
  __builtin_prefetch(waiter_.coroutine());
  const char* first = reinterpret_cast<const char*>(this) - lines_before_ * kLine;
  for (std::size_t line = 0; line < lines_; ++line) __builtin_prefetch(first + line * kLine);
}

void Watched::wake() {
  if (!waiter_.waits()) return;
  // Posted, because whoever calls may be anywhere in the middle of something.
  auto resume = std::make_shared<Waiter>();
  waiter_.move_to(*resume);
  boost::asio::post(poller_->io_, [resume] { resume->resume(); });
}

// ---- all of a core --------------------------------------------------------------------------------------------------

Poller::Poller(boost::asio::io_context& io, std::function<void()> looked)
    : io_(io), looked_(std::move(looked)), epoll_(io) {
  const int made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  epoll_.assign(made);
}

void Poller::wait() {
  if (waiting_) return;
  waiting_ = true;
  epoll_.async_wait(decltype(epoll_)::wait_read, [this](const boost::system::error_code& error) {
    waiting_ = false;
    if (!error) return look();
    if (!all_.alone()) wait();  // somebody came after the last one had gone
  });
}

// Nobody is left. An application's loop may run out of work now.
void Poller::stop_waiting() {
  if (waiting_ && !shut_down_) epoll_.cancel();
}

void Poller::look() {
  serve();
  looked_();
  if (!all_.alone()) wait();
}

void Poller::serve() {
  // Also when somebody throws.
  struct Looking {
    explicit Looking(bool& flag) : flag(flag) { flag = true; }
    ~Looking() { flag = false; }
    bool& flag;
  };
  const Looking looking{looking_};
  for (int i = 0; i < kLooksAtOnce; ++i) {
    end_ = ::epoll_wait(epoll_.native_handle(), events_.data(), kEvents, 0);
    const int got = end_;
    if (const Watched* first = got > 0 ? static_cast<const Watched*>(events_[0].data.ptr) : nullptr)
      first->bring_near();
    for (at_ = 0; at_ < end_; ++at_) {
      const epoll_event& event = events_[static_cast<std::size_t>(at_)];
      // Who has been silent for long is not in the cache. What leads to it comes while the one before the last is
      // served, the rest while the last one is.
      if (at_ + 2 < end_) {
        const auto* later = static_cast<const char*>(events_[static_cast<std::size_t>(at_) + 2].data.ptr);
        __builtin_prefetch(later);
        __builtin_prefetch(later + Watched::kLine);
      }
      if (at_ + 1 < end_) {
        const auto* next = static_cast<const Watched*>(events_[static_cast<std::size_t>(at_) + 1].data.ptr);
        if (next) next->bring_near();
      }
      if (event.data.ptr) static_cast<Watched*>(event.data.ptr)->happened(event.events);
    }
    at_ = end_ = 0;
    if (got < kEvents) break;
  }
}

void Poller::forget(Watched& watched) {
  for (int i = at_; i < end_; ++i) {
    auto& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &watched) event.data.ptr = nullptr;
  }
}

void Poller::shut_down() {
  shut_down_ = true;
  while (!all_.alone()) {
    Watched& watched = static_cast<Watched&>(*all_.next);
    watched.unlink();
    watched.waiter_.drop();  // which destroys it with the coroutine that owns it, if it waits
  }
}

}  // namespace anser::net
