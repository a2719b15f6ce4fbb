#include "upload/structured_field.h"

#include <algorithm>
#include <variant>

#include "base/base64.h"
#include "base/utf8.h"

namespace anser::upload {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

// RFC 9110 §5.6.2, and what §3.3.4 adds to it.
bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view{"!#$%&'*+-.^_`|~:/"}.find(c) != std::string_view::npos;
}

struct Bytes {
  std::string value;
};
struct Other {};  // well formed, and nobody here asks for it
using Bare = std::variant<Other, bool, std::int64_t, Bytes>;

// Reads from the front. Every function leaves what it has read behind it, or says no, and then nothing counts any more.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<Bare> item_alone();
  bool dictionary(ByteSequences& members);

 private:
  bool at_end() const { return rest_.empty(); }
  bool at(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool take(char c) {
    if (!at(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip(std::string_view blanks) {
    while (!rest_.empty() && blanks.find(rest_.front()) != std::string_view::npos) rest_.remove_prefix(1);
  }
  template <class Predicate>
  std::string_view take_while(Predicate predicate) {
    const auto end = std::ranges::find_if_not(rest_, predicate);
    const auto taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::optional<std::string> key();
  bool parameters();
  std::optional<Bare> bare();
  std::optional<Bare> number();
  std::optional<Bare> boolean();
  std::optional<Bare> bytes();
  bool string();
  bool display_string();
  bool inner_list();
  bool member(ByteSequences& members);

  std::string_view rest_;
  std::vector<std::string> others_;  // members of the dictionary that are something else
};

// §4.2.3.3
std::optional<std::string> Reader::key() {
  if (at_end() || !(is_lower(rest_.front()) || at('*'))) return std::nullopt;
  return std::string{
      take_while([](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*'; })};
}

// §4.2.3.2
bool Reader::parameters() {
  while (take(';')) {
    skip(" ");
    if (!key()) return false;
    if (take('=') && !bare()) return false;
  }
  return true;
}

// §4.2.3.1
std::optional<Bare> Reader::bare() {
  if (at_end()) return std::nullopt;
  const char c = rest_.front();
  if (is_digit(c) || c == '-') return number();
  if (c == '?') return boolean();
  if (c == ':') return bytes();
  if (is_alpha(c) || c == '*') {
    take_while(is_token_char);
    return Other{};
  }
  if (c == '@') {  // §4.2.9: a date is an integer
    take('@');
    const auto when = number();
    if (!when || !std::holds_alternative<std::int64_t>(*when)) return std::nullopt;
    return Other{};
  }
  if (c == '"') return string() ? std::optional<Bare>{Other{}} : std::nullopt;
  if (c == '%') return display_string() ? std::optional<Bare>{Other{}} : std::nullopt;
  return std::nullopt;
}

// §4.2.4: at most 15 digits, so it always fits; decimals have 12 before and 3 behind the point.
std::optional<Bare> Reader::number() {
  const bool negative = take('-');
  const auto whole = take_while(is_digit);
  if (whole.empty() || whole.size() > 15) return std::nullopt;
  if (take('.')) {
    const auto fraction = take_while(is_digit);
    if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return std::nullopt;
    return Other{};
  }
  std::int64_t value = 0;
  for (const char c : whole) value = value * 10 + (c - '0');
  return negative ? -value : value;
}

std::optional<Bare> Reader::boolean() {
  take('?');
  if (take('1')) return true;
  if (take('0')) return false;
  return std::nullopt;
}

// §4.2.7: the padding may be missing.
std::optional<Bare> Reader::bytes() {
  take(':');
  const auto end = rest_.find(':');
  if (end == std::string_view::npos) return std::nullopt;
  std::string text{rest_.substr(0, end)};
  rest_.remove_prefix(end + 1);
  while (text.size() % 4 > 1) text += '=';
  auto decoded = base64_decode(text);
  if (!decoded) return std::nullopt;
  return Bytes{std::move(*decoded)};
}

// §4.2.5
bool Reader::string() {
  take('"');
  while (!at_end()) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '"') return true;
    if (c < ' ' || c > '~') return false;
    if (c == '\\' && !take('"') && !take('\\')) return false;
  }
  return false;
}

// §4.2.10: %"f%c3%bc"
bool Reader::display_string() {
  take('%');
  if (!take('"')) return false;
  const auto digit = [](char c) { return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::string text;
  while (!at_end()) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '"') return is_utf8(text);
    if (c < ' ' || c > '~') return false;
    if (c != '%') {
      text += c;
      continue;
    }
    if (rest_.size() < 2 || digit(rest_[0]) < 0 || digit(rest_[1]) < 0) return false;
    text += static_cast<char>(digit(rest_[0]) * 16 + digit(rest_[1]));
    rest_.remove_prefix(2);
  }
  return false;
}

// §4.2.1.2
bool Reader::inner_list() {
  take('(');
  for (;;) {
    skip(" ");
    if (take(')')) return true;
    if (!bare() || !parameters()) return false;
    if (!at(' ') && !at(')')) return false;
  }
}

bool Reader::member(ByteSequences& members) {
  const auto name = key();
  if (!name) return false;
  std::erase_if(members, [&name](const auto& earlier) { return earlier.first == *name; });
  std::erase(others_, *name);
  bool is_bytes = false;
  if (take('=')) {
    if (at('(')) {
      if (!inner_list()) return false;
    } else {
      auto value = bare();
      if (!value) return false;
      if (auto* bytes = std::get_if<Bytes>(&*value)) {
        members.emplace_back(*name, std::move(bytes->value));
        is_bytes = true;
      }
    }
  }
  if (!is_bytes) others_.push_back(*name);
  return parameters();
}

// §4.2.2
bool Reader::dictionary(ByteSequences& members) {
  skip(" ");
  while (!at_end()) {
    if (!member(members)) return false;
    skip(" \t");
    if (at_end()) break;
    if (!take(',')) return false;
    skip(" \t");
    if (at_end()) return false;  // a comma that separates nothing
  }
  return others_.empty();
}

std::optional<Bare> Reader::item_alone() {
  skip(" ");
  auto value = bare();
  if (!value || !parameters()) return std::nullopt;
  skip(" ");
  if (!at_end()) return std::nullopt;
  return value;
}

template <class T>
std::optional<T> item_of(std::string_view field) {
  const auto value = Reader{field}.item_alone();
  if (!value) return std::nullopt;
  const T* wanted = std::get_if<T>(&*value);
  return wanted ? std::optional<T>{*wanted} : std::nullopt;
}

}  // namespace

std::optional<bool> boolean_item(std::string_view field) { return item_of<bool>(field); }

std::optional<std::int64_t> integer_item(std::string_view field) { return item_of<std::int64_t>(field); }

std::optional<ByteSequences> byte_sequences(std::string_view field) {
  ByteSequences members;
  if (!Reader{field}.dictionary(members)) return std::nullopt;
  return members;
}

std::string byte_sequence(std::string_view bytes) { return ":" + base64_encode(bytes) + ":"; }

}  // namespace anser::upload
