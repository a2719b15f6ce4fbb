#include "meter.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

namespace anser::load {
namespace {

// The parent of a process from /proc/PID/stat: the second field after the program's name, which ends with the last ')'.
pid_t parent_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= line.size()) return 0;
  pid_t parent = 0;
  std::from_chars(line.data() + name_end + 4, line.data() + line.size(), parent);
  return parent;
}

std::vector<std::pair<pid_t, pid_t>> processes_and_parents() {
  std::vector<std::pair<pid_t, pid_t>> all;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    pid_t process = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process);
    if (error == std::errc{} && end == name.data() + name.size()) all.emplace_back(process, parent_of(process));
  }
  return all;
}

}  // namespace

Result<ServerMeter> ServerMeter::of(const std::vector<int>& roots) {
  ServerMeter meter;
  for (const int root : roots) {
    if (parent_of(root) == 0) return fail(Errc::not_found, "there is no process {}", root);
    meter.processes_.push_back(root);
  }
  const auto all = processes_and_parents();
  for (std::size_t at = 0; at < meter.processes_.size(); ++at) {  // grows while it is walked: children of children
    for (const auto& [process, parent] : all) {
      const bool known = std::ranges::find(meter.processes_, process) != meter.processes_.end();
      if (parent == meter.processes_[at] && !known) meter.processes_.push_back(process);
    }
  }
  return meter;
}

double ServerMeter::cpu_seconds() const {
  double seconds = 0;
  for (const pid_t process : processes_) {
    clockid_t clock{};
    timespec spent{};
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &spent) != 0) continue;
    seconds += static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
  }
  return seconds;
}

std::size_t ServerMeter::rss_bytes() const {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::size_t bytes = 0;
  for (const pid_t process : processes_) {
    std::ifstream file(fmt::format("/proc/{}/statm", process));
    std::size_t size = 0;
    std::size_t resident = 0;
    if (file >> size >> resident) bytes += resident * page;
  }
  return bytes;
}

double own_cpu_seconds() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

void Latencies::add(std::int64_t nanoseconds) {
  if (samples_.size() >= kMaxSamples) return;
  const auto most = static_cast<std::int64_t>(std::numeric_limits<std::uint32_t>::max());  // 4.2 s
  samples_.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(nanoseconds, 0, most)));
}

double Latencies::percentile(double share) {
  if (samples_.empty()) return 0;
  const auto rank =
      std::min(samples_.size() - 1, static_cast<std::size_t>(share * static_cast<double>(samples_.size())));
  std::nth_element(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(rank), samples_.end());
  return samples_[rank] * 1e-6;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void report(std::string_view name, double value, int decimals) {
  fmt::print("{} {:.{}f}\n", name, value, decimals);
  std::fflush(stdout);
}

}  // namespace anser::load
