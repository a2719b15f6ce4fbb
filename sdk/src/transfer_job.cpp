#include "sdk/src/transfer_job.h"

#include <utility>

#include "sdk/src/backoff.h"
#include "sdk/src/reach.h"

namespace anser::sdk {
namespace {

constexpr std::chrono::milliseconds kTellEvery{100};

}  // namespace

Transfer::Job::Job(Channel& channel, TransferLimits limits, TransferListener listener)
    : channel_(channel.weak().lock()), limits_(limits), listener_(std::move(listener)), total_([this] {
        cancel({Errc::timeout, "the transfer takes too long"});
      }) {}

Transfer::Job::~Job() = default;

void Transfer::Job::cancel(Error why) {
  if (over_ || cancelled_) return;
  cancelled_ = std::move(why);
  if (line_) line_->cancel();
  if (!line_ || !line_->is_open()) cancel_.emit(boost::asio::cancellation_type::terminal);
}

void Transfer::Job::cancel_soon(const std::shared_ptr<Job>& job) {
  // Posted even from the loop's thread: what is called may be one of the job's own functions.
  boost::asio::post(job->loop().core().io(), [job] { job->cancel(); });
}

net::Task<void> Transfer::Job::run(std::shared_ptr<Job> self) {
  auto working = self->work();
  Result<void> result;
  try {
    result = co_await std::move(working);
  } catch (const std::exception& thrown) {
    // A cancelled task that waits again, or a system without threads or memory.
    result = fail(Errc::closed, "{}", thrown.what());
  }
  if (self->cancelled_) result = tl::make_unexpected(*self->cancelled_);
  self->over_ = true;
  self->total_.disarm();
  self->tell(std::move(result));
}

net::Task<Result<void>> Transfer::Job::work() {
  if (limits_.total.count() > 0) loop().core().timers().arm(total_, limits_.total);
  if (cancelled_) co_return tl::make_unexpected(*cancelled_);  // before it began
  auto preparing = prepare();
  auto prepared = co_await std::move(preparing);
  if (!prepared) co_return prepared;
  Reconnection pace;
  pace.base = limits_.wait_base;
  pace.cap = limits_.wait_cap;
  Backoff backoff{pace, &draw_uniform};
  for (int failures = 0;;) {
    moved_ = false;
    auto trying = attempt();
    const auto tried = co_await std::move(trying);
    if (cancelled_) co_return tl::make_unexpected(*cancelled_);
    if (tried) break;
    if (!is_passing(tried.error())) co_return tried;
    if (std::exchange(moved_, false)) {
      failures = 0;
      backoff = Backoff{pace, &draw_uniform};
    }
    if (++failures >= limits_.attempts) co_return tried;
    auto waiting = net::pause_for(backoff.next().value_or(limits_.wait_cap));
    co_await std::move(waiting);
    if (cancelled_) co_return tl::make_unexpected(*cancelled_);
  }
  auto completing = complete();
  auto completed = co_await std::move(completing);
  co_return completed;
}

net::Task<Result<Transfer::Job::Tls>> Transfer::Job::tls() {
  if (tls_) co_return Result<Tls>{tls_};
  // Who we are is for our own server to know, not for whoever keeps files.
  TlsConfiguration trust = channel_->configuration().tls;
  trust.certificate_path = trust.pkcs12_path = trust.pkcs11_library = {};
  auto make = [trust = std::move(trust)] { return tls_client(trust, "http/1.1"); };
  auto making = blocking<Tls>(std::move(make));
  auto made = co_await std::move(making);
  if (made) tls_ = *made;
  co_return made;
}

void Transfer::Job::progress(std::uint64_t done, std::optional<std::uint64_t> total) {
  if (done > best_) {
    best_ = done;
    moved_ = true;
  }
  const auto now = Clock::now();
  if (!listener_ || (now - told_ < kTellEvery && done != total)) return;
  told_ = now;
  channel_->call([&] { listener_({done, total}); });
}

net::Task<Result<IQ>> Transfer::Job::ask(IQ iq) {
  auto start = [channel = channel_.get(), iq = std::move(iq)](std::function<void(Result<IQ>)> done) mutable {
    channel->request(std::move(iq), std::move(done));
  };
  return hear<IQ>(std::move(start));
}

}  // namespace anser::sdk
