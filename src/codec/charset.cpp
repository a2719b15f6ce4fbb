#include "codec/charset.h"

#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "base/utf8.h"

namespace anser::codec {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kLongestName = 64;

struct Close {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, Close>;

enum class Kind : std::uint8_t { none, utf8, single, multi };

struct Charset {
  std::string name;  // as it was asked for, in lower case
  Kind kind = Kind::none;
  Converter converter;  // of single and multi
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// ICU would read a comma as the beginning of options, and a path as a file to load.
bool may_be_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':' || c == '+';
  });
}

// What the web reads for a name where ICU has the standard's letter.
const char* web_name(std::string_view canonical) {
  static constexpr std::pair<std::string_view, const char*> kInstead[] = {
      {"ISO-8859-1", "windows-1252"},
      {"US-ASCII", "windows-1252"},
      {"ibm-1383_P110-1999", "gb18030"},
      {"ibm-1386_P100-2001", "gb18030"},
      {"windows-936-2000", "gb18030"},
      {"ibm-5478_P100-1995", "gb18030"},
      {"ibm-970_P110_P110-2006_U2", "windows-949"},
  };
  for (const auto& [name, instead] : kInstead) {
    if (name == canonical) return instead;
  }
  return nullptr;
}

// ICU's own writes U+001A for some single bytes. And the euro sign of GBK, 0x80, which browsers send (WHATWG Encoding
// §10.1), is nothing to it in GB18030, for which `is_gb18030` is not null.
void write_replacement(const void* is_gb18030, UConverterToUnicodeArgs* arguments, const char* bytes,
                       std::int32_t length, UConverterCallbackReason reason, UErrorCode* status) {
  if (reason > UCNV_IRREGULAR) return;  // reset, close, clone: nothing to write
  const bool euro = is_gb18030 != nullptr && length == 1 && *bytes == '\x80';
  const UChar character = euro ? 0x20AC : 0xFFFD;
  *status = U_ZERO_ERROR;
  ucnv_cbToUWriteUChars(arguments, &character, 1, 0, status);
}

void append_utf8(std::string& out, const UChar* text, std::int32_t length) {
  for (std::int32_t at = 0; at < length;) {
    UChar32 c = 0;
    U16_NEXT(text, at, length, c);
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (U_IS_SURROGATE(c)) {  // no converter gives half a pair
      out.append(kReplacement);
    } else if (c < 0x800) {
      out += {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
    } else if (c < 0x10000) {
      out += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
              static_cast<char>(0x80 | (c & 0x3F))};
    } else {
      out += {static_cast<char>(0xF0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 0x3F)),
              static_cast<char>(0x80 | ((c >> 6) & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
    }
  }
}

// In pieces, since ICU counts in 32 bits and a text may be a whole file.
std::string decode(UConverter* converter, std::string_view bytes) {
  constexpr std::ptrdiff_t kPiece = 1 << 20;
  std::array<UChar, 2048> buffer;
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 2);
  const char* source = bytes.data();
  const char* const end = source + bytes.size();
  std::ptrdiff_t held = 0;  // the first half of a pair, when the buffer ended between them
  ucnv_resetToUnicode(converter);
  for (;;) {
    UErrorCode status = U_ZERO_ERROR;
    UChar* target = buffer.data() + held;
    const char* const piece_end = source + std::min(end - source, kPiece);
    const bool last = piece_end == end;
    ucnv_toUnicode(converter, &target, buffer.data() + buffer.size(), &source, piece_end, nullptr, last, &status);
    const std::ptrdiff_t count = target - buffer.data();
    const bool full = status == U_BUFFER_OVERFLOW_ERROR;
    held = full && U16_IS_LEAD(buffer[static_cast<std::size_t>(count - 1)]) ? 1 : 0;
    append_utf8(out, buffer.data(), static_cast<std::int32_t>(count - held));
    if (held != 0) buffer[0] = buffer[static_cast<std::size_t>(count - 1)];
    if (!full && (last || U_FAILURE(status))) return out;
  }
}

bool keeps_ascii(UConverter* converter) {
  std::string ascii;
  for (char c = 0x20; c < 0x7F; ++c) ascii += c;
  ascii += "\t\r\n";
  return decode(converter, ascii) == ascii;
}

Charset open(std::string name) {
  Charset charset;
  charset.name = std::move(name);
  UErrorCode status = U_ZERO_ERROR;
  const char* canonical = may_be_name(charset.name) ? ucnv_getAlias(charset.name.c_str(), 0, &status) : nullptr;
  if (canonical == nullptr || U_FAILURE(status)) return charset;
  const char* instead = web_name(canonical);
  const std::string_view read_as = instead != nullptr ? instead : canonical;
  Converter converter{ucnv_open(read_as.data(), &status)};
  if (converter == nullptr || U_FAILURE(status)) return charset;
  const void* is_gb18030 = read_as == "gb18030" ? &kReplacement : nullptr;
  ucnv_setToUCallBack(converter.get(), write_replacement, is_gb18030, nullptr, nullptr, &status);
  switch (ucnv_getType(converter.get())) {
    case UCNV_UTF8:
      charset.kind = Kind::utf8;
      return charset;
    case UCNV_SBCS:
    case UCNV_LATIN_1:
    case UCNV_US_ASCII:
      charset.kind = Kind::single;
      break;
    case UCNV_MBCS:
      charset.kind = ucnv_getMaxCharSize(converter.get()) > 1 ? Kind::multi : Kind::single;
      break;
    default:  // UTF-7, UTF-16, ISO-2022, HZ: bytes below 0x80 that are no ASCII
      return charset;
  }
  if (U_FAILURE(status) || !keeps_ascii(converter.get())) charset.kind = Kind::none;  // EBCDIC
  charset.converter = std::move(converter);
  return charset;
}

bool is_utf8_name(std::string_view name) {
  return name.empty() || (name.size() == 5 && (name[0] | 32) == 'u' && (name[1] | 32) == 't' && (name[2] | 32) == 'f' &&
                          name[3] == '-' && name[4] == '8');
}

// The charsets that this thread has used last; a converter is not to be shared. Unknown ones as well, since a stranger
// chooses the name.
const Charset& find(std::string_view name) {
  constexpr std::size_t kKept = 8;
  thread_local std::array<Charset, kKept> kept;
  thread_local std::size_t oldest = 0;
  static const Charset kNone;
  if (name.empty() || name.size() > kLongestName) return kNone;
  std::array<char, kLongestName> small;
  std::ranges::transform(name, small.begin(), lower);
  const std::string_view wanted{small.data(), name.size()};
  for (const Charset& charset : kept) {
    if (charset.name == wanted) return charset;
  }
  Charset& made = kept[std::exchange(oldest, (oldest + 1) % kKept)];
  made = open(std::string{wanted});
  return made;
}

std::string repaired(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  Utf8Check check;
  std::size_t start = 0;  // of the character that `check` is in
  for (std::size_t at = 0; at < bytes.size();) {
    const bool fresh = check.whole();
    if (fresh) start = at;
    if (check.take(static_cast<unsigned char>(bytes[at]))) {
      ++at;
      if (check.whole()) out.append(bytes.substr(start, at - start));
      continue;
    }
    out.append(kReplacement);
    if (fresh) ++at;  // else this byte may begin a character
    check = {};
  }
  if (!check.whole()) out.append(kReplacement);
  return out;
}

bool has_long_characters(std::string_view utf8) {
  return std::ranges::any_of(utf8, [](char c) { return static_cast<unsigned char>(c) >= 0xE0; });
}

}  // namespace

bool is_ascii(std::string_view bytes) {
  std::uint64_t any = 0;
  std::size_t at = 0;
  for (; at + sizeof any <= bytes.size(); at += sizeof any) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    any |= word;
  }
  for (; at < bytes.size(); ++at) any |= static_cast<std::uint64_t>(bytes[at]) & 0x80;
  return (any & 0x8080'8080'8080'8080) == 0;
}

bool is_charset(std::string_view name) { return is_utf8_name(name) || find(name).kind != Kind::none; }

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
  if (!is_charset(charset)) return std::nullopt;
  if (is_ascii(bytes)) return std::string{bytes};
  if (is_utf8_name(charset) || find(charset).kind == Kind::utf8) {
    return is_utf8(bytes) ? std::string{bytes} : repaired(bytes);
  }
  return decode(find(charset).converter.get(), bytes);
}

std::string guess_utf8(std::string_view bytes, std::string_view charset) {
  if (is_ascii(bytes)) return std::string{bytes};
  const bool valid = is_utf8(bytes);
  const Charset& known = find(is_utf8_name(charset) ? "" : charset);
  if (known.kind == Kind::none || known.kind == Kind::utf8) return valid ? std::string{bytes} : repaired(bytes);
  if (valid && (known.kind == Kind::single || has_long_characters(bytes))) return std::string{bytes};
  return decode(known.converter.get(), bytes);
}

}  // namespace anser::codec
