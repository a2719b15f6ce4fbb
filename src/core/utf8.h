// Reading UTF-8 one code point at a time, and the lower case of ASCII. Inside core only.
#pragma once

#include <cstddef>
#include <string_view>

namespace anser::core {

inline constexpr char32_t kNotUtf8 = 0xffff'ffff;

constexpr char to_ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// The code point that starts at `at`, which moves behind it; kNotUtf8 (and `at` anywhere) when none does. `at` must be
// inside `text`. Well-formed means Unicode table 3-7: the second octet's range depends on the first.
inline char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = octet(at++);
  if (first < 0x80) return first;

  const std::size_t more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
  if (more == 0 || text.size() - at < more) return kNotUtf8;
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;   // no longer form than needed
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;  // no surrogates, not past U+10FFFF
  if (octet(at) < low || octet(at) > high) return kNotUtf8;

  char32_t code_point = first & (0x3f >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const unsigned char next = octet(at++);
    if ((next & 0xc0) != 0x80) return kNotUtf8;
    code_point = code_point << 6 | (next & 0x3f);
  }
  return code_point;
}

}  // namespace anser::core
