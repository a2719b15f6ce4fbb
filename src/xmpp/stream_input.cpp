// Stream, the part that takes what comes in, and minds how fast, how much of it unfinished, and how long nothing may.
#include <exception>
#include "base/log.h"

#include "net/websocket.h"
#include "xmpp/framing.h"
#include "xmpp/stream.h"

namespace anser::xmpp {
namespace {

constexpr std::chrono::milliseconds kMailPause{10};  // between two looks at a congested mailbox

// XEP-0138 §2: what came through the compressed stream was not zlib.
constexpr std::string_view kProcessingFailed =
    "<failure xmlns='http://jabber.org/protocol/compress'><processing-failed/></failure>";

}  // namespace

// ---- reading --------------------------------------------------------------------------------------------------------

// Everything that is whole, until something must be waited for.
Stream::Then Stream::read_stanzas(std::string_view& input) {
  using Event = xml::StreamReader::Event;
  for (;;) {
    switch (reader_.next(input)) {
      case Event::need_more:
        return Then::go_on;
      case Event::header:
        on_header();
        break;
      case Event::stanza:
        if (const Then then = take(); then != Then::go_on) return then;
        break;
      case Event::end:
        log::info("xmpp", "{} from {} logged out", name(), connection_->peer());
        services_.router.close(*this);
        ended_ = true;
        forget_management();
        end_stream(*connection_);
        return Then::over;
      case Event::error:
        end(failure_of(reader_));
        return Then::over;
    }
    if (ended_) return Then::over;
  }
}

bool Stream::restart(std::string_view& input) {
  if (input.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    end({"policy-violation", "nothing may follow a restart's request before its answer"});
    return false;
  }
  input = {};
  reader_.restart();
  header_sent_ = false;  // until the new one is out, stanzas wait
  return true;
}

// Suspends run() until there is something that serve() cannot do. The coroutine itself is not touched for a stanza: it
// has long left the cache when its client has been silent for a while, and most of what comes needs nothing of it.
net::Task<void> Stream::sleep() {
  auto start = [this](auto handler) { doze(std::move(handler)); };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&, void()>(
      std::move(start), boost::asio::use_awaitable_t<net::Executor>{});
}

template <class Handler>
struct Stream::Sleeper {
  Stream* stream;
  Handler wake;  // the coroutine, which owns the stream

  void operator()() {
    bool asleep = false;
    try {
      asleep = stream->serve();
    } catch (...) {  // run() throws it on: it ends the task, not the loop
      stream->woken_ = std::make_unique<Woken>(Woken{.thrown = std::current_exception()});
    }
    if (asleep) {
      stream->doze(std::move(wake));
    } else {
      std::move(wake)();
    }
  }
};

template <class Handler>
void Stream::doze(Handler wake) {
  connection_->when_readable(Sleeper<Handler>{this, std::move(wake)});
}

// Takes what there is. False: run() must go on, perhaps with what stands in woken_.
bool Stream::serve() {
  for (;;) {
    if (ended_) return false;
    const bool messages = connection_->websocket() != nullptr;
    if (!messages && !note_unfinished()) return false;
    if (bound_ && connection_->queued() > net::Connection::kHighWater + settings_->output_bytes) {
      lose_patience();  // it asks and asks, and reads no answer
      if (ended_) return false;
    }
    if (should_hold_back()) return false;
    bring_account_near();
    auto taken = connection_->take();
    if (!taken) return !messages || note_unfinished();
    if (!*taken) {
      woken_ = std::make_unique<Woken>(Woken{.lost = std::move(taken->error())});
      return false;
    }
    std::string_view input = **taken;
    if (messages && !begin_message(input)) return false;
    if (bound_ && !in_stanza_) connection_->limit(silence_allowed());
    pinged_ = false;
    if (bucket_) {
      const auto pause = bucket_->take(static_cast<double>(input.size()), services_.shared.clock.tick());
      if (pause.count() > 0) {
        woken_ = std::make_unique<Woken>(Woken{.input = std::string{input}, .pause = pause});
        return false;
      }
    }
    if (const Then then = read_stanzas(input); then != Then::go_on) {
      woken_ = std::make_unique<Woken>(Woken{.then = then, .input = std::string{input}});
      return false;
    }
  }
}

// No more comes, or not in time, or not as agreed.
void Stream::on_loss(const Error& error) {
  if (ended_) return;
  if (management_ && management_->resumption) return detach();  // another connection takes over while this one stood
  if (error.code == Errc::timeout) return on_silence();
  if (error.code == Errc::policy_violation) return end({"policy-violation", error.message});
  if (error.code == Errc::bad_request && !connection_->compressed()) return end({"not-well-formed", error.message});
  if (error.code == Errc::bad_request)
    return end({"undefined-condition", error.message, std::string{kProcessingFailed}});
  if (may_detach()) {
    log::info("xmpp", "{} from {} lost its connection; it may come back within {} s", name(), connection_->peer(),
              management_->resume_within.count());
    return detach();
  }
  log::info("xmpp", "{} from {} hung up", name(), connection_->peer());
  ended_ = true;
  services_.router.close(*this);
  connection_->abort();
}

// ---- limits ---------------------------------------------------------------------------------------------------------

void Stream::limit_rate() {
  if (settings_->rate_bytes_per_second == 0) return;
  bucket_ = std::make_unique<net::TokenBucket>(static_cast<double>(settings_->rate_bytes_per_second),
                                               static_cast<double>(settings_->rate_burst_bytes));
}

// A stanza has a time, from its first byte to its last.
bool Stream::note_unfinished() {
  const bool unfinished = connection_->websocket() ? unfinished_bytes() > 0 : !reader_.between_stanzas();
  if (bound_ && in_stanza_ != unfinished) {
    in_stanza_ = unfinished;
    connection_->limit(in_stanza_ ? settings_->stanza_timeout : silence_allowed());
  }
  if (may_keep_tail()) return true;
  end({"resource-constraint", "too many stanzas are unfinished; try again later"});
  return false;
}

// No part of run(), whose frame every session keeps.
bool Stream::begin_message(std::string_view message) {
  in_stanza_ = false;  // it came whole
  const auto wrong = check_message(*connection_, message);
  if (wrong) end(*wrong);
  return !wrong;
}

std::size_t Stream::unfinished_bytes() {
  const net::WebSocket* websocket = connection_->websocket();
  return websocket ? websocket->kept() : reader_.tail_bytes();
}

// One stanza has its limit; those of ten thousand sessions together need another. What every server must take
// (RFC 6120 §13.12) may always be kept.
bool Stream::may_keep_tail() {
  constexpr std::size_t kAlways = 16'384;
  const std::size_t tail = unfinished_bytes();
  services_.unfinished += tail - tail_;
  tail_ = tail;
  return tail <= kAlways || services_.unfinished <= settings_->unfinished_bytes / services_.shared.cores.size();
}

// Whoever asks before it is bound and does not read the answers is not read from; after that the backlog has its
// limits. Nor is anybody while another core takes less than this one sends it.
bool Stream::should_hold_back() const {
  if (!bound_) return connection_->congested();
  return services_.shared.congested && services_.shared.congested();
}

net::Task<void> Stream::hold_back() {
  if (!bound_) {
    auto drained = co_await connection_->drained();
    if (!drained) connection_->abort();
  }
  while (bound_ && !ended_ && should_hold_back()) co_await net::pause_for(kMailPause);
}

// Without pings the whole of the silence that is allowed, else the time until one is sent.
std::chrono::seconds Stream::silence_allowed() const {
  return settings_->ping_after.count() > 0 ? settings_->ping_after : settings_->ping_wait;
}

void Stream::on_silence() {
  if (in_stanza_) return end({"connection-timeout", "a stanza took too long"});
  if (!bound_) return end({"connection-timeout", "the login took too long"});
  if (settings_->ping_after.count() == 0) return end({"connection-timeout", "nothing came for too long"});
  if (pinged_) {
    const StreamFailure silent{"connection-timeout", "no answer came to a ping"};
    return may_detach() ? drop_connection(silent) : end(silent);
  }
  pinged_ = true;
  push(request_text("get", std::string{kPingId} + std::to_string(next_push_++))
           .append("<ping xmlns='urn:xmpp:ping'/></iq>"));
  connection_->limit(settings_->ping_wait);
}

}  // namespace anser::xmpp
