#include "relay.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "loop.h"
#include "socket.h"

namespace anser::load {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kMaxQueued = 4 * 1024 * 1024;  // to a peer that does not read; then it is cut off
constexpr std::size_t kMaxHello = 256;
constexpr int kBacklog = 4096;

volatile std::sig_atomic_t stopped = 0;

class Relayed;
using Names = std::unordered_map<std::string, Relayed*>;

// One side of a pair. Kept until the relay ends, also when it has closed: its peer may point at it.
class Relayed final : public Watched {
 public:
  Relayed(Loop& loop, Names& names) : loop_(loop), names_(names) {}

  Result<void> start(int accepted) {
    socket_.adopt(accepted);
    const int on = 1;
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return loop_.watch(accepted, *this, EPOLLIN);
  }

  void on_events(std::uint32_t events) override {
    if (!socket_.is_open()) return;
    if (events & EPOLLOUT) flush();
    if (socket_.is_open() && (events & ~static_cast<std::uint32_t>(EPOLLOUT))) receive();
  }

  void flush() override {
    if (!socket_.is_open()) return;
    if (!socket_.write() || socket_.queued() > kMaxQueued) return close();
    if (socket_.has_queued() != watching_writes_) {
      watching_writes_ = !watching_writes_;
      loop_.change(socket_.fd(), *this, watching_writes_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

 private:
  void receive() {
    static std::vector<char> buffer(kReadSize);
    const auto got = socket_.read(buffer.data(), buffer.size());
    if (!got) return close();
    const std::string_view bytes(buffer.data(), *got);
    if (peer_name_.empty()) return greet(bytes);
    if (peer_ == nullptr) {
      const auto found = names_.find(peer_name_);
      if (found == names_.end() || !found->second->socket_.is_open()) return;  // bytes to nobody are dropped
      peer_ = found->second;
    }
    peer_->pass_on(bytes);
  }

  void pass_on(std::string_view bytes) {
    if (!socket_.is_open()) return;
    socket_.queue(bytes);
    flush();
  }

  void greet(std::string_view bytes) {
    hello_ += bytes;
    const auto end = hello_.find('\n');
    const auto space = hello_.find(' ');
    if (end == std::string::npos || space == std::string::npos || space > end) {
      if (hello_.size() > kMaxHello) close();
      return;
    }
    names_[hello_.substr(0, space)] = this;
    peer_name_ = hello_.substr(space + 1, end - space - 1);
    hello_ = {};
    pass_on("<ready/>");
  }

  void close() { socket_.close(); }

  Loop& loop_;
  Names& names_;
  Socket socket_;
  std::string hello_;
  std::string peer_name_;
  Relayed* peer_ = nullptr;
  bool watching_writes_ = false;
};

class Door final : public Watched {
 public:
  explicit Door(Loop& loop) : loop_(loop) {}

  Result<void> open(const sockaddr_in& address) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) return fail(Errc::io, "socket: {}", std::strerror(errno));
    listener_.adopt(listener);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener, kBacklog) != 0) {
      return fail(Errc::io, "the relay cannot listen: {}", std::strerror(errno));
    }
    return loop_.watch(listener, *this, EPOLLIN);
  }

  void on_events(std::uint32_t) override {
    for (int fd; (fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      relayed_.push_back(std::make_unique<Relayed>(loop_, names_));
      if (!relayed_.back()->start(fd)) relayed_.pop_back();
    }
  }

  void flush() override {}

 private:
  Loop& loop_;
  Socket listener_;
  Names names_;
  std::vector<std::unique_ptr<Relayed>> relayed_;
};

}  // namespace

Result<void> run_relay(const std::string& host, std::uint16_t port) {
  const auto address = loopback_address(host, port);
  if (!address) return pass(address);
  std::signal(SIGTERM, [](int) { stopped = 1; });
  std::signal(SIGINT, [](int) { stopped = 1; });

  Loop loop;
  Door door(loop);
  if (auto opened = door.open(*address); !opened) return opened;
  loop.run_until(Tick::max(), [] { return stopped != 0; });
  return {};
}

}  // namespace anser::load
