// Reading UTF-8 one code point at a time, and the lower case of ASCII. Inside core only.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/utf8.h"

namespace anser::core {

inline constexpr char32_t kNotUtf8 = 0xffff'ffff;

constexpr char to_ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// The code point that starts at `at`, which moves behind it; kNotUtf8 (and `at` anywhere) when none does. `at` must be
// inside `text`.
inline char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  if (first < 0x80) return first;

  Utf8Check check;
  if (!check.take(first)) return kNotUtf8;
  char32_t code_point = first & (0x3f >> check.due());
  while (!check.whole()) {
    if (at == text.size()) return kNotUtf8;
    const auto next = static_cast<unsigned char>(text[at++]);
    if (!check.take(next)) return kNotUtf8;
    code_point = code_point << 6 | (next & 0x3f);
  }
  return code_point;
}

}  // namespace anser::core
