#include "sdk/src/deliveries.h"

#include <utility>

#include "anser/address.h"

namespace anser::sdk {

void Deliveries::expect(std::string id, std::string to, DeliveryListener listener) {
  if (const auto old = waiting_.find(id); old != waiting_.end()) forget(old);
  if (auto prepared = prepare_address(to)) to = std::move(*prepared);  // as the answers will have it
  waiting_.emplace(std::move(id), Waiting{std::move(to), std::move(listener), {}, false});
}

std::function<void()> Deliveries::stored(const std::string& id) {
  const auto at = waiting_.find(id);
  if (at == waiting_.end() || at->second.stored) return {};
  at->second.stored = true;
  at->second.kept = stored_.insert(stored_.end(), id);
  auto told = tell(at->second, {Delivery::Outcome::stored, id});
  if (stored_.size() > kKept) forget(waiting_.find(stored_.front()));
  return told;
}

std::function<void()> Deliveries::delivered(const std::string& id, std::string_view from) {
  const auto at = waiting_.find(id);
  if (at == waiting_.end() || bare_of(from) != bare_of(at->second.to)) return {};
  auto told = tell(at->second, {Delivery::Outcome::delivered, id});
  if (!at->second.stored) {  // the receipt was faster than the server's acknowledgement
    told = [first = tell(at->second, {Delivery::Outcome::stored, id}), then = std::move(told)] {
      first();
      then();
    };
  }
  forget(at);
  return told;
}

std::function<void()> Deliveries::bounced(const std::string& id, std::string_view from, Error error) {
  const auto at = waiting_.find(id);
  // The recipient's server may answer in its own name.
  if (at == waiting_.end()) return {};
  if (bare_of(from) != bare_of(at->second.to) && from != domain_of(at->second.to)) return {};
  return ended(id, Delivery::Outcome::failed, std::move(error));
}

std::function<void()> Deliveries::ended(const std::string& id, Delivery::Outcome outcome, Error error) {
  const auto at = waiting_.find(id);
  if (at == waiting_.end()) return {};
  auto told = tell(at->second, {outcome, id, std::move(error)});
  forget(at);
  return told;
}

std::function<void()> Deliveries::tell(const Waiting& waiting, Delivery delivery) {
  return [listener = waiting.listener, delivery = std::move(delivery)] { listener(delivery); };
}

void Deliveries::forget(std::unordered_map<std::string, Waiting>::iterator at) {
  if (at->second.stored) stored_.erase(at->second.kept);
  waiting_.erase(at);
}

}  // namespace anser::sdk
