// Asks the DNS: which hosts serve (SRV), which addresses a host has (A, AAAA; /etc/hosts first). A resolver is only its
// options: each look-up has a channel of c-ares and sockets of its own, which live in its coroutine's frame, so one
// look-up never waits for, cancels or outlives another. It outlives its look-ups. Used on its core's thread.
//
// Names come as A-labels and are absolute: search domains are not tried, for an XMPP domain is never short for another.
// Nothing is kept: what is asked again is asked again.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/core.h"
#include "net/task.h"
#include "net/wait_set.h"

namespace anser::net {

struct SrvRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;

  friend bool operator==(const SrvRecord&, const SrvRecord&) = default;
};

struct SrvAnswer {
  std::vector<SrvRecord> records;  // in the order to try them; none when the service has none
  bool declined = false;           // the target is ".": decidedly not available there
};

// A uniform number from 0 to `most`, both included.
using Chance = std::function<std::uint32_t(std::uint32_t most)>;
std::uint32_t random_chance(std::uint32_t most);

// The order of RFC 2782: by priority, and drawn by weight where that is equal. The best kMost stay.
std::vector<SrvRecord> in_srv_order(std::vector<SrvRecord> records, const Chance& chance);

class Resolver {
 public:
  static constexpr std::size_t kMost = 32;  // records or addresses of one family that one look-up gives
  static constexpr std::chrono::milliseconds kPatience{50};  // for the other family, RFC 8305's resolution delay

  struct Options {
    std::vector<std::string> servers{};        // "192.0.2.53", "192.0.2.53:5353", "[::1]:5353"; none: resolv.conf's
    std::chrono::milliseconds limit{10'000};   // of one look-up
    std::chrono::milliseconds attempt{2'000};  // until a server is asked again; longer every time
    int attempts = 3;                          // of each server
    Chance chance = random_chance;
  };

  explicit Resolver(Core& core) : Resolver(core, Options{}) {}
  Resolver(Core& core, Options options) : core_(core), options_(std::move(options)) {}

  Core& core() const { return core_; }

  // The records of a name like "_xmpp-client._tcp.example.org". That there are none is an answer too. Errc::timeout,
  // unavailable (the DNS refuses or is broken), io (no DNS message), bad_request (no name), invalid_config (servers),
  // closed (cancelled), each with a sentence.
  Task<Result<SrvAnswer>> srv(std::string name, Moment deadline = Moment::max());
  // Several names side by side, an answer for each. Fails as a whole when nothing could be asked.
  Task<Result<std::vector<Result<SrvAnswer>>>> srv(std::vector<std::string> names, Moment deadline = Moment::max());

  // IPv6 first. An address as the host is its own answer. One family is enough when the other is slow or broken.
  // Errc::not_found when there are none; else as above.
  Task<Result<std::vector<boost::asio::ip::address>>> addresses(std::string host, Moment deadline = Moment::max());

 private:
  Core& core_;
  Options options_;
};

}  // namespace anser::net
