// Frames from strangers. The first octet says who reads and what was agreed, the second how the rest is cut. Whole or
// in pieces it gives the same events, and no more memory is taken than what has come and the limit allow. One thing
// may depend on the pieces: whether a peer is understood that looks back farther than the window it agreed to.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/utf8.h"
#include "codec/permessage_deflate.h"
#include "codec/websocket_reader.h"
#include "tests/support/websocket_events.h"

namespace {

using namespace anser::codec;

WebSocketReader reader_for(unsigned how) {
  const auto role = (how & 1) != 0 ? WebSocketRole::server : WebSocketRole::client;
  const std::size_t limit = (how & 8) != 0 ? 100'000 : 200;
  WebSocketReader reader{role, {.message_bytes = limit, .frames_per_message = 8}};
  const bool forgets = (how & 4) != 0;
  const auto bits = static_cast<std::uint8_t>((how & 16) != 0 ? 15 : 8);
  if ((how & 2) != 0) reader.use_deflate({forgets, forgets, bits, bits});
  return reader;
}

std::vector<SeenEvent> read(WebSocketReader reader, std::string_view bytes, std::size_t step, std::size_t most) {
  std::vector<SeenEvent> seen;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    read_piece(reader, std::string{bytes.substr(0, step)}, seen);
    ANSER_ASSERT(reader.kept() <= most);
    ANSER_ASSERT((reader.kept() == 0) == reader.between_messages());
  }
  return seen;
}

// The one that was read strictly ends where it looked back too far; what came before that is the same.
bool stopped_short(const std::vector<SeenEvent>& strict, const std::vector<SeenEvent>& other) {
  const SeenEvent refused{WebSocketReader::Event::error, "the compressed message is not DEFLATE",
                          close_code::kInvalidPayload};
  return !strict.empty() && strict.back() == refused && strict.size() - 1 <= other.size() &&
         std::equal(strict.begin(), strict.end() - 1, other.begin());
}

bool same(unsigned how, const std::vector<SeenEvent>& a, const std::vector<SeenEvent>& b) {
  const bool small_window = (how & 2) != 0 && (how & 16) == 0;
  return a == b || (small_window && (stopped_short(a, b) || stopped_short(b, a)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data + 2), size - 2};
  const std::size_t limit = (data[0] & 8) != 0 ? 100'000 : 200;
  const bool inflates = (data[0] & 2) != 0;
  const std::size_t most = 1024 + 2 * (inflates ? limit : std::min(limit, bytes.size()));

  const auto whole = read(reader_for(data[0]), bytes, bytes.size(), most);
  ANSER_ASSERT(same(data[0], read(reader_for(data[0]), bytes, 1, most), whole));
  ANSER_ASSERT(same(data[0], read(reader_for(data[0]), bytes, 1 + data[1], most), whole));
  const std::size_t cut = std::min<std::size_t>(data[1], bytes.size());
  ANSER_ASSERT(same(data[0], read_cut_at(reader_for(data[0]), bytes, cut), whole));

  for (std::size_t i = 0; i < whole.size(); ++i) {
    const SeenEvent& seen = whole[i];
    using Event = WebSocketReader::Event;
    const bool last = seen.event == Event::close || seen.event == Event::error;
    ANSER_ASSERT(!last || i + 1 == whole.size());
    ANSER_ASSERT(seen.event != Event::text || anser::is_utf8(seen.payload));
    ANSER_ASSERT(seen.event != Event::error || is_close_code(seen.code));
    ANSER_ASSERT(seen.payload.size() <= limit);
  }
  return 0;
}
