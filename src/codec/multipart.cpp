#include "codec/multipart.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace anser::codec {
namespace {

constexpr std::string_view kDelimiterStart = "\r\n--";

bool is_padding(char byte) { return byte == ' ' || byte == '\t'; }

// bcharsnospace and space of RFC 2046 §5.1.1.
bool is_boundary_byte(char byte) {
  if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')) return true;
  return std::string_view{"'()+_,-./:=? "}.find(byte) != std::string_view::npos;
}

bool is_boundary(std::string_view text) {
  if (text.empty() || text.size() > MultipartReader::kMaxBoundary || text.back() == ' ') return false;
  return std::ranges::all_of(text, is_boundary_byte);
}

Finder finder_for(std::string_view boundary) {
  ANSER_ASSERT(is_boundary(boundary));
  return Finder{std::string{kDelimiterStart}.append(boundary)};
}

std::size_t count_same(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// Behind the empty line, which may be the first; 0 if there is none. The first `looked_at` bytes have none.
std::size_t end_of_header(std::string_view text, std::size_t looked_at) {
  for (auto at = text.find('\n', looked_at); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    std::string_view before = text.substr(0, at);
    if (before.ends_with('\r')) before.remove_suffix(1);
    if (before.empty() || before.ends_with('\n')) return at + 1;
  }
  return 0;
}

std::string_view without_empty_line(std::string_view block) {
  block.remove_suffix(1);
  if (block.ends_with('\r')) block.remove_suffix(1);
  return block;
}

}  // namespace

Result<std::string> MultipartReader::boundary_in(std::string_view content_type) {
  auto type = parse_parameters(content_type);
  if (!type) return pass(type);
  if (type->value != "multipart/form-data") return fail(Errc::unsupported, "the body is not multipart/form-data");
  const std::string* boundary = type->find("boundary");
  if (boundary == nullptr) return fail(Errc::bad_request, "multipart/form-data without a boundary");
  if (!is_boundary(*boundary)) return fail(Errc::bad_request, "the boundary is not one of RFC 2046");
  return *boundary;
}

MultipartReader::MultipartReader(std::string_view boundary, Limits limits)
    : limits_(limits), outer_(finder_for(boundary)) {}

MultipartReader::Event MultipartReader::next(std::string_view& input) {
  for (;;) {
    Said said;
    switch (state_) {
      case State::around:
        said = skip_around(input);
        break;
      case State::behind_delimiter:
        said = read_behind_delimiter(input);
        break;
      case State::header:
        said = read_header(input);
        break;
      case State::data:
        said = read_data(input);
        break;
      case State::closing:
        said = read_closing(input);
        break;
      case State::epilogue:
        said = skip_epilogue(input);
        break;
      case State::failed:
        said = Event::error;
        break;
    }
    if (said == Event::error) input = {};
    if (said) return *said;
  }
}

MultipartReader::Event MultipartReader::finish() {
  if (state_ == State::failed) return Event::error;
  if (state_ == State::epilogue || (state_ == State::closing && !inner_)) {
    state_ = State::epilogue;
    return Event::end;
  }
  return refuse_malformed("the body ends before the closing delimiter");
}

// Takes at least one byte, or ends; what is not told yet is only counted, since it is the front of a delimiter.
MultipartReader::Met MultipartReader::meet(std::string_view& input) {
  while (!input.empty()) {
    if (kept_ > 0) {
      const Met met = meet_with_kept(input);
      if (met == Met::text && data_.empty()) continue;
      return met;
    }
    const std::size_t at = place_of_delimiter(input);
    data_ = input.substr(0, at);
    input.remove_prefix(at);
    if (!input.empty()) {
      input.remove_prefix(1);
      kept_ = 1;
    }
    if (!data_.empty()) return Met::text;
  }
  return Met::need_more;
}

MultipartReader::Met MultipartReader::meet_with_kept(std::string_view& input) {
  const std::string_view kept = (kept_of_outer_ ? outer_ : own()).delimiter().substr(0, kept_);
  const Finder* unfinished = nullptr;
  for (const Finder* finder : {&own(), static_cast<const Finder*>(&outer_)}) {
    if (!finder->delimiter().starts_with(kept)) continue;
    const std::string_view rest = finder->delimiter().substr(kept_);
    const std::size_t same = count_same(rest, input);
    if (same == rest.size()) {
      input.remove_prefix(same);
      kept_ = assumed_ = 0;
      kept_of_outer_ = false;
      return finder == &own() ? Met::own : Met::outer;
    }
    if (same == input.size()) unfinished = finder;
  }
  if (unfinished != nullptr) {
    kept_ = static_cast<std::uint8_t>(kept_ + input.size());
    kept_of_outer_ = unfinished == &outer_;
    input = {};
    return Met::need_more;
  }
  // No delimiter; nor does one begin in what was kept, since a CR stands only at its front.
  data_ = kept.substr(assumed_);
  kept_ = assumed_ = 0;
  kept_of_outer_ = false;
  return Met::text;
}

// Or of what the input's end cuts off.
std::size_t MultipartReader::place_of_delimiter(std::string_view input) const {
  const std::size_t at = own().find(input);
  if (!inner_) return at;
  // Two delimiters cannot overlap, so the body's stands before a whole one or not at all.
  const bool whole = at + own().size() <= input.size();
  return std::min(at, outer_.find(whole ? input.substr(0, at) : input));
}

void MultipartReader::expect_delimiter(State state) {
  state_ = state;
  kept_ = assumed_ = 2;
}

MultipartReader::Said MultipartReader::skip_around(std::string_view& input) {
  switch (meet(input)) {
    case Met::need_more:
      return Event::need_more;
    case Met::outer:
      return refuse_open_mixed();
    case Met::text:
      if (!count_around(data_.size())) return Event::error;
      return {};
    case Met::own:
      break;
  }
  state_ = State::behind_delimiter;
  behind_ = 0;
  padding_ = 0;
  return {};
}

MultipartReader::Said MultipartReader::read_data(std::string_view& input) {
  switch (meet(input)) {
    case Met::need_more:
      return Event::need_more;
    case Met::outer:
      return refuse_open_mixed();
    case Met::text:
      return Event::data;
    case Met::own:
      break;
  }
  state_ = State::behind_delimiter;
  behind_ = 0;
  padding_ = 0;
  return Event::part_end;
}

MultipartReader::Said MultipartReader::read_behind_delimiter(std::string_view& input) {
  while (!input.empty()) {
    const char byte = input.front();
    input.remove_prefix(1);
    const char before = std::exchange(behind_, byte);
    if (before == '-') {
      if (byte != '-') return refuse_malformed("neither a line end nor \"--\" stands behind a delimiter");
      state_ = State::closing;
      return {};
    }
    if (byte == '\n') return begin_part();
    const bool expected = before != '\r' && (byte == '\r' || is_padding(byte) || (byte == '-' && before == 0));
    if (!expected) return refuse_malformed("neither a line end nor \"--\" stands behind a delimiter");
    if (is_padding(byte) && !count_padding()) return refuse_header_bytes();
  }
  return Event::need_more;
}

MultipartReader::Said MultipartReader::begin_part() {
  if (parts_ == limits_.parts) return refuse(Fault::parts, "the form has too many parts");
  ++parts_;
  header_.clear();
  state_ = State::header;
  return {};
}

MultipartReader::Said MultipartReader::read_header(std::string_view& input) {
  const std::size_t limit = limits_.part_header_bytes;
  if (header_.empty()) {
    const std::size_t end = end_of_header(input.substr(0, limit), 0);
    if (end != 0) {
      const std::string_view block = input.substr(0, end);
      input.remove_prefix(end);
      return take_header(block);
    }
  }
  const std::size_t had = header_.size();
  header_.append(input.substr(0, limit - had));
  const std::size_t end = end_of_header(header_, had);
  if (end != 0) {
    input.remove_prefix(end - had);
    header_.resize(end);
    return take_header(header_);
  }
  if (header_.size() == limit) return refuse_header_bytes();
  input = {};
  return Event::need_more;
}

MultipartReader::Said MultipartReader::take_header(std::string_view block) {
  auto parsed = parse_part_header(without_empty_line(block), charset_, inner_.has_value());
  if (!parsed) return refuse_malformed(parsed.error().message);
  part_ = std::move(*parsed);
  if (inner_) part_.name = mixed_name_;
  if (!part_.mixed.empty()) return begin_mixed();
  expect_delimiter(State::data);
  return Event::part;
}

MultipartReader::Said MultipartReader::begin_mixed() {
  if (inner_) return refuse(Fault::nesting, "multipart/mixed inside of multipart/mixed");
  --parts_;  // only its parts count
  if (++mixed_ > limits_.parts) return refuse(Fault::parts, "the form has too many parts");
  if (!is_boundary(part_.mixed)) return refuse_malformed("the boundary of multipart/mixed is not one of RFC 2046");
  const Finder inner = finder_for(part_.mixed);
  if (inner.delimiter().starts_with(outer_.delimiter()) || outer_.delimiter().starts_with(inner.delimiter())) {
    return refuse_malformed("the boundaries of the body and of multipart/mixed begin with each other");
  }
  inner_ = inner;
  mixed_name_ = std::move(part_.name);
  expect_delimiter(State::around);
  return {};
}

// The line end is left: it may begin a delimiter, and is otherwise the epilogue's.
MultipartReader::Said MultipartReader::read_closing(std::string_view& input) {
  while (!input.empty() && is_padding(input.front())) {
    input.remove_prefix(1);
    if (!count_padding()) return refuse_header_bytes();
  }
  if (input.empty()) return Event::need_more;
  if (input.front() != '\r' && input.front() != '\n') {
    return refuse_malformed("something else than a line end stands behind the closing delimiter");
  }
  if (!inner_) {
    state_ = State::epilogue;
    return Event::end;
  }
  inner_.reset();
  state_ = State::around;
  return {};
}

MultipartReader::Event MultipartReader::skip_epilogue(std::string_view& input) {
  if (!count_around(input.size())) return Event::error;
  input = {};
  return Event::end;
}

bool MultipartReader::count_around(std::size_t bytes) {
  around_ += bytes;
  if (around_ <= limits_.around_bytes) return true;
  refuse(Fault::around_bytes, "too much stands before, between and behind the parts");
  return false;
}

MultipartReader::Event MultipartReader::refuse(Fault fault, std::string_view reason) {
  state_ = State::failed;
  fault_ = fault;
  reason_ = reason;
  return Event::error;
}

MultipartReader::Event MultipartReader::refuse_header_bytes() {
  return refuse(Fault::part_header_bytes, "the header of a part is too long");
}

MultipartReader::Event MultipartReader::refuse_open_mixed() {
  return refuse_malformed("multipart/mixed ends before its closing delimiter");
}

}  // namespace anser::codec
