// What a Loop is a handle of: a core, on a thread of its own or on the application's io_context; and one worker for
// what would hold the loop up (key derivation, certificate files, the application's socket factory).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "anser/loop.h"
#include "net/core.h"
#include "net/workers.h"

namespace anser::sdk {

class LoopState {
 public:
  static constexpr std::size_t kWork = 20'000;  // that waits for the worker: every connection of a process may log in

  LoopState();                                      // with a thread
  explicit LoopState(boost::asio::io_context& io);  // the application's
  ~LoopState();                                     // on any thread, its own too; no connection is left
  LoopState(const LoopState&) = delete;
  LoopState& operator=(const LoopState&) = delete;

  net::Core& core() { return *core_; }
  net::Workers& workers();  // on the loop's thread
  bool on_its_thread() const { return core_->io().get_executor().running_in_this_thread(); }
  bool has_thread() const { return thread_.joinable(); }

 private:
  net::Core* core_ = nullptr;
  std::thread thread_;  // owns the core
  std::unique_ptr<net::Workers> workers_;
};

struct LoopAccess {
  static const std::shared_ptr<LoopState>& state(const Loop& loop) { return loop.state_; }
};

}  // namespace anser::sdk
