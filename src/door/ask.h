// Waiting for what other threads and other coroutines do, on the core that began to wait.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "door/shared.h"
#include "net/task.h"

namespace anser::door {

// Runs `work` on the thread of accounts.db and resumes on this core after the commit. Make the function first, then
// await (net/task.h says why):
//   auto work = [owner](domain::AccountStore& store) { return store.load_roster(owner); };
//   auto task = ask<domain::Roster>(services.shared, std::move(work));
//   auto roster = co_await std::move(task);
template <class Value, class Work>
net::Task<Result<Value>> ask(Shared& shared, Work work) {
  auto start = [&shared, core = net::Core::current(), work = std::move(work)](auto handler) mutable {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    auto done = [resume, core](Result<Value> value) {
      // Posted, so that nothing of the coroutine runs inside the storage's own call.
      auto slot = std::make_shared<Result<Value>>(std::move(value));
      boost::asio::post(core->io(), [resume, slot] { std::move (*resume)(std::move(*slot)); });
    };
    if constexpr (std::is_void_v<Value>) {
      shared.storage.submit(core->id(), std::move(work), std::move(done));
    } else {
      shared.storage.run<Value>(core->id(), std::move(work), std::move(done));
    }
  };
  Result<Value> result =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&, void(Result<Value>)>(
          std::move(start), boost::asio::use_awaitable_t<net::Executor>{});
  co_return result;
}

// Suspends until the router has stored a change: `start` is given the router's `done`.
template <class Start>
net::Task<Result<void>> stored(Start start) {
  auto begin = [start = std::move(start)](auto handler) mutable {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    start([resume, core = net::Core::current()](Result<void> outcome) {
      auto slot = std::make_shared<Result<void>>(std::move(outcome));
      boost::asio::post(core->io(), [resume, slot] { std::move (*resume)(std::move(*slot)); });
    });
  };
  Result<void> outcome =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&, void(Result<void>)>(
          std::move(begin), boost::asio::use_awaitable_t<net::Executor>{});
  co_return outcome;
}

}  // namespace anser::door
