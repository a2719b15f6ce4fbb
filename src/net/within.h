// A bounded wait: every wait has a limit, and this is how to write one down.
//   auto reply = co_await within(30s, ask(peer));
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "base/result.h"
#include "net/core.h"
#include "net/task.h"

namespace anser::net {

// Runs `task` on the calling core. Errc::timeout when it is not done after `limit` (rounded up to a tick of Timers):
// it is cancelled at its next wait on a socket or timer, and has ended when `within` returns. Work that cannot be
// cancelled (run_on) is waited for. An exception of the task passes through.
template <class T>
Task<Result<T>> within(std::chrono::milliseconds limit, Task<Result<T>> task);

namespace detail {

// Optional, because co_spawn wants a result that can be empty.
template <class T>
Task<std::optional<Result<T>>> as_optional(Task<Result<T>> task) {
  Result<T> result = co_await std::move(task);
  co_return std::optional<Result<T>>{std::move(result)};
}

}  // namespace detail

template <class T>
Task<Result<T>> within(std::chrono::milliseconds limit, Task<Result<T>> task) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  Core& core = Core::of(executor.context());
  boost::asio::cancellation_signal signal;
  bool late = false;
  Alarm alarm{[&] {
    late = true;
    signal.emit(boost::asio::cancellation_type::terminal);
  }};
  core.timers().arm(alarm, limit);

  // When a `within` around this one runs out, that reaches only what this coroutine waits for; so it is passed on.
  const boost::asio::cancellation_state around = co_await boost::asio::this_coro::cancellation_state;
  boost::asio::cancellation_slot slot = around.slot();
  if (slot.is_connected()) slot.assign([&signal](boost::asio::cancellation_type type) { signal.emit(type); });

  auto token = boost::asio::bind_cancellation_slot(signal.slot(), kAwait);
  auto [thrown, result] = co_await boost::asio::co_spawn(core.io(), detail::as_optional(std::move(task)), token);
  if (slot.is_connected()) slot.clear();
  if (late) co_return fail(Errc::timeout, "not done within {} ms", limit.count());
  if (thrown) std::rethrow_exception(thrown);
  co_return std::move(*result);
}

}  // namespace anser::net
