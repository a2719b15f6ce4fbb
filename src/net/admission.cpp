#include "net/admission.h"

#include <utility>

namespace anser::net {

Admission& Admission::operator=(Admission&& other) noexcept {
  if (this != &other) {
    leave();
    gate_ = std::move(other.gate_);
    network_ = other.network_;
    stranger_ = other.stranger_;
  }
  return *this;
}

void Admission::admitted() {
  if (gate_ && std::exchange(stranger_, false)) gate_->admit(network_);
}

void Admission::leave() {
  if (const auto gate = std::exchange(gate_, nullptr)) gate->leave(network_, stranger_);
}

Result<Admission> Gate::enter(const boost::asio::ip::address& address) {
  const std::lock_guard lock{mutex_};
  if (connections_ >= limits_.connections) {
    return fail(Errc::resource_limit, "there are {} connections, and no more are allowed", connections_);
  }
  const Network network{address};
  std::size_t& strangers = strangers_[network];
  if (limits_.strangers_per_address != 0 && strangers >= limits_.strangers_per_address) {
    return fail(Errc::resource_limit, "{} has {} connections that have not logged in, and no more are allowed",
                address.to_string(), strangers);
  }
  ++strangers;
  ++connections_;
  Admission admission;
  admission.gate_ = shared_from_this();
  admission.network_ = network;
  admission.stranger_ = true;
  return admission;
}

std::size_t Gate::connections() const {
  const std::lock_guard lock{mutex_};
  return connections_;
}

void Gate::admit(const Network& network) {
  const std::lock_guard lock{mutex_};
  forget_stranger(network);
}

void Gate::leave(const Network& network, bool stranger) {
  const std::lock_guard lock{mutex_};
  --connections_;
  if (stranger) forget_stranger(network);
}

void Gate::forget_stranger(const Network& network) {
  const auto found = strangers_.find(network);
  if (--found->second == 0) strangers_.erase(found);
}

}  // namespace anser::net
