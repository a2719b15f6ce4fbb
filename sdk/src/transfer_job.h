// A transfer under way: tries until it is done, or until trying makes no sense. It lives on its loop's thread and keeps
// its channel; its task keeps it. Uploads and downloads say what a try is.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "anser/file_transfer.h"
#include "sdk/src/channel.h"
#include "sdk/src/http_line.h"

namespace anser::sdk {

// Resumes a coroutine with an answer, or with Errc::closed when whoever had to give it drops it.
template <class T, class Handler>
class Answer {
 public:
  Answer(net::Core& core, Handler handler) : core_(core), handler_(std::move(handler)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (!given_) give(fail(Errc::closed, "the connection was destroyed"));
  }
  void give(Result<T> answer) {
    given_ = true;
    auto kept = std::make_shared<Result<T>>(std::move(answer));
    boost::asio::post(core_.io(),
                      [handler = std::move(handler_), kept]() mutable { std::move(handler)(std::move(*kept)); });
  }

 private:
  net::Core& core_;
  Handler handler_;
  bool given_ = false;
};

class ANSER_HIDDEN Transfer::Job : public std::enable_shared_from_this<Transfer::Job> {
 public:
  using Tls = std::shared_ptr<const net::TlsClient>;

  Job(Channel& channel, TransferLimits limits, TransferListener listener);
  virtual ~Job();

  // Once. `tls` was made for the channel's configuration.
  static net::Task<void> run(std::shared_ptr<Job> self);
  boost::asio::cancellation_slot slot() { return cancel_.slot(); }
  // On the loop's thread. `why`: what the application is told.
  void cancel(Error why = {Errc::closed, "the transfer was cancelled"});
  // From any thread.
  static void cancel_soon(const std::shared_ptr<Job>& job);
  bool over() const { return over_; }

 protected:
  virtual net::Task<Result<void>> prepare() = 0;  // once
  // One try. An error that is_passing() is tried again.
  virtual net::Task<Result<void>> attempt() = 0;
  virtual net::Task<Result<void>> complete() = 0;  // once, after a try that went well
  virtual void tell(Result<void> result) = 0;      // the application, at the end

  Channel& channel() { return *channel_; }
  LoopState& loop() { return *channel_->loop(); }
  const TransferLimits& limits() const { return limits_; }
  // `line` is cancelled with the job while it is there.
  class Using {
   public:
    Using(Job& job, HttpLine& line) : job_(job) {
      job_.line_ = &line;
      if (job_.cancelled_) line.cancel();
    }
    ~Using() { job_.line_ = nullptr; }
    Using(const Using&) = delete;
    Using& operator=(const Using&) = delete;

   private:
    Job& job_;
  };
  net::Task<Result<Tls>> tls();
  HttpLine make_line(Tls tls) { return HttpLine{loop(), channel_->configuration(), std::move(tls), limits_.silence}; }
  // Bytes got to where they should, in this try.
  void progress(std::uint64_t done, std::optional<std::uint64_t> total);
  // Does it on the worker.
  template <class Value, class Work>
  net::Task<Result<Value>> blocking(Work work);
  // What `start(done)` announces.
  template <class T, class Start>
  net::Task<Result<T>> hear(Start start);
  net::Task<Result<IQ>> ask(IQ iq);

 private:
  using Clock = std::chrono::steady_clock;

  net::Task<Result<void>> work();

  const std::shared_ptr<Channel> channel_;
  const TransferLimits limits_;
  const TransferListener listener_;
  boost::asio::cancellation_signal cancel_;
  HttpLine* line_ = nullptr;
  Tls tls_;
  std::optional<Error> cancelled_;
  bool over_ = false;
  net::Alarm total_;
  std::uint64_t best_ = 0;  // bytes, of all tries
  bool moved_ = false;      // this try got further than all before
  Clock::time_point told_{};
};

template <class Value, class Work>
net::Task<Result<Value>> Transfer::Job::blocking(Work work) {
  // Passed on as a value in a value: the layers below have other errors than ours.
  auto wrapped = [work = std::move(work)]() mutable { return std::make_shared<Result<Value>>(work()); };
  auto working = net::run_on(loop().workers(), std::move(wrapped));
  auto done = co_await std::move(working);
  if (!done) co_return Result<Value>{pass_as(Errc::closed, done.error())};
  co_return std::move(**done);
}

template <class T, class Start>
net::Task<Result<T>> Transfer::Job::hear(Start start) {
  auto begin = [this, start = std::move(start)](auto handler) mutable {
    auto answer = std::make_shared<Answer<T, decltype(handler)>>(loop().core(), std::move(handler));
    start([answer](Result<T> result) { answer->give(std::move(result)); });
  };
  Result<T> result =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&, void(Result<T>)>(
          std::move(begin), boost::asio::use_awaitable_t<net::Executor>{});
  co_return result;
}

}  // namespace anser::sdk
