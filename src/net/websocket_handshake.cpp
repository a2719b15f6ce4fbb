#include "net/websocket_handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "codec/permessage_deflate.h"
#include "net/websocket.h"

namespace anser::net {
namespace {

constexpr std::size_t kMaxProtocols = 16;

HttpResponse refusal(unsigned status, std::string text) {
  return {.status = status, .body = std::move(text) + "\n", .type = "text/plain; charset=utf-8"};
}

// §4.4, and RFC 9110 §7.8: Upgrade is named in Connection.
HttpResponse upgrade_required(std::string text) {
  auto response = refusal(426, std::move(text));
  response.fields = {{"upgrade", "websocket"}, {"connection", "Upgrade"}, {"sec-websocket-version", "13"}};
  return response;
}

// RFC 6454: scheme://host[:port], the port left away when it is the scheme's own.
bool is_own_page(std::string_view origin, std::string_view host, bool tls) {
  const std::string_view scheme = tls ? "https://" : "http://";
  if (!origin.starts_with(scheme)) return false;
  const std::string_view own_port = tls ? ":443" : ":80";
  if (host.ends_with(own_port)) host.remove_suffix(own_port.size());
  return origin.substr(scheme.size()) == host;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const std::string text = std::string{key}.append(kGuid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

std::optional<HttpResponse> refuse_websocket(const HttpRequest& request, const WebSocketSettings& settings, bool tls) {
  if (request.method != "GET") {
    auto response = refusal(405, "a WebSocket begins with GET");
    response.fields.emplace_back("allow", "GET");
    return response;
  }
  if (request.http_1_0 || !has_token(request.list("connection"), "upgrade") ||
      !has_token(request.list("upgrade"), "websocket")) {
    return upgrade_required("this address speaks WebSocket");
  }
  if (request.list("sec-websocket-version") != "13") {
    return upgrade_required("only version 13 of WebSocket is spoken here");
  }
  const auto key = base64_decode(request.list("sec-websocket-key"));
  if (!key || key->size() != 16) return refusal(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  if (request.has_body()) return refusal(400, "a handshake has no body");
  const auto origin = request.field("origin");
  if (origin && !is_own_page(*origin, request.field("host").value_or(""), tls) &&
      std::ranges::none_of(settings.origins, [&](const auto& one) { return one == "*" || one == *origin; })) {
    return refusal(403, "pages of this origin may not connect");
  }
  return std::nullopt;
}

std::vector<std::string> offered_protocols(const HttpRequest& request) {
  std::vector<std::string> protocols;
  const std::string list = request.list("sec-websocket-protocol");
  for (std::string_view rest = list; !rest.empty() && protocols.size() < kMaxProtocols;) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    if (!trimmed(item).empty()) protocols.emplace_back(trimmed(item));
  }
  return protocols;
}

Result<Handed> accept_websocket(HttpExchange& exchange, const WebSocketSettings& settings, std::string_view protocol) {
  const HttpRequest& request = exchange.request();
  WebSocket::Options options;
  options.limits = settings.limits;
  std::vector<std::pair<std::string, std::string>> fields{
      {"upgrade", "websocket"},
      {"connection", "Upgrade"},
      {"sec-websocket-accept", websocket_accept(request.list("sec-websocket-key"))}};
  if (!protocol.empty()) fields.emplace_back("sec-websocket-protocol", protocol);
  if (const std::string offers = request.list("sec-websocket-extensions"); settings.compression && !offers.empty()) {
    const auto answer = codec::answer_deflate_offers(offers, codec::DeflateSettings{});
    if (!answer) return pass(answer);
    if (*answer) {
      options.deflate = (*answer)->agreement;
      fields.emplace_back("sec-websocket-extensions", (*answer)->header);
    }
  }
  auto handed = exchange.switch_protocols(fields);
  if (handed) handed->websocket = std::make_unique<WebSocket>(options);
  return handed;
}

}  // namespace anser::net
