#include "net/http_request.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>

#include "base/utf8.h"

namespace anser::net {
namespace {

namespace http = boost::beast::http;
using Code = boost::beast::error_code;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z'); }

// RFC 9110 §5.6.2
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_letter_or_digit(c) || kOthers.find(c) != std::string_view::npos;
  });
}

// uri-host [ ":" port ] (RFC 9110 §7.2), or nothing at all. What a host is made of is not looked at closer: it is
// compared with names that are.
bool is_host(std::string_view text) {
  constexpr std::string_view kOthers = "-._~%!$&'()*+,;=";
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    const auto literal = text.substr(1, end - 1);
    if (!std::ranges::all_of(literal, [](char c) { return is_letter_or_digit(c) || c == ':' || c == '.'; }))
      return false;
    text.remove_prefix(end + 1);
  } else {
    const std::string_view name = text.substr(0, text.find(':'));
    for (const char c : name) {
      if (!is_letter_or_digit(c) && kOthers.find(c) == std::string_view::npos) return false;
    }
    text.remove_prefix(name.size());
  }
  if (text.empty()) return true;
  return text.front() == ':' && std::ranges::all_of(text.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

// A request line that is one but for its version's numbers.
bool names_version(std::string_view line) {
  return std::ranges::count(line, ' ') == 2 && line.substr(line.rfind(' ') + 1).starts_with("HTTP/");
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Takes a head to pieces. Length and end of the body are checked by HttpReader, which sees all fields.
class HeadParser final : public http::basic_parser<true> {
 public:
  HeadParser(HttpRequest& request, const HttpReader::Limits& limits) : request_(request), fields_(limits.fields) {
    header_limit(static_cast<std::uint32_t>(limits.head_bytes));
    body_limit(boost::none);
    skip(true);
  }

 private:
  void on_request_impl(http::verb, boost::beast::string_view method, boost::beast::string_view target, int version,
                       Code&) override {
    request_.method.assign(method);
    request_.target.assign(target);
    request_.http_1_0 = version == 10;
  }
  void on_response_impl(int, boost::beast::string_view, int, Code&) override {}
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     Code& error) override {
    if (request_.fields.size() >= fields_) {
      error = http::error::header_limit;
      return;
    }
    request_.fields.emplace_back(net::lower(std::string_view{name.data(), name.size()}), std::string{value});
  }
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  std::size_t on_body_impl(boost::beast::string_view, Code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view, Code&) override { return 0; }
  void on_finish_impl(Code&) override {}

  HttpRequest& request_;
  std::size_t fields_;
};

}  // namespace

std::optional<std::string_view> HttpRequest::field(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (field == name) return value;
  }
  return std::nullopt;
}

std::string HttpRequest::list(std::string_view name) const {
  std::string all;
  for (const auto& [field, value] : fields) {
    if (field == name) all.append(all.empty() ? "" : ",").append(value);
  }
  return all;
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  const auto start = target.find('?');
  if (start == std::string::npos) return std::nullopt;
  std::string_view query = std::string_view{target}.substr(start + 1);
  query = query.substr(0, query.find('#'));
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    const auto key = percent_decode(pair.substr(0, equals), true);
    if (!key || *key != name) continue;
    return percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
  }
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
  return result;
}

std::optional<std::string> percent_decode(std::string_view text, bool query) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      if (text.size() - at < 3) return std::nullopt;
      const int high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      at += 2;
    } else if (query && c == '+') {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    decoded.push_back(c);
  }
  if (!is_utf8(decoded)) return std::nullopt;
  return decoded;
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    if (same(trimmed(item), token)) return true;
  }
  return false;
}

HttpReader::HttpReader(Limits limits) : limits_(limits) {}

HttpReader::Event HttpReader::refuse(unsigned status, std::string reason) {
  state_ = State::broken;
  kept_.clear();
  status_ = status;
  reason_ = std::move(reason);
  return Event::error;
}

HttpReader::Event HttpReader::next(std::string_view& input) {
  switch (state_) {
    case State::head:
      return take_head(input);
    case State::body:
      return take_body(input, State::end);
    case State::end:
      state_ = State::head;
      return Event::end;
    case State::broken:
      return Event::error;
    default:
      return take_chunk(input);
  }
}

HttpReader::Event HttpReader::take_body(std::string_view& input, State then) {
  if (input.empty()) return Event::need_more;
  body_ = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
  input.remove_prefix(body_.size());
  left_ -= body_.size();
  if (left_ == 0) state_ = then;
  return Event::body;
}

// The head is looked at when its last line is there, so a slow one costs no more than its bytes.
HttpReader::Event HttpReader::take_head(std::string_view& input) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  if (kept_.empty()) {
    request_ = {};                                               // nobody looks at the last one any more
    for (; input.starts_with("\r\n"); input.remove_prefix(2)) {  // RFC 9112 §2.2: forgiven before the request
      if (++empty_lines_ > kEmptyLines) return refuse(400, "empty lines instead of a request");
    }
    if (input.empty()) return Event::need_more;
    const auto end = input.find(kEnd);
    if (end != std::string_view::npos) {
      const std::string_view head = input.substr(0, end + kEnd.size());
      input.remove_prefix(head.size());
      return parse_head(head);
    }
  }
  const std::size_t seen = kept_.size() < kEnd.size() ? 0 : kept_.size() - (kEnd.size() - 1);
  const std::size_t before = kept_.size();
  kept_.append(input.substr(0, limits_.head_bytes + 1));
  if (kept_.starts_with("\r\n")) {
    input.remove_prefix(2 - before);
    kept_.clear();
    if (++empty_lines_ > kEmptyLines) return refuse(400, "empty lines instead of a request");
    return take_head(input);
  }
  const auto end = kept_.find(kEnd, seen);
  if (end == std::string::npos) {
    input = {};
    if (kept_.size() > limits_.head_bytes) return refuse(431, "the request's head is too large");
    return Event::need_more;
  }
  input.remove_prefix(end + kEnd.size() - before);
  const std::string head = std::exchange(kept_, {}).substr(0, end + kEnd.size());
  return parse_head(head);
}

HttpReader::Event HttpReader::parse_head(std::string_view head) {
  if (head.size() > limits_.head_bytes) return refuse(431, "the request's head is too large");
  request_ = {};
  empty_lines_ = 0;
  // RFC 9112 §5.2 lets a server choose, and who stands in front of us may have chosen otherwise.
  if (head.find("\r\n ") != std::string_view::npos || head.find("\r\n\t") != std::string_view::npos)
    return refuse(400, "a field goes on in another line");
  HeadParser parser{request_, limits_};
  Code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::header_limit) return refuse(431, "the request has too many fields");
  if (error == http::error::bad_version && names_version(head.substr(0, head.find('\r'))))
    return refuse(505, "only HTTP/1.1 and 1.0 are spoken here");
  if (error || !parser.is_header_done()) return refuse(400, "this is not HTTP: " + error.message());
  return check_head();
}

HttpReader::Event HttpReader::check_head() {
  auto& request = request_;
  const std::string connection = request.list("connection");
  request.keep_alive = !has_token(connection, "close") && (!request.http_1_0 || has_token(connection, "keep-alive"));
  const auto hosts = std::ranges::count(request.fields, "host", &std::pair<std::string, std::string>::first);
  if (hosts > 1 || (hosts == 0 && !request.http_1_0)) return refuse(400, "a request has one Host");

  const auto coding = request.field("transfer-encoding");
  const auto length = request.field("content-length");
  // Two ways to say where the body ends is how requests are smuggled (RFC 9112 §6.3), so one is taken, and once.
  if (coding && length) return refuse(400, "Content-Length beside Transfer-Encoding");
  if (coding) {
    if (request.http_1_0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
    if (!same(request.list("transfer-encoding"), "chunked")) return refuse(501, "only chunked is understood");
    request.chunked = true;
  }
  if (length) {
    if (std::ranges::count(request.fields, "content-length", &std::pair<std::string, std::string>::first) > 1)
      return refuse(400, "more than one Content-Length");
    std::uint64_t bytes = 0;
    const auto [end, failed] = std::from_chars(length->data(), length->data() + length->size(), bytes);
    if (failed != std::errc{} || end != length->data() + length->size() || bytes > (1ULL << 62))
      return refuse(400, "Content-Length is not a number");
    request.content_length = bytes;
  }
  request.expects_continue =
      !request.http_1_0 && request.has_body() && same(request.field("expect").value_or(""), "100-continue");

  if (!request.target.starts_with('/') && request.target != "*") {
    // RFC 9112 §3.2.2: a whole address is understood, as a proxy's client sends it; its host is the request's.
    const std::string_view whole = request.target;
    const std::size_t scheme = same(whole.substr(0, 7), "http://") ? 7 : same(whole.substr(0, 8), "https://") ? 8 : 0;
    if (scheme == 0) return refuse(400, "the request names no path");
    const std::size_t path = std::min(whole.find_first_of("/?#", scheme), whole.size());
    std::string host{whole.substr(scheme, path - scheme)};
    if (host.empty()) return refuse(400, "the request's address has no host");
    std::string target{whole.substr(path)};
    request.target = target.starts_with('/') ? std::move(target) : "/" + target;
    const auto at = std::ranges::find(request.fields, "host", &std::pair<std::string, std::string>::first);
    if (at != request.fields.end())
      at->second = std::move(host);
    else
      request.fields.emplace_back("host", std::move(host));
  }
  if (!is_host(request.field("host").value_or(""))) return refuse(400, "Host is not a host");
  auto path = percent_decode(std::string_view{request.target}.substr(0, request.target.find('?')), false);
  if (!path) return refuse(400, "the request's path is not well formed");
  request.path = std::move(*path);

  left_ = request.content_length.value_or(0);
  lines_ = 0;
  state_ = request.chunked ? State::chunk_size : left_ > 0 ? State::body : State::end;
  return Event::head;
}

// RFC 9112 §7.1. Extensions and trailers are read over.
//   chunk = size [ extensions ] CRLF data CRLF    last-chunk = 1*"0" [ extensions ] CRLF *( field CRLF ) CRLF
HttpReader::Event HttpReader::take_chunk(std::string_view& input) {
  for (;;) {
    if (state_ == State::chunk) return take_body(input, State::chunk_end);
    if (state_ == State::end) return next(input);
    if (!take_line(input)) {
      if (kept_.size() > limits_.head_bytes) return refuse(400, "a line between chunks is too long");
      return Event::need_more;
    }
    const std::string line = std::exchange(kept_, {});
    if (const auto refused = take_chunk_line(line)) return *refused;
  }
}

// Nothing: go on.
std::optional<HttpReader::Event> HttpReader::take_chunk_line(std::string_view line) {
  constexpr std::size_t kFreeBytes = 16;  // of a chunk's line: what its size may take
  if (!line.ends_with('\r')) return refuse(400, "a line between chunks ends with a line feed alone");
  line.remove_suffix(1);
  if (has_control(line)) return refuse(400, "a line between chunks has a control character");
  if (state_ == State::chunk_end) {
    if (!line.empty()) return refuse(400, "a chunk is longer than it said");
    state_ = State::chunk_size;
    return std::nullopt;
  }
  lines_ += line.size() + 2;
  if (state_ == State::trailer) {
    if (lines_ > limits_.head_bytes) return refuse(431, "the trailer is too large");
    if (line.empty())
      state_ = State::end;
    else if (!is_token(line.substr(0, line.find(':'))) || line.find(':') == std::string_view::npos)
      return refuse(400, "the trailer has a line that is no field");
    return std::nullopt;
  }
  std::uint64_t size = 0;
  const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  const std::string_view extension = trimmed(line.substr(static_cast<std::size_t>(end - line.data())));
  const bool ended = end == line.data() + line.size() || extension.starts_with(';');
  if (failed != std::errc{} || !ended || size > (1ULL << 62)) return refuse(400, "a chunk has no size");
  // A body that is mostly framing would cost more than its limits say.
  lines_ -= static_cast<std::size_t>(std::min<std::uint64_t>(lines_, kFreeBytes + size));
  if (lines_ > limits_.head_bytes) return refuse(400, "the chunks are mostly extensions");
  left_ = size;
  state_ = size == 0 ? State::trailer : State::chunk;
  return std::nullopt;
}

// The next line, without its line feed, into kept_.
bool HttpReader::take_line(std::string_view& input) {
  const auto end = input.find('\n');
  const auto room = limits_.head_bytes + 1 - std::min(kept_.size(), limits_.head_bytes + 1);
  kept_.append(input.substr(0, std::min(end, room)));
  if (end == std::string_view::npos || kept_.size() > limits_.head_bytes) {
    input.remove_prefix(end == std::string_view::npos ? input.size() : 0);
    return false;
  }
  input.remove_prefix(end + 1);
  return true;
}

}  // namespace anser::net
