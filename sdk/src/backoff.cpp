#include "sdk/src/backoff.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/random.h"

namespace anser::sdk {

std::uint64_t draw_uniform(std::uint64_t most) {
  std::uint64_t number;
  std::memcpy(&number, core::random_bytes(sizeof number).data(), sizeof number);
  return most == std::numeric_limits<std::uint64_t>::max() ? number : number % (most + 1);
}

std::optional<std::chrono::milliseconds> Backoff::next(bool later) {
  if (settings_.attempts > 0 && attempts_ >= settings_.attempts) return std::nullopt;
  constexpr int kDoublings = 30;  // beyond any cap that makes sense, and no overflow
  const auto base = std::max<std::int64_t>(settings_.base.count(), 1);
  const auto cap = std::max<std::int64_t>(settings_.cap.count(), 1);
  const int doublings = std::min(attempts_, kDoublings);
  const std::int64_t most = later || base > (cap >> doublings) ? cap : base << doublings;
  ++attempts_;
  return std::chrono::milliseconds{static_cast<std::int64_t>(draw_(static_cast<std::uint64_t>(most)))};
}

void Backoff::session_ended(Clock::time_point now) {
  if (began_ && now - *began_ >= settings_.settled) attempts_ = 0;
  began_.reset();
}

}  // namespace anser::sdk
