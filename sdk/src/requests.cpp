#include "sdk/src/requests.h"

#include <fmt/format.h>

#include <utility>

#include "anser/address.h"
#include "sdk/src/fail.h"

namespace anser::sdk {
namespace {

std::string prepared(std::string_view address) { return prepare_address(address).value_or(std::string{address}); }

}  // namespace

bool Requests::add(std::string id, std::string_view to, Done done, std::chrono::milliseconds limit) {
  const auto [at, added] = pending_.try_emplace(std::move(id));
  if (!added) return false;
  Pending& pending = at->second;
  pending.to = to.empty() ? std::string{} : prepared(to);
  pending.done = std::move(done);
  pending.alarm = std::make_unique<net::Alarm>([this, id = at->first, limit] {
    const auto late = pending_.extract(id);
    const std::string& to = late.mapped().to;
    late_(late.mapped().done, Error{Errc::timeout, fmt::format("{} did not answer within {} ms",
                                                               to.empty() ? "the server" : to, limit.count())});
  });
  timers_.arm(*pending.alarm, limit);
  return true;
}

Requests::Done Requests::take(const IQ& answer, std::string_view own, std::string_view service) {
  const auto at = pending_.find(answer.id());
  if (at == pending_.end()) return {};
  const std::string& to = at->second.to;
  const std::string from = answer.from().empty() ? std::string{} : prepared(answer.from());
  // The account's server answers for the account with its address, without any, or with its own.
  const bool asked_home = to.empty() || (!own.empty() && to == bare_of(own));
  const bool from_home = from.empty() || from == service || (!own.empty() && (from == bare_of(own) || from == own));
  if (from != to && !(asked_home && from_home) && !(to == service && from.empty())) return {};
  Done done = std::move(at->second.done);
  pending_.erase(at);
  return done;
}

std::vector<Requests::Done> Requests::take_all() {
  std::vector<Done> all;
  all.reserve(pending_.size());
  for (auto& [id, pending] : pending_) all.push_back(std::move(pending.done));
  pending_.clear();
  return all;
}

}  // namespace anser::sdk
