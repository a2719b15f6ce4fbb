// Slows down whoever guesses passwords: per address and per account. The one thing of logins that all cores share, so
// it has a lock; it is held for a few look-ups, and only by logins that go wrong and by their check beforehand.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/throttle.h"

namespace anser::door {

class LoginGuard {
 public:
  struct Limits {
    double address_failures_per_minute = 60;
    double address_burst = 30;
    unsigned free_failures = 3;  // of one account, before answers become slow
    std::chrono::milliseconds slowest{5000};
    std::chrono::minutes forget{10};
    std::size_t accounts = 10'000;           // remembered at most
    double registrations_per_hour = 20;      // of one address; 0: no limit
    unsigned password_changes = 8;           // derived at once, whoever asks: logins need the same workers
    double password_changes_per_minute = 1;  // of one account
    double password_change_burst = 10;
  };

  explicit LoginGuard(Limits limits)
      : limits_(limits),
        addresses_({limits.address_failures_per_minute / 60, limits.address_burst, 10'000}),
        registrations_({limits.registrations_per_hour / 3600, std::max(1.0, limits.registrations_per_hour), 10'000}) {}

  // Too many failures from there: refuse without looking (temporary-auth-failure).
  bool refuse(const boost::asio::ip::address& address, Tick now);
  // A failure; says how long to wait before telling the client. Unknown accounts count like known ones.
  std::chrono::milliseconds failed(const boost::asio::ip::address& address, std::string_view account, Tick now);
  void succeeded(std::string_view account);
  // Counts an account that is about to be made.
  bool may_register(const boost::asio::ip::address& address, Tick now);
  // Counts a change of an account's password. False: one of this account is under way, too many are, or it has had too
  // many of late. After true, password_change_over() is owed.
  [[nodiscard]] bool begin_password_change(std::string_view account, Tick now);
  void password_change_over(std::string_view account);

 private:
  struct Failures {
    unsigned count = 0;
    Tick last{};
  };
  struct Changes {
    net::TokenBucket bucket;
    bool under_way = false;
  };

  const Limits limits_;
  std::mutex mutex_;
  net::AddressLimits addresses_;
  net::AddressLimits registrations_;
  std::unordered_map<std::string, Failures> accounts_;
  std::unordered_map<std::string, Changes> changes_;  // of passwords, by account
  unsigned changes_under_way_ = 0;
};

}  // namespace anser::door
