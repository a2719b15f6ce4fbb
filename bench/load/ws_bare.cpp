// anser-load ws-bare: the bare loop that fan-outs are compared with. A WebSocket server with nothing in it: a text
// frame goes back as it came, a binary one goes to each connection, and what came in one read goes out in one send per
// connection. With a certificate it speaks TLS and is there to say what OpenSSL's part of a connection's memory is.
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <vector>

#include "base/base64.h"
#include "loop.h"
#include "socket.h"
#include "ws_command.h"
#include "ws_frames.h"

namespace anser::load {
namespace {

constexpr int kBacklog = 4096;
constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kMaxTail = 64 * 1024;
constexpr std::size_t kShort = 125;

volatile std::sig_atomic_t stopped = 0;

std::string accept_key(std::string_view key) {
  const std::string text = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

struct Room;

// One connection. Kept until the loop ends, also when it has closed.
class BareClient final : public Watched {
 public:
  BareClient(Room& room, int accepted);
  ~BareClient() override { close(); }
  void on_events(std::uint32_t events) override;
  void flush() override {}
  // All of it or nothing: the generator reads what it is sent, or the run is void.
  void send(std::string_view bytes);
  int fd() const { return fd_; }

 private:
  void take(std::string_view bytes);
  std::size_t take_frame(std::string_view bytes);
  long read(char* into, std::size_t size);
  void close();

  Room& room_;
  int fd_;
  SSL* tls_ = nullptr;
  bool upgraded_ = false;
  std::unique_ptr<std::string> tail_;
};

struct Room {
  Loop loop;
  SSL_CTX* tls = nullptr;
  std::vector<std::unique_ptr<BareClient>> clients;
  std::string to_all;  // frames of one read
};

BareClient::BareClient(Room& room, int accepted) : room_(room), fd_(accepted) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!room.tls) return;
  tls_ = SSL_new(room.tls);
  SSL_set_fd(tls_, fd_);
  SSL_set_accept_state(tls_);
}

void BareClient::close() {
  if (tls_) SSL_free(tls_);
  tls_ = nullptr;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

// 0: nothing now; negative: closed.
long BareClient::read(char* into, std::size_t size) {
  if (!tls_) {
    const ssize_t got = recv(fd_, into, size, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return got == 0 ? -1 : got;
  }
  ERR_clear_error();
  std::size_t got = 0;
  if (SSL_read_ex(tls_, into, size, &got) == 1) return static_cast<long>(got);
  return SSL_get_error(tls_, 0) == SSL_ERROR_WANT_READ ? 0 : -1;
}

void BareClient::send(std::string_view bytes) {
  if (fd_ < 0) return;
  std::size_t written = 0;
  if (tls_) {
    SSL_write_ex(tls_, bytes.data(), bytes.size(), &written);
  } else if (const ssize_t done = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); done > 0) {
    written = static_cast<std::size_t>(done);
  }
  if (written != bytes.size()) close();
}

void BareClient::on_events(std::uint32_t) {
  static std::vector<char> buffer(kReadSize + kMaxTail);
  while (fd_ >= 0) {
    const std::size_t kept = tail_ ? tail_->size() : 0;
    if (kept > 0) std::memcpy(buffer.data(), tail_->data(), kept);
    const long got = read(buffer.data() + kept, kReadSize);
    if (got < 0) return close();
    if (got == 0) return;
    tail_.reset();
    take({buffer.data(), kept + static_cast<std::size_t>(got)});
    if (!tls_) return;
  }
}

void BareClient::take(std::string_view bytes) {
  if (!upgraded_) {
    const auto end = bytes.find("\r\n\r\n");
    const auto key = bytes.find("Sec-WebSocket-Key: ");
    if (end == std::string_view::npos || key == std::string_view::npos) {
      if (bytes.size() > kMaxTail) return close();
      tail_ = std::make_unique<std::string>(bytes);
      return;
    }
    const std::string_view value = bytes.substr(key + 19, bytes.find('\r', key) - key - 19);
    send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         accept_key(value) + "\r\n\r\n");
    upgraded_ = true;
    bytes.remove_prefix(end + 4);
  }
  while (!bytes.empty() && fd_ >= 0) {
    const std::size_t taken = take_frame(bytes);
    if (taken == 0) break;
    bytes.remove_prefix(taken);
  }
  if (!room_.to_all.empty()) {
    for (const auto& client : room_.clients) client->send(room_.to_all);
    room_.to_all.clear();
  }
  if (bytes.size() > kMaxTail) return close();
  if (!bytes.empty()) tail_ = std::make_unique<std::string>(bytes);
}

// A masked frame; 0: it is not whole yet.
std::size_t BareClient::take_frame(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  std::size_t length = static_cast<unsigned char>(bytes[1]) & 0x7f;
  std::size_t header = 2;
  if (length > kShort) {
    if (length == 127 || bytes.size() < 4) return length == 127 ? (close(), bytes.size()) : 0;
    length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[2]) << 8 | static_cast<unsigned char>(bytes[3]));
    header = 4;
  }
  if (bytes.size() < header + 4 + length) return 0;
  const std::string_view mask = bytes.substr(header, 4);
  const std::string_view masked = bytes.substr(header + 4, length);
  const bool text = (static_cast<unsigned char>(bytes[0]) & 0x0f) == static_cast<unsigned char>(WsOpcode::text);
  static std::string echo;
  echo.clear();
  std::string& out = text ? echo : room_.to_all;
  out.push_back(bytes[0]);
  out.push_back(static_cast<char>(static_cast<unsigned char>(bytes[1]) & 0x7f));
  if (header == 4) out.append(bytes.substr(2, 2));
  for (std::size_t i = 0; i < masked.size(); ++i) out.push_back(static_cast<char>(masked[i] ^ mask[i % 4]));
  if (text) send(echo);
  return header + 4 + length;
}

class Door final : public Watched {
 public:
  Door(Room& room) : room_(room) {}

  Result<void> open(const sockaddr_in& address) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) return fail(Errc::io, "socket: {}", std::strerror(errno));
    listener_.adopt(listener);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener, kBacklog) != 0) {
      return fail(Errc::io, "the bare loop cannot listen: {}", std::strerror(errno));
    }
    return room_.loop.watch(listener, *this, EPOLLIN);
  }
  void on_events(std::uint32_t) override {
    for (int fd; (fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      room_.clients.push_back(std::make_unique<BareClient>(room_, fd));
      if (!room_.loop.watch(fd, *room_.clients.back(), EPOLLIN)) room_.clients.pop_back();
    }
  }
  void flush() override {}

 private:
  Room& room_;
  Socket listener_;
};

}  // namespace

Result<void> run_ws_bare(const std::string& host, std::uint16_t port, const WsBarePlan& plan) {
  const auto address = loopback_address(host, port);
  if (!address) return pass(address);
  std::signal(SIGTERM, [](int) { stopped = 1; });
  std::signal(SIGINT, [](int) { stopped = 1; });

  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls{nullptr, SSL_CTX_free};
  Room room;
  if (!plan.certificate.empty()) {
    tls.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_mode(tls.get(), SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(tls.get(), plan.certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls.get(), plan.key.c_str(), SSL_FILETYPE_PEM) != 1) {
      return fail(Errc::invalid_config, "the certificate or its key cannot be read");
    }
    room.tls = tls.get();
  }
  Door door(room);
  if (auto opened = door.open(*address); !opened) return opened;
  room.loop.run_until(Tick::max(), [] { return stopped != 0; });
  return {};
}

}  // namespace anser::load
