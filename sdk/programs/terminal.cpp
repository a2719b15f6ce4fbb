#include "sdk/programs/terminal.h"

#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#include <ostream>

#include "sdk/programs/capabilities.h"
#include "sdk/programs/editor.h"
#include "sdk/programs/lines.h"
#include "sdk/programs/signals.h"

namespace anser::programs {
namespace {

constexpr std::size_t kLineBytes = 64 * 1024;

// Lines in, lines out; for scripts and tests, and terminals that cannot do more.
class PlainTerminal final : public Terminal {
 public:
  explicit PlainTerminal(const Console& console) : console_(console), reader_(console.in, kLineBytes) {}

  std::optional<std::string> read_line(const Waits& waits) override {
    for (;;) {
      const bool wanted = waits.wants_input();
      if (wanted) {
        while (auto line = reader_.next()) {
          if (!line->too_long) return std::move(line->text);
          print(View::trouble("the line is too long"));
        }
        if (reader_.at_end()) return std::nullopt;
      }
      pollfd ready[] = {{waits.events, POLLIN, 0}, {signals_.fd(), POLLIN, 0}, {console_.in, POLLIN, 0}};
      const int count = poll(ready, wanted ? 3 : 2, waits.timeout());
      if (ended_by_signal()) return std::nullopt;
      if ((count == 0 || ready[0].revents != 0) && !waits.on_events()) return std::nullopt;
      if (count > 0 && wanted && ready[2].revents != 0) reader_.read_some();
    }
  }

  void print(const Lines& lines) override {
    for (const Line& line : lines) console_.out << line.head << line.text << '\n';
    console_.out.flush();
  }
  void set_prompt(const std::string&) override {}
  bool is_interactive() const override { return false; }

 private:
  bool ended_by_signal() {
    while (const auto signal = signals_.next()) {
      if (*signal != SIGWINCH && *signal != SIGPIPE && *signal != SIGTSTP) return true;
    }
    return false;
  }

  const Console& console_;
  Signals signals_;
  LineReader reader_;
};

}  // namespace

void use_utf8_locale() {
  std::setlocale(LC_ALL, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

std::unique_ptr<Terminal> make_terminal(const Console& console) {
  if (console.in == STDIN_FILENO && can_edit()) return make_editor(wants_colours(STDOUT_FILENO));
  return std::make_unique<PlainTerminal>(console);
}

}  // namespace anser::programs
