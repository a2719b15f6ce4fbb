#include "codec/file_name.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace anser::codec {
namespace {

constexpr std::size_t kMaxExtension = 16;  // with its dot; what is longer is part of the name

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
};

// The character at the front of `text`, which is UTF-8 and not empty.
Character first_of(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at])); };
  const std::uint32_t first = byte(0);
  const std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (size == 1 || size > text.size()) return {first, 1};
  std::uint32_t code = first & (0xFFU >> (size + 1));
  for (std::size_t at = 1; at < size; ++at) code = code << 6 | (byte(at) & 0x3F);
  return {code, size};
}

// Controls, line ends of Unicode, and what turns the direction of text or cannot be seen: a name with one of these
// looks like another (U+202E makes "exe.txt" of "txt.exe").
bool is_hidden(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF0 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF);
}

bool is_end_rubbish(char c) { return c == '.' || c == ' '; }

// CON, NUL.txt, com1 …, with the superscript digits that Windows takes as well.
bool is_device(std::string_view name) {
  std::string stem{name.substr(0, name.find('.'))};
  while (!stem.empty() && stem.back() == ' ') stem.pop_back();
  for (char& c : stem) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  static constexpr std::array<std::string_view, 6> kAlone{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
  if (std::ranges::find(kAlone, stem) != kAlone.end()) return true;
  if (!stem.starts_with("COM") && !stem.starts_with("LPT")) return false;
  const std::string_view number = std::string_view{stem}.substr(3);
  return (number.size() == 1 && number[0] >= '0' && number[0] <= '9') || number == "¹" || number == "²" ||
         number == "³";
}

std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::string_view without_end_rubbish(std::string_view name) {
  while (!name.empty() && is_end_rubbish(name.back())) name.remove_suffix(1);
  return name;
}

void cut_to_limit(std::string& name) {
  if (name.size() <= kMaxFileName) return;
  const std::size_t dot = name.rfind('.');
  std::string extension = dot == name.npos || dot == 0 || name.size() - dot > kMaxExtension ? "" : name.substr(dot);
  const std::string_view stem =
      cut(std::string_view{name}.substr(0, name.size() - extension.size()), kMaxFileName - extension.size());
  name = std::string{without_end_rubbish(stem)} + extension;
}

bool is_attr_char(char c) {  // RFC 8187 §3.2.1
  return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
         std::string_view{"!#$&+-.^_`|~"}.find(c) != std::string_view::npos;
}

}  // namespace

std::string safe_file_name(std::string_view name) {
  if (!is_utf8(name)) return "file";                 // nobody here makes one
  name = name.substr(name.find_last_of("/\\") + 1);  // npos + 1 is 0
  if (name.size() >= 2 && name[1] == ':' && (name[0] | 32) >= 'a' && (name[0] | 32) <= 'z') name.remove_prefix(2);
  name = name.substr(0, name.find(':'));
  std::string out;
  out.reserve(name.size() + 1);
  while (!name.empty()) {
    const Character next = first_of(name);
    if (!is_hidden(next.code)) out.append(name.substr(0, next.bytes));
    name.remove_prefix(next.bytes);
  }
  out.erase(0, out.find_first_not_of(' ') == out.npos ? out.size() : out.find_first_not_of(' '));
  out.resize(without_end_rubbish(out).size());
  if (out.empty()) return "file";
  if (is_device(out)) out.insert(0, 1, '_');
  cut_to_limit(out);
  return out;
}

std::string content_disposition(std::string_view disposition, std::string_view name) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string fallback;
  std::string coded;
  bool plain = true;
  for (std::string_view rest = name; !rest.empty();) {
    const Character next = first_of(rest);
    // '%' as well, since some browsers decode it in the fallback (RFC 6266 appendix D).
    const bool fits =
        next.code >= 0x20 && next.code < 0x7F && next.code != '"' && next.code != '\\' && next.code != '%';
    fallback += fits ? static_cast<char>(next.code) : '_';
    plain = plain && fits;
    for (const char c : rest.substr(0, next.bytes)) {
      const auto byte = static_cast<unsigned char>(c);
      if (is_attr_char(c)) {
        coded += c;
      } else {
        coded += {'%', kHex[byte >> 4], kHex[byte & 0xF]};
      }
    }
    rest.remove_prefix(next.bytes);
  }
  std::string out{disposition};
  out.append("; filename=\"").append(fallback).append("\"");
  if (!plain) out.append("; filename*=UTF-8''").append(coded);
  return out;
}

}  // namespace anser::codec
