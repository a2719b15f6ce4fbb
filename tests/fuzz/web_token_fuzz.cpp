// JSON web tokens from strangers, and claims that somebody with the key has signed: no name comes out of a token
// without the right signature, and what comes out is in the claims.
#include "door/web_tokens.h"

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/base64.h"
#include "core/crypto.h"

namespace {

using namespace anser;

const std::string kSecret(32, 's');
const Time kNow{std::chrono::seconds{1'700'000'000}};

const door::WebTokens& tokens() {
  static const door::WebTokens tokens{{.keys = {{{}, door::WebTokens::Secret{kSecret}}}}};
  return tokens;
}

std::string signed_token(std::string_view header, std::string_view payload) {
  const std::string text = base64url_encode(header) + "." + base64url_encode(payload);
  return text + "." + base64url_encode(core::hmac(core::Hash::sha256, kSecret, text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  ANSER_ASSERT(!tokens().name_in(input, kNow));  // nobody guesses the signature
  const auto end = std::min(input.find('\n'), input.size());
  static_cast<void>(tokens().name_in(signed_token(input.substr(0, end), input.substr(end)), kNow));
  const auto name = tokens().name_in(signed_token("{\"alg\":\"HS256\"}", input), kNow);
  ANSER_ASSERT(!name || (!name->empty() && input.find("exp") != std::string_view::npos) ||
               input.find('\\') != std::string_view::npos);
  return 0;
}
