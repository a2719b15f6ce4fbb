#include "app/password_prompt.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "core/password.h"

namespace anser::app {
namespace {

constexpr char kInterrupt = 0x03, kEnd = 0x04, kBackspace = 0x08, kDelete = 0x7f, kEraseLine = 0x15;

// Neither echo nor line editing nor signals from keys while it lives.
class QuietTerminal {
 public:
  explicit QuietTerminal(int fd) : fd_(fd), ok_(tcgetattr(fd, &before_) == 0) {
    if (!ok_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    ok_ = tcsetattr(fd, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (ok_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  explicit operator bool() const { return ok_; }

 private:
  int fd_;
  termios before_{};
  bool ok_;
};

void say(int terminal, std::string_view text) {
  // A terminal that cannot be written to will not be read from either: nothing is lost by not looking.
  [[maybe_unused]] const ssize_t written = write(terminal, text.data(), text.size());
}

// The last character, which may be several bytes of UTF-8.
void erase_character(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

}  // namespace

Result<std::string> ask_password_at(int terminal, std::string_view question) {
  const QuietTerminal quiet{terminal};
  if (!quiet) return fail(Errc::unavailable, "there is no terminal to ask for a password at; use --password-stdin");
  say(terminal, question);

  std::string password;
  for (;;) {
    char c = 0;
    const ssize_t size = read(terminal, &c, 1);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0 || c == kInterrupt || c == kEnd) {
      say(terminal, "\n");
      return fail(Errc::closed, "no password was given");
    }
    if (c == '\n' || c == '\r') break;
    if (c == kBackspace || c == kDelete) {
      erase_character(password);
    } else if (c == kEraseLine) {
      password.clear();
    } else {
      password += c;
    }
    if (password.size() > core::kMaxPassword) {
      say(terminal, "\n");
      return fail(Errc::bad_request, "the password is longer than {} bytes", core::kMaxPassword);
    }
  }
  say(terminal, "\n");
  return password;
}

Result<std::string> ask_password(std::string_view question) {
  const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  auto password = ask_password_at(terminal, question);
  if (terminal >= 0) close(terminal);
  return password;
}

}  // namespace anser::app
