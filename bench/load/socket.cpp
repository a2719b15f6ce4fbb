#include "socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace anser::load {
namespace {

constexpr std::size_t kConnectionsPerAddress = 1000;
constexpr std::size_t kSourceAddresses = 200;  // 127.0.1.1 to 127.0.1.200
// Beyond this an emptied output buffer is given back; most never grow that far.
constexpr std::size_t kKeptCapacity = 64 * 1024;

SSL_CTX* tls_context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    ANSER_ASSERT(made != nullptr);
    SSL_CTX_set_verify(made, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_mode(made,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(made, 1);  // one recv for many records
    return made;
  }();
  return context;
}

Result<void> set_option(int fd, int level, int name, int value) {
  if (setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return fail(Errc::io, "setsockopt: {}", std::strerror(errno));
}

std::string tls_error() {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  return text;
}

}  // namespace

Result<sockaddr_in> loopback_address(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const bool parsed = inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1;
  if (!parsed || (ntohl(address.sin_addr.s_addr) >> 24) != 127) {
    return fail(Errc::invalid_config, "'{}' is not a loopback address such as 127.0.0.1", host);
  }
  return address;
}

Result<void> Socket::connect(const sockaddr_in& server, std::size_t nth) {
  ANSER_ASSERT(fd_ < 0);
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(Errc::io, "socket: {}", std::strerror(errno));
  if (auto set = set_option(fd_, IPPROTO_TCP, TCP_NODELAY, 1); !set) return set;
  if (auto set = set_option(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1); !set) return set;

  sockaddr_in source{};
  source.sin_family = AF_INET;
  const auto host = static_cast<std::uint32_t>(nth / kConnectionsPerAddress % kSourceAddresses) + 1;
  source.sin_addr.s_addr = htonl((127u << 24) + (1u << 8) + host);
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
    return fail(Errc::io, "bind: {}", std::strerror(errno));
  }
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0 && errno != EINPROGRESS) {
    return fail(Errc::io, "connect: {}", std::strerror(errno));
  }
  return {};
}

void Socket::adopt(int accepted) {
  ANSER_ASSERT(fd_ < 0);
  fd_ = accepted;
}

void Socket::close() {
  tls_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  out_ = {};
  sent_ = 0;
}

Result<void> Socket::start_tls(const std::string& server_name) {
  tls_.reset(SSL_new(tls_context()));
  if (!tls_ || SSL_set_fd(tls_.get(), fd_) != 1 || SSL_set_tlsext_host_name(tls_.get(), server_name.c_str()) != 1) {
    return fail(Errc::internal, "TLS: {}", tls_error());
  }
  SSL_set_connect_state(tls_.get());
  return {};
}

Result<bool> Socket::shake_hands() {
  ERR_clear_error();
  const int done = SSL_do_handshake(tls_.get());
  if (done == 1) return true;
  const int error = SSL_get_error(tls_.get(), done);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  return fail(Errc::io, "TLS handshake: {}", tls_error());
}

Result<std::size_t> Socket::read(char* into, std::size_t size) {
  if (tls_ == nullptr) {
    const ssize_t got = recv(fd_, into, size, 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    return fail(Errc::closed, "{}", got == 0 ? "the server closed the connection" : std::strerror(errno));
  }
  ERR_clear_error();
  std::size_t got = 0;
  const int done = SSL_read_ex(tls_.get(), into, size, &got);
  if (done == 1) return got;
  if (SSL_get_error(tls_.get(), done) == SSL_ERROR_WANT_READ) return 0;
  return fail(Errc::closed, "the server closed the connection");
}

Result<void> Socket::write() {
  while (has_queued()) {
    const std::string_view rest = std::string_view(out_).substr(sent_);
    std::size_t written = 0;
    if (tls_ == nullptr) {
      const ssize_t done = send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (done < 0 && errno == EAGAIN) return {};
      if (done < 0 && errno != EINTR) return fail(Errc::closed, "send: {}", std::strerror(errno));
      written = done < 0 ? 0 : static_cast<std::size_t>(done);
    } else {
      ERR_clear_error();
      const int done = SSL_write_ex(tls_.get(), rest.data(), rest.size(), &written);
      if (done != 1) {
        const int error = SSL_get_error(tls_.get(), done);
        if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return {};
        return fail(Errc::closed, "TLS write: {}", tls_error());
      }
    }
    sent_ += written;
  }
  if (out_.capacity() > kKeptCapacity) out_ = {};
  out_.clear();
  sent_ = 0;
  return {};
}

}  // namespace anser::load
