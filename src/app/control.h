// control.sock: how `anser user` reaches the server that runs on a data directory. A Unix-domain socket of mode 0600 in
// that directory; besides, only root and the server's own user are answered (SO_PEERCRED). One connection carries one
// request and one response (control_protocol.h), one connection at a time: its users are one operator's commands.
// Owner: the server, with a thread of its own that calls the AccountAdmin and may block in it.
// Limits: bytes and time of a request, bytes and time of a response, connections that wait.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "app/account_admin.h"
#include "base/result.h"

namespace anser::app {

inline constexpr const char* kControlSocket = "control.sock";

struct ControlOptions {
  std::chrono::milliseconds request_time{5'000};    // from connecting to the end of the line
  std::chrono::milliseconds response_time{10'000};  // for the client to read it
};

class ControlServer {
 public:
  // Errc::conflict: another server answers there. Errc::io: the socket cannot be made.
  static Result<std::unique_ptr<ControlServer>> start(const std::filesystem::path& directory, AccountAdmin& admin,
                                                      const ControlOptions& options = {});
  // Finishes the request it is at, so what `admin` needs must still run. Removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  ControlServer(std::filesystem::path path, int listener, int stop, AccountAdmin& admin, const ControlOptions& options);
  void run();
  void serve(int connection);

  const std::filesystem::path path_;
  const int listener_, stop_;  // stop_: an eventfd that becomes readable
  AccountAdmin& admin_;
  const ControlOptions options_;
  std::thread thread_;  // last: starts when everything above is there
};

// The server on this data directory. A null pointer: none runs there. An error: one does, but will not talk to us.
Result<std::unique_ptr<AccountAdmin>> reach_server(const std::filesystem::path& directory);

}  // namespace anser::app
