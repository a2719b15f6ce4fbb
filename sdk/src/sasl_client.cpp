#include "sdk/src/sasl_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "core/precis.h"
#include "core/text.h"
#include "sdk/src/stream_words.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kExporter = "tls-exporter", kUnique = "tls-unique", kEndPoint = "tls-server-end-point";

std::vector<std::string> all_mechanisms() {
  return {"SCRAM-SHA-512-PLUS",
          "SCRAM-SHA-256-PLUS",
          "SCRAM-SHA-1-PLUS",
          "SCRAM-SHA-512",
          "SCRAM-SHA-256",
          "SCRAM-SHA-1",
          "PLAIN",
          "EXTERNAL",
          "ANONYMOUS"};
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_plus(std::string_view mechanism) { return mechanism.ends_with("-PLUS"); }

}  // namespace

// ---- the derivation -------------------------------------------------------------------------------------------------

Derivation::Derivation(core::ScramClient scram, std::string challenge)
    : scram_(std::move(scram)), challenge_(std::move(challenge)) {}

void Derivation::run() { response_ = scram_.respond(challenge_); }

// ---- which mechanism ------------------------------------------------------------------------------------------------

SaslClient::SaslClient(const ConnectionConfiguration& configuration, const Credentials& credentials,
                       const TlsState* tls, SaslOffer offer)
    : configuration_(configuration), credentials_(credentials), tls_(tls), offer_(std::move(offer)) {
  const auto wanted = configuration.sasl_mechanisms.empty() ? all_mechanisms() : configuration.sasl_mechanisms;
  look_for_binding(wanted);
  const bool plain_is_safe = tls_ != nullptr || configuration.plain_in_the_clear;
  for (const auto& name : wanted) {
    if (!has(offer_.mechanisms, name) || !fits(name) || has(left_, name)) continue;
    if (name == "PLAIN" && credentials.no_plain)
      refusal_ = "the server would take the password by PLAIN only, and had a better mechanism before";
    else if (name == "PLAIN" && !plain_is_safe)
      refusal_ = "the server would take the password by PLAIN only, and the connection is not secure";
    else
      left_.push_back(name);
  }
}

// XEP-0440 §3, with what XEP-0474 §7 changes: where the former says that somebody has tampered with the offer, the
// latter can tell, so its hash must be there.
void SaslClient::look_for_binding(const std::vector<std::string>& wanted) {
  const bool we_bind = tls_ && !tls_->bindings.empty() && std::any_of(wanted.begin(), wanted.end(), is_plus);
  if (!we_bind) return;
  const bool server_binds = std::any_of(offer_.mechanisms.begin(), offer_.mechanisms.end(), is_plus);
  const auto ours = [this](std::string_view type) { return tls_->bindings.find(type) != tls_->bindings.end(); };
  if (!server_binds) {
    could_bind_ = true;
    offer_must_be_proved_ = offer_.sasl2 && offer_.binding_types;
    return;
  }
  if (!offer_.binding_types) {
    offer_must_be_proved_ = offer_.sasl2;
    const bool exporter = ours(kExporter) && tls_->version == "TLSv1.3";
    // Whoever does not say it may be from before XEP-0440 and know the type of RFC 5802 alone, tls-unique, which
    // TLS 1.3 does not have: ejabberd 23.01 refuses all others there. XEP-0440 leaves it to us but with SASL2.
    if (exporter && !offer_.sasl2) return;
    usable_binding_ = exporter          ? kExporter
                      : ours(kUnique)   ? kUnique
                      : ours(kEndPoint) ? kEndPoint
                                        : tls_->bindings.begin()->first;
    return;
  }
  for (const auto type : {kExporter, kUnique, kEndPoint}) {
    if (!ours(type) || !has(*offer_.binding_types, type)) continue;
    usable_binding_ = type;
    return;
  }
  offer_must_be_proved_ = !has(*offer_.binding_types, kEndPoint);
}

bool SaslClient::fits(std::string_view mechanism) const {
  switch (credentials_.kind) {
    case Credentials::Kind::anonymous:
      return mechanism == "ANONYMOUS";
    case Credentials::Kind::certificate:
      return mechanism == "EXTERNAL";
    case Credentials::Kind::password:
      break;
  }
  const auto scram = core::scram_mechanism(mechanism);
  return scram ? !scram->plus || !usable_binding_.empty() : mechanism == "PLAIN";
}

Result<std::string> SaslClient::choose() {
  // From a bound mechanism to one that is not: whoever is in between would only have to refuse the former.
  if (is_plus(mechanism_)) std::erase_if(left_, [](const auto& name) { return !is_plus(name); });
  if (left_.empty() && !refusal_.empty()) return fail(Errc::insecure, "{}", refusal_);
  if (left_.empty()) {
    std::string offered;
    for (const auto& name : offer_.mechanisms) offered.append(offered.empty() ? "" : ", ").append(name);
    if (offered.empty()) return fail(Errc::unsupported, "the server offers no way to log in by SASL");
    return fail(Errc::unsupported, "none of the server's mechanisms can be used here: {}", shown(offered));
  }
  mechanism_ = left_.front();
  left_.erase(left_.begin());
  binding_.clear();
  scram_.reset();
  return begin(mechanism_);
}

bool SaslClient::may_go_on(std::string_view condition) const {
  constexpr std::array<std::string_view, 3> kAboutTheMechanism{"mechanism-too-weak", "invalid-mechanism",
                                                               "encryption-required"};
  const bool begun = due_ == Due::server_first || due_ == Due::success;  // but nothing has been said yet
  return begun && !left_.empty() &&
         std::find(kAboutTheMechanism.begin(), kAboutTheMechanism.end(), condition) != kAboutTheMechanism.end();
}

// ---- the exchange ---------------------------------------------------------------------------------------------------

Result<std::string> SaslClient::begin(const std::string& mechanism) {
  due_ = Due::success;
  if (credentials_.kind == Credentials::Kind::anonymous) return std::string{};
  if (credentials_.kind == Credentials::Kind::certificate) return credentials_.authzid;
  if (const auto scram = core::scram_mechanism(mechanism)) return begin_scram(*scram);
  const std::string& password = credentials_.password;
  if (password.empty() || password.find('\0') != password.npos || !core::is_utf8(password))
    return fail(Errc::invalid_argument, "no account can have that password");
  return std::string{'\0'}.append(credentials_.username).append(1, '\0').append(password);
}

Result<std::string> SaslClient::begin_scram(core::ScramMechanism mechanism) {
  if (credentials_.password.size() > core::kMaxPassword || !core::opaque_string(credentials_.password))
    return fail(Errc::invalid_argument, "no account can have that password");
  core::ScramClient::Options options;
  options.mechanism = mechanism;
  options.username = credentials_.username;
  options.password = credentials_.password;
  options.could_bind = could_bind_;
  options.nonce = credentials_.nonce;
  options.downgrade_text = core::downgrade_text(offer_.mechanisms, offer_.binding_types);
  if (mechanism.plus) {
    binding_ = usable_binding_;
    options.binding_type = usable_binding_;
    options.binding_data = tls_->bindings.find(usable_binding_)->second;
  }
  scram_.emplace(std::move(options));
  auto first = scram_->first();
  if (!first) return pass_as(Errc::invalid_argument, first.error());
  due_ = Due::server_first;
  return std::move(*first);
}

Result<std::optional<std::string>> SaslClient::challenge(std::string message) {
  switch (std::exchange(due_, Due::nothing)) {
    case Due::server_first:
      if (offer_must_be_proved_ && message.find(",h=") == message.npos)
        return fail(Errc::insecure, "the server's channel bindings make no sense: somebody may be in between");
      challenge_ = std::move(message);
      due_ = Due::derived;
      return std::nullopt;
    case Due::server_final: {  // in a challenge of its own, not with the success
      if (auto verified = verify(message); !verified) return pass(verified);
      due_ = Due::success;
      return std::string{};
    }
    default:
      return fail(Errc::protocol, "the server has another challenge, and {} has none", mechanism_);
  }
}

Derivation SaslClient::derivation() {
  ANSER_ASSERT(due_ == Due::derived && scram_);
  return Derivation{std::move(*std::exchange(scram_, std::nullopt)), std::exchange(challenge_, {})};
}

Result<std::string> SaslClient::derived(Derivation derivation) {
  ANSER_ASSERT(due_ == Due::derived && derivation.response_);
  due_ = Due::nothing;
  auto& response = *derivation.response_;
  if (!response) {
    const bool malformed = response.error().code == anser::Errc::bad_request;
    return pass_as(malformed ? Errc::protocol : Errc::insecure, response.error());
  }
  scram_ = std::move(derivation.scram_);
  due_ = Due::server_final;
  return std::move(*response);
}

Result<void> SaslClient::verify(std::string_view server_final) {
  const auto verified = scram_->verify(server_final);
  if (verified) return {};
  const bool malformed = verified.error().code == anser::Errc::bad_request;
  return pass_as(malformed ? Errc::protocol : Errc::authentication, verified.error());
}

Result<void> SaslClient::success(const std::optional<std::string>& data) {
  switch (std::exchange(due_, Due::nothing)) {
    case Due::server_final:
      if (!data) break;
      return verify(*data);
    case Due::success:
      if (data && !data->empty()) return fail(Errc::protocol, "{} has no data with its success", mechanism_);
      return {};
    default:
      break;
  }
  return fail(Errc::authentication, "the server let us in without a proof that it knows the password");
}

}  // namespace anser::sdk
