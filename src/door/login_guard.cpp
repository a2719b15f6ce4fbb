#include "door/login_guard.h"

#include <algorithm>
#include <iterator>

namespace anser::door {

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

bool LoginGuard::begin_password_change(std::string_view account, Tick now) {
  const std::lock_guard lock(mutex_);
  if (changes_under_way_ >= limits_.password_changes) return false;
  const double burst = limits_.password_change_burst;
  if (changes_.size() >= limits_.accounts && !changes_.contains(std::string{account})) {
    // Whoever may do everything again need not be remembered.
    for (auto entry = changes_.begin(); entry != changes_.end();) {
      const bool idle = !entry->second.under_way && entry->second.bucket.has(burst, now);
      entry = idle ? changes_.erase(entry) : std::next(entry);
    }
    if (changes_.size() >= limits_.accounts) return false;
  }
  const net::TokenBucket full{limits_.password_changes_per_minute / 60, burst};
  Changes& changes = changes_.try_emplace(std::string{account}, Changes{full}).first->second;
  if (changes.under_way || !changes.bucket.try_take(1, now)) return false;
  changes.under_way = true;
  ++changes_under_way_;
  return true;
}

void LoginGuard::password_change_over(std::string_view account) {
  const std::lock_guard lock(mutex_);
  if (const auto found = changes_.find(std::string{account}); found != changes_.end()) found->second.under_way = false;
  --changes_under_way_;
}

}  // namespace anser::door
