#include "net/socks5.h"

#include <utility>

#include "net/host.h"

namespace anser::net {
namespace {

// greeting = 05 count *method           choice = 05 method
// login    = 01 size name size password  verdict = 01 status
// request  = 05 01 00 place              reply  = 05 code 00 place
// place    = (01 4OCTET / 03 size name / 04 16OCTET) port
constexpr char kVersion = 5, kLoginVersion = 1, kConnect = 1;
constexpr char kV4 = 1, kName = 3, kV6 = 4;
constexpr char kNoLogin = 0, kPassword = 2, kNoMethod = '\xff';
constexpr std::size_t kLongest = 255;  // what a length byte can say

std::string sized(std::string_view text) { return static_cast<char>(text.size()) + std::string{text}; }

std::string place(std::string_view host, std::uint16_t port) {
  const std::string bytes = address_bytes(host);
  std::string place = bytes.size() == 4 ? kV4 + bytes : bytes.size() == 16 ? kV6 + bytes : kName + sized(host);
  place += static_cast<char>(port >> 8);
  place += static_cast<char>(port & 0xff);
  return place;
}

Error refusal(unsigned char code) {
  switch (code) {
    case 1:
      return {Errc::unavailable, "the SOCKS proxy failed, without saying why"};
    case 2:
      return {Errc::forbidden, "the SOCKS proxy does not allow this connection"};
    case 3:
      return {Errc::unavailable, "the SOCKS proxy cannot reach the network"};
    case 4:
      return {Errc::unavailable, "the SOCKS proxy cannot reach the host"};
    case 5:
      return {Errc::unavailable, "the SOCKS proxy found the connection refused"};
    case 6:
      return {Errc::unavailable, "the SOCKS proxy's packets do not live long enough to reach the host"};
    case 7:
      return {Errc::unsupported, "the SOCKS proxy does not make connections"};
    case 8:
      return {Errc::unsupported, "the SOCKS proxy does not know this type of address"};
    default:
      return {Errc::unavailable, fmt::format("the SOCKS proxy refused for an unknown reason, {}", code)};
  }
}

class Socks5 final : public Tunnel {
 public:
  Socks5(const Proxy& proxy, std::string_view host, std::uint16_t port) : request_{kVersion, kConnect, 0} {
    request_ += place(host, port);
    out_ = {kVersion, 1, kNoLogin};
    if (proxy.username.empty()) return;
    out_ = {kVersion, 2, kNoLogin, kPassword};
    login_ = kLoginVersion + sized(proxy.username) + sized(proxy.password);
  }

  std::string take_output() override { return std::exchange(out_, {}); }
  bool open() const override { return step_ == Step::open; }

  Result<std::size_t> feed(std::string_view bytes) override {
    std::size_t taken = 0;
    while (taken < bytes.size() && step_ != Step::open) {
      in_ += bytes[taken++];
      if (auto fine = look(); !fine) return pass(fine);
    }
    return taken;
  }

 private:
  enum class Step { choice, verdict, reply, open };

  Result<void> look() {
    const char version = step_ == Step::verdict ? kLoginVersion : kVersion;
    if (in_[0] != version) return fail(Errc::bad_request, "what answers is not a SOCKS 5 proxy");
    if (in_.size() < 2) return {};
    switch (step_) {
      case Step::choice:
        return chosen(in_[1]);
      case Step::verdict:
        if (in_[1] != 0) return fail(Errc::not_authorized, "the SOCKS proxy does not accept this name and password");
        ask();
        return {};
      default:
        return replied();
    }
  }

  Result<void> chosen(char method) {
    if (method == kNoMethod && login_.empty()) {
      return fail(Errc::not_authorized, "the SOCKS proxy wants a login, and there is none for it");
    }
    if (method == kNoMethod) return fail(Errc::not_authorized, "the SOCKS proxy takes no name and password");
    if (method == kPassword && !login_.empty()) {
      next(Step::verdict, std::exchange(login_, {}));
    } else if (method == kNoLogin) {
      ask();
    } else {
      return fail(Errc::bad_request, "the SOCKS proxy chose a way to log in that it was not offered");
    }
    return {};
  }

  void ask() { next(Step::reply, std::exchange(request_, {})); }

  // The address in it is the proxy's own affair; only its length matters.
  Result<void> replied() {
    if (in_[1] != 0) return tl::make_unexpected(refusal(static_cast<unsigned char>(in_[1])));
    if (in_.size() < 5) return {};
    std::size_t size = 4 + 2;
    switch (in_[3]) {
      case kV4:
        size += 4;
        break;
      case kV6:
        size += 16;
        break;
      case kName:
        size += 1 + static_cast<unsigned char>(in_[4]);
        break;
      default:
        return fail(Errc::bad_request, "the SOCKS proxy answered with an unknown type of address");
    }
    if (in_.size() == size) next(Step::open, {});
    return {};
  }

  void next(Step step, std::string out) {
    step_ = step;
    out_ = std::move(out);
    in_.clear();
  }

  Step step_ = Step::choice;
  std::string login_, request_;  // until they are sent
  std::string out_;
  std::string in_;  // of one message, at most 262 bytes
};

}  // namespace

Result<std::unique_ptr<Tunnel>> make_socks5(const Proxy& proxy, std::string_view host, std::uint16_t port) {
  if (address_bytes(host).empty() && !is_host_name(host)) {
    return fail(Errc::bad_request, "'{}' is not the name of a host", host);
  }
  if (proxy.username.size() > kLongest || proxy.password.size() > kLongest) {
    return fail(Errc::bad_request, "a SOCKS proxy takes names and passwords of at most {} bytes", kLongest);
  }
  if (proxy.username.empty() != proxy.password.empty()) {
    return fail(Errc::bad_request, "a SOCKS proxy wants both a name and a password, or neither");
  }
  return std::make_unique<Socks5>(proxy, host, port);
}

}  // namespace anser::net
