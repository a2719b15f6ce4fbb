// Places to connect to, good and bad. For tests only.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "net/race.h"
#include "net/test_support.h"

namespace anser::net {

// A port of loopback that somebody listens on, or that is only taken so that nobody else can: then it refuses.
class Port {
 public:
  explicit Port(bool listens) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_TRUE(!listens || ::listen(socket_.get(), 16) == 0);
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    number_ = ntohs(address.sin_port);
  }

  std::uint16_t number() const { return number_; }
  boost::asio::ip::tcp::endpoint endpoint() const { return {boost::asio::ip::address_v4::loopback(), number_}; }
  std::string text() const { return fmt::format("127.0.0.1:{}", number_); }
  Peer accept() const { return Peer{File{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)}}; }
  // Whether somebody has connected that was not accepted yet.
  bool visited() const {
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
    const File socket{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    ::fcntl(socket_.get(), F_SETFL, 0);
    return static_cast<bool>(socket);
  }

 private:
  File socket_;
  std::uint16_t number_ = 0;
};

// A network of tests: 192.0.2.0/24 and 2001:db8::/32 swallow packets, the rest is the machine's own. Outlives what it
// connected.
class FakeNetwork {
 public:
  Connector connector() {
    return [this](const boost::asio::ip::tcp::endpoint& to) { return connect(to); };
  }
  const std::vector<std::string>& tried() const { return tried_; }
  // The other end of what was swallowed: at its end of input when our side has been closed.
  bool all_closed() {
    for (Peer& peer : swallowed_) {
      char byte = 0;
      ssize_t got = 0;
      while ((got = ::recv(peer.get(), &byte, 1, MSG_DONTWAIT)) > 0) continue;
      if (got != 0) return false;
    }
    return true;
  }

 private:
  Result<File> connect(const boost::asio::ip::tcp::endpoint& to) {
    const std::string address = to.address().to_string();
    tried_.push_back(address);
    if (!address.starts_with("192.0.2.") && !address.starts_with("2001:db8:")) return start_to_connect(to);
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) != 0) {
      return fail(Errc::internal, "no sockets");
    }
    File ours{sockets[0]};
    swallowed_.emplace_back(File{sockets[1]});
    const std::array<char, 4096> junk{};
    while (::send(ours.get(), junk.data(), junk.size(), MSG_NOSIGNAL) > 0) continue;  // never ready for output then
    return ours;
  }

  std::vector<std::string> tried_;
  std::vector<Peer> swallowed_;
};

}  // namespace anser::net
