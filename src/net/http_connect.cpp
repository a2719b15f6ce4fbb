#include "net/http_connect.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "net/host.h"

namespace anser::net {
namespace {

constexpr std::string_view kBegin = "HTTP/1.";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Error refusal(int status, bool logged_in) {
  switch (status) {
    case 400:
      return {Errc::unavailable, "the HTTP proxy does not understand the request (400)"};
    case 401:
    case 407:
      if (logged_in) {
        return {Errc::not_authorized,
                fmt::format("the HTTP proxy does not accept this name and password ({})", status)};
      }
      return {Errc::not_authorized, fmt::format("the HTTP proxy wants a name and a password ({})", status)};
    case 403:
      return {Errc::forbidden, "the HTTP proxy does not allow this connection (403)"};
    case 404:
      return {Errc::unavailable, "the HTTP proxy does not find the host (404)"};
    case 405:
    case 501:
      return {Errc::unsupported, fmt::format("the HTTP proxy does not make connections ({})", status)};
    case 408:
    case 504:
      return {Errc::unavailable, fmt::format("the HTTP proxy waited too long ({})", status)};
    case 429:
    case 503:
      return {Errc::unavailable, fmt::format("the HTTP proxy has too much to do ({})", status)};
    case 502:
      return {Errc::unavailable, "the HTTP proxy cannot reach the host (502)"};
    default:
      break;
  }
  if (status / 100 == 3) return {Errc::unavailable, fmt::format("the HTTP proxy sends us elsewhere ({})", status)};
  if (status / 100 == 4) return {Errc::unavailable, fmt::format("the HTTP proxy refused the request ({})", status)};
  return {Errc::unavailable, fmt::format("the HTTP proxy failed ({})", status)};
}

// answer = *interim final           an interim has the status 1xx
// final  = "HTTP/1." DIGIT SP 3DIGIT [SP reason] CRLF *(field CRLF) CRLF
class HttpConnect final : public Tunnel {
 public:
  HttpConnect(std::string request, bool logged_in) : out_(std::move(request)), logged_in_(logged_in) {}

  std::string take_output() override { return std::exchange(out_, {}); }
  bool open() const override { return open_; }

  // Byte by byte: the one behind the header's end is not ours.
  Result<std::size_t> feed(std::string_view bytes) override {
    std::size_t taken = 0;
    while (taken < bytes.size() && !open_) {
      const char c = bytes[taken++];
      if (++size_ > kLongestHttpHeader) {
        return fail(Errc::policy_violation, "the HTTP proxy's answer is longer than {} bytes", kLongestHttpHeader);
      }
      if (c != '\n') {
        line_ += c;
        if (status_ == 0 && !begins_well()) return not_http();
        continue;
      }
      if (line_.ends_with('\r')) line_.pop_back();
      if (auto fine = take_line(std::exchange(line_, {})); !fine) return pass(fine);
    }
    return taken;
  }

 private:
  static tl::unexpected<Error> not_http() { return fail(Errc::bad_request, "what answers is not an HTTP proxy"); }

  // So that what is no proxy is known before it ends a line.
  bool begins_well() const {
    const std::size_t known = std::min(line_.size(), kBegin.size());
    return line_.compare(0, known, kBegin, 0, known) == 0;
  }

  Result<void> take_line(const std::string& line) {
    if (std::any_of(line.begin(), line.end(), [](char c) { return is_control(c) && c != '\t'; })) return not_http();
    if (status_ == 0) return take_status(line);
    if (!line.empty()) return line.find(':') == line.npos ? Result<void>{not_http()} : Result<void>{};
    if (status_ >= 200) {
      open_ = true;
    } else {
      status_ = 0;  // an interim answer; the next follows
    }
    return {};
  }

  Result<void> take_status(const std::string& line) {
    constexpr std::size_t kVersion = kBegin.size(), kStatus = 9, kReason = 12;  // where they begin
    if (line.size() < kReason || !line.starts_with(kBegin) || !is_digit(line[kVersion]) || line[kStatus - 1] != ' ' ||
        (line.size() > kReason && line[kReason] != ' ')) {
      return not_http();
    }
    int status = 0;
    for (std::size_t i = kStatus; i < kReason; ++i) {
      if (!is_digit(line[i])) return not_http();
      status = status * 10 + (line[i] - '0');
    }
    if (status < 100 || status == 101) return not_http();
    if (status >= 300) return tl::make_unexpected(refusal(status, logged_in_));
    status_ = status;
    return {};
  }

  std::string out_;
  const bool logged_in_;
  std::string line_;  // what has come of it
  std::size_t size_ = 0;
  int status_ = 0;  // of the answer whose fields come; 0 before it
  bool open_ = false;
};

}  // namespace

Result<std::unique_ptr<Tunnel>> make_http_connect(const Proxy& proxy, std::string_view host, std::uint16_t port) {
  if (address_bytes(host).empty() && !is_host_name(host)) {
    return fail(Errc::bad_request, "'{}' is not the name of a host", host);
  }
  if (proxy.username.find(':') != std::string::npos ||
      std::any_of(proxy.username.begin(), proxy.username.end(), is_control) ||
      std::any_of(proxy.password.begin(), proxy.password.end(), is_control)) {
    return fail(Errc::bad_request, "an HTTP proxy takes no ':' in a name, and no control characters");
  }
  const std::string target = authority(host, port);
  std::string request = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", target);
  const bool login = !proxy.username.empty() || !proxy.password.empty();
  if (login) {
    request += fmt::format("Proxy-Authorization: Basic {}\r\n", base64_encode(proxy.username + ':' + proxy.password));
  }
  return std::make_unique<HttpConnect>(request + "\r\n", login);
}

}  // namespace anser::net
