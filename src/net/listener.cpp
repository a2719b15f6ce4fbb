#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace anser::net {
namespace {

using boost::asio::ip::tcp;

constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kPause{500};        // when the system has no descriptors or memory left
constexpr std::chrono::seconds kQuietBetweenLines{60};  // of the log, about refused connections
constexpr int kUnsentInKernel = 128 * 1024;             // of a peer that reads slowly; the rest is ours to count

std::string why_not_bound(const Listener::Options& options, int error) {
  switch (error) {
    case EADDRINUSE:
      return fmt::format("port {} on {} is taken by another program", options.port, options.address);
    case EACCES:
      return fmt::format("this user may not listen on port {} of {}", options.port, options.address);
    case EADDRNOTAVAIL:
      return fmt::format("this machine does not have the address {}", options.address);
    default:
      return fmt::format("cannot listen on port {} of {}: {}", options.port, options.address, std::strerror(error));
  }
}

// Options that accepted sockets inherit.
void set_options(int socket, bool v6) {
  const auto set = [socket](int level, int name, int value) {
    ::setsockopt(socket, level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_REUSEADDR, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentInKernel);
  if (v6) set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

Result<File> open_socket(const Listener::Options& options) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(options.address, error);
  if (error) return fail(Errc::invalid_config, "'{}' is not an IP address to listen on", options.address);

  const tcp::endpoint endpoint{address, options.port};
  File socket{::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return fail(Errc::invalid_config, "{}", why_not_bound(options, errno));
  set_options(socket.get(), address.is_v6());
  if (::bind(socket.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(socket.get(), options.backlog) != 0) {
    return fail(Errc::invalid_config, "{}", why_not_bound(options, errno));
  }
  return socket;
}

std::uint16_t port_of(int socket) {
  tcp::endpoint endpoint{tcp::v6(), 0};
  auto size = static_cast<socklen_t>(endpoint.capacity());
  ::getsockname(socket, endpoint.data(), &size);
  return endpoint.port();
}

}  // namespace

// The listening socket on its home core. Kept alive by the handlers that wait for it.
class Listener::Door : public std::enable_shared_from_this<Door> {
 public:
  Door(Cores& cores, const Options& options, Handler handler)
      : cores_(cores),
        home_(cores.at(options.home)),
        gate_(options.gate),
        handler_(std::move(handler)),
        name_(fmt::format("port {} of {}", options.port, options.address)),
        socket_(home_.io()),
        pause_([this] { wait(); }) {}

  void open(File socket) {
    boost::system::error_code error;
    socket_.assign(socket.get(), error);
    if (error) return log::error("net", "cannot accept on {}: {}", name_, error.message());
    socket.release();
    wait();
  }

  void close() {
    closed_ = true;
    pause_.disarm();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  using Descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

  void wait() {
    socket_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && !self->closed_) self->accept_some();
    });
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      tcp::endpoint peer{tcp::v6(), 0};
      auto size = static_cast<socklen_t>(peer.capacity());
      File socket{::accept4(socket_.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket) {
        if (errno == EAGAIN) break;
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM) continue;
        return pause(errno);
      }
      if (std::exchange(paused_, false)) log::info("net", "accepting connections on {} again", name_);
      peer.resize(size);
      take_in(std::move(socket), peer);
    }
    wait();
  }

  // Waiting connections stay in the kernel's queue until some of ours are gone.
  void pause(int error) {
    if (!std::exchange(paused_, true)) {
      log::warn("net", "no new connections on {} for now: {}", name_, std::strerror(error));
    }
    home_.timers().arm(pause_, kPause);
  }

  void take_in(File socket, const tcp::endpoint& peer) {
    Admission admission;
    if (gate_) {
      auto entered = gate_->enter(peer.address());
      if (!entered) return refuse(entered.error());
      admission = std::move(*entered);
    }
    Core& core = cores_.at(static_cast<CoreId>(next_++ % cores_.size()));
    Handed handed{std::move(socket), peer, std::move(admission)};
    if (&core == &home_) return handler_(core, std::move(handed));
    boost::asio::post(core.io(), [self = shared_from_this(), &core, handed = std::move(handed)]() mutable {
      self->handler_(core, std::move(handed));
    });
  }

  void refuse(const Error& why) {
    ++refused_;
    const auto now = std::chrono::steady_clock::now();
    if (refused_since_ && now - *refused_since_ < kQuietBetweenLines) return;
    log::warn("net", "refused {} connection(s) on {}: {}", std::exchange(refused_, 0), name_, why.message);
    refused_since_ = now;
  }

  Cores& cores_;
  Core& home_;
  const std::shared_ptr<Gate> gate_;
  const Handler handler_;
  const std::string name_;
  Descriptor socket_;
  Alarm pause_;
  unsigned next_ = 0;
  bool closed_ = false;
  bool paused_ = false;
  std::uint64_t refused_ = 0;
  std::optional<std::chrono::steady_clock::time_point> refused_since_;
};

Result<std::unique_ptr<Listener>> Listener::listen(Cores& cores, const Options& options, Handler handler) {
  auto socket = open_socket(options);
  if (!socket) return pass(socket);

  Options named = options;
  named.port = port_of(socket->get());
  auto door = std::make_shared<Door>(cores, named, std::move(handler));
  boost::asio::post(cores.at(options.home).io(),
                    [door, socket = std::move(*socket)]() mutable { door->open(std::move(socket)); });
  return std::unique_ptr<Listener>{new Listener{cores, options.home, door, named.address, named.port}};
}

Listener::Listener(Cores& cores, CoreId home, std::shared_ptr<Door> door, std::string address, std::uint16_t port)
    : cores_(cores), home_(home), door_(std::move(door)), address_(std::move(address)), port_(port) {}

Listener::~Listener() { close(); }

void Listener::close() {
  if (!door_) return;
  boost::asio::post(cores_.at(home_).io(), [door = std::move(door_)] { door->close(); });
}

}  // namespace anser::net
