// Suspends one coroutine until somebody on the same core opens it. Costs nothing while nobody waits. Owned by whoever
// waits; used by one core.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "net/core.h"
#include "net/task.h"

namespace anser::door {

class Gate {
 public:
  net::Task<void> wait() {
    auto start = [this](auto handler) {
      auto resume = std::make_shared<decltype(handler)>(std::move(handler));
      opener_ = [resume, core = net::Core::current()] {
        boost::asio::post(core->io(), [resume] { std::move (*resume)(); });
      };
    };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&, void()>(
        std::move(start), boost::asio::use_awaitable_t<net::Executor>{});
  }
  void open() {
    if (opener_) std::exchange(opener_, nullptr)();
  }

 private:
  std::function<void()> opener_;
};

}  // namespace anser::door
