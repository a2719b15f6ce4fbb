// How fast something may go: bytes per second for one stream, tries per minute for one address. Plain rules fed with
// the time; who is too fast is told so, or not read from for a while.
#pragma once

#include <array>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "base/clock.h"

namespace anser::net {

// Fills with `per_second` up to `burst`, and may be overdrawn by one take: whoever took too much then waits.
class TokenBucket {
 public:
  // per_second 0: no limit.
  TokenBucket(double per_second, double burst) : rate_(per_second), burst_(burst), tokens_(burst) {}

  // Takes `amount` and says how long to wait before going on; zero: go on.
  std::chrono::milliseconds take(double amount, Tick now);
  // Takes `amount` if it is there.
  [[nodiscard]] bool try_take(double amount, Tick now);
  bool has(double amount, Tick now);

 private:
  void fill(Tick now);

  double rate_;
  double burst_;
  double tokens_;
  Tick filled_{};
};

// What one customer has of the address space: an IPv4 address, or the first 64 bits of an IPv6 one.
struct Network {
  Network() = default;
  explicit Network(const boost::asio::ip::address& address);

  std::array<std::uint8_t, 8> prefix{};
  bool v6 = false;

  friend bool operator==(const Network&, const Network&) = default;
};

struct NetworkHash {
  std::size_t operator()(const Network& network) const;
};

// Events per network: logins that failed, accounts registered. Knows at most `networks` of them; the one that was quiet
// for longest is forgotten first, so who comes from very many networks is not slowed here.
class AddressLimits {
 public:
  struct Limits {
    double per_second = 1;  // 0: no limit
    double burst = 10;
    std::size_t networks = 10'000;
  };

  explicit AddressLimits(Limits limits) : limits_(limits) {}

  // Counts one event; false: too many, do not.
  [[nodiscard]] bool allow(const boost::asio::ip::address& address, Tick now);
  // Would allow() refuse? Counts nothing.
  bool exhausted(const boost::asio::ip::address& address, Tick now);
  std::size_t known() const { return entries_.size(); }

 private:
  struct Entry {
    Network network;
    TokenBucket bucket;
  };

  Entry& entry(const Network& network);

  const Limits limits_;
  std::list<Entry> entries_;  // most recently seen first
  std::unordered_map<Network, std::list<Entry>::iterator, NetworkHash> index_;
};

}  // namespace anser::net
