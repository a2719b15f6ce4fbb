// The generator's event loop: raw epoll, one thread, level-triggered. What is written while a batch of events is
// handled goes out once per connection when the batch is done, so a connection that got five messages answers with one
// send.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace anser::load {

// A connection as the loop sees it. It must outlive the batch in which it closed: owners free it between two runs.
class Watched {
 public:
  virtual ~Watched() = default;
  virtual void on_events(std::uint32_t events) = 0;  // epoll's bits
  virtual void flush() = 0;                          // after the batch, when it asked for it
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Result<void> watch(int socket, Watched& watched, std::uint32_t events);
  void change(int socket, Watched& watched, std::uint32_t events);
  void flush_later(Watched& watched) { to_flush_.push_back(&watched); }

  // Handles events until `done` says so (asked after every batch) or the deadline passes; false for the latter.
  bool run_until(Tick deadline, const std::function<bool()>& done);
  void run_for(std::chrono::milliseconds time);

 private:
  void flush_all();

  int epoll_ = -1;
  std::vector<Watched*> to_flush_;
};

inline Tick now() { return std::chrono::steady_clock::now(); }

}  // namespace anser::load
