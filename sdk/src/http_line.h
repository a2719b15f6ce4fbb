// A connection to a HTTP server for one request: reached as the configuration says (proxy, sockets of the
// application's, TLS with its trust), and given up when nothing moves. It lives on its loop's thread; one coroutine
// uses it. Whatever it is told by cancel() it ends soon.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anser/configuration.h"
#include "net/connection.h"
#include "net/http_response.h"
#include "net/task.h"
#include "net/timers.h"
#include "sdk/src/fail.h"
#include "sdk/src/loop_state.h"
#include "sdk/src/socket_url.h"

namespace anser::sdk {

struct HttpCall {
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> fields = {};  // beside Host, Connection and Content-Length
  // A body of so many bytes, which `read` gives in pieces from the front, never an empty one.
  std::optional<std::uint64_t> length = {};
  std::function<net::Task<Result<std::string>>(std::size_t most)> read = {};
  std::function<void(std::uint64_t sent)> sent = {};  // of it, handed to the network
  std::function<void(const net::HttpResponseHead&)> interim = {};
};

class HttpLine {
 public:
  static constexpr std::size_t kPiece = 64 * 1024;  // of a body, read at once

  HttpLine(LoopState& loop, const ConnectionConfiguration& configuration, std::shared_ptr<const net::TlsClient> tls,
           std::chrono::milliseconds silence);
  ~HttpLine();

  // Errc::unreachable, tls, insecure (in the clear, where the configuration requires TLS), timeout, closed.
  net::Task<Result<void>> open(SocketUrl url);
  // The answer's head. It may come before all of the body has left; the rest is then not sent. Errc::protocol for what
  // is no answer; closed, timeout; what `read` says.
  net::Task<Result<net::HttpResponseHead>> ask(HttpCall call);
  // The answer's next piece, valid until the next co_await; empty at its end.
  net::Task<Result<std::string_view>> read();

  void cancel();
  bool is_open() const { return link_.has_value(); }

 private:
  net::Task<Result<void>> feed(HttpCall& call, std::uint64_t& left);
  Result<bool> take_head(std::string_view input, const HttpCall& call);
  Result<std::string> head_of(const HttpCall& call) const;
  Error why_it_ended(const anser::Error& below) const;
  void look_if_it_moves();

  LoopState& loop_;
  const ConnectionConfiguration& configuration_;
  const std::shared_ptr<const net::TlsClient> tls_;
  const std::chrono::milliseconds silence_;
  SocketUrl url_;
  std::optional<net::Connection> link_;
  std::optional<net::HttpResponseReader> reader_;
  std::string unread_;     // what came with the head
  std::string_view rest_;  // of it, or of the loop's buffer if it is `lent_`
  bool lent_ = false;
  net::Alarm watch_;
  std::uint64_t moved_ = 0;  // bytes both ways when it was last looked at
  int still_ = 0;            // looks since then
  bool silent_ = false;      // for too long
  bool cancelled_ = false;
};

// What a status that is no success means; Errc::http with the status as condition.
Error refusal_of(unsigned status);
// The same call may go better later.
bool is_passing(const Error& error);

}  // namespace anser::sdk
