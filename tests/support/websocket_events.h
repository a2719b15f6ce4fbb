// What a WebSocketReader makes of bytes, as values: for comparing what comes whole with what comes in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "codec/websocket_reader.h"

namespace anser::codec {

struct SeenEvent {
  WebSocketReader::Event event;
  std::string payload;  // of an error: why
  std::uint16_t code = 0;

  friend bool operator==(const SeenEvent&, const SeenEvent&) = default;
  friend std::ostream& operator<<(std::ostream& out, const SeenEvent& seen) {
    constexpr const char* kNames[] = {"need_more", "text", "binary", "ping", "pong", "close", "error"};
    return out << kNames[static_cast<int>(seen.event)] << ' ' << seen.code << ' ' << seen.payload.size() << ' '
               << seen.payload.substr(0, 40);
  }
};

// The bytes of `piece` as if they had just been received, and everything that the reader makes of them.
inline void read_piece(WebSocketReader& reader, std::string piece, std::vector<SeenEvent>& seen) {
  std::span<char> input{piece};
  for (;;) {
    const auto event = reader.next(input);
    if (event == WebSocketReader::Event::need_more) break;
    const bool failed = event == WebSocketReader::Event::error;
    seen.push_back({event, std::string{failed ? reader.reason() : reader.payload()}, reader.close_code()});
  }
  ANSER_ASSERT(input.empty());
}

// In pieces of `step` bytes.
inline std::vector<SeenEvent> read_in_steps(WebSocketReader reader, std::string_view bytes, std::size_t step) {
  std::vector<SeenEvent> seen;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    read_piece(reader, std::string{bytes.substr(0, step)}, seen);
  }
  return seen;
}

inline std::vector<SeenEvent> read_cut_at(WebSocketReader reader, std::string_view bytes, std::size_t cut) {
  std::vector<SeenEvent> seen;
  read_piece(reader, std::string{bytes.substr(0, cut)}, seen);
  read_piece(reader, std::string{bytes.substr(cut)}, seen);
  return seen;
}

}  // namespace anser::codec
