#include "core/hashed_token.h"

#include "base/base64.h"
#include "core/crypto.h"
#include "core/text.h"

namespace anser::core {
namespace {

constexpr std::size_t kMaxAuthcid = 3071;  // octets, as of an address

std::string sign(std::string_view token, std::string_view role, std::string_view channel_binding) {
  return hmac(Hash::sha256, token, std::string{role}.append(channel_binding));
}

}  // namespace

std::string_view token_mechanism(TokenBinding binding) {
  switch (binding) {
    case TokenBinding::none:
      return "HT-SHA-256-NONE";
    case TokenBinding::end_point:
      return "HT-SHA-256-ENDP";
    case TokenBinding::exporter:
      return "HT-SHA-256-EXPR";
    case TokenBinding::unique:
      break;
  }
  return "HT-SHA-256-UNIQ";
}

std::optional<TokenBinding> token_binding(std::string_view mechanism_name) {
  for (const auto binding : kTokenBindings) {
    if (token_mechanism(binding) == mechanism_name) return binding;
  }
  return std::nullopt;
}

std::string_view channel_binding_of(TokenBinding binding) {
  switch (binding) {
    case TokenBinding::none:
      return {};
    case TokenBinding::end_point:
      return "tls-server-end-point";
    case TokenBinding::exporter:
      return "tls-exporter";
    case TokenBinding::unique:
      break;
  }
  return "tls-unique";
}

Result<TokenMessage> parse_token_message(std::string_view message) {
  const auto end = message.find('\0');  // the first: a proof may hold any octet
  if (end == message.npos || end == 0 || end > kMaxAuthcid) {
    return fail(Errc::bad_request, "the message is a name, a null octet and the hashed token");
  }
  const std::string_view authcid = message.substr(0, end), proof = message.substr(end + 1);
  if (!is_utf8(authcid)) return fail(Errc::bad_request, "the name is not UTF-8");
  if (proof.size() != digest_size(Hash::sha256)) {
    return fail(Errc::bad_request, "a hashed token has {} octets, not {}", digest_size(Hash::sha256), proof.size());
  }
  return TokenMessage{std::string{authcid}, std::string{proof}};
}

std::string token_proof(std::string_view token, std::string_view channel_binding) {
  return sign(token, "Initiator", channel_binding);
}

std::string token_answer(std::string_view token, std::string_view channel_binding) {
  return sign(token, "Responder", channel_binding);
}

std::string make_token(std::string_view key, std::string_view account, std::string_view client, TokenBinding binding,
                       std::string_view seed) {
  // Neither an address nor a mechanism's name holds a null octet; the client's mark and the seed come last, and their
  // lengths are told first.
  const std::string_view mechanism = token_mechanism(binding);
  std::string what = fmt::format("token {} {} ", client.size(), seed.size());
  what.append(account).append(1, '\0').append(mechanism).append(1, '\0').append(client).append(seed);
  std::string text = base64_encode(hmac(Hash::sha256, key, what));
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  text.resize(text.find('='));  // 32 octets always leave one
  return text;
}

}  // namespace anser::core
