// What this layer's tests stand on: one core on the test's own thread, and peers that block. For tests only.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "net/connection.h"
#include "net/core.h"
#include "net/task.h"

namespace anser::net {

// Runs a core on this thread until a task is done. A test that hangs fails.
class Loop {
 public:
  Core core{0};

  void run(Task<void> task) {
    Alarm hang{[this] {
      ADD_FAILURE() << "the task did not end";
      core.stop();
    }};
    core.timers().arm(hang, std::chrono::seconds{60});
    boost::asio::co_spawn(core.io(), std::move(task), [this](std::exception_ptr thrown) {
      if (thrown) ADD_FAILURE() << "the task threw";
      core.stop();
    });
    core.run();
    core.io().restart();
  }
};

template <class T>
Task<void> keep(Task<Result<T>> task, std::optional<Result<T>>& result) {
  result = co_await std::move(task);
}

// Runs a task to its end, for what it gives.
template <class T>
Result<T> wait_for(Loop& loop, Task<Result<T>> task) {
  std::optional<Result<T>> result;
  loop.run(keep(std::move(task), result));
  if (!result) return fail(Errc::internal, "the task gave nothing");
  return std::move(*result);
}

// A blocking socket: the other end of a connection, as a test sees it.
class Peer {
 public:
  Peer() = default;
  explicit Peer(File socket) : socket_(std::move(socket)) {}

  int get() const { return socket_.get(); }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // One recv: empty at the end of input or on an error.
  std::string receive() {
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    return got <= 0 ? std::string{} : std::string(buffer.data(), static_cast<std::size_t>(got));
  }
  std::string receive_exactly(std::size_t size) {
    std::string all(size, '\0');
    const ssize_t got = ::recv(socket_.get(), all.data(), size, MSG_WAITALL);
    all.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return all;
  }
  std::string receive_all() {
    std::string all;
    for (std::string some = receive(); !some.empty(); some = receive()) all += some;
    return all;
  }
  void end_input() { ::shutdown(socket_.get(), SHUT_WR); }
  void reset() {
    const linger forget{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &forget, sizeof forget);
    close();
  }
  void close() { socket_ = File{::dup(::fileno(stderr))}; }

 private:
  File socket_;
};

struct Pair {
  Handed ours;
  Peer theirs;
};

inline Pair local_pair(int type = SOCK_STREAM) {
  int sockets[2];
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sockets), 0);
  return {Handed{File{sockets[0]}, {}}, Peer{File{sockets[1]}}};
}

inline Peer connect_to(std::uint16_t port, const char* address = "127.0.0.1") {
  const auto ip = boost::asio::ip::make_address(address);
  const boost::asio::ip::tcp::endpoint endpoint{ip, port};
  File socket{::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
  EXPECT_EQ(::connect(socket.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())), 0);
  return Peer{std::move(socket)};
}

// A real TCP connection over loopback.
inline Pair tcp_pair() {
  const File listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  Peer theirs = connect_to(ntohs(address.sin_port));
  boost::asio::ip::tcp::endpoint peer;
  auto peer_size = static_cast<socklen_t>(peer.capacity());
  File ours{::accept4(listener.get(), peer.data(), &peer_size, SOCK_CLOEXEC)};
  peer.resize(peer_size);
  return {Handed{std::move(ours), peer}, std::move(theirs)};
}

// Reads until `size` bytes are there, or the end.
inline Task<std::string> read_exactly(Connection& connection, std::size_t size) {
  std::string all;
  while (all.size() < size) {
    const auto some = co_await connection.read();
    if (!some) break;
    all += *some;
  }
  co_return all;
}

}  // namespace anser::net
