#include "net/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "net/tls_channel.h"
#include "net/websocket.h"
#include "net/zip.h"

namespace anser::net {

Handed::Handed() = default;
Handed::Handed(File socket, boost::asio::ip::tcp::endpoint peer, Admission admission)
    : socket(std::move(socket)), peer(std::move(peer)), admission(std::move(admission)) {}
Handed::Handed(Handed&&) noexcept = default;
Handed& Handed::operator=(Handed&&) noexcept = default;
Handed::~Handed() = default;

Connection::Connection(Core& core, Handed handed)
    : core_(core),
      socket_(std::move(handed.socket)),
      tls_(std::move(handed.tls)),
      zip_(std::move(handed.zip)),
      bytes_out_(handed.bytes_out),
      websocket_(std::move(handed.websocket)),
      unread_(std::move(handed.unread)),
      peer_(handed.peer),
      more_(unread_ || tls_ || zip_),
      admission_(std::move(handed.admission)),
      bytes_in_(handed.bytes_in) {
  if (!watch(core.poller(), socket_.get())) {
    log::warn("net", "a connection from {} cannot be watched: {}", peer(), std::strerror(errno));
    closed_ = true;
    return;
  }
  if (handed.unsent.empty()) return;
  output_ = std::make_unique<Output>();
  output_->wire = std::move(handed.unsent);
  flush_soon();
}

Connection::~Connection() {
  close_now();
  drop_output();
}

// ------------------------------------------------------------------------------------------------------------ input

Task<Result<std::string_view>> Connection::read() {
  for (;;) {
    if (auto taken = take()) co_return std::move(*taken);
    co_await wait();
  }
}

std::optional<Result<std::string_view>> Connection::take(std::span<char> into) {
  return websocket_ ? take_message() : take_bytes(into);
}

std::optional<Result<std::string_view>> Connection::take_bytes(std::span<char> into) {
  if (closed_) return fail(Errc::closed, "the connection is closed");
  if (late_) return fail(Errc::timeout, "the time limit has passed");
  if (!more_ && (std::exchange(waited_, false) || take_ready(wanted_))) input_may_be_there();
  while (more_ && reads_in_a_row_ < kReadsAtOnce) {
    ++reads_in_a_row_;
    Result<std::string_view> input = receive(into);
    if (hung_up() && !more_) input_may_be_there();
    if (!input || !input->empty()) return input;
  }
  return std::nullopt;
}

std::optional<Result<std::string_view>> Connection::take_message() {
  using Event = WebSocket::Event;
  for (;;) {
    if (closed_) return fail(Errc::closed, "the connection is closed");
    switch (websocket_->next()) {
      case Event::need_more: {
        auto bytes = take_bytes();
        if (!bytes || !*bytes) return bytes;
        // It is in the loop's read buffer, which is ours to write to.
        websocket_->feed({const_cast<char*>((*bytes)->data()), (*bytes)->size()});
        break;
      }
      case Event::text:
      case Event::binary:
        return websocket_->payload();
      case Event::ping:
        if (congested()) break;  // who does not read asks in vain
        websocket_->append(out(), codec::Opcode::pong, websocket_->payload());
        flush_soon();
        break;
      case Event::pong:
        break;
      case Event::close: {
        peer_close_code_ = websocket_->close_code();
        std::string reason{websocket_->reason()};
        close_websocket(peer_close_code_, {});
        return fail(Errc::closed, "{}", reason);
      }
      case Event::error: {
        const std::uint16_t code = websocket_->close_code();
        std::string reason{websocket_->reason()};
        close_websocket(code, reason);
        return fail(code == codec::close_code::kTooBig ? Errc::policy_violation : Errc::bad_request, "{}", reason);
      }
    }
  }
}

// Not a coroutine where that can be helped: a session that has been silent for long finds less of itself gone cold.
Task<void> Connection::wait() {
  if (need_not_wait()) return boost::asio::post(core_.io(), boost::asio::use_awaitable_t<Executor>{});  // others first
  return suspend(wanted_);
}

// take() has something, or will look for it anew.
bool Connection::need_not_wait() {
  reads_in_a_row_ = 0;
  if (more_ || closed_ || late_ || (websocket_ && websocket_->has_input())) return true;
  // Who woke and did not take looks again: the notice it woke by is used up.
  const bool looked_away = std::exchange(waited_, true);
  return take_ready(wanted_) || looked_away;
}

void Connection::input_may_be_there() {
  more_ = true;
  wanted_ = kInput;
  if (tls_) tls_->input_may_be_there();
}

// Empty when there is nothing. Sets more_ when there is probably more than it returns.
Result<std::string_view> Connection::receive(std::span<char> into) {
  if (unread_) return receive_unread();
  if (zip_) return receive_inflated();
  const std::span<char> buffer = into.empty() ? core_.read_buffer().first(read_size_) : into;
  return tls_ ? receive_decrypted(buffer) : receive_plain(buffer);
}

Result<std::string_view> Connection::receive_unread() {
  const std::span<char> buffer = core_.read_buffer();
  const std::size_t size = std::min(buffer.size(), unread_->size());
  std::memcpy(buffer.data(), unread_->data(), size);
  unread_->erase(0, size);
  if (unread_->empty()) unread_.reset();
  more_ = true;
  return std::string_view{buffer.data(), size};
}

Result<std::string_view> Connection::receive_inflated() {
  bool more_below = true;  // unknown while an older piece is not used up
  if (!zip_->more()) {
    const auto piece = tls_ ? receive_decrypted(core_.scratch()) : receive_plain(core_.scratch());
    if (!piece || piece->empty()) return piece;
    more_below = more_;
    zip_->feed(*piece);
  }
  const std::span<char> buffer = core_.read_buffer();
  const auto size = zip_->inflate(buffer);
  if (!size) return pass(size);
  more_ = more_below || zip_->more();
  return std::string_view{buffer.data(), *size};
}

Result<std::string_view> Connection::receive_plain(std::span<char> buffer) {
  ssize_t got;
  do {
    got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  more_ = got == static_cast<ssize_t>(buffer.size());  // a short read has emptied the socket
  if (got == 0) return fail(Errc::closed, "the peer closed the connection");
  if (got < 0 && errno == EAGAIN) return std::string_view{};
  if (got < 0) return fail(Errc::io, "{}", std::strerror(errno));
  bytes_in_ += static_cast<std::size_t>(got);
  return std::string_view{buffer.data(), static_cast<std::size_t>(got)};
}

Result<std::string_view> Connection::receive_decrypted(std::span<char> buffer) {
  const TlsChannel::Step step = tls_->read(buffer);
  bytes_in_ += step.size;
  // An end behind input is met again by the next read.
  more_ = step.state != TlsChannel::State::want_read && step.state != TlsChannel::State::want_write;
  if (step.state == TlsChannel::State::want_write) wanted_ = kOutput;
  if (step.size > 0) return std::string_view{buffer.data(), step.size};
  if (step.state == TlsChannel::State::closed) return fail(Errc::closed, "the peer closed the connection");
  if (step.state == TlsChannel::State::failed) return fail(Errc::io, "TLS: {}", tls_->reason());
  return std::string_view{};
}

void Connection::limit(std::chrono::seconds after) {
  late_ = false;
  if (after.count() == 0 || closed_) {
    disarm();
  } else {
    core_.timers().arm(*this, after);
  }
}

void Connection::on_time() {
  late_ = true;
  wake();
}

// ----------------------------------------------------------------------------------------------------------- output

std::string& Connection::out() {
  constexpr std::size_t kInline = 15;  // what a string holds without a buffer
  if (!output_) output_ = std::make_unique<Output>();
  std::string& appended = output_->appended;
  if (appended.empty() && appended.capacity() <= kInline) appended = core_.take_buffer();
  return appended;
}

void Connection::at_end_of_turn() { write(); }

// Writes until everything is gone or the socket is full.
// A peer that keeps up gets several backlogs' pieces in one turn, or who writes to it faster would leave it behind.
void Connection::write() {
  for (int i = 0; i < kRefillsAtOnce; ++i) {
    write_queued();
    if (!refill_if_owed()) return;
  }
}

void Connection::write_queued() {
  if (closed_ || handshaking_) return;
  if (output_lost_) return lose_output();
  owes_refill_ = owes_refill_ || congested();
  while (queued() > 0) {
    Output& output = *output_;
    if (output.sent == output.wire.size()) {
      recycle(output.wire);
      output.sent = 0;
      prepare_wire();
    }
    const Written written = write_some(std::string_view{output.wire}.substr(output.sent));
    output.sent += written.size;
    bytes_out_ += written.size;
    if (written.lost) return lose_output();
    if (written.size == 0) {
      ask_for_output();
      break;
    }
  }
  if (queued() == 0) drop_output();
}

// True when there is more to write now.
bool Connection::refill_if_owed() {
  if (closed_ || !owes_refill_ || queued() > kLowWater) return false;
  owes_refill_ = false;
  if (!refill_) return false;
  const auto refill = *refill_;  // it may set another
  refill();
  return queued() > 0;
}

void Connection::recycle(std::string& buffer) { core_.give_back(std::exchange(buffer, {})); }

void Connection::drop_output() {
  if (!output_) return;
  recycle(output_->appended);
  recycle(output_->wire);
  output_.reset();
}

// Takes over what was appended, compressed if agreed. What is on the wire already stays in front.
void Connection::prepare_wire() {
  auto& [appended, wire, sent] = *output_;
  if (zip_) {
    if (wire.empty()) wire = core_.take_buffer();
    zip_->deflate(appended, wire);
    recycle(appended);
  } else if (wire.empty()) {
    wire.swap(appended);
  } else {
    wire += appended;
    recycle(appended);
  }
}

Connection::Written Connection::write_some(std::string_view bytes) {
  if (tls_) {
    const TlsChannel::Step step = tls_->write(bytes);
    return {step.size, step.state == TlsChannel::State::failed || step.state == TlsChannel::State::closed};
  }
  ssize_t sent;
  do {
    sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return {0, errno != EAGAIN};
  return {static_cast<std::size_t>(sent), false};
}

void Connection::send_shared(std::string_view bytes) {
  if (closed_ || output_lost_) return;
  if (queued() == 0 && !tls_ && !zip_) {
    const Written written = write_some(bytes);
    bytes_out_ += written.size;
    if (written.lost) return lose_output();
    bytes.remove_prefix(written.size);
    if (bytes.empty()) return;
  }
  out().append(bytes);
  flush_soon();
}

// The peer is gone, so is what it was to get. Reading goes on until the input says so too.
void Connection::lose_output() {
  output_lost_ = true;
  drop_output();
}

Task<Result<void>> Connection::drained() {
  Result<void> done = co_await drained_within(kDrainLimit);
  co_return done;
}

Task<Result<void>> Connection::drained_within(std::chrono::milliseconds limit) {
  bool late = false;
  Alarm alarm{[this, &late] {
    late = true;
    wake();
  }};
  for (;;) {
    write();
    if (closed_) co_return fail(Errc::closed, "the connection is closed");
    if (output_lost_) co_return fail(Errc::io, "the peer no longer takes anything");
    if (queued() == 0) co_return Result<void>{};
    if (late) co_return fail(Errc::timeout, "the peer did not take its input for {} ms", limit.count());
    if (!alarm.armed()) core_.timers().arm(alarm, limit);
    if (!take_ready(kOutput)) {
      auto writable = suspend(kOutput);
      co_await std::move(writable);
    }
  }
}

// ------------------------------------------------------------------------------------------------- TLS, compression

Task<Result<void>> Connection::accept_tls(std::shared_ptr<const TlsServer> server, TlsLimits limits,
                                          std::string_view host) {
  ANSER_ASSERT(!tls_ && !zip_);
  const auto in_the_clear = co_await drained_within(limits.handshake);
  if (!in_the_clear) co_return in_the_clear;
  auto channel = TlsChannel::accept(std::move(server), socket_.get(), host);
  if (!channel) co_return pass(channel);
  auto shaking = shake_hands(std::move(*channel), limits.handshake);
  Result<void> shaken = co_await std::move(shaking);
  co_return shaken;
}

Task<Result<void>> Connection::connect_tls(std::shared_ptr<const TlsClient> client, TlsLimits limits,
                                           std::string service, std::shared_ptr<const TlsSession> session) {
  ANSER_ASSERT(!tls_ && !zip_);
  const auto in_the_clear = co_await drained_within(limits.handshake);
  if (!in_the_clear) co_return in_the_clear;
  auto channel = TlsChannel::connect(std::move(client), socket_.get(), service, session.get());
  if (!channel) co_return pass(channel);
  auto shaking = shake_hands(std::move(*channel), limits.handshake);
  Result<void> shaken = co_await std::move(shaking);
  co_return shaken;
}

Task<Result<void>> Connection::shake_hands(std::unique_ptr<TlsChannel> channel, std::chrono::milliseconds limit) {
  tls_ = std::move(channel);
  handshaking_ = true;
  Result<void> shaken = co_await finish_handshake(limit);
  if (closed_) co_return fail(Errc::closed, "the connection was closed");
  handshaking_ = false;
  if (!shaken) {
    drop_output();  // it was meant for the other side of the handshake
    co_return shaken;
  }
  more_ = true;  // OpenSSL may have read on
  if (output_) flush_soon();
  co_return Result<void>{};
}

Task<Result<void>> Connection::finish_handshake(std::chrono::milliseconds limit) {
  bool late = false;
  Alarm alarm{[this, &late] {
    late = true;
    wake();
  }};
  core_.timers().arm(alarm, limit);
  for (;;) {
    const TlsChannel::State state = tls_->handshake();
    if (state == TlsChannel::State::going) co_return Result<void>{};
    if (state == TlsChannel::State::closed) co_return fail(Errc::closed, "the peer left during the TLS handshake");
    if (state == TlsChannel::State::failed) co_return fail(tls_->code(), "TLS handshake: {}", tls_->reason());

    const auto wanted = state == TlsChannel::State::want_write ? kOutput : kInput;
    const bool at_its_end = wanted == kInput && hung_up();  // what is there comes without another notice
    if (!take_ready(wanted) && !at_its_end) {
      auto readiness = suspend(wanted);
      co_await std::move(readiness);
    }
    if (closed_) co_return fail(Errc::closed, "the connection is closed");
    if (late || late_) co_return fail(Errc::timeout, "no TLS handshake within {} ms", limit.count());
    tls_->input_may_be_there();
  }
}

std::shared_ptr<const TlsSession> Connection::tls_session() const { return tls_ ? tls_->session() : nullptr; }

const TlsFacts* Connection::tls() const { return tls_ && tls_->established() ? &tls_->facts() : nullptr; }

Result<void> Connection::start_compression(const CompressionLimits& limits) {
  if (zip_) return fail(Errc::conflict, "the connection is compressed already");
  auto zip = Zip::make(limits);
  if (!zip) return pass(zip);
  if (output_) prepare_wire();
  zip_ = std::move(*zip);
  return {};
}

void Connection::start_websocket(std::unique_ptr<WebSocket> websocket) {
  ANSER_ASSERT(!zip_);
  websocket_ = std::move(websocket);
}

void Connection::end_message(std::size_t start) {
  if (websocket_) websocket_->frame(out(), start);
}

// ---------------------------------------------------------------------------------------------------------- the end

void Connection::close_websocket(std::uint16_t code, std::string_view reason) {
  if (closed_) return;
  if (!output_lost_) websocket_->append_close(out(), code, reason);
  close_after_flush();
}

void Connection::close_after_flush() {
  if (closed_) return;
  if (output_lost_ || handshaking_) return close_now();
  if (websocket_) websocket_->append_close(out(), codec::close_code::kNormal, {});
  spawn(core_.io(), see_off(core_, hand_over()));
}

// On its own feet from here: the owner has gone.
Task<void> Connection::see_off(Core& core, Handed handed) {
  const struct Counted {
    explicit Counted(std::size_t& count) : count(count) { ++count; }
    ~Counted() { --count; }
    std::size_t& count;
  } counted{core.closing_};

  Connection last{core, std::move(handed)};
  last.limit(kGoodbyeLimit);
  const auto flushed = co_await last.drained_within(kGoodbyeLimit);
  if (!flushed) co_return last.abort();

  if (last.tls_) last.tls_->say_goodbye();
  last.tls_.reset();
  last.zip_.reset();
  last.websocket_.reset();
  last.unread_.reset();
  ::shutdown(last.socket_.get(), SHUT_WR);
  // Closing with input unread would reset the connection, and the peer might lose what we said last.
  const std::uint64_t enough = last.bytes_in_ + kGoodbyeInput;
  for (;;) {
    const auto rest = co_await last.read();
    if (!rest || last.bytes_in_ > enough) break;
  }
}

void Connection::abort() {
  if (closed_) return;
  constexpr linger kForget{.l_onoff = 1,
                           .l_linger = 0};  // reset: the kernel keeps nothing for a peer that reads nothing
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &kForget, sizeof kForget);
  close_now();
}

void Connection::close_now() {
  let_go();
  socket_ = {};
}

// Nothing on this core knows us any more; waits that are pending end, and find us closed.
void Connection::let_go() {
  closed_ = true;
  disarm();
  unmark();
  wake();
  unwatch(socket_.get());
}

Handed Connection::hand_over(std::string_view unread) {
  ANSER_ASSERT(!closed_ && !handshaking_);
  ANSER_ASSERT(unread.empty() || !websocket_);  // a message is not what came on the wire
  if (!unread.empty()) {
    if (!unread_) unread_ = std::make_unique<std::string>();
    unread_->insert(0, unread);
  }
  std::string unsent;
  if (output_) {
    output_->wire.erase(0, std::exchange(output_->sent, 0));
    if (!output_->appended.empty()) prepare_wire();
    unsent = std::move(output_->wire);
    drop_output();
  }
  let_go();

  Handed handed{std::move(socket_), peer_, std::move(admission_)};
  handed.tls = std::move(tls_);
  handed.zip = std::move(zip_);
  handed.websocket = std::move(websocket_);
  handed.unread = std::move(unread_);
  handed.unsent = std::move(unsent);
  handed.bytes_in = bytes_in_;
  handed.bytes_out = bytes_out_;
  return handed;
}

std::string Connection::peer() const {
  if (peer_.address().is_v6()) return fmt::format("[{}]:{}", peer_.address().to_string(), peer_.port());
  return fmt::format("{}:{}", peer_.address().to_string(), peer_.port());
}

}  // namespace anser::net
