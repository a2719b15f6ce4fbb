// Requests from strangers. The first octet says how large a head may be, the second how the rest is cut. Whole or in
// pieces it gives the same events, and nothing follows an error.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/utf8.h"
#include "tests/support/http_events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace anser;
  if (size < 2) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data + 2), size - 2};
  const net::HttpReader::Limits limits{.head_bytes = data[0] < 128 ? 200u : 4096u, .fields = 1u + data[0] % 16};

  const auto whole = net::read_in_steps(limits, bytes, bytes.size());
  ANSER_ASSERT(net::read_in_steps(limits, bytes, 1) == whole);
  ANSER_ASSERT(net::read_in_steps(limits, bytes, 1 + data[1]) == whole);
  ANSER_ASSERT(net::read_cut_at(limits, bytes, std::min<std::size_t>(data[1], bytes.size())) == whole);

  net::HttpReader reader{limits};
  std::string_view input = bytes;
  for (;;) {
    const auto event = reader.next(input);
    if (event == net::HttpReader::Event::need_more || event == net::HttpReader::Event::error) break;
    if (event != net::HttpReader::Event::head) continue;
    const auto& request = reader.request();
    ANSER_ASSERT(!(request.chunked && request.content_length));
    ANSER_ASSERT(request.fields.size() <= limits.fields + 1);  // an address brings its own Host
    ANSER_ASSERT(is_utf8(request.path) && (request.path.starts_with("/") || request.target == "*"));
    const auto parameter = request.parameter("a");
    ANSER_ASSERT(!parameter || is_utf8(*parameter));
    for (const auto& [name, value] : request.fields) {
      ANSER_ASSERT(name.find_first_of("\r\n: ") == std::string::npos);
      ANSER_ASSERT(value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos);
    }
  }
  return 0;
}
