// A bounded pool of threads for work that would hold up a loop: key derivation, files, name look-ups. What it runs
// shares nothing with the cores but the values it is given. Owned by the program; stopped before Cores is destroyed,
// while they run or after.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/core.h"
#include "net/task.h"

namespace anser::net {

class Workers {
 public:
  Workers(unsigned threads, std::size_t queue_limit);
  ~Workers();  // stops

  // False when `queue_limit` wait already, or after stop(): the caller tells its peer to come back later.
  [[nodiscard]] bool submit(std::function<void()> work);
  // What runs is finished, what waits is dropped (run_on then resumes with resource_limit, if its core still runs).
  void stop();

 private:
  void run();

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

// Runs `work` on a worker and resumes on the calling core with what it returned: a T, or a Result<T> as it is.
// Errc::resource_limit when the pool's queue is full. Make the function first, then await it (see task.h):
//   auto derive = [password] { return derive_key(password); };
//   auto key = co_await run_on(workers, std::move(derive));
template <class Function>
auto run_on(Workers& workers, Function work);

namespace detail {

template <class T>
struct Unwrapped {
  using type = T;
};
template <class T>
struct Unwrapped<Result<T>> {
  using type = T;
};
template <class Function>
using WorkResult = Result<typename Unwrapped<std::invoke_result_t<Function&>>::type>;

template <class Function>
struct Work {
  Function function;
  std::optional<WorkResult<Function>> result;
  std::exception_ptr thrown;

  void run() noexcept {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Function&>>) {
        function();
        result.emplace();
      } else {
        result.emplace(function());
      }
    } catch (...) {
      thrown = std::current_exception();
    }
  }
};

// Resumes a coroutine on its core, whoever lets go of it last: the worker when the work is done, or those who refuse or
// drop the work, so no coroutine is ever destroyed on another thread.
template <class Handler>
struct Resumption {
  Resumption(Core& core, Handler handler) : core(core), handler(std::move(handler)) {}
  ~Resumption() {
    boost::asio::post(core.io(), [handler = std::move(handler), done = done]() mutable { std::move(handler)(done); });
  }
  Core& core;
  Handler handler;
  bool done = false;
};

struct StartWork {
  Workers& workers;
  Core& core;
  std::function<void()> work;

  template <class Handler>
  void operator()(Handler handler) {
    auto resumption = std::make_shared<Resumption<Handler>>(core, std::move(handler));
    const bool taken = workers.submit([work = std::move(work), resumption] {
      work();
      resumption->done = true;
    });
    static_cast<void>(taken);  // refused work has let go of its copy already
  }
};

template <class Function>
Task<WorkResult<Function>> run_work(Workers& workers, std::shared_ptr<Work<Function>> work) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  StartWork start{workers, Core::of(executor.context()), [work] { work->run(); }};
  const bool done = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&, void(bool)>(
      std::move(start), boost::asio::use_awaitable_t<Executor>{});
  if (!done) co_return fail(Errc::resource_limit, "too much work is waiting");
  if (work->thrown) std::rethrow_exception(work->thrown);
  co_return std::move(*work->result);
}

}  // namespace detail

template <class Function>
auto run_on(Workers& workers, Function work) {
  return detail::run_work<Function>(
      workers, std::make_shared<detail::Work<Function>>(detail::Work<Function>{std::move(work), {}, {}}));
}

}  // namespace anser::net
