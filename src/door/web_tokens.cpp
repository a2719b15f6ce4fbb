// token   = header "." payload "." signature       each in base64url without padding
// header  = JSON object: alg "HS256" or "EdDSA", kid text if any, no crit
// payload = JSON object: exp, and what the rules ask for
#include "door/web_tokens.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "base/base64.h"
#include "codec/json.h"
#include "core/crypto.h"

namespace anser::door {
namespace {

namespace json = boost::json;

template <class... Args>
tl::unexpected<Error> refuse(fmt::format_string<Args...> text, Args&&... args) {
  return fail(Errc::not_authorized, text, std::forward<Args>(args)...);
}

std::optional<std::string> text_of(const json::value* value) {
  if (!value || !value->is_string()) return std::nullopt;
  return std::string{value->as_string().data(), value->as_string().size()};
}

bool is_text(const json::value& value, std::string_view text) {
  return value.is_string() && std::string_view{value.as_string().data(), value.as_string().size()} == text;
}

struct Header {
  std::string algorithm;
  std::optional<std::string> key;
};

Result<Header> read_header(std::string_view encoded) {
  const auto text = base64url_decode(encoded);
  const auto members = text ? codec::parse_json_object(*text) : Result<json::object>{pass(text)};
  if (!members) return refuse("the token's header cannot be read: {}", members.error().message);
  // RFC 7515 §4.1.11: what must be understood; we understand none of it.
  if (members->contains("crit")) return refuse("the token wants extensions that are not known here");
  const auto algorithm = text_of(members->if_contains("alg"));
  if (!algorithm) return refuse("the token does not name its algorithm");
  Header header{*algorithm, {}};
  if (const auto* key = members->if_contains("kid")) {
    header.key = text_of(key);
    if (!header.key) return refuse("the token's kid is no text");
  }
  return header;
}

bool signed_by(const WebTokens::Key& key, std::string_view algorithm, std::string_view text,
               std::string_view signature) {
  if (const auto* secret = std::get_if<WebTokens::Secret>(&key.key)) {
    return algorithm == "HS256" &&
           core::constant_time_equal(core::hmac(core::Hash::sha256, secret->bytes, text), signature);
  }
  return algorithm == "EdDSA" && std::get<core::Ed25519Key>(key.key).verify(text, signature);
}

// A NumericDate (RFC 7519 §2): seconds since 1970, perhaps with a fraction.
Result<std::optional<double>> read_date(const json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(json::string_view{name.data(), name.size()});
  if (!value) return std::optional<double>{};
  if (value->is_int64()) return std::optional{static_cast<double>(value->as_int64())};
  if (value->is_uint64()) return std::optional{static_cast<double>(value->as_uint64())};
  if (value->is_double()) return std::optional{value->as_double()};
  return refuse("the token's {} is no number", name);
}

Result<void> check_times(const json::object& claims, double now, double leeway) {
  const auto expires = read_date(claims, "exp"), begins = read_date(claims, "nbf"), issued = read_date(claims, "iat");
  for (const auto* date : {&expires, &begins, &issued}) {
    if (!*date) return pass(*date);
  }
  if (!*expires) return refuse("the token does not say when it expires");
  if (now >= **expires + leeway) return fail(Errc::timeout, "the token has expired");
  if (*begins && now + leeway < **begins) return refuse("the token is not valid yet");
  if (*issued && now + leeway < **issued) return refuse("the token was issued in the future");
  return {};
}

Result<void> check_parties(const json::object& claims, const WebTokens::Rules& rules) {
  if (!rules.issuer.empty()) {
    const auto* issuer = claims.if_contains("iss");
    if (!issuer || !is_text(*issuer, rules.issuer)) return refuse("the token is somebody else's: its iss is wrong");
  }
  if (!rules.audience.empty()) {
    const auto* audience = claims.if_contains("aud");
    const auto ours = [&](const json::value& value) { return is_text(value, rules.audience); };
    const auto* list = audience ? audience->if_array() : nullptr;
    const bool named = list ? std::any_of(list->begin(), list->end(), ours) : audience && ours(*audience);
    if (!named) return refuse("the token is for somebody else: its aud is wrong");
  }
  return {};
}

}  // namespace

Result<std::string> WebTokens::verify(std::string_view token) const {
  if (token.size() > kMaxWebToken) return refuse("the token has more than {} bytes", kMaxWebToken);
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return refuse("a token has three parts with dots between them");

  const auto header = read_header(token.substr(0, first));
  if (!header) return pass(header);
  if (header->algorithm != "HS256" && header->algorithm != "EdDSA")
    return refuse("a token is signed with HS256 or EdDSA, nothing else");
  const auto signature = base64url_decode(token.substr(second + 1));
  if (!signature) return refuse("the token's signature cannot be read: {}", signature.error().message);
  const bool right = std::any_of(rules_.keys.begin(), rules_.keys.end(), [&](const Key& key) {
    if (header->key && !key.id.empty() && key.id != *header->key) return false;
    return signed_by(key, header->algorithm, token.substr(0, second), *signature);
  });
  if (!right) return refuse("the token's signature is wrong");

  auto payload = base64url_decode(token.substr(first + 1, second - first - 1));
  if (!payload) return refuse("the token's payload cannot be read: {}", payload.error().message);
  return payload;
}

Result<std::string> WebTokens::name_in(std::string_view token, Time now) const {
  const auto payload = verify(token);
  if (!payload) return payload;
  const auto claims = codec::parse_json_object(*payload);
  if (!claims) return refuse("the token's claims cannot be read: {}", claims.error().message);
  if (auto right = check_parties(*claims, rules_); !right) return pass(right);
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const double leeway = std::chrono::duration<double>(rules_.leeway).count();
  auto name = text_of(claims->if_contains(json::string_view{rules_.claim.data(), rules_.claim.size()}));
  if (!name || name->empty()) return refuse("the token names no account: it has no text in {}", rules_.claim);
  if (auto valid = check_times(*claims, seconds, leeway); !valid) return pass(valid);
  return *name;
}

}  // namespace anser::door
