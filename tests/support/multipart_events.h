// What a MultipartReader said of a body, and what a slow and obviously right reader says of it: whole in memory, by
// std::string::find, after the grammar of codec/multipart.h. For the unit tests and the fuzz target.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "codec/multipart.h"

namespace anser::codec {

struct SeenPart {
  std::string name;
  std::optional<std::string> file_name;
  std::string content_type;
  std::string data;
  bool ended = true;

  friend bool operator==(const SeenPart&, const SeenPart&) = default;
};

struct SeenBody {
  std::vector<SeenPart> parts;
  bool complete = false;
  std::optional<MultipartReader::Fault> fault;
  std::string reason;

  // What has come whole.
  std::vector<SeenPart> ended() const {
    std::vector<SeenPart> whole = parts;
    std::erase_if(whole, [](const SeenPart& part) { return !part.ended; });
    return whole;
  }
  friend bool operator==(const SeenBody&, const SeenBody&) = default;
};

// Feeds pieces that `size_of(number)` long, each in memory of its own, so that a view of an earlier one is caught by
// the address sanitizer; checks the order of events on the way.
template <class SizeOf>
SeenBody read_multipart(MultipartReader reader, std::string_view body, SizeOf size_of) {
  using Event = MultipartReader::Event;
  SeenBody seen;
  bool in_part = false;
  const auto take = [&](Event event) {
    switch (event) {
      case Event::part: {
        ANSER_ASSERT(!in_part && !seen.complete);
        const PartHeader& part = reader.part();
        seen.parts.push_back({part.name, part.file_name, part.content_type, "", false});
        in_part = true;
        break;
      }
      case Event::data:
        ANSER_ASSERT(in_part && !reader.data().empty());
        seen.parts.back().data += reader.data();
        break;
      case Event::part_end:
        ANSER_ASSERT(in_part);
        seen.parts.back().ended = true;
        in_part = false;
        break;
      case Event::end:
        ANSER_ASSERT(!in_part);
        seen.complete = true;
        break;
      case Event::error:
        seen.complete = false;
        seen.fault = reader.fault();
        seen.reason = reader.reason();
        break;
      case Event::need_more:
        break;
    }
    return event;
  };
  for (std::size_t number = 0; !body.empty() && !seen.fault; ++number) {
    const std::size_t size = std::clamp<std::size_t>(size_of(number), 1, body.size());
    const std::vector<char> piece(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
    body.remove_prefix(size);
    std::string_view input{piece.data(), piece.size()};
    while (!input.empty()) take(reader.next(input));
  }
  if (!seen.fault) take(reader.finish());
  return seen;
}

inline SeenBody read_multipart_in_steps(MultipartReader reader, std::string_view body, std::size_t step) {
  return read_multipart(std::move(reader), body, [step](std::size_t) { return step; });
}

class SlowMultipart {
 public:
  SlowMultipart(std::string_view body, std::string boundary, MultipartReader::Limits limits)
      : body_(body), limits_(limits), outer_(std::move(boundary)) {
    complete_ = read_level(outer_, false, "") && body_.size() - at_ + around_ <= limits_.around_bytes;
  }

  bool complete() const { return complete_; }
  const std::vector<SeenPart>& parts() const { return parts_; }

 private:
  static constexpr std::size_t npos = std::string_view::npos;

  // The text from `from` to the next line that begins with the boundary; `from` is where a line begins, or not.
  std::optional<std::string_view> text_before(const std::string& boundary, std::size_t from, bool line_begins) const {
    if (line_begins && body_.substr(from).starts_with("--" + boundary)) return body_.substr(from, 0);
    const std::size_t end = body_.find("\r\n--" + boundary, from);
    if (end == npos) return {};
    return body_.substr(from, end - from);
  }

  // Goes behind it and returns what is before it.
  std::optional<std::string_view> to_delimiter(const std::string& boundary, bool inside, bool line_begins) {
    const auto text = text_before(boundary, at_, line_begins);
    if (!text) return {};
    if (inside) {
      const auto other = text_before(outer_, at_, line_begins);
      if (other && other->size() < text->size()) return {};
    }
    const bool at_once = line_begins && body_.substr(at_).starts_with("--" + boundary);
    at_ += text->size() + (at_once ? 0 : 2) + 2 + boundary.size();
    return text;
  }

  bool skip_around(const std::string& boundary, bool inside, bool line_begins) {
    const auto text = to_delimiter(boundary, inside, line_begins);
    if (!text) return false;
    around_ += text->size();
    return around_ <= limits_.around_bytes;
  }

  bool skip_padding() {
    const std::size_t from = at_;
    while (at_ < body_.size() && (body_[at_] == ' ' || body_[at_] == '\t')) ++at_;
    return at_ - from <= limits_.part_header_bytes;
  }

  bool read_level(const std::string& boundary, bool inside, const std::string& name) {
    if (!skip_around(boundary, inside, true)) return false;
    for (;;) {
      if (body_.substr(at_).starts_with("--")) {
        at_ += 2;
        if (!skip_padding()) return false;
        if (at_ == body_.size()) return !inside;
        return body_[at_] == '\r' || body_[at_] == '\n';
      }
      if (!skip_padding()) return false;
      if (body_.substr(at_).starts_with("\r\n")) ++at_;
      if (!body_.substr(at_).starts_with("\n")) return false;
      ++at_;
      if (++count_ > limits_.parts || !read_part(boundary, inside, name)) return false;
    }
  }

  bool read_part(const std::string& boundary, bool inside, const std::string& name) {
    const std::size_t from = at_;
    std::string block;
    for (;;) {
      const std::size_t end = body_.find('\n', at_);
      if (end == npos) return false;
      const std::string_view line = body_.substr(at_, end + 1 - at_);
      at_ = end + 1;
      if (line == "\n" || line == "\r\n") break;
      block += line;
    }
    if (at_ - from > limits_.part_header_bytes) return false;
    const auto header = parse_part_header(block, "", inside);
    if (!header) return false;
    if (!header->mixed.empty()) {
      const std::string& mixed = header->mixed;
      --count_;
      if (++mixed_ > limits_.parts) return false;
      if (inside || !MultipartReader::boundary_in("multipart/form-data; boundary=\"" + mixed + '"')) return false;
      if (mixed.starts_with(outer_) || outer_.starts_with(mixed)) return false;
      return read_level(mixed, true, header->name) && skip_around(boundary, false, false);
    }
    const auto data = to_delimiter(boundary, inside, true);
    if (!data) return false;
    parts_.push_back({inside ? name : header->name, header->file_name, header->content_type, std::string{*data}, true});
    return true;
  }

  std::string_view body_;
  MultipartReader::Limits limits_;
  std::string outer_;
  std::size_t at_ = 0, around_ = 0, count_ = 0, mixed_ = 0;
  std::vector<SeenPart> parts_;
  bool complete_ = false;
};

}  // namespace anser::codec
