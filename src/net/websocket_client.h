// The client's side of the opening handshake (RFC 6455 §4.1): the request as bytes, and the rules for the answer. No
// I/O: who owns the connection writes the one and feeds the other; what is left of the input then are the first frames.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codec/permessage_deflate.h"

namespace anser::net {

struct WebSocketRequest {
  std::string host;          // as in Host: without the port when it is the scheme's own
  std::string target = "/";  // path and query
  std::vector<std::string> protocols = {};
  std::optional<codec::DeflateSettings> deflate = {};            // none: compression is not offered
  std::vector<std::pair<std::string, std::string>> fields = {};  // more than the handshake's own
};

class WebSocketOpening {
 public:
  static constexpr std::size_t kHeadBytes = 16 * 1024;  // of the answer; interim answers (1xx) count too
  static constexpr std::size_t kFields = 100;

  // Errc::bad_request for what may not stand in a request: a line break in a field, a space in the target, a field that
  // the handshake writes itself. `nonce` is 16 bytes; empty: drawn.
  static Result<WebSocketOpening> make(WebSocketRequest request, std::string_view nonce = {});

  const std::string& bytes() const { return bytes_; }  // the request

  // Takes from the front of `input`. True: the server has agreed, and what is left is no longer the answer's. Errors:
  // bad_request for what is no such answer; policy_violation for one that is too long; not_authorized, forbidden,
  // not_found, unavailable or unsupported for one that says no, and then status() says how.
  Result<bool> feed(std::string_view& input);

  unsigned status() const { return status_; }  // 0: there is none yet, or what came is not HTTP
  // What the server asks for with a refusal.
  std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }
  const std::string& protocol() const { return protocol_; }  // "": none was chosen
  const std::optional<codec::DeflateAgreement>& deflate() const { return deflate_; }

 private:
  WebSocketOpening() = default;

  Result<void> take_line(std::string_view line);
  Result<void> take_status(std::string_view line);
  Result<void> take_field(std::string_view line);
  Result<bool> finish();
  Result<void> check_agreement();
  std::string list(std::string_view name) const;

  WebSocketRequest request_;
  std::string bytes_, accept_;
  std::string line_;  // what has come of it
  std::size_t size_ = 0;
  unsigned status_ = 0;
  std::vector<std::pair<std::string, std::string>> fields_;  // names in lower case
  std::optional<std::chrono::seconds> retry_after_;
  std::string protocol_;
  std::optional<codec::DeflateAgreement> deflate_;
};

}  // namespace anser::net
