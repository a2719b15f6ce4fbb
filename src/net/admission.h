// How many connections there may be: in all, and per address among those that have not logged in. A network (an IPv4
// address, or the first half of an IPv6 one) counts as one address.
//
// The counts are the one thing the cores share here, behind a mutex: it is taken when a connection comes, logs in and
// goes, never for a message.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/result.h"
#include "net/throttle.h"

namespace anser::net {

class Gate;

// One connection's place; gives it back when destroyed. Empty: was never counted.
class Admission {
 public:
  Admission() = default;
  Admission(Admission&& other) noexcept = default;
  Admission& operator=(Admission&& other) noexcept;
  ~Admission() { leave(); }

  void admitted();  // no stranger any more

 private:
  friend class Gate;
  void leave();

  std::shared_ptr<Gate> gate_;
  Network network_;
  bool stranger_ = false;
};

class Gate : public std::enable_shared_from_this<Gate> {
 public:
  struct Limits {
    std::size_t connections = 100'000;
    std::size_t strangers_per_address = 1000;  // 0: no limit
  };

  explicit Gate(Limits limits) : limits_(limits) {}

  // Errc::resource_limit, with a sentence that says which.
  Result<Admission> enter(const boost::asio::ip::address& address);
  std::size_t connections() const;

 private:
  friend class Admission;
  void admit(const Network& network);
  void forget_stranger(const Network& network);  // under the lock
  void leave(const Network& network, bool stranger);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::size_t connections_ = 0;
  std::unordered_map<Network, std::size_t, NetworkHash> strangers_;  // never more entries than connections
};

}  // namespace anser::net
