#include "codec/websocket.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/utf8.h"

namespace anser::codec {
namespace {

// `size` octets of `number`, the highest first.
void put_number(char* out, std::uint64_t number, int size) {
  for (int i = size - 1; i >= 0; --i, number >>= 8) out[i] = static_cast<char>(number & 0xff);
}

// As much of `text` as fits without cutting a character in two; nothing of what is not UTF-8.
std::string_view fitting(std::string_view text, std::size_t most) {
  Utf8Check check;
  std::size_t whole = 0;
  for (std::size_t i = 0; i < std::min(text.size(), most); ++i) {
    if (!check.take(static_cast<unsigned char>(text[i]))) break;
    if (check.whole()) whole = i + 1;
  }
  return text.substr(0, whole);
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  if (code == close_code::kNone) return {};
  ANSER_ASSERT(is_close_code(code));
  std::string payload(2, '\0');
  put_number(payload.data(), code, 2);
  return payload.append(fitting(reason, kControlBytes - 2));
}

void check_frame(Opcode opcode, std::uint64_t payload_bytes, FrameFlags flags) {
  ANSER_ASSERT(!is_control(opcode) || (payload_bytes <= kControlBytes && flags.fin && !flags.compressed));
  ANSER_ASSERT(opcode != Opcode::continuation || !flags.compressed);
}

}  // namespace

bool is_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

FrameHeader frame_header(Opcode opcode, std::uint64_t payload_bytes, FrameFlags flags,
                         std::optional<std::uint32_t> mask) {
  check_frame(opcode, payload_bytes, flags);
  FrameHeader header{};
  char* const out = header.bytes.data();
  out[0] = static_cast<char>((flags.fin ? 0x80 : 0) | (flags.compressed ? 0x40 : 0) | static_cast<int>(opcode));
  const int masked = mask ? 0x80 : 0;
  const int length_bytes = payload_bytes < 126 ? 0 : payload_bytes <= 0xffff ? 2 : 8;
  out[1] = static_cast<char>(masked | (length_bytes == 0   ? static_cast<int>(payload_bytes)
                                       : length_bytes == 2 ? 126
                                                           : 127));
  put_number(out + 2, payload_bytes, length_bytes);
  if (mask) put_number(out + 2 + length_bytes, *mask, 4);
  header.size = static_cast<std::uint8_t>(2 + length_bytes + (mask ? 4 : 0));
  return header;
}

void apply_mask(std::span<char> payload, std::uint32_t mask, std::uint64_t offset) {
  std::array<char, 8> octets{};  // the mask twice, from the octet that is due
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<char>(mask >> (24 - 8 * ((offset + i) % 4)));
  }
  std::uint64_t key = 0;
  std::memcpy(&key, octets.data(), sizeof key);

  char* p = payload.data();
  char* const end = p + payload.size();
  for (; end - p >= static_cast<std::ptrdiff_t>(sizeof key); p += sizeof key) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);  // wherever it stands: it need not be aligned
    word ^= key;
    std::memcpy(p, &word, sizeof word);
  }
  for (std::size_t i = 0; p != end; ++p, ++i) *p = static_cast<char>(*p ^ octets[i]);
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, FrameFlags flags) {
  out.append(frame_header(opcode, payload.size(), flags).view()).append(payload);
}

void append_masked_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask,
                         FrameFlags flags) {
  out.append(frame_header(opcode, payload.size(), flags, mask).view()).append(payload);
  apply_mask(std::span{out}.last(payload.size()), mask);
}

void append_close(std::string& out, std::uint16_t code, std::string_view reason) {
  append_frame(out, Opcode::close, close_payload(code, reason));
}

void append_masked_close(std::string& out, std::uint16_t code, std::string_view reason, std::uint32_t mask) {
  append_masked_frame(out, Opcode::close, close_payload(code, reason), mask);
}

}  // namespace anser::codec
