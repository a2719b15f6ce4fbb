#include "net/tunnel.h"

#include "net/http_connect.h"
#include "net/socks5.h"

namespace anser::net {

Result<std::unique_ptr<Tunnel>> make_tunnel(const Proxy& proxy, std::string_view host, std::uint16_t port) {
  switch (proxy.kind) {
    case Proxy::Kind::socks5:
      return make_socks5(proxy, host, port);
    case Proxy::Kind::http_connect:
      return make_http_connect(proxy, host, port);
  }
  return fail(Errc::internal, "there is no such kind of proxy");
}

}  // namespace anser::net
