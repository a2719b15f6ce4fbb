// Answers from servers that mean harm. The first octet says whether the request was HEAD and how large a head may be,
// the second how the rest is cut. Whole or in pieces it gives the same events, nothing follows an error, and there is
// never more body than bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "net/http_response.h"

namespace {

using namespace anser;
using Event = net::HttpResponseReader::Event;

// What it says, in words that do not depend on where it was cut.
std::string told(const net::HttpResponseReader::Limits& limits, bool head, std::string_view bytes, std::size_t step) {
  net::HttpResponseReader reader{head, limits};
  std::string text, body;
  bool over = false;
  const auto take = [&](Event event) {
    const auto& answer = reader.head();
    if (event == Event::interim || event == Event::head) {
      text += std::to_string(answer.status) + (answer.chunked ? "c" : "") +
              (answer.content_length ? std::to_string(*answer.content_length) : "");
      ANSER_ASSERT(!(answer.chunked && answer.content_length));
      ANSER_ASSERT(answer.fields.size() <= limits.fields);
      for (const auto& [name, value] : answer.fields) {
        ANSER_ASSERT(name.find_first_of("\r\n: ") == std::string::npos);
        ANSER_ASSERT(value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos);
        text += name + ":" + value + ";";
      }
    }
    if (event == Event::body) {
      ANSER_ASSERT(!reader.body().empty());
      body += reader.body();
    }
    if (event == Event::error) text += "error " + reader.reason();
    if (event == Event::end) text += "end";
    over = event == Event::error || event == Event::end;
    return !over && event != Event::need_more;
  };
  for (std::string_view rest = bytes; !rest.empty() && !over;) {
    std::string_view input = rest.substr(0, step);
    rest.remove_prefix(input.size());
    while (take(reader.next(input))) continue;
  }
  if (!over) take(reader.finish());
  ANSER_ASSERT(over && body.size() <= bytes.size());
  std::string_view more = "HTTP/1.1 200 OK\r\n\r\n";
  const Event after = reader.next(more);
  ANSER_ASSERT(after == Event::error || after == Event::end);
  return text + "|" + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data + 2), size - 2};
  const net::HttpResponseReader::Limits limits{
      .head_bytes = data[0] & 1 ? 200u : 4096u, .fields = 1u + data[0] / 16, .interims = 3};
  const bool head = (data[0] & 2) != 0;
  const std::string whole = told(limits, head, bytes, bytes.size());
  ANSER_ASSERT(told(limits, head, bytes, 1) == whole);
  ANSER_ASSERT(told(limits, head, bytes, 1u + data[1]) == whole);
  return 0;
}
