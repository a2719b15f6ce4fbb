#include "sdk/src/socket_url.h"

#include <algorithm>
#include <charconv>

#include "sdk/src/fail.h"

namespace anser::sdk {
namespace {

void append_encoded(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto octet = static_cast<unsigned char>(c);
  out.append({'%', kDigits[octet >> 4], kDigits[octet & 0xf]});
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool takes_scheme(std::string_view& url, std::string_view scheme) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; };
  if (url.size() < scheme.size() ||
      !std::equal(scheme.begin(), scheme.end(), url.begin(), [&](char b, char a) { return same(a, b); }))
    return false;
  url.remove_prefix(scheme.size());
  return true;
}

// What stands behind the scheme.
Result<SocketUrl> parse_rest(std::string_view url, bool tls) {
  SocketUrl parts;
  parts.tls = tls;
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  url.remove_prefix(authority.size());
  if (authority.find('@') != authority.npos)
    return fail(Errc::invalid_argument, "name and password belong into the credentials, not into the address");
  for (const char c : authority) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return fail(Errc::invalid_argument, "the address holds a space or a control character");
  }

  // host [":" port], the host perhaps with colons of its own, in brackets
  const auto colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  parts.host = authority.substr(0, colon);
  parts.port = parts.tls ? 443 : 80;
  if (parts.host.empty()) return fail(Errc::invalid_argument, "the address has no host");
  if (colon != authority.npos && colon + 1 < authority.size()) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [last, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
    if (wrong != std::errc{} || last != digits.data() + digits.size() || parts.port == 0)
      return fail(Errc::invalid_argument, "\"{}\" is no port", digits);
  }

  if (!url.starts_with('/')) parts.target = "/";
  for (const char c : url) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= 0x20 || octet == 0x7f)
      return fail(Errc::invalid_argument, "the address holds a space or a control character");
    if (octet < 0x80) {
      parts.target += c;
    } else {
      append_encoded(parts.target, c);
    }
  }
  return parts;
}

}  // namespace

Result<SocketUrl> parse_socket_url(std::string_view url) {
  const bool tls = takes_scheme(url, "wss://");
  if (!tls && !takes_scheme(url, "ws://"))
    return fail(Errc::invalid_argument, "the address of a WebSocket begins with ws:// or wss://");
  if (url.find('#') != url.npos) return fail(Errc::invalid_argument, "the address of a WebSocket has no fragment");
  return parse_rest(url, tls);
}

Result<SocketUrl> parse_http_url(std::string_view url) {
  const bool tls = takes_scheme(url, "https://");
  if (!tls && !takes_scheme(url, "http://"))
    return fail(Errc::invalid_argument, "the address of a file begins with https:// or http://");
  return parse_rest(url.substr(0, url.find('#')), tls);
}

void add_parameter(std::string& target, std::string_view name, std::string_view value) {
  target += target.find('?') == target.npos ? '?' : '&';
  target.append(name) += '=';
  for (const char c : value) {
    if (is_unreserved(c)) {
      target += c;
    } else {
      append_encoded(target, c);
    }
  }
}

}  // namespace anser::sdk
