// A stream in messages (RFC 7395), divided by the octet that no text has: of each, our reader and expat must say the
// same, and between them a stream may be restarted.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/xml_judge.h"

namespace {

using namespace anser::xml;

constexpr char kMessage = '\xFF', kRestart = '\xFE';

void play(std::string_view bytes, const Limits& limits, bool judged) {
  StreamReader reader = judge::message_reader(limits);
  while (!bytes.empty()) {
    const std::size_t end = bytes.find_first_of("\xFF\xFE");
    const std::string message{bytes.substr(0, end)};
    const char divider = end == bytes.npos ? kMessage : bytes[end];
    bytes.remove_prefix(std::min(bytes.size(), message.size() + 1));
    std::string_view input = message;
    if (!judged) {
      reader.next(input);
    } else if (const std::string complaint = judge::judge_message(message, reader); !complaint.empty()) {
      std::fprintf(stderr, "complaint: %s\n", complaint.c_str());
      std::abort();
    }
    std::string_view none;
    if (reader.next(none) != StreamReader::Event::need_more) return;  // an error or the end: it stays that
    if (divider == kRestart && reader.between_stanzas()) reader.restart();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  play(bytes, {}, /*judged=*/true);
  play(bytes, judge::kTightLimits, /*judged=*/false);
  return 0;
}
