#include "xmpp/websocket_door.h"

#include <algorithm>
#include <optional>

#include "codec/idna.h"
#include "net/host.h"
#include "net/websocket_handshake.h"
#include "xml/element.h"
#include "xmpp/negotiation.h"

namespace anser::xmpp {
namespace {

constexpr std::string_view kProtocol = "xmpp";
constexpr std::string_view kRelation = "urn:xmpp:alt-connections:websocket";
constexpr std::string_view kXrdNs = "http://docs.oasis-open.org/ns/xri/xrd-1.0";

net::HttpClient client_of(const net::HttpExchange& exchange, const Settings& settings) {
  const net::Connection& connection = exchange.connection();
  return net::client_of(exchange.request(), connection.peer_address(), connection.tls() != nullptr, settings.proxies);
}

// HOST[:PORT] as a request names it, an IPv6 address in brackets.
struct Authority {
  std::string host, port;
};

std::optional<Authority> authority_of(std::string_view text) {
  const std::size_t end = text.starts_with('[') ? text.find(']') + 1 : std::min(text.find(':'), text.size());
  Authority found{std::string{text.substr(0, end)}, std::string{text.substr(end)}};
  const std::string_view port = found.port;
  constexpr std::size_t kMostOfPort = 6;
  const bool good = port.empty() || (port.front() == ':' && port.size() > 1 && port.size() <= kMostOfPort &&
                                     port.find_first_not_of("0123456789", 1) == port.npos);
  if (!good || (!net::is_host_name(found.host) && net::address_bytes(found.host).empty())) return std::nullopt;
  return found;
}

std::string xrd(std::string_view url) {
  xml::Element document{{kXrdNs, "XRD"}};
  document.child(xml::Element{{kXrdNs, "Link"}}.attr("rel", kRelation).attr("href", url));
  return "<?xml version='1.0' encoding='utf-8'?>\n" + document.to_string() + "\n";
}

// The URL is one: nothing in it needs to be escaped.
std::string jrd(std::string_view url) {
  return fmt::format("{{\"links\":[{{\"rel\":\"{}\",\"href\":\"{}\"}}]}}\n", kRelation, url);
}

}  // namespace

SharedSettings rules_for(const SharedSettings& settings, const net::HttpClient& client, bool tls) {
  const bool confidential = !tls && (client.tls || client.is_here() || settings->websocket_passwords_without_tls);
  const bool stranger = settings->registration == Registration::local && !client.is_here();
  if (!confidential && !stranger) return settings;
  auto rules = std::make_shared<Settings>(*settings);
  if (confidential) {
    rules->tls_required = false;
    rules->plain_without_tls = rules->sasl2_without_tls = true;
  }
  if (stranger) rules->registration = Registration::closed;
  return rules;
}

net::Task<void> accept_websocket_stream(Shared& shared, net::HttpExchange& exchange) {
  const SharedSettings settings = shared.settings();
  const net::HttpClient client = client_of(exchange, *settings);
  net::WebSocketSettings limits = settings->websocket;
  limits.limits.message_bytes = settings->limits_before_login.stanza_bytes;
  if (auto refusal = net::refuse_websocket(exchange.request(), limits, client.tls)) {
    exchange.respond(std::move(*refusal));
    co_return;
  }
  const auto offered = net::offered_protocols(exchange.request());
  if (std::ranges::find(offered, kProtocol) == offered.end()) {
    exchange.respond({.status = 400, .body = "the subprotocol here is xmpp, and it was not offered\n"});
    co_return;
  }
  const bool tls = exchange.connection().tls() != nullptr;
  auto handed = net::accept_websocket(exchange, limits, kProtocol);
  if (!handed) {
    if (!exchange.responded()) exchange.respond({.status = 400, .body = handed.error().message + "\n"});
    co_return;
  }
  handed->peer.address(client.address);
  accept_connection(shared, exchange.core(), std::move(*handed), false, rules_for(settings, client, tls));
}

std::string websocket_url(const Settings& settings, const domain::Hosts& hosts, const net::HttpRequest& request,
                          const net::HttpClient& client) {
  if (!settings.websocket_url.empty()) return settings.websocket_url;
  // The name by which the client has come leads here, or it had not come; nobody else is given that answer (Vary).
  auto at = authority_of(request.field("host").value_or(""));
  const std::string https = settings.https_port == 0 ? std::string{} : fmt::format(":{}", settings.https_port);
  if (!at) at = Authority{codec::to_a_labels(hosts.all().front().name).value_or("localhost"), https};
  const bool tls = client.tls || !https.empty();
  if (!client.tls && !https.empty()) at->port = https;
  return fmt::format("{}://{}{}{}", tls ? "wss" : "ws", at->host, at->port, kWebSocketPath);
}

net::Task<void> serve_host_meta(Shared& shared, net::HttpExchange& exchange) {
  net::HttpResponse response;
  response.fields.emplace_back("access-control-allow-origin", "*");
  response.fields.emplace_back("vary", "Host");
  const net::HttpRequest& request = exchange.request();
  if (request.method == "OPTIONS") {
    response.status = 204;
    response.fields.emplace_back("access-control-allow-methods", "GET, HEAD");
    response.fields.emplace_back("access-control-allow-headers", "*");
  } else if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.fields.emplace_back("allow", "GET, HEAD, OPTIONS");
    response.body = "this file can only be read\n";
  } else {
    const SharedSettings settings = shared.settings();
    const std::string url = websocket_url(*settings, shared.hosts, request, client_of(exchange, *settings));
    const bool json = request.path == kHostMetaJsonPath;
    response.type = json ? "application/json" : "application/xrd+xml";
    response.body = json ? jrd(url) : xrd(url);
  }
  exchange.respond(std::move(response));
  co_return;
}

}  // namespace anser::xmpp
