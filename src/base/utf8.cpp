#include "base/utf8.h"

#include <cstddef>
#include <cstring>

namespace anser {

bool Utf8Check::take(std::string_view piece) {
  constexpr std::uint64_t kTops = 0x8080'8080'8080'8080;
  for (std::size_t at = 0; at < piece.size();) {
    std::uint64_t word = kTops;
    if (due_ == 0 && piece.size() - at >= sizeof word) std::memcpy(&word, piece.data() + at, sizeof word);
    if ((word & kTops) == 0) {
      at += sizeof word;
    } else if (!take(static_cast<unsigned char>(piece[at++]))) {
      return false;
    }
  }
  return true;
}

bool is_utf8(std::string_view text) {
  Utf8Check check;
  return check.take(text) && check.whole();
}

}  // namespace anser
