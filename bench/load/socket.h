// A non-blocking TCP socket to a loopback address, plain or with TLS over it after start_tls(). It keeps what the
// kernel did not take yet; certificates are not checked, since only this machine is ever contacted.
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace anser::load {

// Errc::invalid_config for anything but 127.0.0.0/8: a load must never reach somebody else.
Result<sockaddr_in> loopback_address(const std::string& host, std::uint16_t port);

class Socket {
 public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Begins to connect. `nth` spreads connections over source addresses, for one has only 28,000 ports.
  Result<void> connect(const sockaddr_in& server, std::size_t nth);
  void adopt(int accepted);
  void close();

  Result<void> start_tls(const std::string& server_name);
  bool shaking_hands() const { return tls_ != nullptr && !SSL_is_init_finished(tls_.get()); }
  // True when done, false when the peer's bytes are awaited.
  Result<bool> shake_hands();

  // Up to `size` bytes; zero when nothing is there now. Errc::closed when the peer closed.
  Result<std::size_t> read(char* into, std::size_t size);
  // TLS has taken more from the kernel than read() gave: read again, epoll will not tell.
  bool has_more() const { return tls_ != nullptr && SSL_has_pending(tls_.get()) == 1; }

  void queue(std::string_view bytes) { out_.append(bytes); }
  bool has_queued() const { return out_.size() > sent_; }
  std::size_t queued() const { return out_.size() - sent_; }
  // Writes what it can; what stays is has_queued().
  Result<void> write();

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  int fd_ = -1;
  std::unique_ptr<SSL, FreeSsl> tls_;
  std::string out_;
  std::size_t sent_ = 0;
};

}  // namespace anser::load
