// One line for each event an operator wants. The layers only know this front; src/app puts spdlog behind it. Never log
// a password, a key or a message's body.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <string_view>

namespace anser::log {

enum class Level { debug, info, warn, error };

// Takes a finished line. `area` is the folder that speaks ("net", "xmpp", "store"). Called from any thread.
using Sink = void (*)(Level, std::string_view area, std::string_view line);

void set_sink(Sink sink);  // at start-up, before any thread; the default writes warnings and errors to standard error
void set_level(Level level);
bool enabled(Level level);
void write(Level level, std::string_view area, std::string_view line);

template <class... Args>
void debug(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, area, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, area, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warn(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::warn)) write(Level::warn, area, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, area, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace anser::log
