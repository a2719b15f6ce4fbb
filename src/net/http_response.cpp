#include "net/http_response.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "net/http_request.h"

namespace anser::net {
namespace {

constexpr std::string_view kBegin = "HTTP/1.";
constexpr std::size_t kChunkLines = 64 * 1024;  // bytes of lines beside a body's data, plus 64 for each chunk of it

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  const auto may = [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.find(c) != kMarks.npos;
  };
  return !text.empty() && std::ranges::all_of(text, may);
}

bool is_text(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\t'; });
}

// All of it, without a sign.
std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, wrong] = std::from_chars(text.data(), end, value, base);
  if (wrong != std::errc{} || last != end || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::string_view> HttpResponseHead::field(std::string_view name) const {
  for (const auto& [known, value] : fields) {
    if (known == name) return value;
  }
  return std::nullopt;
}

HttpResponseReader::HttpResponseReader(bool without_body, Limits limits)
    : without_body_(without_body), limits_(limits) {}

HttpResponseReader::Event HttpResponseReader::refuse(std::string reason) {
  state_ = State::broken;
  line_.clear();
  reason_ = std::move(reason);
  return Event::error;
}

HttpResponseReader::Event HttpResponseReader::next(std::string_view& input) {
  switch (state_) {
    case State::status:
    case State::fields:
      return take_head(input);
    case State::body:
      return take_body(input, State::end);
    case State::until_end:
      if (input.empty()) return Event::need_more;
      body_ = input;
      input = {};
      return Event::body;
    case State::end:
      return Event::end;
    case State::broken:
      return Event::error;
    default:
      return take_chunk(input);
  }
}

HttpResponseReader::Event HttpResponseReader::finish() {
  if (state_ == State::broken) return Event::error;
  if (state_ == State::until_end) state_ = State::end;
  if (state_ == State::end) return Event::end;
  return refuse(begun_ ? "the connection ended in the middle of the answer" : "the connection ended without an answer");
}

// True: line_ is a whole line, without its end; it is given up by whoever sets line_ended_ back.
bool HttpResponseReader::take_line(std::string_view& input) {
  if (line_ended_) {
    line_.clear();
    line_ended_ = false;
  }
  const auto end = input.find('\n');
  const std::string_view piece = input.substr(0, end);
  const std::size_t taken = piece.size() + (end == input.npos ? 0 : 1);
  begun_ = begun_ || taken > 0;
  bytes_ += taken;
  line_.append(piece.substr(0, limits_.head_bytes + kChunkLines - line_.size()));  // the caller refuses what is longer
  input.remove_prefix(taken);
  if (end == input.npos || taken == piece.size()) return false;
  if (line_.ends_with('\r')) line_.pop_back();
  line_ended_ = true;
  return true;
}

HttpResponseReader::Event HttpResponseReader::take_head(std::string_view& input) {
  while (!input.empty()) {
    const bool whole = take_line(input);
    // What is no HTTP is known before it ends a line, so that is said first, wherever the bytes are cut.
    const std::string_view line = std::string_view{line_}.substr(0, line_.find('\r'));
    if (state_ == State::status && line.substr(0, kBegin.size()) != kBegin.substr(0, line.size()))
      return refuse("what answers there does not speak HTTP/1.1");
    if (bytes_ > limits_.head_bytes)
      return refuse(fmt::format("the head of the answer is longer than {} bytes", limits_.head_bytes));
    if (!whole) return Event::need_more;
    if (!is_text(line_)) return refuse("the head of the answer holds a control character");
    if (state_ == State::status) {
      if (!take_status()) return refuse("the answer's first line is no status line of HTTP/1.1");
      state_ = State::fields;
    } else if (line_.empty()) {
      return head_is_whole();
    } else if (!take_field()) {
      return Event::error;
    }
  }
  return Event::need_more;
}

bool HttpResponseReader::take_status() {
  constexpr std::size_t kVersion = kBegin.size(), kStatus = 9, kReason = 12;  // where they begin
  if (line_.size() < kReason || !line_.starts_with(kBegin) || !is_digit(line_[kVersion]) || line_[kStatus - 1] != ' ' ||
      (line_.size() > kReason && line_[kReason] != ' '))
    return false;
  const auto status = number(std::string_view{line_}.substr(kStatus, kReason - kStatus), 10);
  if (!status || *status < 100 || *status > 599) return false;
  head_ = {};
  head_.status = static_cast<unsigned>(*status);
  return true;
}

bool HttpResponseReader::take_field() {
  const auto colon = line_.find(':');
  // No folded lines (RFC 9112 §5.2), no space before the colon.
  if (colon == line_.npos || !is_token(std::string_view{line_}.substr(0, colon))) {
    refuse("a line in the answer's head is no field");
    return false;
  }
  if (head_.fields.size() >= limits_.fields) {
    refuse(fmt::format("the answer has more than {} fields", limits_.fields));
    return false;
  }
  head_.fields.emplace_back(lower(std::string_view{line_}.substr(0, colon)),
                            trimmed(std::string_view{line_}.substr(colon + 1)));
  return true;
}

HttpResponseReader::Event HttpResponseReader::head_is_whole() {
  bytes_ = 0;
  if (head_.status / 100 == 1) {
    if (head_.status == 101) return refuse("the server switches to another protocol, and nobody asked for that");
    if (++interims_ > limits_.interims) return refuse("the server sends interim answers without end");
    state_ = State::status;
    return Event::interim;
  }
  if (!read_framing()) return Event::error;
  const bool empty = without_body_ || head_.status == 204 || head_.status == 304;
  if (empty) {
    state_ = State::end;
  } else if (head_.chunked) {
    state_ = State::chunk_size;
  } else if (head_.content_length) {
    left_ = *head_.content_length;
    state_ = left_ > 0 ? State::body : State::end;
  } else {
    state_ = State::until_end;
  }
  return Event::head;
}

// RFC 9112 §6.3. Two lengths that differ, or a length beside chunks, are how answers are smuggled: refused.
bool HttpResponseReader::read_framing() {
  for (const auto& [name, value] : head_.fields) {
    if (name == "content-length") {
      const auto length = is_digit(value.empty() ? ' ' : value.front()) ? number(value, 10) : std::nullopt;
      if (!length || (head_.content_length && *head_.content_length != *length)) {
        refuse("the answer's Content-Length is no number, or two");
        return false;
      }
      head_.content_length = length;
    } else if (name == "transfer-encoding") {
      if (head_.chunked || lower(value) != "chunked") {
        refuse("the answer's Transfer-Encoding is not chunked");
        return false;
      }
      head_.chunked = true;
    }
  }
  if (head_.chunked && head_.content_length) {
    refuse("the answer has a Content-Length and a Transfer-Encoding");
    return false;
  }
  return true;
}

HttpResponseReader::Event HttpResponseReader::take_body(std::string_view& input, State then) {
  if (input.empty()) return Event::need_more;
  body_ = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
  input.remove_prefix(body_.size());
  left_ -= body_.size();
  if (left_ == 0) state_ = then;
  return Event::body;
}

// chunk = size [";" extension] CRLF data CRLF; after the last, whose size is 0, the trailer's fields and an empty line
HttpResponseReader::Event HttpResponseReader::take_chunk(std::string_view& input) {
  while (state_ != State::end) {
    if (state_ == State::chunk) return take_body(input, State::chunk_end);
    if (input.empty()) return Event::need_more;
    const bool whole = take_line(input);
    if (bytes_ > kChunkLines) return refuse("the answer's chunks have more lines than data");
    if (!whole) return Event::need_more;
    if (state_ == State::chunk_size) {
      if (!take_chunk_size()) return refuse("the size of a chunk is no number");
      state_ = left_ > 0 ? State::chunk : State::trailer;
    } else if (state_ == State::chunk_end) {
      if (!line_.empty()) return refuse("a chunk is longer than it said");
      state_ = State::chunk_size;
    } else if (line_.empty()) {
      state_ = State::end;
    }
  }
  return Event::end;
}

bool HttpResponseReader::take_chunk_size() {
  const std::string_view line = line_;
  const auto size = number(trimmed(line.substr(0, line.find(';'))), 16);
  if (!size) return false;
  left_ = *size;
  constexpr std::uint64_t kForChunk = 64;  // of its lines
  bytes_ -= static_cast<std::size_t>(std::min<std::uint64_t>({bytes_, left_, kForChunk}));
  return true;
}

}  // namespace anser::net
