// What we write, our reader reads as it was: messages whole and in fragments, compressed or not, control frames between
// them. The first octet says who writes and what was agreed; then each message is an octet that says how it is sent,
// one for its size, and its bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/utf8.h"
#include "codec/permessage_deflate_stream.h"
#include "codec/websocket_reader.h"
#include "tests/support/websocket_events.h"

namespace {

using namespace anser::codec;
using Event = WebSocketReader::Event;

class Writer {
 public:
  Writer(unsigned how, const DeflateAgreement& agreement)
      : mask_((how & 1) != 0 ? std::optional<std::uint32_t>{0x9e3779b9} : std::nullopt),
        deflater_({.level = 1 + static_cast<int>(how % 9), .threshold = 3},
                  sent_by(mask_ ? WebSocketRole::client : WebSocketRole::server, agreement)) {}

  void send(unsigned how, std::string_view payload) {
    if ((how & 3) == 3) {
      frame((how & 4) != 0 ? Opcode::ping : Opcode::pong, payload.substr(0, kControlBytes), {});
      sent.push_back({(how & 4) != 0 ? Event::ping : Event::pong, std::string{payload.substr(0, kControlBytes)}});
      return;
    }
    const Opcode opcode = (how & 4) != 0 && anser::is_utf8(payload) ? Opcode::text : Opcode::binary;
    if ((how & 3) == 0) append_message(wire, opcode, payload, deflater_, mask_);
    if ((how & 3) == 1) frame(opcode, payload, {});
    if ((how & 3) == 2) fragments(opcode, payload, how);
    sent.push_back({opcode == Opcode::text ? Event::text : Event::binary, std::string{payload}});
  }

  std::string wire;
  std::vector<SeenEvent> sent;

 private:
  void frame(Opcode opcode, std::string_view payload, FrameFlags flags) {
    if (mask_) {
      append_masked_frame(wire, opcode, payload, *mask_, flags);
    } else {
      append_frame(wire, opcode, payload, flags);
    }
  }

  void fragments(Opcode opcode, std::string_view payload, unsigned how) {
    const bool compressed = (how & 8) != 0;
    const std::string whole{compressed ? *deflater_.deflate(payload) : payload};
    std::string_view rest = whole;
    for (bool first = true;; first = false) {
      const std::string_view piece = rest.substr(0, 1 + (how >> 4));
      rest.remove_prefix(piece.size());
      frame(first ? opcode : Opcode::continuation, piece, {.fin = rest.empty(), .compressed = first && compressed});
      if (rest.empty()) return;
    }
  }

  const std::optional<std::uint32_t> mask_;
  Deflater deflater_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned how = data[0];
  const bool forgets = (how & 2) != 0;
  const auto bits = static_cast<std::uint8_t>(8 + (how >> 5));
  const DeflateAgreement agreement{forgets, forgets, bits, bits};
  WebSocketReader reader{(how & 1) != 0 ? WebSocketRole::server : WebSocketRole::client};
  reader.use_deflate(agreement);

  Writer writer{how, agreement};
  std::string_view rest{reinterpret_cast<const char*>(data + 1), size - 1};
  while (rest.size() >= 2) {
    const auto kind = static_cast<unsigned char>(rest[0]);
    const std::string_view payload = rest.substr(2, static_cast<unsigned char>(rest[1]));
    rest.remove_prefix(2 + payload.size());
    writer.send(kind, payload);
  }
  append_close(writer.wire, close_code::kNormal, "");

  const std::size_t step = (how & 4) != 0 ? 7 : writer.wire.size();
  auto seen = read_in_steps(std::move(reader), writer.wire, step);
  ANSER_ASSERT(!seen.empty());
  seen.pop_back();  // the close; unmasked, so an error to a server, but the last thing in any case
  ANSER_ASSERT(seen == writer.sent);
  return 0;
}
