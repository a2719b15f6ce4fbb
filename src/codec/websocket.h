// The frames of RFC 6455: what is written, and the values that readers and writers share. Reading is
// websocket_reader.h. Pure functions; a server's frames are not masked, so one frame can be sent to many receivers.
//
//   frame  = first second [length16 | length64] [mask] payload      numbers in network order
//   first  = FIN RSV1 RSV2 RSV3 opcode(4 bits)
//   second = MASK length(7 bits)                                    126: length16 follows, 127: length64
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace anser::codec {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

constexpr bool is_control(Opcode opcode) { return static_cast<std::uint8_t>(opcode) >= 8; }

enum class WebSocketRole : std::uint8_t { server, client };

// The codes of §7.4.1 that we send, or report when no code came.
namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kUnsupportedData = 1003;
inline constexpr std::uint16_t kNone = 1005;      // never on the wire: the close frame had no code
inline constexpr std::uint16_t kAbnormal = 1006;  // never on the wire: there was no close frame
inline constexpr std::uint16_t kInvalidPayload = 1007;
inline constexpr std::uint16_t kPolicyViolation = 1008;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kExtensionMissing = 1010;
inline constexpr std::uint16_t kInternalError = 1011;
inline constexpr std::uint16_t kServiceRestart = 1012;
inline constexpr std::uint16_t kTryAgainLater = 1013;
}  // namespace close_code

// May a close frame carry it? Those of IANA's register that are not reserved, and 3000 to 4999.
bool is_close_code(std::uint16_t code);

inline constexpr std::size_t kFrameHeaderBytes = 14;  // at most
inline constexpr std::size_t kControlBytes = 125;     // of a control frame's payload, at most

struct FrameFlags {
  bool fin = true;          // the last frame of its message
  bool compressed = false;  // RSV1 of RFC 7692: on the first frame of a compressed message, nowhere else
};

struct FrameHeader {
  std::array<char, kFrameHeaderBytes> bytes;
  std::uint8_t size;

  std::string_view view() const { return {bytes.data(), size}; }
};

// With a mask for a client, whose payload the caller then masks. The mask's first octet on the wire is its highest.
FrameHeader frame_header(Opcode opcode, std::uint64_t payload_bytes, FrameFlags flags = {},
                         std::optional<std::uint32_t> mask = std::nullopt);

// Masks, or takes the mask off: the same thing twice gives back what was. `offset` says how many octets of the same
// payload came before these.
void apply_mask(std::span<char> payload, std::uint32_t mask, std::uint64_t offset = 0);

// A server's frame. Control frames have kControlBytes at most and are never fragmented.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, FrameFlags flags = {});
// A client's frame; the mask must be unpredictable (§10.3).
void append_masked_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask,
                         FrameFlags flags = {});

// The reason is cut between two characters where the frame is full. kNone gives a frame without a code and a reason,
// which answers one without.
void append_close(std::string& out, std::uint16_t code, std::string_view reason);
void append_masked_close(std::string& out, std::uint16_t code, std::string_view reason, std::uint32_t mask);

}  // namespace anser::codec
