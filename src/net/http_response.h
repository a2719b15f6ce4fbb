// HTTP/1.1 as a client reads it (RFC 9112): an answer's head as a value, and the reader that cuts a connection's bytes
// into interim answers, the head, and the body. Strict where servers could lead us astray: what is not plainly an
// answer is an error. No I/O.
//
//   answer = *interim head [body]      an interim has the status 1xx
//   head   = "HTTP/1." DIGIT SP 3DIGIT [SP reason] CRLF *(field CRLF) CRLF      lines may end with LF alone
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anser::net {

struct HttpResponseHead {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  std::optional<std::uint64_t> content_length;              // of the body, if the answer says it before
  bool chunked = false;

  // The first field of this name (in lower case); none: it is not there.
  std::optional<std::string_view> field(std::string_view name) const;
};

class HttpResponseReader {
 public:
  struct Limits {
    std::size_t head_bytes = 16 * 1024;  // of each head
    std::size_t fields = 100;
    unsigned interims = 1000;  // in front of the answer; an upload's progress comes in such
  };
  enum class Event : std::uint8_t { need_more, interim, head, body, end, error };

  // `without_body`: the request was HEAD, so whatever the head says no body follows.
  explicit HttpResponseReader(bool without_body, Limits limits);
  explicit HttpResponseReader(bool without_body) : HttpResponseReader(without_body, Limits{}) {}

  // Takes from the front of `input`: `interim` for each of them, `head`, `body` for each piece, then `end`, and again
  // `end` for ever.
  Event next(std::string_view& input);
  // The connection has ended: `end` when the body ends with it or had ended before, else `error`.
  Event finish();

  const HttpResponseHead& head() const { return head_; }  // of Event::interim and from Event::head on
  std::string_view body() const { return body_; }         // of Event::body; valid as long as the input
  const std::string& reason() const { return reason_; }   // of Event::error: a sentence
  // The answer has begun: some of its bytes are there.
  bool begun() const { return begun_; }

 private:
  enum class State : std::uint8_t {
    status,
    fields,
    body,
    until_end,
    chunk_size,
    chunk,
    chunk_end,
    trailer,
    end,
    broken
  };

  bool take_line(std::string_view& input);
  Event take_head(std::string_view& input);
  bool take_status();
  bool take_field();
  Event head_is_whole();
  bool read_framing();
  Event take_body(std::string_view& input, State then);
  Event take_chunk(std::string_view& input);
  bool take_chunk_size();
  Event refuse(std::string reason);

  const bool without_body_;
  const Limits limits_;
  State state_ = State::status;
  std::string line_;  // what has come of it, or all of it
  bool line_ended_ = false;
  std::size_t bytes_ = 0;  // of this head, or of the lines around this body's chunks
  unsigned interims_ = 0;
  bool begun_ = false;
  HttpResponseHead head_;
  std::string_view body_;
  std::uint64_t left_ = 0;  // of the body or the chunk
  std::string reason_;
};

}  // namespace anser::net
