// Whether a certificate is the one of an XMPP service: RFC 9525, with the additions of RFC 6120 section 13.7.2.
//
// The name that counts is the service's domain, what the stream's `to` will say; never the host that DNS named for it.
// Of a certificate only subjectAltName counts: dNSName, with a wildcard as the whole left-most label, id-on-dnsSRV,
// id-on-xmppAddr, and iPAddress if the service's name is an address. Values; for any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/tls.h"

namespace anser::net {

class ServiceName {
 public:
  // `srv_service` as in DNS: _xmpp-client. Errc::bad_request if the domain is neither a domain name nor an address.
  static Result<ServiceName> make(std::string_view domain, std::string_view srv_service);

  bool matches(const PeerCertificate& certificate) const;

  const std::string& given() const { return given_; }
  // A-labels, or the address in the spelling of RFC 5952.
  const std::string& canonical() const { return canonical_; }
  bool is_address() const { return is_address_; }

 private:
  ServiceName() = default;

  bool is_dns_name(std::string_view presented) const;
  bool is_srv_name(std::string_view presented) const;
  bool is_xmpp_address(std::string_view presented) const;

  std::string given_;
  std::string canonical_;
  std::string srv_service_;
  bool is_address_ = false;
};

// "a.example, b.example", for people; some of them if there are many.
std::string names_for_people(const PeerCertificate& certificate);

}  // namespace anser::net
