#include "ws_frames.h"

#include <array>
#include <cstring>

namespace anser::load {
namespace {

constexpr std::array<char, 4> kMask{'\x37', '\x7a', '\x21', '\x5d'};
constexpr std::size_t kShort = 125;
constexpr unsigned char kFin = 0x80, kMasked = 0x80;

}  // namespace

std::string ws_frame(WsOpcode opcode, std::string_view payload) {
  std::string frame;
  frame.push_back(static_cast<char>(kFin | static_cast<unsigned char>(opcode)));
  if (payload.size() <= kShort) {
    frame.push_back(static_cast<char>(kMasked | payload.size()));
  } else {
    frame.push_back(static_cast<char>(kMasked | 126));
    frame.push_back(static_cast<char>(payload.size() >> 8));
    frame.push_back(static_cast<char>(payload.size() & 0xff));
  }
  frame.append(kMask.data(), kMask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) frame.push_back(static_cast<char>(payload[i] ^ kMask[i % 4]));
  return frame;
}

WsTemplate::WsTemplate(WsOpcode opcode, std::string_view payload) : frame_(ws_frame(opcode, payload)) {
  const std::size_t header = frame_.size() - payload.size();
  for (auto at = payload.find(kNumberHere); at != std::string_view::npos;
       at = payload.find(kNumberHere, at + kNumberHere.size())) {
    places_.push_back(header + at);
  }
}

std::string_view WsTemplate::stamped(std::uint64_t number) {
  std::array<char, kNumberHere.size()> digits;
  for (std::size_t i = digits.size(); i-- > 0; number /= 10) digits[i] = static_cast<char>('0' + number % 10);
  const std::size_t header = frame_.size() <= kShort + 6 ? 6 : 8;
  for (const std::size_t place : places_) {
    for (std::size_t i = 0; i < digits.size(); ++i) {
      frame_[place + i] = static_cast<char>(digits[i] ^ kMask[(place + i - header) % 4]);
    }
  }
  return frame_;
}

std::optional<std::uint64_t> number_at(std::string_view text, std::size_t place) {
  if (place + kNumberHere.size() > text.size()) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : text.substr(place, kNumberHere.size())) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return number;
}

std::optional<std::uint64_t> NumberReader::read(std::string_view payload) {
  if (place_ >= payload.size() || payload[place_] != '#') {
    const auto found = payload.find('#');
    if (found == std::string_view::npos) return std::nullopt;
    place_ = found;
  }
  return number_at(payload, place_ + 1);
}

Result<WsFrame> next_ws_frame(std::string_view bytes) {
  if (bytes.size() < 2) return WsFrame{};
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  if ((first & 0xf0) != kFin || (second & kMasked) != 0 || second == 127) {
    return fail(Errc::bad_request, "a frame that begins with {:#x} {:#x} is not one of ours", first, second);
  }
  std::size_t header = 2;
  std::size_t length = second;
  if (length == 126) {
    header = 4;
    if (bytes.size() < header) return WsFrame{};
    length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[2]) << 8 | static_cast<unsigned char>(bytes[3]));
  }
  if (bytes.size() < header + length) return WsFrame{};
  return WsFrame{static_cast<WsOpcode>(first & 0x0f), bytes.substr(header, length), header + length};
}

}  // namespace anser::load
