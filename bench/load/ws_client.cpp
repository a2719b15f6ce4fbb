#include "ws_client.h"

#include <sys/epoll.h>

#include <cstring>
#include <utility>

namespace anser::load {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kMaxTail = 128 * 1024;  // a frame is below 64 KB
constexpr std::size_t kLoginsAtOnce = 32;

// One for all, since one thread runs them all: a tail is put before what arrives next.
std::vector<char>& read_buffer() {
  static std::vector<char> buffer(kMaxTail + kReadSize);
  return buffer;
}

}  // namespace

WsClient::WsClient(WsFleet& fleet, std::size_t index) : fleet_(fleet), index_(index) {}

void WsClient::start() {
  const ServerPlan& server = fleet_.run_.server;
  const auto address = loopback_address(server.host, server.port);
  if (!address) return fail_with(address.error());
  if (auto connecting = socket_.connect(*address, index_); !connecting) return fail_with(connecting.error());
  watching_writes_ = true;
  if (auto watched = fleet_.loop_.watch(socket_.fd(), *this, EPOLLIN | EPOLLOUT); !watched) {
    return fail_with(watched.error());
  }
  if (server.tls) {
    if (auto started = socket_.start_tls(server.domain); !started) return fail_with(started.error());
  }
  send(ws_handshake(fleet_.plan_, server.domain, fleet_.name_of(index_), fleet_.run_.accounts.password));
}

void WsClient::send(std::string_view frame) {
  if (!socket_.is_open()) return;
  socket_.queue(frame);
  if (flush_asked_) return;
  flush_asked_ = true;
  fleet_.loop_.flush_later(*this);
}

void WsClient::flush() {
  flush_asked_ = false;
  if (!socket_.is_open() || !connected_ || socket_.shaking_hands()) return;
  if (auto written = socket_.write(); !written) return fail_with(written.error());
  watch_writes(socket_.has_queued());
}

void WsClient::watch_writes(bool wanted) {
  if (wanted == watching_writes_) return;
  watching_writes_ = wanted;
  fleet_.loop_.change(socket_.fd(), *this, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void WsClient::on_events(std::uint32_t events) {
  if (!socket_.is_open()) return;  // closed earlier in the same batch
  if (events & EPOLLOUT) connected_ = true;
  if (connected_ && socket_.shaking_hands()) {
    if (auto done = shake_hands(); !done) return fail_with(done.error());
    if (socket_.shaking_hands()) return;
    flush();
    if (socket_.is_open() && !socket_.has_more()) return;
  } else if (events & EPOLLOUT) {
    flush();
  }
  if (!socket_.is_open() || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  if (auto done = receive(); !done) fail_with(done.error());
}

Result<void> WsClient::shake_hands() {
  const auto done = socket_.shake_hands();
  if (!done) return pass(done);
  if (!*done) watch_writes(false);  // it waits for the server's part
  return {};
}

Result<void> WsClient::receive() {
  char* const buffer = read_buffer().data();
  do {
    const std::size_t kept = tail_.size();
    std::memcpy(buffer, tail_.data(), kept);
    const auto got = socket_.read(buffer + kept, kReadSize);
    if (!got) return pass(got);
    if (*got == 0) return {};
    const std::string_view bytes(buffer, kept + *got);
    const auto taken = take(bytes);
    if (!taken) return pass(taken);
    if (bytes.size() - *taken > kMaxTail) return fail(Errc::policy_violation, "the server sent an endless frame");
    tail_.assign(bytes.substr(*taken));
  } while (socket_.has_more());
  return {};
}

Result<std::size_t> WsClient::take(std::string_view bytes) {
  std::size_t taken = 0;
  if (!upgraded_) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    if (!bytes.starts_with("HTTP/1.1 101")) {
      return fail(Errc::bad_request, "the handshake was answered with {}", bytes.substr(0, bytes.find('\r')));
    }
    taken = end + 4;
    upgraded_ = true;
    if (ready_after_handshake(fleet_.plan_)) {
      ready_ = true;
      ++fleet_.ready_;
    }
  }
  for (;;) {
    const auto frame = next_ws_frame(bytes.substr(taken));
    if (!frame) return pass(frame);
    if (frame->size == 0) return taken;
    taken += frame->size;
    if (auto done = take_frame(*frame); !done) return pass(done);
  }
}

Result<void> WsClient::take_frame(const WsFrame& frame) {
  using What = WsMeaning::What;
  const WsMeaning meaning = meaning_of(fleet_.plan_, frame, ready_);
  switch (meaning.what) {
    case What::nothing:
      break;
    case What::say:
      send(meaning.say);
      break;
    case What::ready:
      if (!ready_) ++fleet_.ready_;
      ready_ = true;
      break;
    case What::refused:
      return fail(Errc::closed, "the server said: {}", meaning.detail);
    case What::beat:
    case What::message:
    case What::stored:
      if (fleet_.on_meaning_) fleet_.on_meaning_(*this, meaning);
      break;
  }
  return {};
}

void WsClient::fail_with(const Error& error) {
  socket_.close();
  fleet_.give_up(error);
}

// ---------------------------------------------------------------------------------------------------------------------

void WsFleet::start_some(std::size_t count) {
  while (clients_.size() < count && clients_.size() - ready_ < kLoginsAtOnce && !broken_) {
    clients_.push_back(std::make_unique<WsClient>(*this, clients_.size()));
    clients_.back()->start();
  }
}

Result<void> WsFleet::open(std::size_t count) {
  clients_.reserve(count);
  return run_until("logins", [&] {
    start_some(count);
    return ready_ >= count;
  });
}

Result<void> WsFleet::run_until(std::string_view waiting_for, const std::function<bool()>& done) {
  const bool in_time = loop_.run_until(run_.deadline(), [&] { return broken_ || done(); });
  if (broken_) return tl::make_unexpected(*broken_);
  if (!in_time) {
    return fail(Errc::timeout, "time ran out while waiting for {} ({} of {} clients are ready)", waiting_for, ready_,
                clients_.size());
  }
  return {};
}

Result<void> WsFleet::run_for(std::chrono::milliseconds time) {
  loop_.run_until(now() + time, [&] { return broken_.has_value(); });
  if (broken_) return tl::make_unexpected(*broken_);
  return {};
}

void WsFleet::give_up(Error error) {
  if (!broken_) broken_ = std::move(error);
}

}  // namespace anser::load
