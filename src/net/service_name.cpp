#include "net/service_name.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <vector>

#include "codec/idna.h"

namespace anser::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// "192.0.2.1", "2001:db8::1", "[2001:db8::1]" as in an XMPP address.
std::optional<std::string> address_in(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(text, not_an_address);
  if (not_an_address) return std::nullopt;
  return address.to_string();
}

}  // namespace

Result<ServiceName> ServiceName::make(std::string_view domain, std::string_view srv_service) {
  ServiceName name;
  name.given_ = domain;
  name.srv_service_ = srv_service;
  if (auto address = address_in(domain)) {
    name.canonical_ = std::move(*address);
    name.is_address_ = true;
    return name;
  }
  auto ascii = codec::to_a_labels(domain);
  if (!ascii) return fail(Errc::bad_request, "'{}' cannot be the name of a server", domain);
  name.canonical_ = std::move(*ascii);
  return name;
}

bool ServiceName::matches(const PeerCertificate& certificate) const {
  const auto any = [](const std::vector<std::string>& names, auto&& good) {
    return std::any_of(names.begin(), names.end(), good);
  };
  if (any(certificate.xmpp_addrs, [&](const std::string& name) { return is_xmpp_address(name); })) return true;
  if (is_address_) return any(certificate.addresses, [&](const std::string& name) { return name == canonical_; });
  return any(certificate.dns_names, [&](const std::string& name) { return is_dns_name(name); }) ||
         any(certificate.srv_names, [&](const std::string& name) { return is_srv_name(name); });
}

// A wildcard stands for one label, and only where two more follow: "*.org" would be for too many.
bool ServiceName::is_dns_name(std::string_view presented) const {
  if (presented.ends_with('.')) presented.remove_suffix(1);
  if (!presented.starts_with("*.")) return same(presented, canonical_);
  const std::string_view parent = presented.substr(1);
  const auto dot = canonical_.find('.');
  return dot != std::string::npos && dot != 0 && parent.find('.', 1) != parent.npos &&
         same(parent, std::string_view{canonical_}.substr(dot));
}

// "_xmpp-client.example.org" (RFC 4985)
bool ServiceName::is_srv_name(std::string_view presented) const {
  if (presented.size() <= srv_service_.size() || presented[srv_service_.size()] != '.') return false;
  std::string_view domain = presented.substr(srv_service_.size() + 1);
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return same(presented.substr(0, srv_service_.size()), srv_service_) && same(domain, canonical_);
}

// An XMPP address that is nothing but a domain, which may be in Unicode.
bool ServiceName::is_xmpp_address(std::string_view presented) const {
  if (is_address_) return address_in(presented) == canonical_;
  if (presented.find_first_of("@/") != presented.npos) return false;
  const auto ascii = codec::to_a_labels(presented);
  return ascii && *ascii == canonical_;
}

std::string names_for_people(const PeerCertificate& certificate) {
  constexpr std::size_t kEnough = 8;
  constexpr std::size_t kLongestName = 253;
  std::vector<std::string> names;
  bool more = false;
  for (const auto* list :
       {&certificate.dns_names, &certificate.xmpp_addrs, &certificate.srv_names, &certificate.addresses}) {
    for (const std::string& name : *list) {
      const bool readable = std::none_of(name.begin(), name.end(), [](char c) {
        return c <= ' ' || c >= 0x7f;  // a stranger wrote it, and it may go to a terminal
      });
      if (!readable || name.size() > kLongestName || std::find(names.begin(), names.end(), name) != names.end())
        continue;
      more = names.size() == kEnough;
      if (!more) names.push_back(name);
    }
  }
  if (names.empty()) return "no service";
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return more ? text + " and more" : text;
}

}  // namespace anser::net
