#include "app/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "app/control_protocol.h"
#include "base/log.h"

namespace anser::app {
namespace {

using std::chrono::milliseconds;
using Deadline = std::chrono::steady_clock::time_point;

constexpr int kBacklog = 16;
constexpr std::chrono::seconds kConnectTime{10};
constexpr milliseconds kAnswerTime{120'000};  // for a whole batch of accounts on a busy server

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// A socket's name is at most 107 bytes. What is longer is reached through its directory's descriptor.
struct Address {
  sockaddr_un name{};
  Descriptor directory;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

Result<Address> address_of(const std::filesystem::path& path) {
  Address address;
  address.name.sun_family = AF_UNIX;
  std::string text = path.string();
  if (text.size() >= sizeof address.name.sun_path) {
    address.directory = Descriptor{open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!address.directory) return fail(Errc::io, "cannot open {}: {}", path.parent_path().string(), strerror(errno));
    text = fmt::format("/proc/self/fd/{}/{}", address.directory.get(), path.filename().string());
  }
  std::memcpy(address.name.sun_path, text.data(), text.size());
  return address;
}

// No descriptor: nobody listens there (any more).
Result<Descriptor> connect_to(const std::filesystem::path& path) {
  auto address = address_of(path);
  if (!address) {
    if (errno == ENOENT) return Descriptor{};
    return pass(address);
  }
  Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) return fail(Errc::io, "cannot make a socket: {}", strerror(errno));
  const timeval limit{kConnectTime.count(), 0};  // of waiting for room in the backlog
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(socket.get(), address->get(), sizeof address->name) == 0) {
    fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    return socket;
  }
  if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) return Descriptor{};
  return fail(Errc::io, "cannot talk to the server at {}: {}", path.string(), strerror(errno));
}

// True once `fd` is ready; false when time runs out or `stop` (if any) becomes readable.
bool wait_for(int fd, short events, Deadline deadline, int stop = -1) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd polled[2] = {{fd, events, 0}, {stop, POLLIN, 0}};
    const int ready = poll(polled, 2, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || polled[1].revents != 0) return false;
    return true;
  }
}

Result<void> send_line(int fd, std::string line, Deadline deadline) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      rest.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!wait_for(fd, POLLOUT, deadline)) return fail(Errc::timeout, "the other side does not read");
    } else if (errno != EINTR) {
      return fail(Errc::closed, "the other side went away");
    }
  }
  return {};
}

// Up to the line feed, without it. What follows it is ignored.
Result<std::string> read_line(int fd, std::size_t limit, Deadline deadline, int stop = -1) {
  std::string line;
  char buffer[16'384];
  for (;;) {
    const ssize_t size = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size == 0) return fail(Errc::closed, "the line has no end");
    if (size < 0 && errno == EAGAIN) {
      if (!wait_for(fd, POLLIN, deadline, stop)) return fail(Errc::timeout, "the line did not come in time");
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(Errc::closed, "the other side went away");

    const std::string_view chunk{buffer, static_cast<std::size_t>(size)};
    const auto end = chunk.find('\n');
    line += chunk.substr(0, end);
    if (line.size() > limit) return fail(Errc::policy_violation, "the line is longer than {} bytes", limit);
    if (end != std::string_view::npos) return line;
  }
}

// Root and ourselves.
bool is_trusted(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::filesystem::path& directory, AccountAdmin& admin,
                                                            const ControlOptions& options) {
  const std::filesystem::path path = directory / kControlSocket;
  const auto other = connect_to(path);
  if (!other) return pass(other);
  if (*other) return fail(Errc::conflict, "another server runs on {}", directory.string());

  struct stat about {};
  if (lstat(path.c_str(), &about) == 0) {
    if (!S_ISSOCK(about.st_mode)) return fail(Errc::io, "{} is in the way: it is no socket", path.string());
    unlink(path.c_str());  // left behind by a server that was killed
  }

  const auto address = address_of(path);
  if (!address) return pass(address);
  Descriptor listener{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  Descriptor stop{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  // The mode is set before the name exists, so there is no moment at which others could connect.
  if (!listener || !stop || fchmod(listener.get(), 0600) != 0 ||
      bind(listener.get(), address->get(), sizeof address->name) != 0 || listen(listener.get(), kBacklog) != 0) {
    return fail(Errc::io, "cannot listen at {}: {}", path.string(), strerror(errno));
  }
  return std::unique_ptr<ControlServer>{new ControlServer{path, listener.release(), stop.release(), admin, options}};
}

ControlServer::ControlServer(std::filesystem::path path, int listener, int stop, AccountAdmin& admin,
                             const ControlOptions& options)
    : path_(std::move(path)), listener_(listener), stop_(stop), admin_(admin), options_(options), thread_([this] {
        run();
      }) {}

ControlServer::~ControlServer() {
  eventfd_write(stop_, 1);
  thread_.join();
  unlink(path_.c_str());
  close(listener_);
  close(stop_);
}

void ControlServer::run() {
  for (;;) {
    pollfd polled[2] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (poll(polled, 2, -1) < 0 && errno != EINTR) {
      return log::error("app", "control.sock is closed: {}", strerror(errno));
    }
    if (polled[1].revents != 0) return;
    if ((polled[0].revents & POLLIN) == 0) continue;
    const Descriptor connection{accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (connection) {
      serve(connection.get());
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // Nothing can be accepted for a while; do not spin.
      wait_for(stop_, POLLIN, std::chrono::steady_clock::now() + milliseconds{100});
    }
  }
}

void ControlServer::serve(int connection) {
  std::string response;
  if (!is_trusted(connection)) {
    response = refuse_control({Errc::forbidden, "only root and the server's own user may ask for this"});
  } else if (const auto request = read_line(connection, kMaxControlRequest,
                                            std::chrono::steady_clock::now() + options_.request_time, stop_)) {
    response = answer_control(admin_, *request);
  } else if (request.error().code == Errc::closed) {
    return;  // somebody only looked whether we are here
  } else {
    response = refuse_control(request.error());
  }
  const auto sent =
      send_line(connection, std::move(response), std::chrono::steady_clock::now() + options_.response_time);
  if (!sent) log::warn("app", "a command did not wait for its answer: {}", sent.error().message);
}

Result<std::unique_ptr<AccountAdmin>> reach_server(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kControlSocket;
  const auto there = connect_to(path);
  if (!there) return pass(there);
  if (!*there) return nullptr;

  return std::make_unique<RemoteAdmin>([path](const std::string& request) -> Result<std::string> {
    const auto connection = connect_to(path);
    if (!connection) return pass(connection);
    if (!*connection) return fail(Errc::closed, "the server has stopped");
    const auto deadline = std::chrono::steady_clock::now() + kAnswerTime;
    // Sending may fail because the server has refused and closed already: its answer says why.
    const auto sent = send_line(connection->get(), request, deadline);
    auto answer = read_line(connection->get(), kMaxControlResponse, deadline);
    if (answer) return answer;
    if (!sent) return fail(sent.error().code, "the server did not take the command: {}", sent.error().message);
    return fail(answer.error().code, "the server did not answer: {}", answer.error().message);
  });
}

}  // namespace anser::app
