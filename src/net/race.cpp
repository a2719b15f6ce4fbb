#include "net/race.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace anser::net {
namespace {

using boost::asio::ip::tcp;
using std::chrono::steady_clock;

int outcome_of(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

// Who is on the way, and who is next.
class Race {
 public:
  Race(Core& core, std::vector<tcp::endpoint> peers, Connector connect, Moment deadline, Failed failed)
      : waits_(core),
        peers_(std::move(peers)),
        connect_(std::move(connect)),
        deadline_(deadline),
        failed_(std::move(failed)) {}

  Result<void> open() { return waits_.open(); }

  // Starts those whose time has come. False when nobody is on the way and nobody is left.
  bool start_due() {
    const Moment now = steady_clock::now();
    while (next_ < peers_.size() && (running_.empty() || now >= next_at_)) start(peers_[next_++]);
    return !running_.empty();
  }

  Moment wake_at() const { return next_ < peers_.size() ? std::min(next_at_, deadline_) : deadline_; }
  bool late() const { return steady_clock::now() >= deadline_; }
  WaitSet& waits() { return waits_; }

  // True when it is connected; otherwise it has failed, and the next one's time has come.
  bool arrived(int socket, Reached& winner) {
    const auto runner =
        std::find_if(running_.begin(), running_.end(), [&](const Reached& one) { return one.socket.get() == socket; });
    if (runner == running_.end()) return false;
    const int error = outcome_of(socket);
    waits_.forget(socket);
    if (error != 0) failed_(runner->peer, std::strerror(error));
    if (error == 0) winner = std::move(*runner);
    running_.erase(runner);
    next_at_ = Moment::min();
    return error == 0;
  }

  void give_up() {
    for (const Reached& one : running_) failed_(one.peer, "no answer in time");
  }

 private:
  void start(const tcp::endpoint& peer) {
    auto socket = connect_(peer);
    if (!socket) return failed_(peer, socket.error().message);
    if (!waits_.watch(socket->get(), EPOLLOUT)) return failed_(peer, std::strerror(errno));
    running_.push_back({std::move(*socket), peer});
    next_at_ = steady_clock::now() + kNextAttempt;
  }

  WaitSet waits_;
  const std::vector<tcp::endpoint> peers_;
  const Connector connect_;
  const Moment deadline_;
  const Failed failed_;
  std::vector<Reached> running_;
  std::size_t next_ = 0;
  Moment next_at_ = Moment::min();
};

}  // namespace

Result<File> start_to_connect(const tcp::endpoint& to) {
  File socket{::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return fail(Errc::io, "{}", std::strerror(errno));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.get(), to.data(), static_cast<socklen_t>(to.size())) != 0 && errno != EINPROGRESS) {
    return fail(Errc::io, "{}", std::strerror(errno));
  }
  return socket;
}

std::vector<boost::asio::ip::address> interleaved(const std::vector<boost::asio::ip::address>& addresses) {
  std::vector<boost::asio::ip::address> first, other, all;
  for (const auto& one : addresses) (one.is_v6() == addresses.front().is_v6() ? first : other).push_back(one);
  for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
    if (i < first.size()) all.push_back(first[i]);
    if (i < other.size()) all.push_back(other[i]);
  }
  return all;
}

Task<Result<Reached>> race(Core& core, std::vector<tcp::endpoint> peers, Connector connect, Moment deadline,
                           Failed failed) {
  Race race{core, std::move(peers), std::move(connect), deadline, std::move(failed)};
  if (auto opened = race.open(); !opened) co_return pass(opened);

  while (race.start_due()) {
    const auto ready = co_await race.waits().wait(race.wake_at());
    if (!ready) co_return pass(ready);
    for (const epoll_event& event : *ready) {
      Reached winner;
      if (race.arrived(event.data.fd, winner)) co_return std::move(winner);
    }
    if (race.late()) {
      race.give_up();
      co_return fail(Errc::timeout, "no answer in time");
    }
  }
  co_return fail(Errc::unavailable, "no address could be reached");
}

}  // namespace anser::net
