#include "anser/loop.h"

#include <boost/asio/io_context.hpp>
#include <functional>
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

// What an application's io_context has of ours.
class Known final : public boost::asio::execution_context::service {
 public:
  static boost::asio::execution_context::id id;

  explicit Known(boost::asio::execution_context& context) : service(context) {}
  std::mutex mutex;
  std::weak_ptr<LoopState> state;

 private:
  // What still runs on the worker must not come back to a loop that is gone.
  void shutdown() override {
    if (const auto left = state.lock()) left->stop_workers();
  }
};

boost::asio::execution_context::id Known::id;

}  // namespace

LoopState::LoopState() {
  std::promise<net::Core*> made;
  auto core = made.get_future();
  thread_ = std::thread{&run, std::move(made)};
  core_ = core.get();
}

LoopState::LoopState(boost::asio::io_context& io) : core_(&net::Core::of(io)) {}

std::shared_ptr<LoopState> LoopState::of(boost::asio::io_context& io) {
  auto& known = boost::asio::use_service<Known>(io);
  const std::lock_guard lock{known.mutex};
  auto state = known.state.lock();
  if (!state) known.state = state = std::make_shared<LoopState>(io);
  return state;
}

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

void LoopState::stop_workers() {
  if (workers_) workers_->stop();
}

net::Workers& LoopState::workers() {
  if (!workers_) workers_ = std::make_unique<net::Workers>(1, kWork);
  return *workers_;
}

Features LoopState::shared(std::vector<std::string> features) {
  constexpr std::size_t kServers = 256;  // that are known at once; what nobody uses is forgotten first
  std::size_t hash = features.size();
  for (const std::string& feature : features) hash = hash * 31 + std::hash<std::string>{}(feature);
  if (const auto known = features_.find(hash); known != features_.end()) {
    auto same = known->second.lock();
    if (same && *same == features) return same;
  }
  auto made = std::make_shared<const std::vector<std::string>>(std::move(features));
  if (features_.size() >= kServers) std::erase_if(features_, [](const auto& entry) { return entry.second.expired(); });
  if (features_.size() < kServers) features_[hash] = made;
  return made;
}

Loop::Loop() : state_(std::make_shared<LoopState>()) {}
Loop::Loop(boost::asio::io_context& io) : state_(LoopState::of(io)) {}

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
