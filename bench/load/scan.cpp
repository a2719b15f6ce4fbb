#include "scan.h"

#include <cstring>

namespace anser::load {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

// One past the '>' that ends the tag at `at`; a '>' between quotes is text.
std::size_t end_of_tag(std::string_view bytes, std::size_t at) {
  char quote = 0;
  for (std::size_t i = at; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '>') {
      return i + 1;
    } else if (c == '\'' || c == '"') {
      quote = c;
    }
  }
  return kNowhere;
}

std::size_t next_tag(std::string_view bytes, std::size_t at) {
  if (at >= bytes.size()) return kNowhere;
  const void* found = std::memchr(bytes.data() + at, '<', bytes.size() - at);
  return found == nullptr ? kNowhere : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
}

// One past the end of the element whose opening tag is at `start`.
std::size_t end_of_element(std::string_view bytes, std::size_t start) {
  std::size_t depth = 0;
  std::size_t tag = start;
  while (tag != kNowhere && tag + 1 < bytes.size()) {
    const std::size_t end = end_of_tag(bytes, tag);
    if (end == kNowhere) return kNowhere;
    if (bytes[tag + 1] == '/') {
      --depth;
    } else if (bytes[end - 2] != '/') {
      ++depth;
    }
    if (depth == 0) return end;
    tag = next_tag(bytes, end);
  }
  return kNowhere;
}

}  // namespace

Piece next_piece(std::string_view bytes, bool in_stream) {
  std::size_t start = next_tag(bytes, 0);
  while (!in_stream && start != kNowhere && bytes.substr(start).starts_with("<?")) {
    const std::size_t end = end_of_tag(bytes, start);
    start = end == kNowhere ? kNowhere : next_tag(bytes, end);
  }
  if (start == kNowhere || start + 1 >= bytes.size()) return {};

  if (!in_stream && bytes[start + 1] == '?') return {};
  const bool closing = bytes[start + 1] == '/';
  const std::size_t end = !in_stream || closing ? end_of_tag(bytes, start) : end_of_element(bytes, start);
  if (end == kNowhere) return {};
  return {closing ? Found::end : in_stream ? Found::stanza : Found::header, start, end};
}

std::string_view attribute_of(std::string_view bytes, std::string_view name) {
  const std::size_t end = end_of_tag(bytes, 0);
  const std::string_view tag = bytes.substr(0, end);
  std::size_t at = tag.find_first_of(" \t\r\n");
  while (at != kNowhere && (at = tag.find_first_not_of(" \t\r\n", at)) != kNowhere) {
    const std::size_t opening = tag.find_first_of("'\"", at);
    const std::size_t closing = opening == kNowhere ? kNowhere : tag.find(tag[opening], opening + 1);
    if (closing == kNowhere) return {};
    if (tag.substr(at, tag.find_first_of(" =", at) - at) == name) return tag.substr(opening + 1, closing - opening - 1);
    at = closing + 1;
  }
  return {};
}

}  // namespace anser::load
