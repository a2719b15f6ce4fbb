// What begins with HTTP: the server for it and the doors behind its paths. Made on the main thread before the first
// connection; `add_core` once for each core, in their order.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "app/config.h"
#include "net/http_server.h"
#include "upload/services.h"
#include "upload/slots.h"
#include "ws/services.h"
#include "xmpp/services.h"

namespace anser::app {

class HttpDoors {
 public:
  struct Files {
    upload::Vault& vault;
    std::string slot_key;
  };
  HttpDoors(xmpp::Shared& shared, const Config& config, Files files,
            std::function<upload::SharedSettings()> upload_settings,
            std::function<std::shared_ptr<const net::TlsServer>()> tls);

  void add_core(net::Core& core, domain::Router& router);
  void reload(const Config& config);
  // Where XMPP clients may send files; null where there is no such place. Set it in `shared` before the first core is
  // made.
  domain::UploadSlots* slots() { return slots_ ? &*slots_ : nullptr; }
  // From the listener, on the core that gets the connection.
  void accept(net::Core& core, net::Handed handed, bool direct_tls) {
    http_.accept(core, std::move(handed), direct_tls);
  }
  // On that core: nobody new is served.
  void shut_down(net::Core& core);

 private:
  void add_routes(const Config& config);

  std::mutex mutex_;  // guards the two below: read when a connection comes, written by SIGHUP
  net::HttpServer::Settings settings_;
  ws::SharedSettings ws_settings_;

  xmpp::Shared& xmpp_;
  ws::Shared ws_;
  std::vector<std::unique_ptr<ws::Services>> ws_cores_;
  upload::Shared upload_;
  std::optional<upload::Slots> slots_;
  net::HttpServer http_;
};

}  // namespace anser::app
