#include "loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace anser::load {
namespace {

constexpr int kBatch = 256;
// How often `done` is asked when nothing happens at all.
constexpr auto kLongestWait = std::chrono::milliseconds(100);

}  // namespace

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) { ANSER_ASSERT(epoll_ >= 0); }

Loop::~Loop() { close(epoll_); }

Result<void> Loop::watch(int socket, Watched& watched, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &watched}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) return fail(Errc::io, "epoll: {}", std::strerror(errno));
  return {};
}

void Loop::change(int socket, Watched& watched, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &watched}};
  ANSER_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event) == 0);
}

void Loop::flush_all() {
  for (std::size_t i = 0; i < to_flush_.size(); ++i) to_flush_[i]->flush();  // a flush may ask for another
  to_flush_.clear();
}

bool Loop::run_until(Tick deadline, const std::function<bool()>& done) {
  std::array<epoll_event, kBatch> events;
  flush_all();
  while (!done()) {
    const Tick time = now();
    if (time >= deadline) return false;
    const auto wait =
        std::chrono::ceil<std::chrono::milliseconds>(std::min<Tick::duration>(deadline - time, kLongestWait));
    const int count = epoll_wait(epoll_, events.data(), kBatch, static_cast<int>(wait.count()));
    for (int i = 0; i < count; ++i) {
      static_cast<Watched*>(events[static_cast<std::size_t>(i)].data.ptr)
          ->on_events(events[static_cast<std::size_t>(i)].events);
    }
    flush_all();
  }
  return true;
}

void Loop::run_for(std::chrono::milliseconds time) {
  run_until(now() + time, [] { return false; });
}

}  // namespace anser::load
