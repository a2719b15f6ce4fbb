// JSON web tokens (RFC 7519) that somebody else has issued to our users: who does one say they are? Signed in compact
// form (RFC 7515 §7.1) with HS256 or EdDSA over Ed25519 (RFC 8037); everything else is refused. A key checks tokens of
// its own algorithm only, so no public key ever serves as a secret. Immutable once made, so every core reads it freely.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/ed25519.h"

namespace anser::door {

inline constexpr std::size_t kMaxWebToken = 8 * 1024;  // bytes

class WebTokens {
 public:
  struct Secret {
    std::string bytes;  // for HS256: at least kMinSecret
  };
  struct Key {
    std::string id = {};  // if it has one, it checks only tokens that name it (`kid`) or name none
    std::variant<Secret, core::Ed25519Key> key;
  };
  struct Rules {
    std::vector<Key> keys;
    std::string issuer = {};    // what `iss` must be; empty: anything
    std::string audience = {};  // what `aud` must be or hold; empty: anything
    std::string claim = "sub";  // the one with the account's name
    std::chrono::seconds leeway{60};
  };
  static constexpr std::size_t kMinSecret = 32;  // RFC 7518 §3.2

  explicit WebTokens(Rules rules) : rules_(std::move(rules)) {}

  // The name of the account, as the token has it. Errc::not_authorized with the reason; Errc::timeout for a token that
  // was right and has expired.
  Result<std::string> name_in(std::string_view token, Time now) const;

  // What was signed, if one of the keys has signed it: the payload, whatever it is. Errors likewise.
  Result<std::string> verify(std::string_view token) const;

 private:
  Rules rules_;
};

}  // namespace anser::door
