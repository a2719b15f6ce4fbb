// Which bytes and characters XML 1.0 allows where, and the loops that run over them. Part of the reader: positions may
// stop short of a character that has not arrived in full. Source: XML 1.0 §2.2, §2.3; RFC 3629 for UTF-8.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace anser::xml {

namespace byte_class {
inline constexpr std::uint8_t kNameStart = 1;  // ASCII only, and without the colon
inline constexpr std::uint8_t kName = 2;
inline constexpr std::uint8_t kSpace = 4;

constexpr std::array<std::uint8_t, 256> make_table() {
  std::array<std::uint8_t, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[c] = kNameStart | kName;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = kNameStart | kName;
  for (int c = '0'; c <= '9'; ++c) table[c] = kName;
  table['_'] = kNameStart | kName;
  table['-'] = table['.'] = kName;
  table[' '] = table['\t'] = table['\n'] = table['\r'] = kSpace;
  return table;
}
inline constexpr std::array<std::uint8_t, 256> kTable = make_table();
}  // namespace byte_class

inline std::uint8_t class_of(char byte) { return byte_class::kTable[static_cast<unsigned char>(byte)]; }
inline bool is_space(char byte) { return (class_of(byte) & byte_class::kSpace) != 0; }
inline bool is_ascii(char byte) { return static_cast<signed char>(byte) >= 0; }

inline const char* skip_space(const char* p, const char* end) {
  while (p != end && is_space(*p)) ++p;
  return p;
}

// The first byte from p on that is `a`, `b`, `c`, a control character or not ASCII.
inline const char* skip_plain(const char* p, const char* end, char a, char b, char c) {
#if defined(__SSE2__)
  const __m128i as = _mm_set1_epi8(a), bs = _mm_set1_epi8(b), cs = _mm_set1_epi8(c), space = _mm_set1_epi8(0x20);
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, as), _mm_cmpeq_epi8(bytes, bs)),
                                       _mm_or_si128(_mm_cmpeq_epi8(bytes, cs), _mm_cmplt_epi8(bytes, space)));
    const int mask = _mm_movemask_epi8(found);  // signed comparison: bytes from 0x80 up are less than a space, too
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (p != end && static_cast<signed char>(*p) >= 0x20 && *p != a && *p != b && *p != c) ++p;
  return p;
}

// How many bytes the character at p has; p is not ASCII. 0: what is there is right so far, but it goes on behind `end`.
// kNotUtf8, kNotXml: an error.
inline constexpr int kNotUtf8 = -1;
inline constexpr int kNotXml = -2;  // U+FFFE or U+FFFF
int character_bytes(const char* p, const char* end);

// The character at p, whose bytes are right.
char32_t decode(const char* p);

bool is_character(char32_t code);       // production Char
bool is_name_start(char32_t code);      // beyond ASCII
bool is_name_character(char32_t code);  // beyond ASCII
void append_utf8(std::string& out, char32_t code);

// A reference at p, which points to its '&'.
struct Reference {
  enum class Kind : std::uint8_t { character, unfinished, malformed, forbidden } kind;
  char32_t code = 0;
  std::uint8_t bytes = 0;  // with '&' and ';'
};
inline constexpr int kReferenceBytes = 32;
Reference read_reference(const char* p, const char* end);

// What a parser reports for validated raw bytes: references replaced and lines ended by LF (§2.11), in an attribute's
// value all white space turned into spaces (§3.3.3; all our attributes are CDATA, there being no DTD).
void append_normalized_text(std::string& out, std::string_view raw);
void append_normalized_value(std::string& out, std::string_view raw);
void append_normalized_cdata(std::string& out, std::string_view raw);

}  // namespace anser::xml
