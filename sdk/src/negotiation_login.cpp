// The login by SASL: RFC 6120 §6, and XEP-0388 with what it takes along.
#include <utility>

#include "base/assert.h"
#include "base/base64.h"
#include "sdk/src/negotiation.h"
#include "xml/writer.h"

namespace anser::sdk {
namespace {

constexpr xml::Name kMechanisms{kSaslNs, "mechanisms"};
constexpr xml::Name kAuthentication{kSasl2Ns, "authentication"};
constexpr xml::Name kBindings{"urn:xmpp:sasl-cb:0", "sasl-channel-binding"};
constexpr std::string_view kSoftware = "Anser";

const xml::Element* child_of(const xml::Element* element, xml::Name name) {
  return element ? element->find(name) : nullptr;
}

std::vector<std::string> texts_of(const xml::Element& element, std::string_view local) {
  std::vector<std::string> texts;
  for (const auto& child : element.children()) {
    if (child.is({element.ns(), local})) texts.emplace_back(trimmed(child.text()));
  }
  return texts;
}

SaslOffer offer_of(const xml::Element& features, const xml::Element& mechanisms, bool sasl2) {
  SaslOffer offer;
  offer.sasl2 = sasl2;
  offer.mechanisms = texts_of(mechanisms, "mechanism");
  if (const auto* types = features.find(kBindings)) {
    offer.binding_types.emplace();
    for (const auto& type : types->children()) {
      if (type.is({types->ns(), "channel-binding"})) offer.binding_types->emplace_back(type.attr("type"));
    }
  }
  return offer;
}

// What a session can begin with, in a <bind/> (XEP-0386 §3.1).
bool enables(const xml::Element* bind, std::string_view feature) {
  const auto* features = child_of(bind, {kBind2Ns, "inline"});
  if (!features) return false;
  for (const auto& child : features->children()) {
    if (child.is({kBind2Ns, "feature"}) && child.attr("var") == feature) return true;
  }
  return false;
}

// RFC 6120 §6.4.6: an equals sign is data of no length, and no text is no data.
Result<std::optional<std::string>> data_of(const xml::Element* element) {
  if (!element) return std::nullopt;
  const std::string text = element->text();
  const auto base64 = trimmed(text);
  if (element->ns() == kSaslNs) {
    if (base64.empty()) return std::nullopt;
    if (base64 == "=") return std::string{};
  }
  auto data = base64_decode(base64);
  if (!data) return fail(Errc::protocol, "the server's part of the login is not base64");
  return std::move(*data);
}

}  // namespace

// Whom the credentials are of, and whether they can be anybody's.
Result<void> Negotiation::identify() {
  const std::string& resource = credentials_.resource;
  if (!resource.empty() && !core::prepare_resource(resource))
    return fail(Errc::invalid_argument, "{} is no resource", shown(resource));
  const std::string& authzid = credentials_.authzid;
  core::Jid account;
  if (credentials_.kind == Credentials::Kind::password) {
    std::string name = credentials_.username;
    const auto at = name.find('@');
    if (at != name.npos) {
      const auto whole = core::Jid::parse(name);
      if (!whole || !whole->is_bare() || whole->domain() != service_)
        return fail(Errc::invalid_argument, "{} is no account of {}", shown(name), service_);
      name.resize(at);
    }
    auto address = core::Jid::make(name, service_);
    if (!address || name.empty()) return fail(Errc::invalid_argument, "\"{}\" is no user name", shown(name));
    credentials_.username = std::move(name);
    account = std::move(*address);
  } else if (!authzid.empty()) {
    auto address = core::Jid::parse(authzid);
    if (!address || !address->has_local()) return fail(Errc::invalid_argument, "{} is no account", shown(authzid));
    account = address->to_bare();
  }
  account_ = std::move(account);
  return {};
}

bool Negotiation::is_ours(const core::Jid& address) const {
  return account_.empty() ? address.has_local() && address.domain() == service_ : address.bare() == account_.bare();
}

Next Negotiation::login(Credentials credentials, std::optional<Resume> resume, std::string& out) {
  ANSER_ASSERT(state_ == State::connected);
  credentials_ = std::move(credentials);
  resume_ = std::move(resume);
  resume_asked_ = bind_asked_ = carbons_asked_ = compression_asked_ = false;
  if (const auto known = identify(); !known) return refuse(known.error());
  return configuration_.sasl_enabled ? begin_sasl(out) : begin_old_login(out);
}

Next Negotiation::begin_sasl(std::string& out) {
  std::optional<Error> why_not;
  // XEP-0388 §3: over TLS only.
  if (tls_ && features_.find(kAuthentication)) {
    if (const Next next = try_sasl(true, out, why_not); !why_not) return next;
  }
  if (features_.find(kMechanisms)) {
    why_not.reset();
    if (const Next next = try_sasl(false, out, why_not); !why_not) return next;
  }
  if (!why_not) why_not = Error{Errc::unsupported, "the server offers no login by SASL"};
  return refuse(std::move(*why_not));
}

Next Negotiation::try_sasl(bool sasl2, std::string& out, std::optional<Error>& why_not) {
  const auto& offered = *features_.find(sasl2 ? kAuthentication : kMechanisms);
  sasl2_ = sasl2;
  sasl_.emplace(configuration_, credentials_, tls_ ? &*tls_ : nullptr, offer_of(features_, offered, sasl2));
  const auto initial = sasl_->choose();
  if (!initial) {
    why_not = initial.error();
    return Next::refused;
  }
  send_first(*initial, out);
  return Next::wait;
}

void Negotiation::send_first(std::string_view initial, std::string& out) {
  state_ = State::sasl;
  if (sasl2_) return append_authenticate(initial, out);
  xml::Writer writer{out};
  writer.open("auth", kSaslNs).attr("mechanism", sasl_->mechanism());
  writer.text(initial.empty() ? "=" : base64_encode(initial)).close();
}

// The session that is wanted goes along, if the server takes it so: an old one, else a new one. A resource that
// somebody has asked for by name must be bound by RFC 6120, for Bind 2 only makes names up; and compression comes
// before a session (XEP-0170 §2.2).
void Negotiation::append_authenticate(std::string_view initial, std::string& out) {
  const auto* inlined = child_of(features_.find(kAuthentication), {kSasl2Ns, "inline"});
  const auto* bind = child_of(inlined, {kBind2Ns, "bind"});
  resume_asked_ = resume_ && child_of(inlined, {kManagementNs, "sm"});
  bind_asked_ = bind && credentials_.resource.empty() && resume_asked_ == resume_.has_value() &&
                !(resume_ && resume_->or_nothing) && !configuration_.compression_enabled;
  carbons_asked_ = bind_asked_ && configuration_.carbons_enabled && enables(bind, kCarbonsNs);

  xml::Writer writer{out};
  writer.open("authenticate", kSasl2Ns).attr("mechanism", sasl_->mechanism());
  writer.element("initial-response", base64_encode(initial));
  writer.open("user-agent").element("software", kSoftware).close();
  if (resume_asked_) {
    writer.open("resume", kManagementNs).attr("h", std::to_string(resume_->h)).attr("previd", resume_->id).close();
  }
  if (bind_asked_) {
    writer.open("bind", kBind2Ns).element("tag", kSoftware);
    if (carbons_asked_) writer.open("enable", kCarbonsNs).close();
    if (configuration_.stream_management && enables(bind, kManagementNs)) {
      std::string enable;
      append_enable(enable);
      writer.raw(enable);
    }
    writer.close();
  }
  writer.close();
}

void Negotiation::send_response(std::string_view response, std::string& out) {
  state_ = State::sasl;
  xml::Writer{out}.open("response", sasl2_ ? kSasl2Ns : kSaslNs).text(base64_encode(response)).close();
}

Next Negotiation::answer_sasl(const xml::Element& element, std::string& out) {
  if (element.ns() == (sasl2_ ? kSasl2Ns : kSaslNs)) {
    if (element.local() == "challenge") return answer_challenge(element, out);
    if (element.local() == "failure") return answer_failure(element, out);
    if (element.local() == "success") return answer_success(element, out);
    if (element.local() == "continue")
      return fail_with(
          {Errc::unsupported, "the server wants more than the credentials, and this library can't give it"}, out);
  }
  return unexpected(element, out);
}

Next Negotiation::answer_challenge(const xml::Element& element, std::string& out) {
  auto message = data_of(&element);
  if (!message) return fail_with(message.error(), out);
  const auto response = sasl_->challenge(message->value_or(std::string{}));
  if (!response) return fail_with(response.error(), out);
  if (!*response) {
    state_ = State::derivation;
    return Next::derive;
  }
  send_response(**response, out);
  return Next::wait;
}

Derivation Negotiation::derivation() {
  ANSER_ASSERT(state_ == State::derivation);
  return sasl_->derivation();
}

Next Negotiation::on_derived(Derivation derivation, std::string& out) {
  if (state_ == State::failed) return Next::failed;  // meanwhile
  ANSER_ASSERT(state_ == State::derivation);
  const auto response = sasl_->derived(std::move(derivation));
  if (!response) return fail_with(response.error(), out);
  send_response(*response, out);
  return Next::wait;
}

Next Negotiation::answer_failure(const xml::Element& element, std::string& out) {
  auto condition = condition_of(element, kSaslNs);
  Error error{Errc::authentication,
              fmt::format("the server did not let us in ({})", reason_of(element, kSaslNs, element.ns())), condition};
  if (sasl_->may_go_on(condition)) {
    if (const auto initial = sasl_->choose()) {
      send_first(*initial, out);
      return Next::wait;
    }
  }
  return refuse(std::move(error));
}

Next Negotiation::answer_success(const xml::Element& element, std::string& out) {
  const auto data = data_of(sasl2_ ? element.find("additional-data") : &element);
  if (!data) return fail_with(data.error(), out);
  if (const auto proved = sasl_->success(*data); !proved) return fail_with(proved.error(), out);
  facts_.mechanism = sasl_->mechanism();
  facts_.binding = sasl_->binding();
  authenticated_ = true;
  if (sasl2_) return welcome(element, out);
  return open_stream(out);
}

// What the server has done of what was asked for with <authenticate/>.
Next Negotiation::welcome(const xml::Element& success, std::string& out) {
  const auto address = core::Jid::parse(trimmed(success.child_text("authorization-identifier")));
  if (!address) return wrong(out, "the server let us in and does not say as whom");
  if (!is_ours(*address)) return wrong(out, "the server let us in as somebody else");
  const auto* resumed = success.find({kManagementNs, "resumed"});
  const auto* failed = success.find({kManagementNs, "failed"});
  const auto* bound = success.find({kBind2Ns, "bound"});
  if ((resumed || failed) != resume_asked_ || (resumed && (failed || bound)))
    return wrong(out, "the server's word on the old session makes no sense");
  if (resumed) {
    if (const auto taken = take_resumed(*resumed); !taken) return fail_with(taken.error(), out);
    return finish();  // no features follow (XEP-0198 §9.2)
  }
  if (failed) take_lost(*failed);
  if ((bound != nullptr) != bind_asked_ || (bound && !address->has_resource()))
    return wrong(out, "the server's word on the new session makes no sense");
  if (bound) {
    facts_.address = address->full();
    facts_.carbons = carbons_asked_;
    if (const auto* enabled = bound->find({kManagementNs, "enabled"})) take_enabled(*enabled);
  }
  if (account_.empty()) account_ = address->to_bare();
  state_ = State::features;
  return Next::wait;
}

}  // namespace anser::sdk
