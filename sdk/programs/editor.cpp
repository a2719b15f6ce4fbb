#include "sdk/programs/editor.h"

#include <histedit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "sdk/programs/signals.h"
#include "sdk/programs/text.h"

namespace anser::programs {
namespace {

constexpr std::size_t kLineCharacters = 16 * 1024;
constexpr int kHistory = 500;
constexpr const char* kReset = "\x1b[0m";
constexpr const char* kClearBelow = "\x1b[J";

const char* colour_of(Style style) {
  switch (style) {
    case Style::note:
      return "\x1b[2m";
    case Style::mine:
      return "\x1b[32m";
    case Style::theirs:
      return "\x1b[1;36m";
    case Style::trouble:
      return "\x1b[31m";
    case Style::plain:
      break;
  }
  return "";
}

// libedit asks for each character; while there is none the program's other events are served. What they print goes
// above the line: the cursor goes to where the prompt begins, everything below is cleared, and libedit, which believes
// in an empty screen then, draws prompt and line again.
class Editor final : public Terminal {
 public:
  explicit Editor(bool colours) : colours_(colours), edit_(el_init("anser", stdin, stdout, stderr)) {
    history_ = history_winit();
    HistEventW event;
    history_w(history_, &event, H_SETSIZE, kHistory);
    history_w(history_, &event, H_SETUNIQUE, 1);
    el_wset(edit_, EL_CLIENTDATA, this);
    el_wset(edit_, EL_EDITOR, L"emacs");
    el_wset(edit_, EL_SIGNAL, 0);
    el_wset(edit_, EL_HIST, history_w, history_);
    el_wset(edit_, EL_PROMPT, &Editor::prompt_of);
    el_wset(edit_, EL_GETCFN, &Editor::get_character);
    add_keys();
    // From now on and between lines too: what is typed ahead is neither echoed nor taken for more than a key.
    el_wset(edit_, EL_PREP_TERM, 1);
  }
  ~Editor() override {
    history_wend(history_);
    el_end(edit_);
  }

  std::optional<std::string> read_line(const Waits& waits) override;
  void print(const Lines& lines) override;
  void set_prompt(const std::string& prompt) override;
  bool is_interactive() const override { return true; }

 private:
  static Editor& of(EditLine* edit) {
    void* self = nullptr;
    el_wget(edit, EL_CLIENTDATA, &self);
    return *static_cast<Editor*>(self);
  }
  static wchar_t* prompt_of(EditLine* edit) { return of(edit).prompt_.data(); }
  static int get_character(EditLine* edit, wchar_t* character) { return of(edit).next_character(*character); }

  static unsigned char backspace(EditLine* edit, wint_t);
  static unsigned char erase(EditLine* edit, wint_t);
  static unsigned char left(EditLine* edit, wint_t);
  static unsigned char right(EditLine* edit, wint_t);

  void add_keys();
  int next_character(wchar_t& character);
  std::optional<wchar_t> decode(char byte);
  bool serve_signals();
  std::wstring_view line() const;
  void hide_line();  // the cursor is where the prompt began, and nothing is below it
  // To where `written` began, of which the cursor stands at the end or so many rows below it; clears from there on.
  void go_back(std::wstring_view written, std::size_t rows_below);
  void show_line() { el_wset(edit_, EL_REFRESH); }
  void clear_line();
  void tell_typing();

  const bool colours_;
  Signals signals_;
  EditLine* edit_;
  HistoryW* history_ = nullptr;
  std::wstring prompt_ = L"> ";
  const Waits* waits_ = nullptr;  // while a line is read
  std::string partial_;           // of a character
  bool stop_ = false;
};

// ---- keys that know what a character is -----------------------------------------------------------------------------

std::wstring_view text_of(const LineInfoW& info) {
  return {info.buffer, static_cast<std::size_t>(info.lastchar - info.buffer)};
}
std::size_t cursor_of(const LineInfoW& info) { return static_cast<std::size_t>(info.cursor - info.buffer); }

unsigned char Editor::backspace(EditLine* edit, wint_t) {
  const LineInfoW& info = *el_wline(edit);
  const std::size_t cursor = cursor_of(info);
  if (cursor == 0) return CC_ERROR;
  el_deletestr(edit, static_cast<int>(cursor - character_before(text_of(info), cursor)));
  return CC_REFRESH;
}

unsigned char Editor::erase(EditLine* edit, wint_t) {
  const LineInfoW& info = *el_wline(edit);
  const std::size_t cursor = cursor_of(info), size = text_of(info).size();
  if (size == 0) return CC_EOF;  // Control-D on an empty line
  if (cursor == size) return CC_ERROR;
  const auto count = static_cast<int>(character_after(text_of(info), cursor) - cursor);
  el_cursor(edit, count);
  el_deletestr(edit, count);
  return CC_REFRESH;
}

unsigned char Editor::left(EditLine* edit, wint_t) {
  const LineInfoW& info = *el_wline(edit);
  const std::size_t cursor = cursor_of(info);
  if (cursor == 0) return CC_ERROR;
  el_cursor(edit, -static_cast<int>(cursor - character_before(text_of(info), cursor)));
  return CC_CURSOR;
}

unsigned char Editor::right(EditLine* edit, wint_t) {
  const LineInfoW& info = *el_wline(edit);
  const std::size_t cursor = cursor_of(info);
  if (cursor == text_of(info).size()) return CC_ERROR;
  el_cursor(edit, static_cast<int>(character_after(text_of(info), cursor) - cursor));
  return CC_CURSOR;
}

void Editor::add_keys() {
  el_wset(edit_, EL_ADDFN, L"whole-backspace", L"delete the character before the cursor", &Editor::backspace);
  el_wset(edit_, EL_ADDFN, L"whole-delete", L"delete the character at the cursor", &Editor::erase);
  el_wset(edit_, EL_ADDFN, L"whole-left", L"go one character to the left", &Editor::left);
  el_wset(edit_, EL_ADDFN, L"whole-right", L"go one character to the right", &Editor::right);
  constexpr std::array<std::array<const wchar_t*, 2>, 14> keys{
      {{L"^?", L"whole-backspace"},
       {L"^H", L"whole-backspace"},
       {L"^D", L"whole-delete"},
       {L"\\e[3~", L"whole-delete"},
       {L"^B", L"whole-left"},
       {L"\\e[D", L"whole-left"},
       {L"\\eOD", L"whole-left"},
       {L"^F", L"whole-right"},
       {L"\\e[C", L"whole-right"},
       {L"\\eOC", L"whole-right"},
       {L"\\e[H", L"ed-move-to-beg"},
       {L"\\e[F", L"ed-move-to-end"},
       {L"^R", L"em-inc-search-prev"},
       {L"^@", L"whole-delete"}}};  // Control-D, typed while the terminal was cooked
  for (const auto& [key, function] : keys) el_wset(edit_, EL_BIND, key, function, nullptr);
}

// ---- reading --------------------------------------------------------------------------------------------------------

std::optional<std::string> Editor::read_line(const Waits& waits) {
  // Before there is anything to type into.
  while (!waits.wants_input()) {
    pollfd ready[] = {{waits.events, POLLIN, 0}, {signals_.fd(), POLLIN, 0}};
    const int count = poll(ready, 2, waits.timeout());
    if (!serve_signals()) return std::nullopt;
    if ((count == 0 || ready[0].revents != 0) && !waits.on_events()) return std::nullopt;
  }
  waits_ = &waits;
  stop_ = false;
  int count = 0;
  const wchar_t* got = el_wgets(edit_, &count);
  waits_ = nullptr;
  el_wset(edit_, EL_PREP_TERM, 1);
  if (!got || count <= 0 || stop_) {
    std::fputs("\r\n", stdout);
    std::fflush(stdout);
    return std::nullopt;
  }
  std::wstring_view text{got, static_cast<std::size_t>(count)};
  while (text.ends_with(L'\n') || text.ends_with(L'\r')) text.remove_suffix(1);
  // What comes of it is shown, so it need not stay; the cursor is in the row below it.
  go_back(prompt_ + std::wstring{text}, 1);
  if (!text.empty()) {
    HistEventW event;
    history_w(history_, &event, H_ENTER, std::wstring{text}.c_str());
  }
  waits.on_typing(false);
  return narrow(text);
}

int Editor::next_character(wchar_t& character) {
  tell_typing();
  for (;;) {
    pollfd ready[] = {{waits_->events, POLLIN, 0}, {signals_.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    const int count = poll(ready, 3, waits_->timeout());
    const bool good = serve_signals() && ((count != 0 && ready[0].revents == 0) || waits_->on_events());
    if (!good) {
      stop_ = true;
      return 0;
    }
    if (count <= 0 || ready[2].revents == 0) continue;
    char byte = 0;
    const ssize_t size = read(STDIN_FILENO, &byte, 1);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) return 0;
    const auto whole = decode(byte);
    if (!whole || (line().size() >= kLineCharacters && *whole >= L' ' && *whole != 0x7F)) continue;
    character = *whole;
    return 1;
  }
}

// Bytes that are not UTF-8 are dropped.
std::optional<wchar_t> Editor::decode(char byte) {
  const bool follows = (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
  if (!follows) partial_.clear();
  partial_ += byte;
  if (const std::wstring wide = widen(partial_); wide.size() == 1) {
    partial_.clear();
    return wide.front();
  }
  if (partial_.size() >= 4) partial_.clear();
  return std::nullopt;
}

std::wstring_view Editor::line() const { return text_of(*el_wline(edit_)); }

void Editor::clear_line() {
  const LineInfoW& info = *el_wline(edit_);
  const auto size = static_cast<int>(text_of(info).size());
  el_cursor(edit_, size - static_cast<int>(cursor_of(info)));
  el_deletestr(edit_, size);
}

void Editor::tell_typing() {
  const auto text = line();
  waits_->on_typing(!text.empty() && (text.front() != L'/' || text.starts_with(L"/me ")));
}

// False: the program shall end.
bool Editor::serve_signals() {
  while (const auto signal = signals_.next()) {
    switch (*signal) {
      case SIGWINCH:
        el_resize(edit_);
        if (waits_) {
          hide_line();
          show_line();
        }
        break;
      case SIGTSTP:
        el_wset(edit_, EL_PREP_TERM, 0);
        raise(SIGSTOP);
        el_wset(edit_, EL_PREP_TERM, 1);
        if (waits_) show_line();
        break;
      case SIGINT:
        // What was typed is thrown away first.
        if (!waits_ || line().empty()) return false;
        hide_line();
        clear_line();
        show_line();
        tell_typing();
        break;
      case SIGPIPE:
        break;
      default:
        return false;
    }
  }
  return true;
}

// ---- drawing --------------------------------------------------------------------------------------------------------

void Editor::hide_line() {
  const LineInfoW& info = *el_wline(edit_);
  go_back(prompt_ + std::wstring{text_of(info).substr(0, cursor_of(info))}, 0);
}

void Editor::go_back(std::wstring_view written, std::size_t rows_below) {
  winsize size{};
  ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
  const std::size_t rows = rows_below + place_after(written, size.ws_col == 0 ? 80 : size.ws_col).row;
  std::fputs("\r", stdout);
  if (rows > 0) std::fprintf(stdout, "\x1b[%zuA", rows);
  std::fputs(kClearBelow, stdout);
}

void Editor::print(const Lines& lines) {
  if (lines.empty()) return;
  if (waits_) hide_line();
  for (const Line& line : lines) {
    const char* colour = colours_ && !line.head.empty() ? colour_of(line.style) : "";
    std::fprintf(stdout, "%s%s%s%s\r\n", colour, line.head.c_str(), *colour ? kReset : "", line.text.c_str());
  }
  std::fflush(stdout);
  if (waits_) show_line();
}

void Editor::set_prompt(const std::string& prompt) {
  std::wstring wide = widen(prompt);
  if (wide == prompt_) return;
  if (waits_) hide_line();
  prompt_ = std::move(wide);
  if (waits_) show_line();
}

}  // namespace

std::unique_ptr<Terminal> make_editor(bool colours) { return std::make_unique<Editor>(colours); }

}  // namespace anser::programs
