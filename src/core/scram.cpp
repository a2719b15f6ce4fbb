#include "core/scram.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/base64.h"
#include "core/precis.h"
#include "core/random.h"
#include "core/text.h"

namespace anser::core {
namespace {

constexpr std::size_t kNonceChars = 24;  // 144 bits

constexpr std::array<std::pair<std::string_view, ScramMechanism>, 6> kMechanisms{{
    {"SCRAM-SHA-1", {Hash::sha1, false}},
    {"SCRAM-SHA-1-PLUS", {Hash::sha1, true}},
    {"SCRAM-SHA-256", {Hash::sha256, false}},
    {"SCRAM-SHA-256-PLUS", {Hash::sha256, true}},
    {"SCRAM-SHA-512", {Hash::sha512, false}},
    {"SCRAM-SHA-512-PLUS", {Hash::sha512, true}},
}};

// The grammar of RFC 5802 §7 that the parsers below follow:
//   client-first  = gs2-header ["m=…,"] "n=" saslname "," "r=" nonce *("," extension)
//   gs2-header    = ("n" / "y" / "p=" cb-name) "," ["a=" saslname] ","
//   server-first  = ["m=…,"] "r=" nonce "," "s=" base64 "," "i=" number *("," extension)
//   client-final  = "c=" base64 "," "r=" nonce *("," extension) "," "p=" base64
//   server-final  = ("e=" error / "v=" base64) *("," extension)
//   extension     = ALPHA "=" 1*value-char

template <class... Args>
auto malformed(fmt::format_string<Args...> text, Args&&... args) {
  return fail(Errc::bad_request, text, std::forward<Args>(args)...);
}

template <class... Args>
auto refused(fmt::format_string<Args...> text, Args&&... args) {
  return fail(Errc::not_authorized, text, std::forward<Args>(args)...);
}

// Takes what stands before the next comma; the last field ends with the message.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message), left_(true) {}

  bool any_left() const { return left_; }
  std::string_view rest() const { return rest_; }

  std::string_view next() {
    const std::size_t comma = rest_.find(',');
    const std::string_view field = rest_.substr(0, comma);
    left_ = comma != rest_.npos;
    rest_ = left_ ? rest_.substr(comma + 1) : std::string_view{};
    return field;
  }

  // The value of `name=value`, which must come now.
  Result<std::string_view> expect(char name) {
    if (!left_) return malformed("the attribute {} is missing", name);
    if (rest_.starts_with("m=") && name != 'm') return malformed("mandatory extensions are not understood");
    const std::string_view field = next();
    if (field.size() < 2 || field[0] != name || field[1] != '=') return malformed("the attribute {} is missing", name);
    if (field.size() == 2) return malformed("the attribute {} is empty", name);
    return field.substr(2);
  }

  // What is left is optional extensions: well formed, otherwise ignored. `wanted` gives one back by name.
  Result<std::string_view> extensions(char wanted = '\0') {
    std::string_view found;
    while (left_) {
      const std::string_view field = next();
      const bool letter =
          !field.empty() && ((field[0] >= 'a' && field[0] <= 'z') || (field[0] >= 'A' && field[0] <= 'Z'));
      if (!letter || field.size() < 3 || field[1] != '=') return malformed("an extension is not name=value");
      if (field[0] == 'm') return malformed("mandatory extensions are not understood");
      if (field[0] == wanted) found = field.substr(2);
    }
    return found;
  }

 private:
  std::string_view rest_;
  bool left_;
};

Result<void> check_message(std::string_view message) {
  if (message.size() > kMaxScramMessage) return malformed("the message has more than {} octets", kMaxScramMessage);
  if (message.find('\0') != message.npos || !is_utf8(message)) return malformed("the message is not text");
  return {};
}

bool is_printable(std::string_view nonce) {
  return std::all_of(nonce.begin(), nonce.end(), [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; });
}

bool is_binding_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

std::string escape_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') {
      out += "=2C";
    } else if (c == '=') {
      out += "=3D";
    } else {
      out += c;
    }
  }
  return out;
}

Result<std::string> unescape_name(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '=') {
      out += name[i];
      continue;
    }
    const std::string_view code = name.substr(i + 1, 2);
    if (code != "2C" && code != "3D") return malformed("a name has = and neither 2C nor 3D behind it");
    out += code == "2C" ? ',' : '=';
    i += 2;
  }
  return out;
}

std::string exclusive_or(std::string_view a, std::string_view b) {
  ANSER_ASSERT(a.size() == b.size());
  std::string out{a};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

// XEP-0474 §6.1, steps 5 and 6.
std::string downgrade_hash(Hash hash, std::string_view text) { return base64_encode(digest(hash, text)); }

void append_joined(std::string& out, std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());  // std::string compares octets, which is i;octet
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += '\x1e';
    out += names[i];
  }
}

}  // namespace

std::string_view name_of(ScramMechanism mechanism) {
  for (const auto& [name, known] : kMechanisms) {
    if (known == mechanism) return name;
  }
  ANSER_ASSERT(!"a mechanism that we do not know");
  return {};
}

std::optional<ScramMechanism> scram_mechanism(std::string_view name) {
  for (const auto& [known, mechanism] : kMechanisms) {
    if (known == name) return mechanism;
  }
  return std::nullopt;
}

std::string downgrade_text(std::vector<std::string> mechanisms, std::optional<std::vector<std::string>> binding_types) {
  std::string text;
  append_joined(text, mechanisms);
  if (binding_types) {
    text += '\x1f';
    append_joined(text, *binding_types);
  }
  return text;
}

// ---- the server -----------------------------------------------------------------------------------------------------

ScramServer::ScramServer(Options options) : options_(std::move(options)) {}

Result<void> ScramServer::check_binding_flag(std::string_view flag) {
  const bool plus = options_.mechanism.plus;
  if (flag == "n" || flag == "y") {
    if (plus) return malformed("{} needs a channel binding", name_of(options_.mechanism));
    // The client can bind and believes that we cannot, though we said so: somebody between us took it out.
    if (flag == "y" && options_.plus_offered) return refused("the client did not see that channel binding is offered");
    return {};
  }
  if (!flag.starts_with("p=") || !is_binding_name(flag.substr(2))) return malformed("the message has no GS2 header");
  if (!plus) return malformed("{} takes no channel binding", name_of(options_.mechanism));
  const auto binding = options_.bindings.find(flag.substr(2));
  if (binding == options_.bindings.end() || binding->second.empty())
    return refused("this connection has no channel binding of that type");
  binding_input_ = binding->second;
  return {};
}

Result<ScramServer::ClientFirst> ScramServer::parse(std::string_view client_first) {
  ANSER_ASSERT(std::exchange(next_, Next::nothing) == Next::parse);
  if (const auto text = check_message(client_first); !text) return pass(text);
  Fields fields{client_first};
  if (const auto flag = check_binding_flag(fields.next()); !flag) return pass(flag);
  if (!fields.any_left()) return malformed("the message has no GS2 header");

  ClientFirst first;
  const std::string_view authzid = fields.next();
  if (!authzid.empty()) {
    if (!authzid.starts_with("a=") || authzid.size() == 2) return malformed("the authorization identity is no a=name");
    Result<std::string> name = unescape_name(authzid.substr(2));
    if (!name) return pass(name);
    first.authzid = std::move(*name);
  }
  const std::string_view bare = fields.rest();
  const std::string_view gs2_header = client_first.substr(0, client_first.size() - bare.size());

  const auto username = fields.expect('n');
  if (!username) return pass(username);
  const auto nonce = fields.expect('r');
  if (!nonce) return pass(nonce);
  if (!is_printable(*nonce) || nonce->size() > kMaxScramNonce) return malformed("the nonce cannot be one");
  if (const auto extensions = fields.extensions(); !extensions) return pass(extensions);

  const Result<std::string> name = unescape_name(*username);
  if (!name) return pass(name);
  Result<std::string> prepared = username_case_mapped(*name);
  if (!prepared) return refused("nobody can have that user name: {}", prepared.error().message);
  first.username = std::move(*prepared);

  binding_input_.insert(0, gs2_header);
  nonce_.assign(*nonce).append(options_.nonce.empty() ? random_id(kNonceChars) : options_.nonce);
  auth_message_ = bare;
  next_ = Next::challenge;
  return first;
}

std::string ScramServer::challenge(const ScramKeys& keys) {
  ANSER_ASSERT(std::exchange(next_, Next::finish) == Next::challenge);
  ANSER_ASSERT(keys.hash == options_.mechanism.hash);
  ANSER_ASSERT(keys.stored_key.size() == digest_size(keys.hash));
  stored_key_ = keys.stored_key;
  server_key_ = keys.server_key;

  std::string server_first = fmt::format("r={},s={},i={}", nonce_, base64_encode(keys.salt), keys.iterations);
  if (!options_.downgrade_text.empty()) server_first += ",h=" + downgrade_hash(keys.hash, options_.downgrade_text);
  auth_message_ += ',' + server_first;
  return server_first;
}

Result<std::string> ScramServer::finish(std::string_view client_final) {
  ANSER_ASSERT(std::exchange(next_, Next::nothing) == Next::finish);
  if (const auto text = check_message(client_final); !text) return pass(text);
  const std::size_t last = client_final.rfind(',');
  if (last == client_final.npos) return malformed("the message has no proof");
  const std::string_view without_proof = client_final.substr(0, last);
  const auto proof = Fields{client_final.substr(last + 1)}.expect('p').and_then(base64_decode);
  if (!proof) return malformed("the message has no proof");

  Fields fields{without_proof};
  const auto binding = fields.expect('c').and_then(base64_decode);
  if (!binding) return pass(binding);
  const auto nonce = fields.expect('r');
  if (!nonce) return pass(nonce);
  if (const auto extensions = fields.extensions(); !extensions) return pass(extensions);

  if (!constant_time_equal(*binding, binding_input_)) return refused("the channel bindings do not match");
  if (*nonce != nonce_) return refused("the nonce is not the one that was agreed");

  const Hash hash = options_.mechanism.hash;
  auth_message_.append(",").append(without_proof);
  const std::string client_signature = hmac(hash, stored_key_, auth_message_);
  if (proof->size() != client_signature.size()) return refused("the proof is wrong");
  const std::string client_key = exclusive_or(*proof, client_signature);
  if (!constant_time_equal(digest(hash, client_key), stored_key_)) return refused("the proof is wrong");
  return "v=" + base64_encode(hmac(hash, server_key_, auth_message_));
}

// ---- the client -----------------------------------------------------------------------------------------------------

ScramClient::ScramClient(Options options) : options_(std::move(options)) {
  ANSER_ASSERT(options_.mechanism.plus == !options_.binding_type.empty());
  if (options_.nonce.empty()) options_.nonce = random_id(kNonceChars);
}

Result<std::string> ScramClient::first() {
  ANSER_ASSERT(std::exchange(next_, Next::nothing) == Next::first);
  const Result<std::string> username = username_case_mapped(options_.username);
  if (!username) return fail(Errc::not_acceptable, "nobody can have that user name: {}", username.error().message);
  if (!is_utf8(options_.authzid)) return fail(Errc::not_acceptable, "the authorization identity is not UTF-8");

  const std::string flag = options_.mechanism.plus ? "p=" + options_.binding_type : options_.could_bind ? "y" : "n";
  const std::string authzid = options_.authzid.empty() ? std::string{} : "a=" + escape_name(options_.authzid);
  gs2_header_ = fmt::format("{},{},", flag, authzid);
  first_bare_ = fmt::format("n={},r={}", escape_name(*username), options_.nonce);
  next_ = Next::respond;
  return gs2_header_ + first_bare_;
}

Result<std::string> ScramClient::respond(std::string_view server_first) {
  ANSER_ASSERT(std::exchange(next_, Next::nothing) == Next::respond);
  if (const auto text = check_message(server_first); !text) return pass(text);
  Fields fields{server_first};
  const auto nonce = fields.expect('r');
  if (!nonce) return pass(nonce);
  const auto salt = fields.expect('s').and_then(base64_decode);
  if (!salt) return pass(salt);
  const auto count = fields.expect('i');
  if (!count) return pass(count);
  const auto downgrade = fields.extensions('h');
  if (!downgrade) return pass(downgrade);

  std::uint32_t iterations = 0;
  const char* end = count->data() + count->size();
  const auto number = std::from_chars(count->data(), end, iterations);
  if (number.ec != std::errc{} || number.ptr != end || count->front() == '0') {
    return malformed("the iterations are not a number");
  }
  if (!is_printable(*nonce) || nonce->size() > 2 * kMaxScramNonce) return malformed("the nonce cannot be one");
  if (!nonce->starts_with(options_.nonce) || nonce->size() == options_.nonce.size()) {
    return refused("the server answered with a nonce that is not ours and its own");
  }
  if (iterations < options_.min_iterations || iterations > options_.max_iterations) {
    return fail(Errc::not_acceptable, "the server wants {} iterations, outside {} to {}", iterations,
                options_.min_iterations, options_.max_iterations);
  }
  const Hash hash = options_.mechanism.hash;
  if (!downgrade->empty() && !options_.downgrade_text.empty() &&
      *downgrade != downgrade_hash(hash, options_.downgrade_text)) {
    return refused("the mechanisms that we saw are not those that the server offered: somebody is in between");
  }

  const Result<std::string> salted = salted_password(hash, options_.password, *salt, iterations);
  if (!salted) return pass(salted);
  const std::string binding = gs2_header_ + (options_.mechanism.plus ? options_.binding_data : std::string{});
  std::string message = fmt::format("c={},r={}", base64_encode(binding), *nonce);
  const std::string auth_message = fmt::format("{},{},{}", first_bare_, server_first, message);
  const std::string client_key = hmac(hash, *salted, "Client Key");
  const std::string proof = exclusive_or(client_key, hmac(hash, digest(hash, client_key), auth_message));
  server_signature_ = hmac(hash, hmac(hash, *salted, "Server Key"), auth_message);
  next_ = Next::verify;
  return message + ",p=" + base64_encode(proof);
}

Result<void> ScramClient::verify(std::string_view server_final) {
  ANSER_ASSERT(std::exchange(next_, Next::nothing) == Next::verify);
  if (const auto text = check_message(server_final); !text) return pass(text);
  if (server_final.starts_with("e=")) {
    constexpr std::size_t kShown = 64;  // enough for every error that RFC 5802 names
    const std::string_view reason = server_final.substr(2);
    return refused("the server refused: {}", is_printable(reason) && reason.size() <= kShown ? reason : "other-error");
  }
  Fields fields{server_final};
  const auto signature = fields.expect('v').and_then(base64_decode);
  if (!signature) return pass(signature);
  if (const auto extensions = fields.extensions(); !extensions) return pass(extensions);
  if (!constant_time_equal(*signature, server_signature_)) return refused("the server does not know the password");
  return {};
}

}  // namespace anser::core
