// HTTP/1.1 for all doors that begin with it: WebSocket, files, pages. A connection is a coroutine that reads a request,
// gives it to the handler of its path and goes on with the next, until one of them ends it or a handler takes the
// socket away (RFC 9110 §7.8). What is wrong with a request is answered here: no handler sees it.
//
// Routes are set before the first connection and never changed, so every core reads them. A connection stays on the
// core that accepted it; so do its handlers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "net/connection.h"
#include "net/http_request.h"

namespace anser::net {

struct HttpResponse {
  unsigned status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> fields = {};  // beside type, length, date and connection
};

class HttpExchange;

class HttpServer {
 public:
  struct Settings {
    HttpReader::Limits limits = {};
    std::chrono::seconds head_timeout{20};     // from the connection, or the request's first byte, to the head's end
    std::chrono::seconds silence_timeout{60};  // between two pieces of a body; of a connection between two requests
    std::size_t unread_body = 256 * 1024;  // of a body that no handler wanted: read over, so the connection may stay
  };
  using Handler = std::function<Task<void>(HttpExchange&)>;

  // `settings` and `tls` are asked for every connection, on its core; no certificate, no TLS.
  HttpServer(unsigned cores, std::function<Settings()> settings, std::function<std::shared_ptr<const TlsServer>()> tls);
  ~HttpServer();

  // "/ws" for that path alone, "/files/" for all that begin with it; the longest counts. Methods are the handler's.
  void route(std::string path, Handler handler);

  void accept(Core& core, Handed handed, bool direct_tls);
  // On that core: connections between two requests end at once, others after their answer; new ones are not served.
  void shut_down(Core& core);

 private:
  friend class HttpConnection;
  friend class HttpExchange;
  struct OfCore {
    std::unordered_set<class HttpConnection*> connections;
    bool stopping = false;
  };
  const Handler* find(std::string_view path) const;

  const std::function<Settings()> settings_;
  const std::function<std::shared_ptr<const TlsServer>()> tls_;
  std::vector<std::pair<std::string, Handler>> routes_;  // longest first
  std::vector<OfCore> cores_;
};

// One request and its answer, for the handler; lives until the handler's task has ended.
class HttpExchange {
 public:
  const HttpRequest& request() const;
  const Connection& connection() const;
  Core& core();

  // The body's next piece, valid until the next co_await; empty at its end. Says 100 (Continue) if that is waited for.
  // Errc::bad_request for a body that is not HTTP, timeout, closed, io: then the handler need not answer.
  Task<Result<std::string_view>> read();
  // read() in two steps, for who takes something to read with, and has it only while it is used: what is there now,
  // nothing if nothing is, and the wait for more. The piece may lie in `into`, and stays then; else it is as read()'s.
  std::optional<Result<std::string_view>> take(std::span<char> into = {});
  Task<void> ready();
  // No more of it is wanted: a read() that waits and every later one is Errc::closed. The connection ends with the
  // answer.
  void stop_reading();
  // Why no more of the request will come; none: it may.
  const std::optional<Error>& lost() const;
  // All of it. Errc::policy_violation beyond `limit`.
  Task<Result<std::string>> read_all(std::size_t limit);

  // Once. Without an answer the client gets 500.
  void respond(HttpResponse response);
  // Before it, as often as there is something to say: 1xx (RFC 9110 §15.2), not to a client of HTTP/1.0.
  void inform(unsigned status, const std::vector<std::pair<std::string, std::string>>& fields);
  // Instead of it, an answer in pieces: the head (its body is not looked at), then write() until `length` bytes are
  // said; who says fewer ends the connection. write() waits while the client does not read: Errc::timeout after
  // Connection::kDrainLimit without room, closed, io. For HEAD there is nothing to write.
  void begin_response(const HttpResponse& head, std::uint64_t length);
  Task<Result<void>> write(std::string_view bytes);
  bool responded() const { return responded_; }

  // Answers 101 with these fields; from then on the socket is the caller's, whatever it has brought since included.
  // Errc::closed when it has gone meanwhile.
  Result<Handed> switch_protocols(const std::vector<std::pair<std::string, std::string>>& fields);

 private:
  friend class HttpConnection;
  explicit HttpExchange(class HttpConnection& connection) : connection_(connection) {}
  class HttpConnection& connection_;
  bool responded_ = false;
};

}  // namespace anser::net
