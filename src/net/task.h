// Task is a coroutine on one core's event loop: Asio's awaitable with the loop's own executor, which is smaller and
// faster than the type-erased one. Await Asio operations with kAwait: a peer that hangs up is news, not an exception.
//
// g++ 12.2 gets four shapes wrong, so await as a statement of its own or as a whole right-hand side: never with a
// capturing lambda made in the awaiting expression, never inside ?:, inside an if or switch condition, or inside {…}.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace anser::net {

using Executor = boost::asio::io_context::executor_type;

template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

inline constexpr boost::asio::as_tuple_t<boost::asio::use_awaitable_t<Executor>> kAwait{};

// Starts `task` on its loop, from the loop's own thread or before it runs. An exception that escapes is our own fault;
// it is logged once, here, and the task is over.
void spawn(boost::asio::io_context& io, Task<void> task);

// Resumes after `time`, or at once when the surrounding `within` runs out.
Task<void> pause_for(std::chrono::milliseconds time);

}  // namespace anser::net
