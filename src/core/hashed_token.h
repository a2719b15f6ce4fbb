// HT, the hashed tokens of SASL: the mechanism behind FAST (draft-schmaus-kitten-sasl-ht-09), with SHA-256. One message
// each way: the client proves that it holds the token, the server that it does too. Pure; any thread. Who holds which
// token is the domain's (login_tokens.h).
//
//   initiator = authcid NUL HMAC(token, "Initiator" || channel binding)
//   responder = HMAC(token, "Responder" || channel binding)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace anser::core {

// What a token is bound to beside itself. Stored as numbers: new ones go to the end.
enum class TokenBinding : std::uint8_t { none, end_point, exporter, unique };

// The strongest first.
inline constexpr std::array kTokenBindings{TokenBinding::exporter, TokenBinding::unique, TokenBinding::end_point,
                                           TokenBinding::none};

std::string_view token_mechanism(TokenBinding binding);                      // "HT-SHA-256-EXPR"
std::optional<TokenBinding> token_binding(std::string_view mechanism_name);  // nothing if it is not one of ours
std::string_view channel_binding_of(TokenBinding binding);                   // "tls-exporter"; "" with none

struct TokenMessage {
  std::string authcid;  // UTF-8, not empty
  std::string proof;    // of 32 octets
};
// Errc::bad_request: <malformed-request/>.
Result<TokenMessage> parse_token_message(std::string_view message);

std::string token_proof(std::string_view token, std::string_view channel_binding);
std::string token_answer(std::string_view token, std::string_view channel_binding);

// The token of one client of one account for one mechanism, 43 characters of base64url: derived from the server's key
// and the seed, so that the seed alone, which is what is stored, opens nothing.
std::string make_token(std::string_view key, std::string_view account, std::string_view client, TokenBinding binding,
                       std::string_view seed);

}  // namespace anser::core
