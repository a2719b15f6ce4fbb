#include "codec/part_header.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/utf8.h"
#include "codec/charset.h"

namespace anser::codec {
namespace {

constexpr std::size_t kMaxFields = 32;      // each takes more memory than the four bytes that it can be
constexpr std::size_t kMaxParameters = 32;  // none has more than three; each name is compared with those before it
constexpr std::size_t kMaxBoundary = 70;    // RFC 2046 §5.1.1

constexpr bool is_alnum(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

// RFC 9110 §5.6.2.
constexpr auto kToken = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 128; ++c) table[static_cast<std::size_t>(c)] = is_alnum(static_cast<char>(c));
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~"}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool is_token(char c) { return kToken[static_cast<unsigned char>(c)]; }
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_token(c); });
}
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// `known` is in lower case.
bool same_word(std::string_view text, std::string_view known) {
  return text.size() == known.size() && std::ranges::equal(text, known, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

// Up to `end` or all; what is left begins behind it.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

// `fields` of the header, unfolded.
Result<void> read_fields(std::string_view block, PartHeader& header) {
  header.fields.reserve(4);
  while (!block.empty()) {
    std::string_view line = take_until(block, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    // A lone CR is a line's end for some readers, and so a way to say different things to two of them.
    if (line.find('\r') != line.npos)
      return fail(Errc::bad_request, "a carriage return within a line of a part's header");
    if (!line.empty() && is_blank(line.front())) {
      if (header.fields.empty()) return fail(Errc::bad_request, "a part's header begins with a folded line");
      std::string& value = header.fields.back().second;
      if (const std::string_view more = trimmed(line); !more.empty())
        value.append(value.empty() ? "" : " ").append(more);
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon))) {
      return fail(Errc::bad_request, "a line of a part's header is no field");
    }
    if (header.fields.size() == kMaxFields) return fail(Errc::bad_request, "a part's header has too many fields");
    header.fields.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return {};
}

// The value of the field, which may be there once.
Result<const std::string*> only(const PartHeader& header, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [field, value] : header.fields) {
    if (field != name) continue;
    if (found != nullptr) return fail(Errc::bad_request, "a part has {} twice", name);
    found = &value;
  }
  return found;
}

// C:\dir\a.txt and \\host\dir\a.txt, as Internet Explorer sent them; C:\\dir has been escaped by its client.
bool is_raw_windows_path(std::string_view text) {
  if (text.size() < 3) return false;
  const bool drive = is_alnum(text[0]) && text[1] == ':' && text[2] == '\\' && (text.size() == 3 || text[3] != '\\');
  return drive || (text[0] == '\\' && text[1] == '\\' && text[2] != '\\' && text[2] != '"');
}

// Is a quote in front of `rest` the closing one? Each blank is seen by one quote only.
bool closes(std::string_view rest) {
  const std::size_t at = rest.find_first_not_of(" \t");
  return at == rest.npos || rest[at] == ';';
}

// The quoted value at the front of `text`, which begins behind the opening quote; as `text` there is what follows the
// closing one. The work is linear: each step goes on, and `closes` sees blanks up to the next character that is none.
Result<std::string> take_quoted(std::string_view& text) {
  std::string out;
  const bool raw = is_raw_windows_path(text);
  for (std::size_t at = 0;;) {
    const std::size_t special = std::min(text.find_first_of("\"\\%", at), text.size());
    out.append(text.substr(at, special - at));
    at = special;
    if (at == text.size()) return fail(Errc::bad_request, "a quoted name in a part's header does not end");
    const std::string_view rest = text.substr(at + 1);
    if (text[at] == '"') {
      if (closes(rest)) {
        text = rest;
        return out;
      }
    } else if (text[at] == '%') {
      const bool quote = rest.starts_with("22");
      if (quote || (rest.size() >= 2 && rest[0] == '0' && ((rest[1] | 32) == 'a' || (rest[1] | 32) == 'd'))) {
        out += quote ? '"' : (rest[1] | 32) == 'a' ? '\n' : '\r';
        at += 3;
        continue;
      }
    } else if (!raw && !rest.empty() && (rest[0] == '\\' || (rest[0] == '"' && !trimmed(rest.substr(1)).empty()))) {
      out += rest[0];
      at += 2;
      continue;
    }
    out += text[at++];
  }
}

bool is_attr_char(char c) {  // RFC 8187 §3.2.1
  return is_alnum(c) || std::string_view{"!#$&+-.^_`|~"}.find(c) != std::string_view::npos;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

// charset'language'value; none if it is wrong, for then it is as if it were not there.
std::optional<std::string> extended_value(std::string_view text) {
  const std::size_t first = text.find('\'');
  const std::size_t second = first == text.npos ? text.npos : text.find('\'', first + 1);
  if (second == text.npos || first == 0) return std::nullopt;
  const std::string_view coded = text.substr(second + 1);
  std::string bytes;
  for (std::size_t at = 0; at < coded.size(); ++at) {
    if (is_attr_char(coded[at])) {
      bytes += coded[at];
    } else if (coded[at] == '%' && coded.size() - at > 2 && hex(coded[at + 1]) >= 0 && hex(coded[at + 2]) >= 0) {
      bytes += static_cast<char>(hex(coded[at + 1]) * 16 + hex(coded[at + 2]));
      at += 2;
    } else {
      return std::nullopt;
    }
  }
  const std::string_view charset = text.substr(0, first);
  if (same_word(charset, "utf-8") && !is_utf8(bytes)) return std::nullopt;
  return to_utf8(bytes, charset);
}

struct Disposition {
  std::string_view kind;
  std::optional<std::string> name, file_name, extended;
};

// "; name=value" again and again, leniently: see the header. `text` is UTF-8.
Result<Disposition> read_disposition(std::string_view text) {
  Disposition read;
  const std::size_t end = std::min(text.find(';'), text.size());
  read.kind = trimmed(text.substr(0, end));
  text.remove_prefix(end);
  std::array<std::string_view, kMaxParameters> seen;
  std::size_t count = 0;
  while (!(text = trimmed(text)).empty()) {
    if (text.front() != ';') return fail(Errc::bad_request, "something follows a parameter in Content-Disposition");
    text = trimmed(text.substr(1));
    if (text.empty() || text.front() == ';') continue;
    const std::size_t stop = std::min(text.find_first_of("=;"), text.size());
    const std::string_view name = trimmed(text.substr(0, stop));
    if (!is_token(name)) return fail(Errc::bad_request, "a parameter of Content-Disposition has no name");
    text.remove_prefix(stop);
    std::string value;
    if (text.starts_with('=')) {
      text = trimmed(text.substr(1));
      if (text.starts_with('"')) {
        text.remove_prefix(1);
        auto quoted = take_quoted(text);
        if (!quoted) return pass(quoted);
        value = std::move(*quoted);
      } else {
        const std::size_t last = std::min(text.find(';'), text.size());
        value = trimmed(text.substr(0, last));
        if (value.find('"') != value.npos) return fail(Errc::bad_request, "a quote within an unquoted name");
        text.remove_prefix(last);
      }
    }
    const auto known = std::span{seen}.first(count);
    const bool twice = std::ranges::any_of(known, [name](std::string_view other) {
      return std::ranges::equal(name, other, [](char a, char b) { return a == b || ((a ^ b) == 32 && is_alnum(a)); });
    });
    if (twice) return fail(Errc::bad_request, "a parameter is twice in Content-Disposition");
    if (count == kMaxParameters) return fail(Errc::bad_request, "too many parameters in Content-Disposition");
    seen[count++] = name;
    if (same_word(name, "name")) {
      read.name = std::move(value);
    } else if (same_word(name, "filename")) {
      read.file_name = std::move(value);
    } else if (same_word(name, "filename*")) {
      read.extended = std::move(value);
    }
  }
  return read;
}

// Content-Type, of which the charset and multipart/mixed matter.
Result<void> read_type(const std::string& value, PartHeader& header) {
  header.content_type = value;
  if (value.find(';') == value.npos && value.find(',') == value.npos && !same_word(value, "multipart/mixed")) return {};
  const auto read = parse_parameters(value);
  if (read && read->value != "multipart/mixed") {
    if (const std::string* charset = read->find("charset")) header.charset = lower(*charset);
    return {};
  }
  if (!read && !same_word(std::string_view{value}.substr(0, 15), "multipart/mixed")) return {};  // nobody needs it
  const std::string* boundary = read ? read->find("boundary") : nullptr;
  if (boundary == nullptr || boundary->empty() || boundary->size() > kMaxBoundary) {
    return fail(Errc::bad_request, "multipart/mixed without a boundary");
  }
  header.mixed = *boundary;
  return {};
}

Result<void> read_names(const std::string& value, std::string_view charset, bool inside_mixed, PartHeader& header) {
  std::string decoded;
  std::string_view text = value;
  if (!is_ascii(value))
    text = decoded =
        guess_utf8(value, is_charset(header.charset) && !header.charset.empty() ? header.charset : charset);
  auto read = read_disposition(text);
  if (!read) return pass(read);
  const bool fits = same_word(read->kind, "form-data") ||
                    (inside_mixed && (same_word(read->kind, "file") || same_word(read->kind, "attachment")));
  if (!fits) return fail(Errc::bad_request, "a part's Content-Disposition is not form-data");
  if (!read->name && !inside_mixed) return fail(Errc::bad_request, "a part has no name");
  if (read->name) header.name = std::move(*read->name);
  if (read->file_name) {
    header.file_name = std::move(read->file_name);
  } else if (read->extended) {
    header.file_name = extended_value(*read->extended);
  }
  return {};
}

// A token, or a value without quotes that has what boundaries have.
std::string_view take_bare(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of("; \t\""), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end);
  return taken;
}

// RFC 9110 §5.6.4, with all its escapes: Content-Type has no file names.
std::optional<std::string> take_quoted_string(std::string_view& text) {
  std::string out;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return out;
    }
    if (text[at] == '\\' && ++at == text.size()) break;
    out += text[at];
  }
  return std::nullopt;
}

}  // namespace

const std::string* ValueAndParameters::find(std::string_view name) const {
  for (const auto& [parameter, content] : parameters) {
    if (parameter == name) return &content;
  }
  return nullptr;
}

Result<ValueAndParameters> parse_parameters(std::string_view text) {
  ValueAndParameters read;
  text = trimmed(text);
  const std::size_t end = std::min(text.find_first_of(";, \t"), text.size());
  const std::string_view value = text.substr(0, end);
  text.remove_prefix(end);
  const bool fits = !value.empty() && std::ranges::all_of(value, [](char c) { return is_token(c) || c == '/'; });
  if (!fits) return fail(Errc::bad_request, "a header's value is none");
  read.value = lower(value);
  while (!(text = trimmed(text)).empty()) {
    const bool comma = text.front() == ',' && read.parameters.empty();
    if (text.front() != ';' && !comma) return fail(Errc::bad_request, "a parameter does not end where the next begins");
    text = trimmed(text.substr(1));
    if (text.empty() || text.front() == ';') continue;
    const std::size_t stop = text.find('=');
    if (stop == text.npos || !is_token(text.substr(0, stop))) return fail(Errc::bad_request, "a parameter has no name");
    std::string name = lower(text.substr(0, stop));
    text.remove_prefix(stop + 1);
    std::optional<std::string> content;
    if (text.starts_with('"')) {
      content = take_quoted_string(text);
    } else if (const std::string_view bare = take_bare(text); !bare.empty()) {
      content = bare;
    }
    if (!content) return fail(Errc::bad_request, "a parameter has no value");
    if (read.find(name) != nullptr) return fail(Errc::bad_request, "a parameter is there twice");
    if (read.parameters.size() == kMaxParameters) return fail(Errc::bad_request, "too many parameters");
    read.parameters.emplace_back(std::move(name), std::move(*content));
  }
  return read;
}

Result<PartHeader> parse_part_header(std::string_view block, std::string_view charset, bool inside_mixed) {
  Result<PartHeader> made{PartHeader{}};
  if (auto read = read_fields(block, *made); !read) return pass(read);
  const auto type = only(*made, "content-type");
  if (!type) return pass(type);
  if (*type != nullptr) {
    if (auto read = read_type(**type, *made); !read) return pass(read);
  }
  const auto disposition = only(*made, "content-disposition");
  if (!disposition) return pass(disposition);
  if (*disposition == nullptr) {
    if (!inside_mixed) return fail(Errc::bad_request, "a part has no Content-Disposition");
    return made;
  }
  if (auto read = read_names(**disposition, charset, inside_mixed, *made); !read) return pass(read);
  return made;
}

}  // namespace anser::codec
