#include "xml/chars.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "xml/escape.h"

namespace anser::xml {
namespace {

struct Range {
  char32_t first, last;
};

// Letters in both the 4th edition's Appendix B and the 5th edition's NameStartChar: Latin, Greek, Cyrillic, Hebrew,
// Arabic, Devanagari, Thai, kana, Bopomofo, Chinese, Hangul. Sorted.
constexpr Range kNameStartRanges[] = {
    {0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x131},    {0x38E, 0x3A1},   {0x3A3, 0x3CE},   {0x401, 0x40C},
    {0x40E, 0x44F},   {0x451, 0x45C},   {0x45E, 0x481},   {0x5D0, 0x5EA},   {0x621, 0x63A},   {0x641, 0x64A},
    {0x905, 0x939},   {0xE01, 0xE2E},   {0x3007, 0x3007}, {0x3021, 0x3029}, {0x3041, 0x3094}, {0x30A1, 0x30FA},
    {0x3105, 0x312C}, {0x4E00, 0x9FA5}, {0xAC00, 0xD7A3},
};

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

struct Entity {
  std::string_view name;
  char32_t code;
};
constexpr Entity kEntities[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"apos", '\''}, {"quot", '"'}};

int digit_of(char byte, int base) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (base == 16 && byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (base == 16 && byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

// &#38; or &#x26;
Reference read_character_reference(const char* p, const char* end) {
  using Kind = Reference::Kind;
  const char* const start = p;
  p += 2;
  if (p == end) return {Kind::unfinished};
  const int base = *p == 'x' ? 16 : 10;
  if (base == 16) ++p;

  char32_t code = 0;
  for (; p != end && p - start < kReferenceBytes - 1; ++p) {
    const int digit = digit_of(*p, base);
    if (digit < 0) break;
    code = code * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
    if (code > 0x10FFFF) return {Kind::malformed};
  }
  if (p == end) return {Kind::unfinished};
  if (*p != ';') return {p - start == kReferenceBytes - 1 ? Kind::forbidden : Kind::malformed};
  if (!is_character(code)) return {Kind::malformed};  // without digits it is 0, which is none
  return {Kind::character, code, static_cast<std::uint8_t>(p + 1 - start)};
}

// `raw` up to the next byte that needs a closer look.
void append_plain(std::string& out, const char*& p, const char* end, std::string_view special) {
  const std::string_view rest(p, static_cast<std::size_t>(end - p));
  const std::size_t size = std::min(rest.find_first_of(special), rest.size());
  out.append(rest.substr(0, size));
  p += size;
}

void append_normalized(std::string& out, std::string_view raw, std::string_view special, char space) {
  const char* p = raw.data();
  const char* const end = p + raw.size();
  while (append_plain(out, p, end, special), p != end) {
    if (*p == '&') {
      const Reference reference = read_reference(p, end);
      append_utf8(out, reference.code);
      p += reference.bytes;
      continue;
    }
    if (*p == '\r' && p + 1 != end && p[1] == '\n') ++p;
    out += space;
    ++p;
  }
}

}  // namespace

int character_bytes(const char* p, const char* end) {
  const auto lead = static_cast<unsigned char>(*p);
  if (lead < 0xC2 || lead > 0xF4) return kNotUtf8;
  if (end - p < 2) return 0;
  const auto second = static_cast<unsigned char>(p[1]);
  if (lead < 0xE0) return continues(p[1]) ? 2 : kNotUtf8;

  if (lead < 0xF0) {
    if (!continues(p[1]) || (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return kNotUtf8;
    if (end - p < 3) return 0;
    if (!continues(p[2])) return kNotUtf8;
    return lead == 0xEF && second == 0xBF && static_cast<unsigned char>(p[2]) >= 0xBE ? kNotXml : 3;
  }

  if (!continues(p[1]) || (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return kNotUtf8;
  if (end - p < 3) return 0;
  if (!continues(p[2])) return kNotUtf8;
  if (end - p < 4) return 0;
  return continues(p[3]) ? 4 : kNotUtf8;
}

char32_t decode(const char* p) {
  const auto at = [p](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i])); };
  if (at(0) < 0x80) return at(0);
  if (at(0) < 0xE0) return (at(0) & 0x1F) << 6 | (at(1) & 0x3F);
  if (at(0) < 0xF0) return (at(0) & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F);
  return (at(0) & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F);
}

bool is_character(char32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code <= 0xD7FF || (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

bool is_name_start(char32_t code) {
  const auto* range = std::lower_bound(std::begin(kNameStartRanges), std::end(kNameStartRanges), code,
                                       [](const Range& r, char32_t c) { return r.last < c; });
  return range != std::end(kNameStartRanges) && range->first <= code;
}

bool is_name_character(char32_t code) { return code == 0xB7 || is_name_start(code); }

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

Reference read_reference(const char* p, const char* end) {
  using Kind = Reference::Kind;
  if (end - p < 2) return {Kind::unfinished};
  if (p[1] == '#') return read_character_reference(p, end);
  if (!(class_of(p[1]) & byte_class::kNameStart)) return {Kind::malformed};

  const char* const name = p + 1;
  const char* const stop = end - p > kReferenceBytes ? p + kReferenceBytes : end;
  const char* q = name;
  while (q != stop && (class_of(*q) & byte_class::kName)) ++q;
  if (q - p == kReferenceBytes) return {Kind::forbidden};
  if (q == end) return {Kind::unfinished};
  if (*q != ';') return {Kind::malformed};
  for (const Entity& entity : kEntities) {
    if (entity.name == std::string_view(name, static_cast<std::size_t>(q - name))) {
      return {Kind::character, entity.code, static_cast<std::uint8_t>(q + 1 - p)};
    }
  }
  return {Kind::forbidden};
}

void append_normalized_text(std::string& out, std::string_view raw) { append_normalized(out, raw, "&\r", '\n'); }

void append_normalized_value(std::string& out, std::string_view raw) { append_normalized(out, raw, "&\r\n\t", ' '); }

void append_normalized_cdata(std::string& out, std::string_view raw) { append_normalized(out, raw, "\r", '\n'); }

bool is_legal_text(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while ((p = skip_plain(p, end, '\t', '\t', '\t')) != end) {
    if (!is_ascii(*p)) {
      const int bytes = character_bytes(p, end);
      if (bytes <= 0) return false;
      p += bytes;
    } else {
      if (!is_space(*p)) return false;
      ++p;
    }
  }
  return true;
}

}  // namespace anser::xml
