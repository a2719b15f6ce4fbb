#include "xmpp/login_guard.h"

#include <algorithm>

namespace anser::xmpp {

bool LoginGuard::refuse(const boost::asio::ip::address& address, Tick now) {
  const std::lock_guard lock(mutex_);
  return addresses_.exhausted(address, now);
}

std::chrono::milliseconds LoginGuard::failed(const boost::asio::ip::address& address, std::string_view account,
                                             Tick now) {
  const std::lock_guard lock(mutex_);
  static_cast<void>(addresses_.allow(address, now));
  if (accounts_.size() >= limits_.accounts && !accounts_.contains(std::string{account})) {
    std::erase_if(accounts_, [&](const auto& entry) { return now - entry.second.last > limits_.forget; });
    if (accounts_.size() >= limits_.accounts) accounts_.clear();  // somebody tries names by the thousand
  }
  auto& failures = accounts_[std::string{account}];
  if (now - failures.last > limits_.forget) failures.count = 0;
  failures.last = now;
  ++failures.count;
  if (failures.count <= limits_.free_failures) return std::chrono::milliseconds{0};
  const unsigned doublings = std::min(failures.count - limits_.free_failures, 6u);
  return std::min(std::chrono::milliseconds{100} * (1u << doublings), limits_.slowest);
}

void LoginGuard::succeeded(std::string_view account) {
  const std::lock_guard lock(mutex_);
  accounts_.erase(std::string{account});
}

bool LoginGuard::may_register(const boost::asio::ip::address& address, Tick now) {
  if (limits_.registrations_per_hour <= 0) return true;
  const std::lock_guard lock(mutex_);
  return registrations_.allow(address, now);
}

}  // namespace anser::xmpp
