#include "app/http_doors.h"

#include "app/demo_page.h"
#include "app/upload_page.h"
#include "upload/door.h"
#include "ws/door.h"
#include "ws/wire.h"
#include "xmpp/websocket_door.h"

namespace anser::app {
namespace {

std::chrono::seconds seconds(Config::Duration duration) { return std::chrono::ceil<std::chrono::seconds>(duration); }

net::HttpServer::Settings http_settings_of(const Config& config) {
  net::HttpServer::Settings settings;
  settings.limits.head_bytes = config.http.header_bytes;
  settings.head_timeout = seconds(config.http.header_timeout);
  settings.silence_timeout = seconds(config.http.silent_limit);
  return settings;
}

ws::SharedSettings ws_settings_of(const Config& config) {
  auto settings = std::make_shared<ws::Settings>();
  settings->websocket.limits.message_bytes = config.websocket.message_bytes;
  settings->websocket.compression = config.websocket.compression;
  settings->websocket.origins = config.websocket.origins;
  if (auto proxies = net::HttpProxies::parse(config.http.proxies)) settings->proxies = std::move(*proxies);
  settings->password_without_tls = config.websocket.password_without_tls;
  settings->sign_in_timeout = seconds(config.http.header_timeout);
  settings->ping_after = seconds(config.websocket.ping_after);
  settings->silent_limit = seconds(config.websocket.silent_limit);
  settings->message_timeout = seconds(config.xmpp.stanza_timeout);
  settings->unfinished_bytes = config.limits.unfinished_bytes;
  settings->write_timeout = config.websocket.write_timeout;
  settings->output_bytes = config.limits.output_queue_bytes;
  settings->backlog_messages = config.limits.backlog_messages;
  settings->unacked_bytes = config.limits.unacked_bytes;
  settings->unacked_messages = config.limits.unacked_stanzas;
  settings->uncommitted_messages = static_cast<unsigned>(config.limits.uncommitted_stanzas);
  settings->uncommitted_bytes = config.limits.uncommitted_bytes;
  settings->rate_bytes_per_second = config.limits.rate_bytes_per_second;
  settings->rate_burst_bytes = config.limits.rate_burst_bytes;
  return settings;
}

}  // namespace

HttpDoors::HttpDoors(xmpp::Shared& shared, const Config& config, Files files,
                     std::function<upload::SharedSettings()> upload_settings,
                     std::function<std::shared_ptr<const net::TlsServer>()> tls)
    : settings_(http_settings_of(config)),
      ws_settings_(ws_settings_of(config)),
      xmpp_(shared),
      ws_{static_cast<const door::Shared&>(shared),
          [this] {
            const std::lock_guard lock(mutex_);
            return ws_settings_;
          },
          [this](net::CoreId core) -> ws::Services& { return *ws_cores_[core]; }},
      upload_{static_cast<const door::Shared&>(shared), std::move(upload_settings), files.vault,
              std::move(files.slot_key)},
      http_(
          shared.cores.size(),
          [this] {
            const std::lock_guard lock(mutex_);
            return settings_;
          },
          std::move(tls)) {
  ws::keep_protobuf_quiet();
  add_routes(config);
}

void HttpDoors::add_routes(const Config& config) {
  if (config.websocket.enabled)
    http_.route("/ws", [this](net::HttpExchange& exchange) { return ws::serve(ws_, exchange); });
  if (config.xmpp.websocket) {
    const auto meta = [this](net::HttpExchange& exchange) { return xmpp::serve_host_meta(xmpp_, exchange); };
    http_.route(std::string{xmpp::kHostMetaPath}, meta);
    http_.route(std::string{xmpp::kHostMetaJsonPath}, meta);
    http_.route(std::string{xmpp::kWebSocketPath},
                [this](net::HttpExchange& exchange) { return xmpp::accept_websocket_stream(xmpp_, exchange); });
  }
  if (config.uploads.enabled) {
    upload::add_routes(upload_, http_, serve_upload_page);
    slots_.emplace(upload_, config.http.tls_listen.empty() ? std::uint16_t{0} : config.http.tls_listen.front().port);
    if (!slots_->available()) slots_.reset();
    http_.route("/upload/", serve_upload_page);
  }
  if (config.http.demo) {
    http_.route("/", serve_demo_page);
    http_.route("/demo", serve_demo_page);
    http_.route("/demo/", serve_demo_page);
  }
}

void HttpDoors::add_core(net::Core& core, domain::Router& router) {
  ws_cores_.push_back(std::make_unique<ws::Services>(ws::Services{ws_, core, router}));
}

void HttpDoors::reload(const Config& config) {
  const std::lock_guard lock(mutex_);
  settings_ = http_settings_of(config);
  ws_settings_ = ws_settings_of(config);
}

void HttpDoors::shut_down(net::Core& core) {
  ws_cores_[core.id()]->stopping = true;
  http_.shut_down(core);
}

}  // namespace anser::app
