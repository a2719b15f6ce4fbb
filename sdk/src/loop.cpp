#include "anser/loop.h"

#include <future>
#include <utility>

#include "sdk/src/loop_state.h"

namespace anser::sdk {
namespace {

void run(std::promise<net::Core*> made) {
  net::Core core{0};
  made.set_value(&core);
  core.run();
}

}  // namespace

LoopState::LoopState() {
  std::promise<net::Core*> made;
  auto core = made.get_future();
  thread_ = std::thread{&run, std::move(made)};
  core_ = core.get();
}

LoopState::LoopState(boost::asio::io_context& io) : core_(&net::Core::of(io)) {}

LoopState::~LoopState() {
  workers_.reset();
  if (!thread_.joinable()) return;
  // The last one to leave may be the loop itself: then its thread ends by itself, soon.
  const bool own = on_its_thread();
  core_->stop();
  if (own) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

net::Workers& LoopState::workers() {
  if (!workers_) workers_ = std::make_unique<net::Workers>(1, kWork);
  return *workers_;
}

Loop::Loop() : state_(std::make_shared<LoopState>()) {}
Loop::Loop(boost::asio::io_context& io) : state_(std::make_shared<LoopState>(io)) {}

Loop Loop::shared() {
  static std::mutex mutex;
  static std::weak_ptr<LoopState> known;
  const std::lock_guard lock{mutex};
  auto state = known.lock();
  if (!state) known = state = std::make_shared<LoopState>();
  return Loop{std::move(state)};
}

bool Loop::on_its_thread() const { return state_->on_its_thread(); }

}  // namespace anser::sdk
