// Who is behind a request when a proxy stands in front of us: it takes TLS off and has an address of its own, and says
// in fields what it saw. Those are believed of proxies that the operator has named; from anybody else they only show
// that the request does not come from the machine that it seems to come from. Values; no I/O.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/http_request.h"

namespace anser::net {

class HttpProxies {
 public:
  // Addresses ("192.0.2.7", "::1") and networks ("10.0.0.0/8"). Errc::invalid_config names what is neither.
  static Result<HttpProxies> parse(const std::vector<std::string>& list);

  bool contains(const boost::asio::ip::address& address) const;

 private:
  struct Network {
    boost::asio::ip::address_v6 address;  // IPv4 as ::ffff:a.b.c.d
    unsigned bits;
  };
  std::vector<Network> networks_;
};

struct HttpClient {
  boost::asio::ip::address address;
  bool tls = false;        // between the client and us, or the client and a proxy of ours
  bool forwarded = false;  // there is a proxy, ours or not

  // Nothing of it has left this machine.
  bool is_here() const { return address.is_loopback() && !forwarded; }
};

// `peer` and `tls` are the connection's. The client's address is the last of X-Forwarded-For that is not a proxy of
// ours.
HttpClient client_of(const HttpRequest& request, const boost::asio::ip::address& peer, bool tls,
                     const HttpProxies& proxies);

}  // namespace anser::net
