// The few words of RFC 6455 that the generator speaks: frames made once and stamped with a number each time they are
// sent, and whole unfragmented frames cut out of what a server says. It shares nothing with the server's codec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace anser::load {

enum class WsOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// Where a message's number goes, as eight digits; it may stand there more than once.
inline constexpr std::string_view kNumberHere = "@@@@@@@@";

// A client's frame, masked with a key of its own that never changes: what is sent is not secret, and the server's work
// is the same.
class WsTemplate {
 public:
  WsTemplate() = default;
  WsTemplate(WsOpcode opcode, std::string_view payload);
  std::string_view stamped(std::uint64_t number);  // valid until the next call

 private:
  std::string frame_;
  std::vector<std::size_t> places_;  // of the numbers in it
};

std::string ws_frame(WsOpcode opcode, std::string_view payload);  // masked

// A message's number in what came back: the eight digits behind the first '#'. Where it stood last it is looked for
// first.
class NumberReader {
 public:
  std::optional<std::uint64_t> read(std::string_view payload);

 private:
  std::size_t place_ = 0;
};
std::optional<std::uint64_t> number_at(std::string_view text, std::size_t place);

struct WsFrame {
  WsOpcode opcode = WsOpcode::text;
  std::string_view payload;
  std::size_t size = 0;  // of all of it; 0: it is not whole yet
};
// The first frame of these bytes. Errc::bad_request for what no server of ours sends: masks, fragments, extensions.
Result<WsFrame> next_ws_frame(std::string_view bytes);

}  // namespace anser::load
