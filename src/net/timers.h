// Coarse timers for time limits and idle checks: thousands of them, armed and moved all the time, fired rarely.
// A timer is part of what it wakes (no allocation), belongs to one core, and disarms itself when destroyed. It never
// fires early and at most one tick late. The loop sleeps while nothing is armed.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "net/link.h"

namespace anser::net {

class TimerWheel;

class Timer : private Link {
 public:
  Timer() = default;
  virtual ~Timer() { disarm(); }

  bool armed() const { return wheel_ != nullptr; }
  void disarm();

 private:
  friend class TimerWheel;
  // Not armed any more when called; may arm again, and may destroy the timer.
  virtual void on_time() = 0;

  TimerWheel* wheel_ = nullptr;
  std::uint32_t due_ = 0;    // the tick it may fire at
  std::uint32_t visit_ = 0;  // the tick its slot is looked at next; moving `due_` further away leaves it where it is
};

// A timer with a function, for those who are not timers themselves.
class Alarm final : public Timer {
 public:
  explicit Alarm(std::function<void()> ring) : ring_(std::move(ring)) {}

 private:
  void on_time() override { ring_(); }
  std::function<void()> ring_;
};

// The same for who has many of them: it calls its owner, and is smaller for that.
template <class Owner>
class AlarmOf final : public Timer {
 public:
  using Ring = void (*)(Owner&);
  AlarmOf(Owner& owner, Ring ring) : owner_(owner), ring_(ring) {}

 private:
  void on_time() override { ring_(owner_); }
  Owner& owner_;
  const Ring ring_;
};

// The rule without the clock: a hashed wheel that counts ticks. Arming, moving and disarming take constant time.
class TimerWheel {
 public:
  static constexpr std::uint32_t kSlots = 256;

  TimerWheel() = default;
  ~TimerWheel();

  // Fires at the first advance() that reaches `due`, which lies in the future (or counts as the next tick). Returns the
  // tick at which the timer is looked at.
  std::uint32_t arm(Timer& timer, std::uint32_t due);
  void advance(std::uint32_t now);
  // When to look again: no timer is due before. Nothing armed, nothing to look at.
  std::optional<std::uint32_t> next() const;
  std::uint32_t now() const { return now_; }
  bool empty() const { return armed_ == 0; }

 private:
  friend class Timer;
  void place(Timer& timer);
  void visit(std::uint32_t slot, std::uint32_t now);

  std::array<Link, kSlots> slots_;
  std::uint32_t now_ = 0;
  std::size_t armed_ = 0;
};

// The wheel on a loop.
class Timers {
 public:
  static constexpr std::chrono::milliseconds kTick{250};

  explicit Timers(boost::asio::io_context& io);

  // Arms or moves. Call it on the loop's thread.
  void arm(Timer& timer, std::chrono::milliseconds after);
  // Nothing is waited for while nothing is armed, so that an application's loop may run out of work. Worth a call after
  // the last one was disarmed.
  void rest();

 private:
  std::uint32_t ticks_now() const;
  void look_again();

  std::chrono::steady_clock::time_point start_;
  TimerWheel wheel_;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    boost::asio::io_context::executor_type>
      alarm_;
  std::optional<std::uint32_t> waking_at_;
};

}  // namespace anser::net
