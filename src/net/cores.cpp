#include "net/cores.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/assert.h"

namespace anser::net {

Cores::Cores(unsigned count) {
  if (count == 0) count = std::max(1u, std::thread::hardware_concurrency());
  count = std::min(count, kMost);
  for (unsigned id = 0; id < count; ++id) cores_.push_back(std::make_unique<Core>(static_cast<CoreId>(id)));
}

Cores::~Cores() {
  stop();
  join();
  // All of them before the first is gone: what is destroyed on one core may still post to another.
  for (auto& core : cores_) core->shut_down();
}

void Cores::start() {
  ANSER_ASSERT(threads_.empty());
  for (auto& core : cores_) threads_.emplace_back([&core = *core] { core.run(); });
}

void Cores::stop() {
  for (auto& core : cores_) core->stop();
}

void Cores::join() {
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Cores::post(CoreId to, std::function<void()> action) { boost::asio::post(at(to).io(), std::move(action)); }

}  // namespace anser::net
