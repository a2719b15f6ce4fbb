#include "base/log.h"

#include <cstdio>

namespace anser::log {
namespace {

void to_standard_error(Level level, std::string_view area, std::string_view line) {
  if (level < Level::warn) return;
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(area.size()), area.data(), static_cast<int>(line.size()),
               line.data());
}

std::atomic<Sink> current_sink{&to_standard_error};
std::atomic<Level> current_level{Level::info};

}  // namespace

void set_sink(Sink sink) { current_sink = sink; }
void set_level(Level level) { current_level = level; }
bool enabled(Level level) { return level >= current_level.load(std::memory_order_relaxed); }
void write(Level level, std::string_view area, std::string_view line) { current_sink.load()(level, area, line); }

}  // namespace anser::log
