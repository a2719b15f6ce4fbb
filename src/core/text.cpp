#include "core/text.h"

#include <cstdint>
#include <cstring>

#include "core/utf8.h"

namespace anser::core {
namespace {

constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
constexpr std::uint64_t kTops = 0x8080'8080'8080'8080;

std::uint64_t eight_at(std::string_view text, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

bool all_ascii(std::uint64_t word) { return (word & kTops) == 0; }

// All eight are 0x20..0x7f: an ASCII octet below 0x20 borrows from its top bit. A borrow can spoil only octets above
// the first that is too small, so "all good" is never wrong.
bool all_printable(std::uint64_t word) { return ((word | (word - kOnes * 0x20)) & kTops) == 0; }

bool is_xml_char(char32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c != 0xfffe && c != 0xffff && c != kNotUtf8;
}

template <class Fast, class Allowed>
bool check(std::string_view text, Fast fast, Allowed allowed) {
  for (std::size_t at = 0; at < text.size();) {
    if (text.size() - at >= 8 && fast(eight_at(text, at))) {
      at += 8;
    } else if (!allowed(next_code_point(text, at))) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  return check(bytes, all_ascii, [](char32_t c) { return c != kNotUtf8; });
}

bool is_xml_text(std::string_view bytes) { return check(bytes, all_printable, is_xml_char); }

}  // namespace anser::core
