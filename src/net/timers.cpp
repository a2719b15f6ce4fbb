#include "net/timers.h"

#include <algorithm>

namespace anser::net {

void Timer::disarm() {
  if (!wheel_) return;
  unlink();
  --wheel_->armed_;
  wheel_ = nullptr;
}

TimerWheel::~TimerWheel() {
  for (Link& slot : slots_) {
    while (!slot.alone()) static_cast<Timer*>(slot.next)->disarm();
  }
}

std::uint32_t TimerWheel::arm(Timer& timer, std::uint32_t due) {
  due = std::max(due, now_ + 1);
  if (timer.wheel_ == this && due >= timer.visit_) {
    timer.due_ = due;  // it is looked at before that anyway, and moved then
    return timer.visit_;
  }
  timer.disarm();
  timer.wheel_ = this;
  timer.due_ = due;
  ++armed_;
  place(timer);
  return timer.visit_;
}

// In the slot that is visited when the timer is due, or as late as a full turn of the wheel allows.
void TimerWheel::place(Timer& timer) {
  timer.visit_ = std::min(timer.due_, now_ + kSlots - 1);
  timer.join(slots_[timer.visit_ % kSlots]);
}

void TimerWheel::advance(std::uint32_t now) {
  const std::uint32_t slots = std::min(now - now_, kSlots);  // after a long sleep every slot once is enough
  const std::uint32_t first = now - slots + 1;
  for (std::uint32_t i = 0; i < slots; ++i) {
    now_ = std::max(now_, first + i);
    visit((first + i) % kSlots, now);
  }
  now_ = std::max(now_, now);
}

void TimerWheel::visit(std::uint32_t slot, std::uint32_t now) {
  Link ready;  // taken out first: those who fire may arm and disarm whomever they like
  while (!slots_[slot].alone()) {
    Link& link = *slots_[slot].next;
    link.unlink();
    link.join(ready);
  }
  while (!ready.alone()) {
    Timer& timer = static_cast<Timer&>(*ready.next);
    if (timer.due_ > now) {
      timer.unlink();
      place(timer);
    } else {
      timer.disarm();
      timer.on_time();
    }
  }
}

std::optional<std::uint32_t> TimerWheel::next() const {
  if (armed_ == 0) return std::nullopt;
  for (std::uint32_t tick = now_ + 1; tick <= now_ + kSlots; ++tick) {
    if (!slots_[tick % kSlots].alone()) return tick;
  }
  return now_ + 1;  // only while advance() runs: what it holds in its hands
}

Timers::Timers(boost::asio::io_context& io) : start_(std::chrono::steady_clock::now()), alarm_(io) {}

std::uint32_t Timers::ticks_now() const {
  return static_cast<std::uint32_t>((std::chrono::steady_clock::now() - start_) / kTick);
}

void Timers::arm(Timer& timer, std::chrono::milliseconds after) {
  if (wheel_.empty()) wheel_.advance(ticks_now());  // it stood still meanwhile
  const auto due = std::chrono::steady_clock::now() - start_ + std::max(after, std::chrono::milliseconds{0});
  const auto visit = wheel_.arm(timer, static_cast<std::uint32_t>((due + kTick - std::chrono::nanoseconds{1}) / kTick));
  if (!waking_at_ || visit < *waking_at_) look_again();
}

void Timers::rest() {
  if (!wheel_.empty() || !waking_at_) return;
  waking_at_.reset();
  alarm_.cancel();
}

void Timers::look_again() {
  const auto next = wheel_.next();
  if (!next || (waking_at_ && *waking_at_ <= *next)) return;

  waking_at_ = next;
  alarm_.expires_at(start_ + *next * kTick);
  alarm_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // moved to an earlier time, or the end
    waking_at_.reset();
    wheel_.advance(ticks_now());
    look_again();
  });
}

}  // namespace anser::net
