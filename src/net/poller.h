// Readiness of a core's sockets. Asio asks the kernel anew before every wait (an epoll_ctl and a search among all
// sockets of the loop); here a socket is registered once, edge-triggered, in an epoll of its own, and the loop watches
// that one descriptor. So a wait costs nothing, and one look takes what is ready for many sockets.
//
// Everything is used on the core's own thread. A wait may end without cause: whoever waits tries again and waits again.
// Who is suspended in a wait when the loop is shut down is destroyed with it, as Asio does.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "net/link.h"
#include "net/task.h"

namespace anser::net {

class Poller;

// A suspended coroutine, in place: no allocation for a wait.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { drop(); }

  bool waits() const { return act_ != nullptr; }
  // The handler begins with a pointer to the coroutine that it resumes.
  const void* coroutine() const { return act_ ? *std::launder(reinterpret_cast<void* const*>(room_)) : nullptr; }
  template <class Handler>
  void set(Handler handler) {
    static_assert(sizeof(Handler) <= kRoom && alignof(Handler) <= alignof(void*));
    static_assert(std::is_nothrow_move_constructible_v<Handler>);
    new (room_) Handler(std::move(handler));
    act_ = [](void* room, Waiter* other, bool resume) {
      Handler* handler = std::launder(static_cast<Handler*>(room));
      Handler taken = std::move(*handler);  // before anything else: it may own this object
      handler->~Handler();
      if (other) other->set(std::move(taken));
      if (resume) std::move(taken)();
    };
  }
  void resume() { std::exchange(act_, nullptr)(room_, nullptr, true); }  // may destroy this object
  void drop() {
    if (act_) std::exchange(act_, nullptr)(room_, nullptr, false);
  }
  void move_to(Waiter& other) {
    if (act_) std::exchange(act_, nullptr)(room_, &other, false);
  }

 private:
  static constexpr std::size_t kRoom = 32;
  void (*act_)(void* room, Waiter* other, bool resume) = nullptr;
  alignas(void*) std::byte room_[kRoom];
};

// A socket that a Poller watches; one coroutine may wait on it.
class Watched : private Link {
 public:
  static constexpr std::uint32_t kInput = EPOLLIN, kOutput = EPOLLOUT;
  static constexpr std::size_t kLine = 64;  // of the cache

 protected:
  Watched() = default;
  ~Watched() = default;

  // False with errno when the kernel refuses.
  bool watch(Poller& poller, int socket);
  void unwatch(int socket);
  // True when `what` has become possible since it was last asked for: no need to wait.
  bool take_ready(std::uint32_t what) {
    const bool ready = (ready_ & what) != 0;
    ready_ &= ~what;
    return ready;
  }
  // Resumes when `what` has become possible, or after wake(). Make it, then await it.
  Task<void> suspend(std::uint32_t what) {
    auto start = [this, what](auto handler) {
      ANSER_ASSERT(!waiter_.waits());
      awaited_ = what;
      if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
        slot.assign([this](boost::asio::cancellation_type) { wake(); });
      }
      waiter_.set(std::move(handler));
    };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&, void()>(
        std::move(start), boost::asio::use_awaitable_t<Executor>{});
  }
  // The same without a coroutine: `handler` is called once, from the loop. With 0 only wake() ends the wait. What the
  // handler owns is destroyed with the wait when the loop is shut down.
  template <class Handler>
  void when(std::uint32_t what, Handler handler) {
    ANSER_ASSERT(!waiter_.waits());
    awaited_ = what;
    waiter_.set(std::move(handler));
  }
  // Its owner is touched when it is served, so both come into the cache together: the object that holds this one.
  void held_by(const void* owner, std::size_t bytes) {
    const auto before = reinterpret_cast<const char*>(this) - static_cast<const char*>(owner);
    ANSER_ASSERT(before >= 0 && static_cast<std::size_t>(before) < bytes);
    lines_before_ = static_cast<std::uint16_t>(static_cast<std::size_t>(before) / kLine + 1);
    lines_ = static_cast<std::uint16_t>(bytes / kLine + 1);
  }
  // Ends the wait soon, if there is one.
  void wake();
  // The peer has sent its last byte, or the connection is broken: input will come to its end without another notice.
  bool hung_up() const { return hung_up_; }
  // output_possible() will be called once.
  void ask_for_output() { output_asked_ = true; }

 private:
  friend class Poller;
  virtual void output_possible() = 0;
  void happened(std::uint32_t events);
  void bring_near() const;

  Poller* poller_ = nullptr;
  std::uint32_t ready_ = 0;  // happened, nobody waited
  std::uint32_t awaited_ = 0;
  bool hung_up_ = false;
  bool output_asked_ = false;
  std::uint16_t lines_before_ = 0, lines_ = 2;  // of the owner, in the cache: in front of this and altogether
  Waiter waiter_;
};

class Poller {
 public:
  // `looked` is called each time those who are ready have been served.
  Poller(boost::asio::io_context& io, std::function<void()> looked);

  // On the stack now: those who are ready are being served.
  bool looking() const { return looking_; }

  // Destroys who is suspended.
  void shut_down();

 private:
  friend class Watched;
  static constexpr int kEvents = 128;     // of one look
  static constexpr int kLooksAtOnce = 4;  // then the rest of the loop has its turn

  void wait();
  void stop_waiting();
  void look();
  void serve();
  void forget(Watched& watched);

  boost::asio::io_context& io_;
  const std::function<void()> looked_;
  boost::asio::posix::basic_stream_descriptor<Executor> epoll_;
  Link all_;
  std::array<epoll_event, kEvents> events_;
  int at_ = 0, end_ = 0;  // what look() has in its hands
  bool looking_ = false;
  bool waiting_ = false;
  bool shut_down_ = false;
};

}  // namespace anser::net
