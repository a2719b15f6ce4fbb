#include "net/websocket_client.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/base64.h"
#include "net/http_request.h"
#include "net/websocket_handshake.h"

namespace anser::net {
namespace {

constexpr std::string_view kBegin = "HTTP/1.";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  const auto may = [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.find(c) != kMarks.npos;
  };
  return !text.empty() && std::ranges::all_of(text, may);
}

bool is_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\t'; });
}

// Visible ASCII: everything else comes percent-encoded.
bool is_visible(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

// Twice in a request they would mean either, or another one than was checked.
bool is_own(std::string_view field) {
  const std::string name = lower(field);
  return name == "host" || name == "upgrade" || name == "connection" || name.starts_with("sec-websocket-");
}

std::string random_nonce() {
  std::array<char, 16> nonce;
  ANSER_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(nonce.data()), nonce.size()) == 1);
  return {nonce.data(), nonce.size()};
}

tl::unexpected<Error> not_http() { return fail(Errc::bad_request, "what answers there does not speak HTTP/1.1"); }

Error refusal(unsigned status) {
  switch (status) {
    case 401:
      return {Errc::not_authorized, "the server does not take these credentials (401)"};
    case 403:
      return {Errc::forbidden, "the server does not allow this connection (403)"};
    case 404:
    case 410:
      return {Errc::not_found, fmt::format("there is nothing at this address ({})", status)};
    case 408:
      return {Errc::unavailable, "the server waited too long for the request (408)"};
    case 429:
      return {Errc::unavailable, "the server has had too many attempts (429)"};
    case 503:
      return {Errc::unavailable, "the server takes no connections now (503)"};
    default:
      break;
  }
  if (status / 100 == 3)
    return {Errc::unsupported, fmt::format("the server sends us elsewhere ({}), which is not followed", status)};
  if (status / 100 == 4) return {Errc::unsupported, fmt::format("the server refused the handshake ({})", status)};
  if (status / 100 == 5) return {Errc::unavailable, fmt::format("the server failed ({})", status)};
  return {Errc::unsupported, fmt::format("this is no WebSocket: the server answered {}", status)};
}

}  // namespace

Result<WebSocketOpening> WebSocketOpening::make(WebSocketRequest request, std::string_view nonce) {
  if (!is_visible(request.host)) return fail(Errc::bad_request, "'{}' is not the name of a host", request.host);
  if (!request.target.starts_with('/') || !is_visible(request.target))
    return fail(Errc::bad_request, "the address has a character that must be percent-encoded");
  WebSocketOpening opening;
  const std::string key = base64_encode(nonce.empty() ? random_nonce() : std::string{nonce});
  opening.accept_ = websocket_accept(key);
  std::string& out = opening.bytes_;
  const auto add = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  out.append("GET ").append(request.target).append(" HTTP/1.1\r\n");
  add("Host", request.host);
  add("Upgrade", "websocket");
  add("Connection", "Upgrade");
  add("Sec-WebSocket-Key", key);
  add("Sec-WebSocket-Version", "13");
  std::string offered;
  for (const std::string& protocol : request.protocols) {
    if (!is_token(protocol)) return fail(Errc::bad_request, "'{}' cannot be a subprotocol's name", protocol);
    offered.append(offered.empty() ? "" : ", ").append(protocol);
  }
  if (!offered.empty()) add("Sec-WebSocket-Protocol", offered);
  if (request.deflate) add("Sec-WebSocket-Extensions", codec::deflate_offer(*request.deflate));
  for (const auto& [name, value] : request.fields) {
    // The value may be a secret.
    if (!is_token(name) || !is_value(value))
      return fail(Errc::bad_request, "the HTTP field '{}' holds a character that it must not", name);
    if (is_own(name)) return fail(Errc::bad_request, "the HTTP field '{}' is the handshake's own to write", name);
    add(name, value);
  }
  out.append("\r\n");
  opening.request_ = std::move(request);
  return opening;
}

Result<bool> WebSocketOpening::feed(std::string_view& input) {
  while (!input.empty()) {
    const auto end = input.find('\n');
    const bool whole = end != input.npos;
    const std::string_view piece = input.substr(0, end);
    const std::size_t taken = piece.size() + (whole ? 1 : 0);
    size_ += taken;
    if (size_ > kHeadBytes)
      return fail(Errc::policy_violation, "the server's answer is longer than {} bytes", kHeadBytes);
    line_.append(piece);
    input.remove_prefix(taken);
    if (!whole) {
      // What is no HTTP is known before it ends a line.
      if (status_ == 0 && line_.compare(0, kBegin.size(), kBegin, 0, std::min(line_.size(), kBegin.size())) != 0)
        return not_http();
      return false;
    }
    std::string line = std::exchange(line_, {});
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() && status_ != 0) {
      auto finished = finish();
      if (!finished || *finished) return finished;
      continue;
    }
    if (auto fine = take_line(line); !fine) return pass(fine);
  }
  return false;
}

Result<void> WebSocketOpening::take_line(std::string_view line) {
  if (!is_value(line)) return not_http();
  return status_ == 0 ? take_status(line) : take_field(line);
}

Result<void> WebSocketOpening::take_status(std::string_view line) {
  constexpr std::size_t kVersion = kBegin.size(), kStatus = 9, kReason = 12;  // where they begin
  if (line.size() < kReason || !line.starts_with(kBegin) || !is_digit(line[kVersion]) || line[kStatus - 1] != ' ' ||
      (line.size() > kReason && line[kReason] != ' '))
    return not_http();
  unsigned status = 0;
  const char* const end = line.data() + kReason;
  const auto [last, wrong] = std::from_chars(line.data() + kStatus, end, status);
  if (wrong != std::errc{} || last != end || status < 100) return not_http();
  if (status == 101 && line[kVersion] == '0')  // RFC 6455 §4.1: it was asked in 1.1; 1.0 has no upgrade
    return fail(Errc::bad_request, "the server switches protocols in HTTP/1.0, which has no such thing");
  status_ = status;
  return {};
}

Result<void> WebSocketOpening::take_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) return not_http();  // no folded lines either
  if (fields_.size() >= kFields)
    return fail(Errc::policy_violation, "the server's answer has more than {} fields", kFields);
  fields_.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  return {};
}

// The head is complete.
Result<bool> WebSocketOpening::finish() {
  if (status_ / 100 == 1 && status_ != 101) {  // an interim answer; the next follows
    status_ = 0;
    fields_.clear();
    return false;
  }
  if (status_ != 101) {
    unsigned seconds = 0;
    const std::string wanted = list("retry-after");
    const char* const end = wanted.data() + wanted.size();
    const auto [last, wrong] = std::from_chars(wanted.data(), end, seconds);  // a date is not taken for one
    if (wrong == std::errc{} && last == end) retry_after_ = std::chrono::seconds{seconds};
    return tl::make_unexpected(refusal(status_));
  }
  if (auto agreed = check_agreement(); !agreed) return pass(agreed);
  return true;
}

Result<void> WebSocketOpening::check_agreement() {
  if (lower(list("upgrade")) != "websocket" || !has_token(list("connection"), "upgrade"))
    return fail(Errc::bad_request, "the server switches to another protocol than WebSocket");
  if (list("sec-websocket-accept") != accept_)
    return fail(Errc::bad_request, "the server's Sec-WebSocket-Accept does not answer our key");
  protocol_ = list("sec-websocket-protocol");
  if (!protocol_.empty() && std::ranges::find(request_.protocols, protocol_) == request_.protocols.end())
    return fail(Errc::bad_request, "the server chose a subprotocol that was not offered");
  const std::string extensions = list("sec-websocket-extensions");
  if (!request_.deflate) {
    if (!extensions.empty()) return fail(Errc::bad_request, "the server uses an extension that was not offered");
    return {};
  }
  auto agreed = codec::accept_deflate_answer(extensions, *request_.deflate);
  if (!agreed) return pass(agreed);
  deflate_ = *agreed;
  return {};
}

// All fields of this name, joined with commas (RFC 9110 §5.3).
std::string WebSocketOpening::list(std::string_view name) const {
  std::string all;
  for (const auto& [known, value] : fields_) {
    if (known == name) all.append(all.empty() ? "" : ", ").append(value);
  }
  return all;
}

}  // namespace anser::net
