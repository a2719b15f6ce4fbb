// Time as a dependency, so that tests never sleep.
#pragma once

#include <chrono>
#include <string>

namespace anser {

using Duration = std::chrono::microseconds;
// Wall-clock time in UTC with microseconds, as it is logged, archived and sent.
using Time = std::chrono::time_point<std::chrono::system_clock, Duration>;
// For limits and waits; never goes back.
using Tick = std::chrono::steady_clock::time_point;

// 2026-11-22T14:03:05.123Z, in UTC (RFC 3339, XEP-0082).
std::string to_date_time(Time time);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Tick tick() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }
  Tick tick() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace anser
