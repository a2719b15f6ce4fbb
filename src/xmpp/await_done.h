// Suspends a handler until the router has stored a change: `start` is given the router's `done`.
#pragma once

#include "net/task.h"
#include "xmpp/services.h"

namespace anser::xmpp {

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

}  // namespace anser::xmpp
