// One connection's TLS: OpenSSL on the socket itself, never blocking. Owned by a Connection; moves between cores with
// it, used by one thread at a time. Its input is drained to the end before it says want_read, and a read of the socket
// that came back short is not followed by another until the loop says that there is more.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/openssl.h"
#include "net/tls.h"

namespace anser::net {

class TlsChannel {
 public:
  static constexpr std::size_t kRecord = 16 * 1024;

  enum class State { going, want_read, want_write, closed, failed };

  // What one call achieved: `size` bytes, or the reason why none.
  struct Step {
    State state = State::going;
    std::size_t size = 0;
  };

  static Result<std::unique_ptr<TlsChannel>> accept(std::shared_ptr<const TlsServer> server, int socket,
                                                    std::string_view host);
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  // `going` when the handshake is done.
  State handshake();
  Step read(std::span<char> into);
  // One record at most.
  Step write(std::string_view from);
  // close_notify, if the socket takes it.
  void say_goodbye();

  // The socket became readable.
  void input_may_be_there() { wire_.drained = false; }
  bool established() const { return established_; }
  // After State::failed.
  const std::string& reason() const { return reason_; }
  const TlsFacts& facts() const { return facts_; }

 private:
  struct Wire {
    int socket;
    bool drained = false;
  };
  friend struct TlsWire;

  TlsChannel(std::shared_ptr<const TlsServer> server, SslPtr ssl, int socket);
  State why(int result);

  std::shared_ptr<const TlsServer> server_;  // its callbacks run until the handshake is over
  Wire wire_;
  SslPtr ssl_;
  TlsFacts facts_;
  bool established_ = false;
  bool failed_ = false;
  std::string reason_ = "there was no handshake";
};

}  // namespace anser::net
