#include "net/core.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

namespace anser::net {
namespace {

thread_local Core* current_core = nullptr;

}  // namespace

// Handlers run on one thread only, so descriptors need no locks of their own; posting from elsewhere stays safe.
class Core::Loop : public boost::asio::io_context {
 public:
  Loop() : io_context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO), work_(get_executor()) {}
  using execution_context::shutdown;

 private:
  boost::asio::executor_work_guard<executor_type> work_;
};

// While it lives, this thread is the core's.
class Core::Current {
 public:
  explicit Current(Core& core) : before_(std::exchange(current_core, &core)) {}
  ~Current() { current_core = before_; }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

 private:
  Core* before_;
};

// A core on somebody else's loop, which owns it as one of its services.
class Core::Hosted final : public boost::asio::execution_context::service {
 public:
  static boost::asio::execution_context::id id;

  explicit Hosted(boost::asio::execution_context& context)
      : service(context), core(0, nullptr, &static_cast<boost::asio::io_context&>(context)) {}
  Core core;

 private:
  void shutdown() override { core.shut_down(); }
};

boost::asio::execution_context::id Core::Hosted::id;

Core::Core(CoreId id) : Core(id, std::make_unique<Loop>()) {}

Core::Core(CoreId id, std::unique_ptr<Loop> loop, boost::asio::io_context* io)
    : id_(id),
      read_buffer_(new char[kReadBuffer]),
      scratch_(new char[kScratch]),
      loop_(std::move(loop)),
      io_(loop_ ? loop_.get() : io),
      timers_(*io_),
      poller_(*io_, [this] { looked(); }) {}

Core::~Core() {
  shut_down();
  marked_.unlink();
}

Core* Core::current() { return current_core; }

Core& Core::of(boost::asio::io_context& io) {
  if (current_core && current_core->io_ == &io) return *current_core;
  return boost::asio::use_service<Hosted>(io).core;
}

void Core::at_turn_end(std::function<void()> action) {
  actions_.push_back(std::move(action));
  expect_turn_end();
}

void Core::mark(TurnEnd& end) {
  if (!end.alone()) return;
  end.join(marked_);
  expect_turn_end();
}

// Posted handlers queue up behind those that are ready now: that is what makes it the turn's end.
void Core::expect_turn_end() {
  if (turn_end_expected_) return;
  turn_end_expected_ = true;
  if (!loop_ && poller_.looking()) {
    ends_with_look_ = true;
  } else {
    boost::asio::post(*io_, [this] { end_turn(); });
  }
}

void Core::looked() {
  if (std::exchange(ends_with_look_, false)) end_turn();
}

void Core::end_turn() {
  for (int round = 0; round < kRoundsPerTurn && !actions_.empty(); ++round) {
    running_.swap(actions_);
    for (auto& action : running_) action();
    running_.clear();
  }
  Link ending;  // those who mark themselves again wait for the next turn
  while (!marked_.alone()) {
    Link& link = *marked_.next;
    link.unlink();
    link.join(ending);
  }
  while (!ending.alone()) {
    TurnEnd& end = static_cast<TurnEnd&>(*ending.next);
    end.unmark();
    end.at_end_of_turn();
  }
  turn_end_expected_ = false;
  if (!actions_.empty() || !marked_.alone()) expect_turn_end();
}

std::string Core::take_buffer() {
  if (pool_.empty()) return {};
  std::string buffer = std::move(pool_.back());
  pool_.pop_back();
  pooled_ -= buffer.capacity();
  return buffer;
}

void Core::give_back(std::string buffer) {
  constexpr std::size_t kWorthKeeping = 64;  // below, a string is as quick to make
  const std::size_t bytes = buffer.capacity();
  if (bytes > kPooledCapacity || bytes < kWorthKeeping || pooled_ + bytes > kPooledBytes) return;
  pooled_ += bytes;
  buffer.clear();
  pool_.push_back(std::move(buffer));
}

void Core::run() {
  const Current current{*this};
  io_->run();
}

void Core::stop() { io_->stop(); }

void Core::shut_down() {
  const Current current{*this};
  poller_.shut_down();
  if (loop_) loop_->shutdown();
  actions_.clear();
}

}  // namespace anser::net
