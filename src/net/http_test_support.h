// An HttpServer on the test's own core, and clients that block, on threads of theirs. For tests only.
#pragma once

#include <gtest/gtest.h>
#include <sys/time.h>

#include <algorithm>
#include <functional>
#include <map>
#include <thread>

#include "net/http_server.h"
#include "net/test_support.h"

namespace anser::net {

struct SeenResponse {
  unsigned status = 0;
  std::map<std::string, std::string> fields;
  std::string body;

  std::string field(const std::string& name) const {
    const auto at = fields.find(name);
    return at == fields.end() ? "" : at->second;
  }
};

// Cuts the first response off. `head`: it answers HEAD, so nothing follows its fields.
inline SeenResponse take_response(std::string& bytes, bool head = false) {
  SeenResponse seen;
  const auto end = bytes.find("\r\n\r\n");
  if (!bytes.starts_with("HTTP/1.1 ") || end == std::string::npos) {
    ADD_FAILURE() << "this is no response: " << bytes;
    bytes.clear();
    return seen;
  }
  seen.status = static_cast<unsigned>(std::stoul(bytes.substr(9, 3)));
  for (auto at = bytes.find("\r\n") + 2; at < end + 2;) {
    const auto line_end = bytes.find("\r\n", at);
    const auto colon = bytes.find(": ", at);
    EXPECT_LT(colon, line_end);
    const bool fresh =
        seen.fields.emplace(bytes.substr(at, colon - at), bytes.substr(colon + 2, line_end - colon - 2)).second;
    EXPECT_TRUE(fresh) << bytes.substr(at, line_end - at);
    at = line_end + 2;
  }
  bytes.erase(0, end + 4);
  const std::string length = seen.field("content-length");
  if (head || length.empty()) return seen;
  const std::size_t size = std::stoul(length);
  EXPECT_LE(size, bytes.size());
  seen.body = bytes.substr(0, size);
  bytes.erase(0, size);
  return seen;
}

inline std::vector<SeenResponse> take_responses(std::string bytes) {
  std::vector<SeenResponse> all;
  while (!bytes.empty()) all.push_back(take_response(bytes));
  return all;
}

inline std::vector<std::string> bodies(const std::vector<SeenResponse>& responses) {
  std::vector<std::string> all;
  for (const auto& response : responses) all.push_back(response.body);
  return all;
}

inline std::vector<unsigned> statuses(const std::vector<SeenResponse>& responses) {
  std::vector<unsigned> all;
  for (const auto& response : responses) all.push_back(response.status);
  return all;
}

// Reads one response as it comes.
inline SeenResponse receive_response(Peer& peer) {
  std::string bytes;
  while (!bytes.ends_with("\r\n\r\n")) {
    const std::string one = peer.receive_exactly(1);
    if (one.empty()) break;
    bytes += one;
  }
  const auto at = bytes.find("content-length: ");
  if (at != std::string::npos) bytes += peer.receive_exactly(std::stoul(bytes.substr(at + 16)));
  return take_response(bytes);
}

inline std::string get(std::string_view target, std::string_view fields = {}) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n", target, fields);
}

inline std::string post(std::string_view target, std::string_view body) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", target, body.size(), body);
}

inline HttpServer::Handler says(std::string text) {
  return [text](HttpExchange& exchange) -> Task<void> {
    exchange.respond({.body = text});
    return boost::asio::post(exchange.core().io(), boost::asio::use_awaitable_t<Executor>{});
  };
}

// What another connection would do while a handler waits.
inline Task<void> let_others_read(Core& core) {
  co_await boost::asio::post(core.io(), kAwait);
  std::ranges::fill(core.read_buffer(), 'Z');
}

class HttpServerTest : public testing::Test {
 protected:
  // `visit` is the client, on a thread of its own, while the server runs here.
  void serve(std::function<void(Peer&)> visit, bool tls_first = false) {
    auto [ours, theirs] = tcp_pair();
    const timeval patience{.tv_sec = 30, .tv_usec = 0};  // a test that hangs fails
    ::setsockopt(theirs.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    server.accept(loop.core, std::move(ours), tls_first);
    auto [left, leave] = local_pair();
    Connection visitor_left{loop.core, std::move(left)};
    std::jthread visitor{[&visit, &peer = theirs, &leave = leave] {
      visit(peer);
      leave.close();
    }};
    loop.run(until_closed(visitor_left));
  }
  // What comes for these bytes until the server closes.
  std::string talk(std::string_view bytes) {
    std::string answer;
    serve([&](Peer& peer) {
      peer.send(bytes);
      peer.end_input();
      answer = peer.receive_all();
    });
    return answer;
  }
  std::vector<SeenResponse> ask(std::string_view bytes) { return take_responses(talk(bytes)); }

  static Task<void> until_closed(Connection& connection) {
    const auto end = co_await connection.read();
    EXPECT_FALSE(end);
  }

  HttpServer::Settings settings;
  std::shared_ptr<const TlsServer> tls;
  HttpServer server{1, [this] { return settings; }, [this] { return tls; }};
  Loop loop;  // its connections leave the server when it goes
};

}  // namespace anser::net
