#include "client.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace anser::load {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kMaxTail = 1024 * 1024;  // a server that never ends its stanza is broken

// One for all, since one thread runs them all: a tail is put before what arrives next.
std::vector<char>& read_buffer() {
  static std::vector<char> buffer(kMaxTail + kReadSize);
  return buffer;
}

}  // namespace

Client::Client(Loop& loop, const ServerPlan& server, ClientEvents& events, std::size_t index, Identity identity,
               Dialogue::Goal goal)
    : loop_(loop), server_(server), events_(events), index_(index), dialogue_(server, std::move(identity), goal) {}

void Client::start() {
  const auto address = loopback_address(server_.host, server_.port);
  if (!address) return fail_with(address.error());
  if (auto connecting = socket_.connect(*address, index_); !connecting) return fail_with(connecting.error());
  watching_writes_ = true;
  if (auto watched = loop_.watch(socket_.fd(), *this, EPOLLIN | EPOLLOUT); !watched) return fail_with(watched.error());
  send(dialogue_.header());
}

void Client::send(std::string_view bytes) {
  if (!socket_.is_open()) return;
  if (dialogue_.counts_stanzas()) acks_.sent(bytes);
  socket_.queue(bytes);
  if (flush_asked_) return;
  flush_asked_ = true;
  loop_.flush_later(*this);
}

void Client::ask_for_ack() {
  if (dialogue_.counts_stanzas()) send(kAskForAck);
}

void Client::acknowledge() {
  if (dialogue_.counts_stanzas()) send(acks_.answer());
}

void Client::finish() {
  finishing_ = true;
  send("</stream:stream>");
}

void Client::close() {
  finishing_ = true;
  socket_.close();
}

void Client::flush() {
  flush_asked_ = false;
  if (!socket_.is_open() || !connected_ || socket_.shaking_hands()) return;
  if (auto written = socket_.write(); !written) return fail_with(written.error());
  watch_writes(socket_.has_queued());
}

void Client::watch_writes(bool wanted) {
  if (wanted == watching_writes_) return;
  watching_writes_ = wanted;
  loop_.change(socket_.fd(), *this, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Client::on_events(std::uint32_t events) {
  if (!socket_.is_open()) return;  // closed earlier in the same batch
  if (events & EPOLLOUT) {
    connected_ = true;
    if (!socket_.shaking_hands()) flush();
    if (!socket_.is_open()) return;
  }
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  const auto done = socket_.shaking_hands() ? shake_hands() : receive();
  if (!done) fail_with(done.error());
}

Result<void> Client::shake_hands() {
  const auto done = socket_.shake_hands();
  if (!done) return pass(done);
  if (!*done) return {};
  dialogue_.secured();
  send(dialogue_.header());
  return socket_.has_more() ? receive() : Result<void>{};
}

Result<void> Client::receive() {
  char* const buffer = read_buffer().data();
  do {
    // A handler may close us or start TLS; both leave nothing of this stream to read.
    const std::size_t kept = tail_.size();
    std::memcpy(buffer, tail_.data(), kept);
    const auto got = socket_.read(buffer + kept, kReadSize);
    if (!got) return pass(got);
    if (*got == 0) return {};

    const std::string_view bytes(buffer, kept + *got);
    std::size_t taken = 0;
    if (auto pieces = take_pieces(bytes, taken); !pieces) return pieces;
    if (!socket_.is_open()) return {};
    if (bytes.size() - taken > kMaxTail) return fail(Errc::policy_violation, "the server sent an endless stanza");
    tail_.assign(bytes.substr(taken));
  } while (socket_.has_more() && !socket_.shaking_hands());
  return {};
}

Result<void> Client::take_pieces(std::string_view bytes, std::size_t& taken) {
  while (taken < bytes.size() && socket_.is_open()) {
    const std::string_view rest = bytes.substr(taken);
    const Piece piece = next_piece(rest, dialogue_.in_stream());
    if (piece.found == Found::nothing) return {};
    taken += piece.end;
    if (auto done = on_piece(piece.found, rest.substr(piece.start, piece.end - piece.start)); !done) return done;
  }
  return {};
}

Result<void> Client::on_piece(Found kind, std::string_view piece) {
  if (kind == Found::stanza && dialogue_.counts_stanzas()) {
    if (is_ack_answer(piece)) return acks_.take_answer(piece);
    if (is_ack_request(piece)) {
      acknowledge();
      return {};
    }
    acks_.received(piece);
  }
  if (ready_ && kind == Found::stanza && !piece.starts_with("<stream:error")) {
    events_.on_stanza(*this, piece);
    return {};
  }
  if (ready_) return fail(Errc::closed, "the server said {}", piece);

  auto step = dialogue_.take(kind, piece);
  if (!step) return pass(step);
  if (!step->say.empty()) send(step->say);
  switch (step->next) {
    case Dialogue::Next::go_on:
      break;
    case Dialogue::Next::hand_on:
      events_.on_stanza(*this, piece);
      break;
    case Dialogue::Next::restart:
      send(dialogue_.header());
      break;
    case Dialogue::Next::start_tls:
      if (auto started = socket_.start_tls(server_.domain); !started) return started;
      return shake_hands();
    case Dialogue::Next::reached:
      ready_ = true;
      events_.on_ready(*this);
      break;
  }
  return {};
}

void Client::fail_with(const Error& error) {
  const bool expected = finishing_;
  close();
  events_.on_closed(*this, expected ? Error{Errc::closed, ""} : error);
}

}  // namespace anser::load
