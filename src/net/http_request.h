// HTTP/1.1 as a server reads it (RFC 9110, RFC 9112): a request's head as a value, and the reader that cuts a
// connection's bytes into heads and bodies. Boost.Beast parses the head; what is stricter here says so. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anser::net {

struct HttpRequest {
  std::string method;  // GET, as it came
  std::string target;  // /ws?user=romeo, as it came
  std::string path;    // /ws, decoded
  bool http_1_0 = false;
  bool keep_alive = true;                                   // the client wants the connection to stay
  bool expects_continue = false;                            // it sends the body only after 100
  bool chunked = false;                                     // the body says itself where it ends
  std::optional<std::uint64_t> content_length;              // of the body; none: there is none, or it is chunked
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  // The first field of this name (in lower case); none: it is not there.
  std::optional<std::string_view> field(std::string_view name) const;
  // All fields of this name, joined with commas (RFC 9110 §5.3).
  std::string list(std::string_view name) const;
  // A parameter of the query, decoded; none: it is not there.
  std::optional<std::string> parameter(std::string_view name) const;
};

// %41 becomes A, and in a query + a space. None: not well formed, or not UTF-8, or NUL.
std::optional<std::string> percent_decode(std::string_view text, bool query);
// Without the white space around it (RFC 9110 §5.6.3).
std::string_view trimmed(std::string_view text);
// ASCII letters only.
std::string lower(std::string_view text);
// Does a list of tokens (RFC 9110 §5.6.1) have this one, in whatever case?
bool has_token(std::string_view list, std::string_view token);

class HttpReader {
 public:
  struct Limits {
    std::size_t head_bytes = 16 * 1024;  // request line and fields
    std::size_t fields = 100;
  };
  static constexpr unsigned kEmptyLines = 8;  // in front of a request
  enum class Event : std::uint8_t { need_more, head, body, end, error };

  explicit HttpReader(Limits limits);

  // Takes from the front of `input`: first `head`, then `body` for each piece, then `end`, then the next request's.
  Event next(std::string_view& input);
  HttpRequest& request() { return request_; }
  const HttpRequest& request() const { return request_; }
  std::string_view body() const { return body_; }  // of Event::body; valid as long as the input
  // Of Event::error: what to answer. Nothing more is read after it.
  unsigned status() const { return status_; }
  const std::string& reason() const { return reason_; }
  // The body is over: next() says `end` without more input.
  bool body_is_over() const { return state_ == State::end; }
  std::uint64_t left() const { return left_; }  // of the body, or of the chunk that is read
  // Nothing has come of the next request.
  bool between_requests() const { return state_ == State::head && kept_.empty(); }

 private:
  enum class State : std::uint8_t { head, body, chunk_size, chunk, chunk_end, trailer, end, broken };

  Event take_head(std::string_view& input);
  Event parse_head(std::string_view head);
  Event check_head();
  Event take_body(std::string_view& input, State then);
  Event take_chunk(std::string_view& input);
  std::optional<Event> take_chunk_line(std::string_view line);
  bool take_line(std::string_view& input);
  Event refuse(unsigned status, std::string reason);

  const Limits limits_;
  State state_ = State::head;
  std::string kept_;          // of a head, or of a line between chunks, that is not whole
  std::size_t lines_ = 0;     // bytes of such lines in this body that are more than its data accounts for
  unsigned empty_lines_ = 0;  // in front of this request
  HttpRequest request_;
  std::string_view body_;
  std::uint64_t left_ = 0;  // of the body or the chunk
  unsigned status_ = 0;
  std::string reason_;
};

}  // namespace anser::net
