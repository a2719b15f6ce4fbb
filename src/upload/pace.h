// Is a body slower than the configuration allows, once it has had its grace? Who says less than it must holds a place
// that others need.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "upload/settings.h"

namespace anser::upload {

class Pace {
 public:
  Pace(const Clock& clock, const Settings& settings)
      : clock_(clock), start_(clock.tick()), least_(settings.slowest_bytes_per_second), grace_(settings.slow_grace) {}

  // So many bytes have come since it was made.
  bool too_slow(std::uint64_t bytes) const {
    if (least_ == 0) return false;
    const auto spent = std::chrono::duration_cast<std::chrono::seconds>(clock_.tick() - start_);
    return spent > grace_ && bytes / static_cast<std::uint64_t>(spent.count()) < least_;
  }

 private:
  const Clock& clock_;
  const Tick start_;
  const std::uint64_t least_;
  const std::chrono::seconds grace_;
};

}  // namespace anser::upload
