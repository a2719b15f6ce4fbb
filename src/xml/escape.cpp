#include "xml/escape.h"

#include <array>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace anser::xml {
namespace {

struct Replacement {
  char byte;
  std::string_view text;
};

constexpr Replacement kInText[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\r', "&#13;"}};
constexpr Replacement kInValue[] = {{'&', "&amp;"},  {'<', "&lt;"},  {'>', "&gt;"},   {'\'', "&apos;"},
                                    {'"', "&quot;"}, {'\t', "&#9;"}, {'\n', "&#10;"}, {'\r', "&#13;"}};

// Which bytes have a replacement: a look-up a byte is several times faster than find_first_of.
using Special = std::array<bool, 256>;
template <std::size_t N>
constexpr Special special_of(const Replacement (&table)[N]) {
  Special special{};
  for (const Replacement& replacement : table) special[static_cast<unsigned char>(replacement.byte)] = true;
  return special;
}
constexpr Special kSpecialInText = special_of(kInText);
constexpr Special kSpecialInValue = special_of(kInValue);

// The first octet that has a replacement. Sixteen at a time as long as none of them has one in either place.
const char* find_special(const char* p, const char* end, const Special& special) {
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto are = [bytes](char byte) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)); };
    const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control);
    const __m128i quotes = _mm_or_si128(are('\''), are('"'));
    const __m128i found =
        _mm_or_si128(_mm_or_si128(are('&'), _mm_or_si128(are('<'), are('>'))), _mm_or_si128(quotes, control));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(found)); mask != 0; mask &= mask - 1) {
      const char* const at = p + __builtin_ctz(mask);
      if (special[static_cast<unsigned char>(*at)]) return at;
    }
  }
#endif
  while (p != end && !special[static_cast<unsigned char>(*p)]) ++p;
  return p;
}

template <std::size_t N>
void append(std::string& out, std::string_view text, const Replacement (&table)[N], const Special& special) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (true) {
    const char* const plain = p;
    p = find_special(p, end, special);
    out.append(plain, static_cast<std::size_t>(p - plain));
    if (p == end) return;
    for (const Replacement& replacement : table) {
      if (replacement.byte == *p) out.append(replacement.text);
    }
    ++p;
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) { append(out, text, kInText, kSpecialInText); }

void append_escaped_attribute(std::string& out, std::string_view value) {
  append(out, value, kInValue, kSpecialInValue);
}

void append_attribute(std::string& out, Name name, std::string_view value, unsigned number) {
  if (name.ns == kXmlNs) {
    out.append(" xml:");
  } else if (!name.ns.empty()) {
    const std::string prefix = "ns" + std::to_string(number);
    out.append(" xmlns:").append(prefix).append("='");
    append_escaped_attribute(out, name.ns);
    out.append("' ").append(prefix).append(":");
  } else {
    out += ' ';
  }
  out.append(name.local).append("='");
  append_escaped_attribute(out, value);
  out += '\'';
}

}  // namespace anser::xml
