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

class TlsClient;
class TlsSession;
struct TlsClientSide;

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
  // `service` is the domain that the server must have a certificate for; it is the SNI too unless it is an address. A
  // session that does not serve is not used. Errc::bad_request if the service cannot be the name of a server.
  static Result<std::unique_ptr<TlsChannel>> connect(std::shared_ptr<const TlsClient> client, int socket,
                                                     std::string_view service, const TlsSession* session = nullptr);
  ~TlsChannel();
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
  void input_may_be_there() { drained_ = false; }
  bool established() const { return established_; }
  // After State::failed.
  std::string_view reason() const { return reason_ ? std::string_view{*reason_} : "there was no handshake"; }
  // After State::failed: not_authorized if it was the server's certificate, else io.
  Errc code() const;
  const TlsFacts& facts() const { return facts_; }
  // The client's, to come back with; null if the server has offered none (yet: TLS 1.3 does it behind the handshake,
  // and it arrives with the first input).
  std::shared_ptr<const TlsSession> session() const;

 private:
  friend struct TlsWire;  // reads and writes the socket for OpenSSL

  TlsChannel(std::shared_ptr<const TlsServer> server, std::unique_ptr<TlsClientSide> client, SslPtr ssl, int socket);
  Result<void> attach_wire();
  State why(int result);
  void fail_for(std::string reason) { reason_ = std::make_unique<const std::string>(std::move(reason)); }

  std::shared_ptr<const TlsServer> server_;  // its callbacks run until the handshake is over; null on a client's side
  std::unique_ptr<TlsClientSide> client_;    // null on a server's side
  int socket_;
  bool drained_ = false;  // all of its input has been read
  bool established_ = false;
  SslPtr ssl_;
  TlsFacts facts_;
  std::unique_ptr<const std::string> reason_;  // null: it has not failed
};

}  // namespace anser::net
