// What a client and its proxy say to each other until bytes pass through to somebody else. Rules only: fed with bytes,
// asked for bytes; net/dial carries them over a socket. Names and passwords never get into an error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace anser::net {

struct Proxy {
  enum class Kind { socks5, http_connect };

  Kind kind = Kind::socks5;
  std::string host;
  std::uint16_t port = 0;
  std::string username{};  // empty: no login
  std::string password{};
};

class Tunnel {
 public:
  virtual ~Tunnel() = default;

  // What to send to the proxy now; empty while it is the proxy's turn.
  virtual std::string take_output() = 0;
  // The proxy's bytes, in pieces of any size. Says how many it took: all, or those before the first that has come
  // through the tunnel. Errc::not_authorized when the proxy wants another login, unavailable or forbidden when it does
  // not reach or allow the place, bad_request when it is no such proxy; after an error only destroy it.
  virtual Result<std::size_t> feed(std::string_view bytes) = 0;
  virtual bool open() const = 0;
};

// To a place that the proxy reaches (and whose name it resolves). Errc::bad_request for what the protocol cannot say.
Result<std::unique_ptr<Tunnel>> make_tunnel(const Proxy& proxy, std::string_view host, std::uint16_t port);

}  // namespace anser::net
