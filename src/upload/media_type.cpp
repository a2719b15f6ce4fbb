#include "upload/media_type.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "net/http_request.h"

namespace anser::upload {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kBytes = "application/octet-stream";
constexpr std::size_t kMaxType = 255;

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  return byte_at(bytes, at) << 24 | byte_at(bytes, at + 1) << 16 | byte_at(bytes, at + 2) << 8 | byte_at(bytes, at + 3);
}

bool has_at(std::string_view bytes, std::size_t at, std::string_view what) {
  return bytes.size() >= at + what.size() && bytes.substr(at, what.size()) == what;
}

// Its signature and the first chunk, which can be no other.
bool is_png(std::string_view front, bool) { return has_at(front, 0, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"sv); }
bool is_jpeg(std::string_view front, bool) {
  return has_at(front, 0, "\xff\xd8\xff"sv) && front.size() > 3 && byte_at(front, 3) >= 0xc0;
}
bool is_gif(std::string_view front, bool) { return has_at(front, 0, "GIF87a") || has_at(front, 0, "GIF89a"); }
bool is_webp(std::string_view front, bool) {
  return has_at(front, 0, "RIFF") && has_at(front, 8, "WEBPVP8") && front.size() > 15 &&
         " LX"sv.find(front[15]) != std::string_view::npos;
}
bool is_wav(std::string_view front, bool) { return has_at(front, 0, "RIFF") && has_at(front, 8, "WAVE"); }
bool is_flac(std::string_view front, bool) {
  // STREAMINFO comes first and has 34 bytes.
  return has_at(front, 0, "fLaC") && front.size() >= 8 && (byte_at(front, 4) & 0x7f) == 0 &&
         has_at(front, 5, "\0\0\x22"sv);
}
bool is_ogg(std::string_view front, bool) { return has_at(front, 0, "OggS\0"sv) && front.size() >= 27; }

bool is_mp3(std::string_view front, bool) {
  if (has_at(front, 0, "ID3")) {
    return front.size() >= 10 && byte_at(front, 3) < 0xff && byte_at(front, 4) < 0xff &&
           std::ranges::all_of(front.substr(6, 4), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }
  // A frame's header: MPEG 1, 2 or 2.5, layer III, with a bit rate and a sampling rate that exist.
  if (front.size() < 4 || byte_at(front, 0) != 0xff) return false;
  const unsigned second = byte_at(front, 1), third = byte_at(front, 2);
  return (second & 0xe0) == 0xe0 && (second & 0x18) != 0x08 && (second & 0x06) == 0x02 && third >> 4 != 0 &&
         third >> 4 != 15 && (third & 0x0c) != 0x0c;
}

// EBML whose DocType (0x4282) is webm, not Matroska's.
bool is_webm(std::string_view front, bool) {
  if (!has_at(front, 0, "\x1a\x45\xdf\xa3"sv)) return false;
  const auto header = front.substr(0, 64);
  return header.find("\x42\x82\x84webm"sv) != std::string_view::npos;
}

// The brands of an ISO base media file (ISO 14496-12 §4.3): its first box.
template <class Known>
bool has_brand(std::string_view front, Known known) {
  if (front.size() < 16 || !has_at(front, 4, "ftyp")) return false;
  const std::uint32_t size = number_at(front, 0);
  if (size < 16 || size % 4 != 0 || size > kLookedAt) return false;
  if (known(front.substr(8, 4))) return true;
  for (std::size_t at = 16; at + 4 <= size && at + 4 <= front.size(); at += 4) {
    if (known(front.substr(at, 4))) return true;
  }
  return false;
}
bool is_avif_brand(std::string_view brand) { return brand == "avif" || brand == "avis"; }
bool is_mp4_brand(std::string_view brand) {
  constexpr std::array kBrands{"isom"sv, "iso2"sv, "iso3"sv, "iso4"sv, "iso5"sv, "iso6"sv, "iso8"sv,
                               "iso9"sv, "mp41"sv, "mp42"sv, "avc1"sv, "dash"sv, "M4A "sv, "M4B "sv,
                               "M4V "sv, "M4VP"sv, "MSNV"sv, "mmp4"sv, "cmfc"sv, "f4v "sv};
  return std::ranges::find(kBrands, brand) != kBrands.end();
}
bool is_avif(std::string_view front, bool) { return has_brand(front, is_avif_brand); }
bool is_mp4(std::string_view front, bool) { return has_brand(front, is_mp4_brand) && !is_avif(front, true); }

// UTF-8 without the control characters that only binary data has (WHATWG MIME Sniffing, binary data byte). A character
// may be cut where the look ends.
bool is_text(std::string_view front, bool whole) {
  constexpr auto is_binary = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\f' && byte != '\r' && byte != 0x1b;
  };
  Utf8Check check;
  return std::ranges::none_of(front, is_binary) && check.take(front) && (check.whole() || !whole);
}

struct Listed {
  std::string_view said, type;
  bool (*fits)(std::string_view front, bool whole);
};
constexpr std::array kListed{Listed{"image/png", "image/png", is_png},
                             Listed{"image/x-png", "image/png", is_png},
                             Listed{"image/apng", "image/png", is_png},
                             Listed{"image/jpeg", "image/jpeg", is_jpeg},
                             Listed{"image/jpg", "image/jpeg", is_jpeg},
                             Listed{"image/pjpeg", "image/jpeg", is_jpeg},
                             Listed{"image/gif", "image/gif", is_gif},
                             Listed{"image/webp", "image/webp", is_webp},
                             Listed{"image/avif", "image/avif", is_avif},
                             Listed{"video/mp4", "video/mp4", is_mp4},
                             Listed{"video/x-m4v", "video/mp4", is_mp4},
                             Listed{"audio/mp4", "audio/mp4", is_mp4},
                             Listed{"audio/x-m4a", "audio/mp4", is_mp4},
                             Listed{"audio/m4a", "audio/mp4", is_mp4},
                             Listed{"video/webm", "video/webm", is_webm},
                             Listed{"audio/webm", "audio/webm", is_webm},
                             Listed{"video/ogg", "video/ogg", is_ogg},
                             Listed{"audio/ogg", "audio/ogg", is_ogg},
                             Listed{"application/ogg", "video/ogg", is_ogg},
                             Listed{"audio/opus", "audio/ogg", is_ogg},
                             Listed{"audio/mpeg", "audio/mpeg", is_mp3},
                             Listed{"audio/mp3", "audio/mpeg", is_mp3},
                             Listed{"audio/flac", "audio/flac", is_flac},
                             Listed{"audio/x-flac", "audio/flac", is_flac},
                             Listed{"audio/wav", "audio/wav", is_wav},
                             Listed{"audio/x-wav", "audio/wav", is_wav},
                             Listed{"audio/wave", "audio/wav", is_wav},
                             Listed{"audio/vnd.wave", "audio/wav", is_wav},
                             Listed{"text/plain", "text/plain; charset=utf-8", is_text}};

const Listed* find_listed(std::string_view declared) {
  const std::string essence = net::lower(net::trimmed(declared.substr(0, declared.find(';'))));
  const auto found = std::ranges::find(kListed, std::string_view{essence}, &Listed::said);
  return found == kListed.end() ? nullptr : &*found;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           "!#$%&'*+-.^_`|~"sv.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string declared_type(std::string_view said) {
  said = net::trimmed(said);
  const auto essence = net::trimmed(said.substr(0, said.find(';')));
  const auto slash = essence.find('/');
  const bool visible = std::ranges::all_of(said, [](char c) { return c >= ' ' && c < 0x7f; });
  if (said.size() > kMaxType || slash == std::string_view::npos || !visible || !is_token(essence.substr(0, slash)) ||
      !is_token(essence.substr(slash + 1)))
    return {};
  return std::string{said};
}

bool is_listed_type(std::string_view declared) { return find_listed(declared) != nullptr; }

ServedType served_type(std::string_view declared, std::string_view front, bool whole) {
  const Listed* listed = find_listed(declared);
  if (!listed || !listed->fits(front, whole)) return {.type = kBytes};
  return {.type = listed->type, .in_place = true};
}

}  // namespace anser::upload
