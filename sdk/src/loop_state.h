// What a Loop is a handle of: a core, on a thread of its own or on the application's io_context; and one worker for
// what would hold the loop up (key derivation, certificate files, the application's socket factory).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "anser/loop.h"
#include "anser/message.h"
#include "net/core.h"
#include "net/workers.h"

namespace anser::sdk {

// Sorted; the same for all who have the same.
using Features = std::shared_ptr<const std::vector<std::string>>;

class LoopState {
 public:
  static constexpr std::size_t kWork = 20'000;  // that waits for the worker: every connection of a process may log in

  LoopState();                                      // with a thread
  explicit LoopState(boost::asio::io_context& io);  // the application's
  // The one of an io_context.
  static std::shared_ptr<LoopState> of(boost::asio::io_context& io);
  ~LoopState();  // on any thread, its own too; no connection is left
  LoopState(const LoopState&) = delete;
  LoopState& operator=(const LoopState&) = delete;

  net::Core& core() { return *core_; }
  net::Workers& workers();  // on the loop's thread
  void stop_workers();
  // Thousands of connections mostly talk to one server, and learn the same about it. On the loop's thread.
  Features shared(std::vector<std::string> features);
  // Of messages that have been dealt with; the next ones are made in their memory. On the loop's thread.
  // Nothing that takes more than kSpareBytes is kept.
  static constexpr std::size_t kSpareBytes = 4'096;
  std::unique_ptr<Message> spare_message;
  std::string spare_text;
  bool on_its_thread() const { return core_->io().get_executor().running_in_this_thread(); }
  bool has_thread() const { return thread_.joinable(); }

 private:
  net::Core* core_ = nullptr;
  std::thread thread_;  // owns the core
  std::unique_ptr<net::Workers> workers_;
  std::unordered_map<std::size_t, std::weak_ptr<const std::vector<std::string>>> features_;
};

struct LoopAccess {
  static const std::shared_ptr<LoopState>& state(const Loop& loop) { return loop.state_; }
};

}  // namespace anser::sdk
