// What an HttpReader makes of bytes, as lines of text: for comparing what comes whole with what comes in pieces.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "net/http_request.h"

namespace anser::net {

inline std::string describe(const HttpRequest& request) {
  std::string text = fmt::format("head {} {} {}", request.method, request.target, request.path);
  if (request.http_1_0) text += " 1.0";
  if (!request.keep_alive) text += " close";
  if (request.expects_continue) text += " continue";
  if (request.chunked) text += " chunked";
  if (request.content_length) text += fmt::format(" length={}", *request.content_length);
  for (const auto& [name, value] : request.fields) text += fmt::format(" {}=[{}]", name, value);
  return text;
}

// The bytes of `piece` as if they had just been received, and everything that the reader makes of them. Pieces of a
// body are put together.
inline void read_piece(HttpReader& reader, std::string piece, std::vector<std::string>& seen) {
  using Event = HttpReader::Event;
  std::string_view input{piece};
  for (;;) {
    switch (reader.next(input)) {
      case Event::need_more:
        ANSER_ASSERT(input.empty());
        return;
      case Event::head:
        seen.push_back(describe(reader.request()));
        break;
      case Event::body:
        ANSER_ASSERT(!reader.body().empty());
        if (!seen.back().starts_with("body ")) seen.emplace_back("body ");
        seen.back().append(reader.body());
        break;
      case Event::end:
        seen.emplace_back("end");
        break;
      case Event::error:
        if (!seen.empty() && seen.back().starts_with("error ")) return;  // nothing is read after it
        seen.push_back(fmt::format("error {} {}", reader.status(), reader.reason()));
        return;
    }
  }
}

// In pieces of `step` bytes.
inline std::vector<std::string> read_in_steps(HttpReader::Limits limits, std::string_view bytes, std::size_t step) {
  HttpReader reader{limits};
  std::vector<std::string> seen;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    read_piece(reader, std::string{bytes.substr(0, step)}, seen);
  }
  return seen;
}

inline std::vector<std::string> read_cut_at(HttpReader::Limits limits, std::string_view bytes, std::size_t cut) {
  HttpReader reader{limits};
  std::vector<std::string> seen;
  read_piece(reader, std::string{bytes.substr(0, cut)}, seen);
  read_piece(reader, std::string{bytes.substr(cut)}, seen);
  return seen;
}

}  // namespace anser::net
