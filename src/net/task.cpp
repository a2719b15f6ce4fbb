#include "net/task.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>

#include "base/log.h"

namespace anser::net {
namespace {

void log_escaped(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    log::error("net", "an exception escaped from a task, which has ended: {}", error.what());
  } catch (...) {
    log::error("net", "an unknown exception escaped from a task, which has ended");
  }
}

}  // namespace

void spawn(boost::asio::io_context& io, Task<void> task) { boost::asio::co_spawn(io, std::move(task), &log_escaped); }

Task<void> pause_for(std::chrono::milliseconds time) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer{executor, time};
  co_await timer.async_wait(kAwait);
}

}  // namespace anser::net
