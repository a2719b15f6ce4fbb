// Takes connections on one address and port and deals them out to the cores in turn. The socket lives on one core;
// SO_REUSEPORT, which would give one to each, would also let a second server take the same port unnoticed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/admission.h"
#include "net/connection.h"
#include "net/cores.h"

namespace anser::net {

class Listener {
 public:
  // Runs on the core that gets the connection. Must stay valid until the cores have joined.
  using Handler = std::function<void(Core&, Handed)>;

  struct Options {
    std::string address = "127.0.0.1";  // IPv4 or IPv6; "::" takes IPv6 only, so listen on "0.0.0.0" too
    std::uint16_t port = 0;             // 0: any free one, see port()
    int backlog = 1024;
    CoreId home = 0;               // the core that accepts
    std::shared_ptr<Gate> gate{};  // may be shared by several listeners; null: no limits
  };

  // Errc::invalid_config with a sentence an operator can act on: "port 5222 on 0.0.0.0 is taken by another program".
  static Result<std::unique_ptr<Listener>> listen(Cores& cores, const Options& options, Handler handler);
  ~Listener();  // closes

  std::uint16_t port() const { return port_; }
  const std::string& address() const { return address_; }
  // Stops accepting, soon: the port is free when the home core has come to it. From any thread.
  void close();

 private:
  class Door;
  Listener(Cores& cores, CoreId home, std::shared_ptr<Door> door, std::string address, std::uint16_t port);

  Cores& cores_;
  CoreId home_;
  std::shared_ptr<Door> door_;  // lives on the home core
  std::string address_;
  std::uint16_t port_;
};

}  // namespace anser::net
