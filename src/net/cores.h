// All event loops of the program, one per core of the machine. Owned by the program; outlives everything that lives on
// a core, and is outlived by nothing that posts to one.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "net/core.h"

namespace anser::net {

class Cores {
 public:
  static constexpr unsigned kMost = 1024;

  explicit Cores(unsigned count);  // 0: as many as the hardware has
  ~Cores();                        // stops and joins

  void start();
  void stop();  // from any thread; loops end after the handler they are in
  void join();

  unsigned size() const { return static_cast<unsigned>(cores_.size()); }
  Core& at(CoreId id) { return *cores_[id]; }

  // From any thread. Runs `action` on that core, in the order of posting per thread; wakes the loop only when it
  // sleeps.
  void post(CoreId to, std::function<void()> action);

 private:
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::thread> threads_;
};

}  // namespace anser::net
