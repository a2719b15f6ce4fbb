#include "net/dial.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/host.h"
#include "net/within.h"

namespace anser::net {
namespace {

using boost::asio::ip::tcp;
using std::chrono::steady_clock;

// What was tried in vain. Bounded, for a domain may name very many places.
class Trail {
 public:
  static constexpr std::size_t kMost = 16;

  void add(Error error) {
    code_ = tried_ == 0 || code_ == error.code ? error.code : Errc::unavailable;
    if (tried_++ < kMost) text_ += (text_.empty() ? "" : "; ") + error.message;
  }
  Error error() const {
    if (tried_ == 0) return {Errc::timeout, "cannot connect: no time was left to try"};
    const std::string more = tried_ > kMost ? fmt::format("; and {} more", tried_ - kMost) : "";
    return {code_, fmt::format("cannot connect: {}{}", text_, more)};
  }

 private:
  Errc code_ = Errc::unavailable;
  std::size_t tried_ = 0;
  std::string text_;
};

tcp::endpoint peer_of(int socket) {
  tcp::endpoint peer{tcp::v6(), 0};
  auto size = static_cast<socklen_t>(peer.capacity());
  if (::getpeername(socket, peer.data(), &size) != 0) return {};
  const int family = peer.data()->sa_family;
  if (family != AF_INET && family != AF_INET6) return {};
  peer.resize(size);
  return peer;
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// Sends what fits and takes it off.
Result<void> send_some(int socket, std::string& out) {
  if (out.empty()) return {};
  const ssize_t sent = ::send(socket, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && !would_block(errno)) return fail(Errc::io, "the proxy has gone: {}", std::strerror(errno));
  out.erase(0, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  return {};
}

// True when there was something. Looked at before it is taken: what comes through the tunnel stays in the socket.
Result<bool> read_some(int socket, Tunnel& tunnel) {
  std::array<char, 512> buffer;
  const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && would_block(errno)) return false;
  if (got < 0) return fail(Errc::io, "the proxy has gone: {}", std::strerror(errno));
  if (got == 0) return fail(Errc::io, "the proxy hung up");
  const auto taken = tunnel.feed({buffer.data(), static_cast<std::size_t>(got)});
  if (!taken) return pass(taken);
  ::recv(socket, buffer.data(), *taken, MSG_DONTWAIT);
  return true;
}

Task<Result<void>> pass_through(Core& core, int socket, Tunnel& tunnel, Moment deadline) {
  WaitSet waits{core};
  if (auto opened = waits.open(); !opened) co_return pass(opened);
  std::string out;
  for (;;) {
    out += tunnel.take_output();
    if (auto sent = send_some(socket, out); !sent) co_return pass(sent);
    if (tunnel.open()) co_return Result<void>{};
    const auto more = read_some(socket, tunnel);
    if (!more) co_return pass(more);
    if (*more) continue;
    if (steady_clock::now() >= deadline) co_return fail(Errc::timeout, "the proxy gave no answer in time");
    waits.watch(socket, EPOLLIN | (out.empty() ? 0u : EPOLLOUT));
    const auto ready = co_await waits.wait(deadline);
    if (!ready) co_return pass(ready);
  }
}

Task<Result<File>> call(std::function<int(const std::string&, std::uint16_t)> connect, std::string host,
                        std::uint16_t port) {
  errno = 0;
  File socket{connect(host, port)};
  if (socket) co_return socket;
  co_return fail(Errc::unavailable, "{}", errno != 0 ? std::strerror(errno) : "the application gave no socket");
}

// In dial's frame.
class Dial {
 public:
  Dial(Resolver& resolver, DialOptions options)
      : resolver_(resolver), options_(std::move(options)), deadline_(steady_clock::now() + options_.limit) {}

  Task<Result<Dialled>> try_all(std::vector<Endpoint> endpoints) {
    for (const Endpoint& endpoint : endpoints) {
      if (hopeless_ || steady_clock::now() >= deadline_) break;
      auto dialled = co_await try_one(endpoint);
      if (dialled || dialled.error().code == Errc::closed) co_return dialled;
    }
    co_return tl::make_unexpected(trail_.error());
  }

 private:
  // A failure is in the trail when it returns. Errc::closed is nobody's but the canceller's.
  Task<Result<Dialled>> try_one(const Endpoint& endpoint) {
    const Moment deadline = std::min(deadline_, steady_clock::now() + options_.endpoint_limit);
    if (!options_.proxy) {
      auto reached = co_await connect(endpoint.host, endpoint.port, deadline);
      if (!reached) co_return pass(reached);
      co_return Dialled{std::move(reached->socket), endpoint, reached->peer};
    }
    auto tunnel = make_tunnel(*options_.proxy, endpoint.host, endpoint.port);
    if (!tunnel) co_return give_up(endpoint, tunnel.error());
    auto reached = co_await connect(options_.proxy->host, options_.proxy->port, deadline);
    hopeless_ = !reached;
    if (!reached) co_return pass(reached);
    const auto passed = co_await pass_through(resolver_.core(), reached->socket.get(), **tunnel, deadline);
    if (passed) co_return Dialled{std::move(reached->socket), endpoint, reached->peer};
    hopeless_ = passed.error().code == Errc::not_authorized;
    co_return give_up(endpoint, passed.error());
  }

  Task<Result<Reached>> connect(std::string host, std::uint16_t port, Moment deadline) {
    if (options_.factory) {
      auto made = co_await make(host, port, deadline);
      co_return made;
    }
    const auto addresses = co_await resolver_.addresses(host, deadline);
    if (!addresses) co_return noted(addresses.error());
    std::vector<tcp::endpoint> peers;
    for (const auto& address : interleaved(*addresses)) peers.emplace_back(address, port);
    const bool literal = !address_bytes(host).empty();
    Failed failed = [this, host, literal](const tcp::endpoint& peer, const std::string& why) {
      const std::string place = authority(peer.address().to_string(), peer.port());
      failures_.push_back(literal ? fmt::format("{}: {}", place, why) : fmt::format("{} ({}): {}", place, host, why));
    };
    failures_.clear();
    auto racing = race(resolver_.core(), std::move(peers), options_.connect, deadline, std::move(failed));
    auto reached = co_await std::move(racing);
    if (reached || reached.error().code == Errc::closed) co_return reached;
    for (std::string& failure : failures_) trail_.add({reached.error().code, std::move(failure)});
    if (failures_.empty()) trail_.add(reached.error());
    co_return reached;
  }

  Task<Result<Reached>> make(std::string host, std::uint16_t port, Moment deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    auto making = within(left, options_.factory(host, port));
    auto socket = co_await std::move(making);
    const std::string place = authority(host, port);
    if (!socket) {
      const Errc code = socket.error().code == Errc::closed ? Errc::io : socket.error().code;
      co_return noted({code, fmt::format("{}: {}", place, socket.error().message)});
    }
    if (::fcntl(socket->get(), F_SETFL, ::fcntl(socket->get(), F_GETFL) | O_NONBLOCK) != 0 ||
        ::fcntl(socket->get(), F_SETFD, FD_CLOEXEC) != 0) {
      co_return noted({Errc::io, fmt::format("{}: {}", place, std::strerror(errno))});
    }
    const tcp::endpoint peer = peer_of(socket->get());
    co_return Reached{std::move(*socket), peer};
  }

  tl::unexpected<Error> noted(const Error& error) {
    if (error.code != Errc::closed) trail_.add(error);
    return tl::make_unexpected(error);
  }

  tl::unexpected<Error> give_up(const Endpoint& endpoint, const Error& why) {
    const std::string place = authority(endpoint.host, endpoint.port);
    const std::string proxy = authority(options_.proxy->host, options_.proxy->port);
    return noted({why.code, fmt::format("{} through {}: {}", place, proxy, why.message)});
  }

  Resolver& resolver_;
  const DialOptions options_;
  const Moment deadline_;
  Trail trail_;
  std::vector<std::string> failures_;  // of one race, at most as many as a host has addresses
  bool hopeless_ = false;              // with this proxy
};

}  // namespace

SocketFactory socket_factory(std::function<int(const std::string& host, std::uint16_t port)> connect) {
  return [connect = std::move(connect)](std::string host, std::uint16_t port) {
    return call(connect, std::move(host), port);
  };
}

Task<Result<Dialled>> dial(Resolver& resolver, std::vector<Endpoint> endpoints, DialOptions options) {
  Dial dial{resolver, std::move(options)};
  auto dialled = co_await dial.try_all(std::move(endpoints));
  co_return dialled;
}

}  // namespace anser::net
