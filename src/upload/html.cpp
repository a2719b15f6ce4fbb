#include "upload/html.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/base64.h"
#include "core/crypto.h"

namespace anser::upload {
namespace {

constexpr std::string_view kStyle =
    "body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:40rem;overflow-wrap:anywhere;"
    "color:#222;background:#fff}h1{font-size:1.25rem}li{margin:.5rem 0}small{color:#666}"
    "button{font:inherit;padding:.5rem 1rem}p.error{border-left:.25rem solid #b00020;padding-left:.75rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#1b1b1b}small{color:#aaa}a{color:#8ab4f8}}";

const std::string& policy() {
  static const std::string text = "default-src 'none'; style-src 'sha256-" +
                                  base64_encode(core::digest(core::Hash::sha256, kStyle)) +
                                  "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  return text;
}

// qvalue (RFC 9110 §12.4.2) in thousandths; what is none counts as 1, as it does for most servers.
unsigned weight_of(std::string_view parameters) {
  constexpr unsigned kOne = 1000;
  while (!parameters.empty()) {
    const auto end = parameters.find(';');
    const auto parameter = net::trimmed(parameters.substr(0, end));
    parameters = end == std::string_view::npos ? std::string_view{} : parameters.substr(end + 1);
    if (parameter.size() < 3 || (parameter[0] | 0x20) != 'q' || parameter[1] != '=') continue;
    std::string digits{parameter.substr(2)};
    if (digits.front() == '1') return kOne;
    if (digits.front() != '0') return kOne;
    unsigned value = 0;
    digits = digits.size() > 2 ? digits.substr(2, 3) : "";
    digits.resize(3, '0');
    const auto [at, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return wrong == std::errc{} && at == digits.data() + digits.size() ? value : kOne;
  }
  return kOne;
}

struct Offer {
  Telling telling;
  std::string_view type, other;  // media types
};
constexpr std::array kOffers{Offer{Telling::json, "application/json", "application/problem+json"},
                             Offer{Telling::page, "text/html", "application/xhtml+xml"},
                             Offer{Telling::text, "text/plain", "text/plain"}};

// How narrowly a range fits; 0: not at all.
unsigned fit(std::string_view range, const Offer& offer) {
  if (range == offer.type || range == offer.other) return 3;
  const auto slash = offer.type.find('/') + 1;
  if (range.size() == slash + 1 && range.ends_with('*') && range.substr(0, slash) == offer.type.substr(0, slash))
    return 2;
  return range == "*/*" || range == "*" ? 1 : 0;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\t':
      case '\n':
        out.push_back(c);
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          out += "\xef\xbf\xbd";
        else
          out.push_back(c);
    }
  }
  return out;
}

net::HttpResponse page(unsigned status, std::string_view title, std::string_view body) {
  net::HttpResponse response{.status = status, .body = {}, .type = "text/html; charset=utf-8"};
  response.body.reserve(body.size() + kStyle.size() + 512);
  response.body.append("<!DOCTYPE html>\n<html lang=\"zh\">\n<head>\n<meta charset=\"utf-8\">\n")
      .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
      .append(escaped(title))
      .append("</title>\n<style>")
      .append(kStyle)
      .append("</style>\n</head>\n<body>\n")
      .append(body)
      .append("\n</body>\n</html>\n");
  response.fields.emplace_back("content-security-policy", policy());
  response.fields.emplace_back("referrer-policy", "no-referrer");
  response.fields.emplace_back("cache-control", "no-store");
  return response;
}

Telling wanted(const net::HttpRequest& request) {
  const std::string list = request.list("accept");
  if (net::trimmed(list).empty()) return Telling::json;
  std::array<unsigned, kOffers.size()> fits{}, weights{};
  for (std::string_view rest = list; !rest.empty();) {
    const auto comma = rest.find(',');
    const auto one = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const auto semicolon = one.find(';');
    const std::string range = net::lower(net::trimmed(one.substr(0, semicolon)));
    const unsigned weight = semicolon == std::string_view::npos ? 1000 : weight_of(one.substr(semicolon + 1));
    for (std::size_t i = 0; i < kOffers.size(); ++i) {
      const unsigned fitting = fit(range, kOffers[i]);
      if (fitting == 0 || fitting < fits[i]) continue;
      weights[i] = fitting == fits[i] ? std::max(weights[i], weight) : weight;
      fits[i] = fitting;
    }
  }
  const auto best = std::ranges::max_element(weights);
  return *best == 0 ? Telling::json : kOffers[static_cast<std::size_t>(best - weights.begin())].telling;
}

}  // namespace anser::upload
