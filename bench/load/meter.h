// What a server spends: CPU of all its threads and resident memory, read from the kernel for a process and its
// descendants. Also where the figures of a run are written, one `name value` line each, for people and for
// script/bench.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace anser::load {

// Owned by one command. The descendants are looked up once, when the meter is made: a server under load forks nothing.
class ServerMeter {
 public:
  // Errc::not_found when one of the processes is not there. Without processes every reading is zero.
  static Result<ServerMeter> of(const std::vector<int>& roots);

  // User and system time of every thread, ended ones too, in nanosecond resolution (clock_getcpuclockid(3)).
  double cpu_seconds() const;
  std::size_t rss_bytes() const;
  bool measures() const { return !processes_.empty(); }

 private:
  std::vector<pid_t> processes_;
};

// Latencies of one measured window. Bounded: past kMaxSamples further ones are left out (and the figures stay right,
// for the load is steady by then).
class Latencies {
 public:
  void add(std::int64_t nanoseconds);
  void clear() { samples_.clear(); }
  std::size_t count() const { return samples_.size(); }
  // In milliseconds; `share` is 0.5 for the median, 0.99 for the 99th percentile. Zero without samples.
  double percentile(double share);

 private:
  static constexpr std::size_t kMaxSamples = 8'000'000;
  std::vector<std::uint32_t> samples_;
};

// Of this program itself: says whether the generator was the bottleneck.
double own_cpu_seconds();

double median(std::vector<double> values);

// Standard output, one line a figure.
void report(std::string_view name, double value, int decimals = 0);

}  // namespace anser::load
