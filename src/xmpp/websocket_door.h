// XMPP for browsers: the handshake that makes a stream of a request (RFC 7395 §3.1), and the files that say where it is
// to be made (XEP-0156). Handlers of a net::HttpServer; they run on the core of the connection and keep nothing.
#pragma once

#include "net/http_proxies.h"
#include "net/http_server.h"
#include "net/task.h"
#include "xmpp/services.h"

namespace anser::xmpp {

inline constexpr std::string_view kWebSocketPath = "/xmpp-websocket";
inline constexpr std::string_view kHostMetaPath = "/.well-known/host-meta";
inline constexpr std::string_view kHostMetaJsonPath = "/.well-known/host-meta.json";

// For kWebSocketPath. A client that does not offer the subprotocol `xmpp` gets 400.
net::Task<void> accept_websocket_stream(Shared& shared, net::HttpExchange& exchange);

// For kHostMetaPath and kHostMetaJsonPath. Pages of every origin may read them; nothing stands there that is not
// public.
net::Task<void> serve_host_meta(Shared& shared, net::HttpExchange& exchange);

// What holds before login for a client of an HTTP port; `settings` itself where there is no difference. What counts as
// confidential without our own TLS may be told passwords; who came through a proxy is not on this machine.
SharedSettings rules_for(const SharedSettings& settings, const net::HttpClient& client, bool tls);

// Where a client that asked there finds the stream: wss, unless there is no TLS at all.
std::string websocket_url(const Settings& settings, const domain::Hosts& hosts, const net::HttpRequest& request,
                          const net::HttpClient& client);

}  // namespace anser::xmpp
