// Makes a connection to one of several endpoints: addresses looked up and raced, a proxy passed through if there is
// one. What comes out is a connected socket, ready for a Connection. Used on the resolver's core.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/endpoints.h"
#include "net/file.h"
#include "net/race.h"
#include "net/resolver.h"
#include "net/task.h"
#include "net/tunnel.h"

namespace anser::net {

// Connects in the application's own way, to an endpoint or to the proxy in front of it. Cancelled when it takes too
// long.
using SocketFactory = std::function<Task<Result<File>>(std::string host, std::uint16_t port)>;
// From a function that gives a connected stream socket, which is ours then, or -1 with errno. It is called on the core
// and must not block it.
SocketFactory socket_factory(std::function<int(const std::string& host, std::uint16_t port)> connect);

struct DialOptions {
  std::chrono::milliseconds limit{30'000};           // of it all
  std::chrono::milliseconds endpoint_limit{10'000};  // of one endpoint, so that one that swallows packets is passed by
  std::optional<Proxy> proxy{};                      // it resolves the endpoints' names; nothing is looked up here
  SocketFactory factory{};                           // instead of look-up and connect
  Connector connect = start_to_connect;
};

struct Dialled {
  File socket;  // non-blocking; nothing has been read from it that is not the proxy's
  Endpoint endpoint;
  boost::asio::ip::tcp::endpoint peer;  // the proxy's if there is one; unspecified for a factory's that is not TCP
};

// Tries the endpoints in order. The error names each place that was tried and why it was given up. Its code is the one
// of all failures if they agree, else Errc::unavailable; closed when cancelled. A proxy that cannot be reached or wants
// another login is not asked again.
Task<Result<Dialled>> dial(Resolver& resolver, std::vector<Endpoint> endpoints, DialOptions options = {});

}  // namespace anser::net
