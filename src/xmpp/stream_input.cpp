// Stream, the part that minds what comes in: how fast, how much of it unfinished, and how long nothing may.
#include "net/websocket.h"
#include "xmpp/framing.h"
#include "xmpp/stream.h"

namespace anser::xmpp {
namespace {

constexpr std::chrono::milliseconds kMailPause{10};  // between two looks at a congested mailbox

}  // namespace

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
