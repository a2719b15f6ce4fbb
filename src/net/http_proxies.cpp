#include "net/http_proxies.h"

#include <algorithm>
#include <boost/system/error_code.hpp>
#include <charconv>
#include <optional>
#include <string_view>

namespace anser::net {
namespace {

namespace ip = boost::asio::ip;

constexpr unsigned kBits = 128, kMappedBits = 96;  // of IPv6, and of it before an IPv4 address

ip::address_v6 as_v6(const ip::address& address) {
  return address.is_v6() ? address.to_v6() : ip::make_address_v6(ip::v4_mapped, address.to_v4());
}

ip::address unmapped(const ip::address& address) {
  const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  return mapped ? ip::address{ip::make_address_v4(ip::v4_mapped, address.to_v6())} : address;
}

std::string_view bare_of(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\"");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\"") - first + 1);
}

// 192.0.2.7, 192.0.2.7:4711, 2001:db8::7, [2001:db8::7], [2001:db8::7]:4711
std::optional<ip::address> address_in(std::string_view text) {
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  boost::system::error_code wrong;
  const auto address = ip::make_address(text, wrong);
  return wrong ? std::nullopt : std::optional{unmapped(address)};
}

}  // namespace

Result<HttpProxies> HttpProxies::parse(const std::vector<std::string>& list) {
  HttpProxies proxies;
  for (const std::string_view text : list) {
    const auto slash = text.find('/');
    boost::system::error_code wrong;
    const auto address = ip::make_address(text.substr(0, slash), wrong);
    if (wrong) return fail(Errc::invalid_config, "{} is neither an address nor a network", text);
    const unsigned most = address.is_v6() ? kBits : kBits - kMappedBits;
    unsigned bits = most;
    if (slash != std::string_view::npos) {
      const std::string_view digits = text.substr(slash + 1);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
      if (error != std::errc{} || end != digits.data() + digits.size() || bits > most)
        return fail(Errc::invalid_config, "{} is no network: its length is 0 to {}", text, most);
    }
    proxies.networks_.push_back({as_v6(address), bits + (kBits - most)});
  }
  return proxies;
}

bool HttpProxies::contains(const ip::address& address) const {
  const auto bytes = as_v6(address).to_bytes();
  return std::ranges::any_of(networks_, [&](const Network& network) {
    const auto prefix = network.address.to_bytes();
    const std::size_t whole = network.bits / 8;
    if (!std::equal(prefix.begin(), prefix.begin() + static_cast<std::ptrdiff_t>(whole), bytes.begin())) return false;
    const unsigned rest = network.bits % 8;
    return rest == 0 || (prefix[whole] ^ bytes[whole]) >> (8 - rest) == 0;
  });
}

HttpClient client_of(const HttpRequest& request, const ip::address& peer, bool tls, const HttpProxies& proxies) {
  HttpClient client{unmapped(peer), tls};
  client.forwarded = request.field("x-forwarded-for") || request.field("x-forwarded-proto") ||
                     request.field("x-real-ip") || request.field("forwarded");
  if (!proxies.contains(peer)) return client;
  client.forwarded = true;
  // What a proxy does not say is the operator's word: it is there to take TLS off.
  const std::string schemes = request.list("x-forwarded-proto");
  const auto scheme = bare_of(std::string_view{schemes}.substr(schemes.rfind(',') + 1));  // the last proxy's
  client.tls = tls || scheme.empty() || scheme == "https" || scheme == "wss";
  const std::string chain = request.list("x-forwarded-for");
  for (std::string_view rest = chain; !rest.empty();) {
    const auto comma = rest.rfind(',');
    const auto address = address_in(bare_of(comma == std::string_view::npos ? rest : rest.substr(comma + 1)));
    if (!address) break;
    client.address = *address;
    if (comma == std::string_view::npos || !proxies.contains(*address)) break;
    rest = rest.substr(0, comma);
  }
  return client;
}

}  // namespace anser::net
