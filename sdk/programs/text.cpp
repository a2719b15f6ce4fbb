#include "sdk/programs/text.h"

#include <cstdint>
#include <cstdio>
#include <cwchar>

namespace anser::programs {
namespace {

constexpr wchar_t kJoiner = 0x200D;

// The character at the beginning of a text that is not empty, and how many bytes it has. Nothing if the bytes are not
// UTF-8 (RFC 3629: shortest form, no surrogates, nothing above U+10FFFF).
struct Decoded {
  char32_t character;
  std::size_t bytes;
};

std::optional<Decoded> decode(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return Decoded{first, 1};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return std::nullopt;
  char32_t character = first & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    character = character << 6 | (byte(i) & 0x3F);
  }
  const bool shortest = bytes == 2 || character >= (bytes == 3 ? 0x800u : 0x10000u);
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (!shortest || surrogate || character > 0x10FFFF) return std::nullopt;
  return Decoded{character, bytes};
}

bool between(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

bool must_not_be_shown(char32_t c) {
  return c < 0x20 || between(c, 0x7F, 0x9F) ||                        // controls, CSI as one byte among them
         c == 0x061C || c == 0x200E || c == 0x200F ||                 // direction
         between(c, 0x202A, 0x202E) || between(c, 0x2066, 0x2069) ||  // overrides and isolates
         c == 0x2028 || c == 0x2029 || between(c, 0xFFF9, 0xFFFB) ||  // line ends, annotations
         c == 0xFEFF || between(c, 0x206A, 0x206F) || between(c, 0xE0000, 0xE007F);  // invisible
}

std::string name_of(char32_t c) {
  char name[16];
  std::snprintf(name, sizeof name, "<U+%04X>", static_cast<unsigned>(c));
  return name;
}

std::string name_of_byte(char byte) {
  char name[8];
  std::snprintf(name, sizeof name, "<%02X>", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  return name;
}

std::size_t width(wchar_t c) {
  const int columns = wcwidth(c);
  return columns < 0 ? 1 : static_cast<std::size_t>(columns);
}

bool is_skin_tone(wchar_t c) { return c >= 0x1F3FB && c <= 0x1F3FF; }
bool is_flag_letter(wchar_t c) { return c >= 0x1F1E6 && c <= 0x1F1FF; }
bool continues(wchar_t c) { return (c >= 0x80 && wcwidth(c) == 0) || is_skin_tone(c); }

// Whether one visible character goes on from text[at - 1] to text[at].
bool goes_on(std::wstring_view text, std::size_t at) {
  if (continues(text[at])) return true;
  if (text[at - 1] == kJoiner) return true;
  if (!is_flag_letter(text[at])) return false;
  // Flags are pairs: count the letters before this one.
  std::size_t letters = 0;
  while (letters < at && is_flag_letter(text[at - 1 - letters])) ++letters;
  return letters % 2 == 1;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto next = decode(text);
    if (!next) return false;
    text.remove_prefix(next->bytes);
  }
  return true;
}

std::wstring widen(std::string_view text) {
  std::wstring wide;
  while (!text.empty()) {
    const auto next = decode(text);
    if (!next) return {};
    wide += static_cast<wchar_t>(next->character);
    text.remove_prefix(next->bytes);
  }
  return wide;
}

std::string narrow(std::wstring_view text) {
  std::string bytes;
  for (const wchar_t wide : text) {
    const auto c = static_cast<std::uint32_t>(wide);
    if (c < 0x80) {
      bytes += static_cast<char>(c);
    } else if (c < 0x800) {
      bytes += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
    } else if (c < 0x10000) {
      bytes += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                static_cast<char>(0x80 | (c & 0x3F))};
    } else {
      bytes += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
                static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
    }
  }
  return bytes;
}

std::vector<std::string> shown_lines(std::string_view text) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const auto next = decode(text);
    if (!next) {
      lines.back() += name_of_byte(text.front());
      text.remove_prefix(1);
      continue;
    }
    const char32_t c = next->character;
    if (c == '\n') {
      lines.emplace_back();
    } else if (c == '\t') {
      lines.back() += "    ";
    } else if (c == '\r' && text.starts_with("\r\n")) {
      // one line end
    } else if (must_not_be_shown(c)) {
      lines.back() += name_of(c);
    } else {
      lines.back() += text.substr(0, next->bytes);
    }
    text.remove_prefix(next->bytes);
  }
  return lines;
}

std::string shown(std::string_view text) {
  const auto lines = shown_lines(text);
  std::string all = lines.front();
  for (std::size_t i = 1; i < lines.size(); ++i) all += ' ' + lines[i];
  return all;
}

std::size_t columns_of(std::wstring_view text) {
  std::size_t columns = 0;
  for (const wchar_t c : text) columns += width(c);
  return columns;
}

std::size_t columns_of(std::string_view text) { return columns_of(widen(text)); }

std::string fitted(std::string_view text, std::size_t columns) {
  const std::wstring wide = widen(text);
  if (columns_of(wide) <= columns) return std::string{text};
  if (columns == 0) return {};
  std::size_t end = 0, used = 0;
  while (end < wide.size()) {
    const std::size_t next = character_after(wide, end);
    const std::size_t more = columns_of(std::wstring_view{wide}.substr(end, next - end));
    if (used + more > columns - 1) break;
    used += more;
    end = next;
  }
  return narrow(std::wstring_view{wide}.substr(0, end)) + "…";
}

std::string padded(std::string_view text, std::size_t columns) {
  std::string fit = fitted(text, columns);
  const std::size_t used = columns_of(fit);
  if (used < columns) fit.append(columns - used, ' ');
  return fit;
}

std::size_t character_before(std::wstring_view text, std::size_t at) {
  if (at == 0) return 0;
  std::size_t begin = at - 1;
  while (begin > 0 && goes_on(text, begin)) --begin;
  return begin;
}

std::size_t character_after(std::wstring_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  std::size_t end = at + 1;
  while (end < text.size() && goes_on(text, end)) ++end;
  return end;
}

Place place_after(std::wstring_view text, std::size_t terminal_columns) {
  Place place;
  if (terminal_columns == 0) return place;
  for (const wchar_t c : text) {
    const std::size_t columns = width(c);
    if (place.column + columns > terminal_columns) place = {place.row + 1, 0};
    place.column += columns;
    if (place.column >= terminal_columns) place = {place.row + 1, 0};
  }
  return place;
}

}  // namespace anser::programs
