#include "net/throttle.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace anser::net {

void TokenBucket::fill(Tick now) {
  if (now <= filled_) return;
  if (filled_ != Tick{}) {
    const std::chrono::duration<double> passed = now - filled_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * rate_);
  }
  filled_ = now;
}

std::chrono::milliseconds TokenBucket::take(double amount, Tick now) {
  if (rate_ <= 0) return std::chrono::milliseconds{0};
  fill(now);
  tokens_ -= amount;
  if (tokens_ >= 0) return std::chrono::milliseconds{0};
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::ceil(-tokens_ / rate_ * 1000))};
}

bool TokenBucket::try_take(double amount, Tick now) {
  if (!has(amount, now)) return false;
  if (rate_ > 0) tokens_ -= amount;
  return true;
}

bool TokenBucket::has(double amount, Tick now) {
  if (rate_ <= 0) return true;
  fill(now);
  return tokens_ >= amount;
}

Network::Network(const boost::asio::ip::address& address) : v6(address.is_v6()) {
  if (v6 && address.to_v6().is_v4_mapped()) {
    *this = Network{boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6())};
  } else if (v6) {
    std::memcpy(prefix.data(), address.to_v6().to_bytes().data(), prefix.size());
  } else {
    std::memcpy(prefix.data(), address.to_v4().to_bytes().data(), 4);
  }
}

std::size_t NetworkHash::operator()(const Network& network) const {
  std::uint64_t bits;
  std::memcpy(&bits, network.prefix.data(), sizeof bits);
  return std::hash<std::uint64_t>{}(bits * 0x9e3779b97f4a7c15u ^ (network.v6 ? 1 : 0));
}

AddressLimits::Entry& AddressLimits::entry(const Network& network) {
  const auto found = index_.find(network);
  if (found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front();
  }
  if (entries_.size() >= limits_.networks) {
    index_.erase(entries_.back().network);
    entries_.pop_back();
  }
  entries_.push_front({network, TokenBucket{limits_.per_second, limits_.burst}});
  index_.emplace(network, entries_.begin());
  return entries_.front();
}

bool AddressLimits::allow(const boost::asio::ip::address& address, Tick now) {
  return limits_.per_second <= 0 || entry(Network{address}).bucket.try_take(1, now);
}

bool AddressLimits::exhausted(const boost::asio::ip::address& address, Tick now) {
  const auto found = index_.find(Network{address});
  return found != index_.end() && !found->second->bucket.has(1, now);
}

}  // namespace anser::net
