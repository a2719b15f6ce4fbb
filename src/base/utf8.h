// UTF-8 (RFC 3629) that comes in pieces: which octet may follow which. Well-formed means Unicode table 3-7: shortest
// forms, no surrogates, nothing above U+10FFFF; the second octet's range depends on the first.
#pragma once

#include <cstdint>
#include <string_view>

namespace anser {

class Utf8Check {
 public:
  // The next octet; false when it cannot stand here, and then nothing further may be asked.
  constexpr bool take(unsigned char octet) {
    if (due_ == 0) return begin(octet);
    if (octet < low_ || octet > high_) return false;
    low_ = 0x80;
    high_ = 0xbf;
    --due_;
    return true;
  }

  // The next piece, ASCII eight octets at a time.
  bool take(std::string_view piece);

  // How many octets the character that has begun still needs.
  constexpr int due() const { return due_; }
  // No character is cut off.
  constexpr bool whole() const { return due_ == 0; }

 private:
  constexpr bool begin(unsigned char first) {
    if (first < 0x80) return true;
    if (first < 0xc2 || first > 0xf4) return false;
    due_ = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    low_ = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;   // no longer form than needed
    high_ = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;  // no surrogates, not past U+10FFFF
    return true;
  }

  std::uint8_t due_ = 0;
  std::uint8_t low_ = 0x80;  // the range of the next octet
  std::uint8_t high_ = 0xbf;
};

// All of it, from the first character to the last.
bool is_utf8(std::string_view text);

}  // namespace anser
