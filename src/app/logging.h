// Puts spdlog behind base/log.h: one line for each event on standard error, as text for people or as JSON for machines.
//
//   2026-11-22T14:00:00.123Z info xmpp romeo@localhost/x logged in
//   {"ts":"2026-11-22T14:00:00.123Z","level":"info","area":"xmpp","message":"romeo@localhost/x logged in"}
//
// Whatever a client managed to get into a message, a line stays one line: controls are escaped and what is not UTF-8 is
// replaced. Lines are made by the thread that speaks and written by a thread of their own, so that a terminal or pipe
// that does not read never stops a core: past kLogQueue lines the oldest are dropped, and later a line says how many.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "app/config.h"
#include "base/clock.h"
#include "base/log.h"

namespace anser::app {

inline constexpr std::size_t kLogQueue = 8192;       // lines
inline constexpr std::size_t kMaxLogMessage = 4096;  // bytes of one message; the rest is cut off

// Without the line feed. Pure.
std::string format_log_line(LogFormat format, Time time, log::Level level, std::string_view area,
                            std::string_view message);

// Text that somebody else chose, safe to show on a terminal: one line, escaped as in a log line.
std::string one_line(std::string_view text);

// While one of these lives, log lines go to standard error as configured; its end writes out what waits. At most one
// at a time, made before other threads log and destroyed after they stopped.
class Logging {
 public:
  explicit Logging(const Config::Log& config);
  ~Logging();
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;
};

// Takes up another level or format (SIGHUP). Any thread.
void set_logging(const Config::Log& config);

}  // namespace anser::app
