// Connects to whichever of several addresses answers first (Happy Eyeballs, RFC 8305, in its simple form).
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/core.h"
#include "net/file.h"
#include "net/task.h"
#include "net/wait_set.h"

namespace anser::net {

inline constexpr std::chrono::milliseconds kNextAttempt{250};  // while the ones before have not answered

struct Reached {
  File socket;  // non-blocking, TCP_NODELAY
  boost::asio::ip::tcp::endpoint peer;
};

// Opens a non-blocking socket and starts to connect it; it can be written to when it is connected or has failed.
using Connector = std::function<Result<File>(const boost::asio::ip::tcp::endpoint& to)>;
Result<File> start_to_connect(const boost::asio::ip::tcp::endpoint& to);

// The families take turns, the first one's first.
std::vector<boost::asio::ip::address> interleaved(const std::vector<boost::asio::ip::address>& addresses);

// One after the other in the given order: the next starts kNextAttempt after the last, or at once when one has failed.
// The first connection wins, the other sockets are closed. Errc::unavailable when all have failed, timeout at
// `deadline`, closed when cancelled. `failed` hears of each address that was tried and why it was given up.
using Failed = std::function<void(const boost::asio::ip::tcp::endpoint& peer, const std::string& why)>;
Task<Result<Reached>> race(Core& core, std::vector<boost::asio::ip::tcp::endpoint> peers, Connector connect,
                           Moment deadline, Failed failed);

}  // namespace anser::net
