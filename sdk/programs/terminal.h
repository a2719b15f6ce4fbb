// Where a chat program reads lines and draws: a terminal with line editing, or a pipe. While it waits for a line it
// serves the program's other events too. On the program's thread alone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sdk/programs/console.h"
#include "sdk/programs/view.h"

namespace anser::programs {

// What else there is to wait for.
struct Waits {
  int events = -1;                      // readable: `on_events` is called
  std::function<bool()> on_events;      // false: read_line() returns nothing
  std::function<int()> timeout;         // milliseconds, -1 for ever; then `on_events` is called as well
  std::function<bool()> wants_input;    // false: what is typed waits
  std::function<void(bool)> on_typing;  // after each key: whether there is a text that is no command
};

class Terminal {
 public:
  virtual ~Terminal() = default;

  // Nothing at the end of the input, when `on_events` says so, or when the person has had enough (Control-C, SIGTERM).
  virtual std::optional<std::string> read_line(const Waits& waits) = 0;
  // What is being typed stays as it is below the lines.
  virtual void print(const Lines& lines) = 0;
  virtual void set_prompt(const std::string& prompt) = 0;
  virtual bool is_interactive() const = 0;
};

// With line editing if both ends are a terminal that can move its cursor. To be made before any other thread starts:
// it blocks the signals that it wants to read.
std::unique_ptr<Terminal> make_terminal(const Console& console);

// Chinese and emoji need a UTF-8 locale: the person's, else the C library's own.
void use_utf8_locale();

}  // namespace anser::programs
