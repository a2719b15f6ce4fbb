#include "app/web_token_keys.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/base64.h"
#include "net/file.h"

namespace anser::app {
namespace {

constexpr std::size_t kMaxKeyFile = 16 * 1024;

Result<std::string> read_key_file(const std::string& path) {
  const net::File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string text(kMaxKeyFile + 1, '\0');  // one more, to see a longer file
  std::size_t size = 0;
  while (file && size < text.size()) {
    const auto got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Errc::invalid_config, "the token key {} cannot be read: {}", path, std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (!file) return fail(Errc::invalid_config, "the token key {} cannot be read: {}", path, std::strerror(errno));
  if (size > kMaxKeyFile)
    return fail(Errc::invalid_config, "the token key {} has more than {} bytes", path, kMaxKeyFile);
  text.resize(size);
  return text;
}

// Editors end a file with a line's end.
std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

Result<door::WebTokens::Key> load_key(const Config::TokenKey& wanted) {
  auto text = read_key_file(wanted.file);
  if (!text) return pass(text);
  door::WebTokens::Key key{wanted.id, door::WebTokens::Secret{}};
  if (wanted.algorithm == TokenAlgorithm::eddsa) {
    auto public_key = core::Ed25519Key::from_pem(*text);
    if (!public_key) return fail(Errc::invalid_config, "the token key {}: {}", wanted.file, public_key.error().message);
    key.key = std::move(*public_key);
    return key;
  }
  std::string secret{without_line_end(*text)};
  if (wanted.encoding == SecretEncoding::base64url) {
    auto decoded = base64url_decode(secret);
    if (!decoded) return fail(Errc::invalid_config, "the token key {} is not base64url without padding", wanted.file);
    secret = std::move(*decoded);
  }
  if (secret.size() < door::WebTokens::kMinSecret) {
    return fail(Errc::invalid_config, "the token key {} has {} bytes: a secret for HS256 has at least {}", wanted.file,
                secret.size(), door::WebTokens::kMinSecret);
  }
  key.key = door::WebTokens::Secret{std::move(secret)};
  return key;
}

}  // namespace

Result<std::shared_ptr<const door::WebTokens>> load_web_tokens(const Config& config) {
  if (config.token_keys.empty()) return nullptr;
  door::WebTokens::Rules rules;
  rules.issuer = config.tokens.issuer;
  rules.audience = config.tokens.audience;
  rules.claim = config.tokens.claim;
  rules.leeway = std::chrono::ceil<std::chrono::seconds>(config.tokens.leeway);
  for (const auto& wanted : config.token_keys) {
    auto key = load_key(wanted);
    if (!key) return pass(key);
    rules.keys.push_back(std::move(*key));
  }
  return std::make_shared<const door::WebTokens>(std::move(rules));
}

}  // namespace anser::app
