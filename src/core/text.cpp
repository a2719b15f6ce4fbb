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

// All eight are 0x20..0x7f: an ASCII octet below 0x20 borrows from its top bit. A borrow can spoil only octets above
// the first that is too small, so "all good" is never wrong.
bool all_printable(std::uint64_t word) { return ((word | (word - kOnes * 0x20)) & kTops) == 0; }

bool is_xml_char(char32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c != 0xfffe && c != 0xffff && c != kNotUtf8;
}

}  // namespace

bool is_xml_text(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at >= 8 && all_printable(eight_at(bytes, at))) {
      at += 8;
    } else if (!is_xml_char(next_code_point(bytes, at))) {
      return false;
    }
  }
  return true;
}

}  // namespace anser::core
