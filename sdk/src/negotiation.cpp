#include "sdk/src/negotiation.h"

#include <utility>

#include "base/assert.h"

namespace anser::sdk {
namespace {

constexpr xml::Name kFeatures{xml::kStreamsNs, "features"};
constexpr xml::Name kStreamError{xml::kStreamsNs, "error"};
constexpr xml::Name kStartTls{kTlsNs, "starttls"};

}  // namespace

Negotiation::Negotiation(const ConnectionConfiguration& configuration, std::string_view account,
                         std::optional<SecurityMode> security)
    : configuration_(configuration), security_(security.value_or(configuration.security)), features_(kFeatures) {
  auto service = core::prepare_domain(configuration.service_name);
  if (!service) return;  // start() tells
  service_ = std::move(*service);
  if (const auto known = core::Jid::parse(account); known && known->has_local() && known->domain() == service_)
    account_ = known->to_bare();
}

// ---- the stream -----------------------------------------------------------------------------------------------------

Next Negotiation::start(std::string& out) {
  ANSER_ASSERT(state_ == State::idle);
  return open_stream(out) == Next::failed ? Next::failed : Next::wait;
}

Next Negotiation::open_stream(std::string& out) {
  if (service_.empty()) {
    const std::string name = shown(configuration_.service_name);
    return fail_with({Errc::invalid_argument, fmt::format("{} is no service name", name.empty() ? "\"\"" : name)}, out);
  }
  // RFC 6120 §4.7.1: who we are is nobody else's business.
  const std::string_view from = tls_ ? account_.bare() : std::string_view{};
  append_stream_header(out, service_, from, configuration_.language);
  stream_is_open_ = true;
  state_ = State::header;
  return Next::restart;
}

Next Negotiation::on_header(const xml::StreamHeader& header, std::string& out) {
  if (state_ == State::failed) return Next::failed;
  if (state_ != State::header) return wrong(out, "the server began a stream, and {} was due", waiting_for());
  if (header.name() != xml::Name{xml::kStreamsNs, "stream"})
    return wrong(out, "what answers there speaks no XMPP but sends <{}/>", shown(header.local));
  if (header.default_ns != xml::kClientNs)
    return wrong(out, "the server's stream is for {}, not for clients", shown(header.default_ns));

  // A server that is about to refuse may show another name or none (§4.9.1.3): its error says more than we could.
  complaint_.reset();
  const auto complain = [this](std::string sentence) {
    if (!complaint_) complaint_ = Error{Errc::protocol, std::move(sentence)};
  };
  const auto from = header.attr("from");
  const auto domain = core::prepare_domain(from);
  if (!from.empty() && (!domain || *domain != service_))
    complain(fmt::format("the server says that it is {}, not {}", shown(from), service_));
  facts_.stream_id = header.attr("id");
  if (facts_.stream_id.empty()) complain("the server's stream has no id");
  features_ = xml::Element{kFeatures};
  state_ = State::features;
  if (!header.has_attr("version")) return without_features(out);
  const auto version = header.attr("version");
  const auto major = number(version.substr(0, version.find('.')));
  if (!major || *major < 1) complain(fmt::format("the server speaks version {} of XMPP", shown(version)));
  return Next::wait;
}

// From before XMPP 1.0 (§4.7.5): no features follow, and the login is the old one.
Next Negotiation::without_features(std::string& out) {
  if (complaint_) return fail_with(*complaint_, out);
  if (authenticated_) return wrong(out, "the server fell back to the time before XMPP 1.0");
  if (!tls_ && security_ == SecurityMode::required)
    return fail_with({Errc::insecure, "the server is from before XMPP 1.0 and has no STARTTLS"}, out);
  if (configuration_.sasl_enabled)
    return fail_with({Errc::unsupported, "the server is from before XMPP 1.0 and has no SASL"}, out);
  state_ = State::connected;
  return Next::connected;
}

Next Negotiation::on_features(xml::Element features, std::string& out) {
  features_ = std::move(features);
  if (authenticated_) return go_on(out);
  const xml::Element* starttls = features_.find(kStartTls);
  if (!tls_ && starttls && security_ != SecurityMode::disabled) {
    out.append("<starttls xmlns='").append(kTlsNs).append("'/>");
    state_ = State::proceed;
    return Next::wait;
  }
  if (!tls_ && security_ == SecurityMode::required)
    return fail_with(
        {Errc::insecure, "the server offers no STARTTLS, or somebody in between has taken it out, and TLS is required"},
        out);
  if (!tls_ && starttls && starttls->find("required"))
    return fail_with({Errc::insecure, "the server requires TLS, and the configuration disables it"}, out);
  state_ = State::connected;
  return Next::connected;
}

Next Negotiation::answer_proceed(const xml::Element& element, std::string& out) {
  if (element.is({kTlsNs, "proceed"})) {
    state_ = State::handshake;
    return Next::start_tls;
  }
  if (element.is({kTlsNs, "failure"}))
    return fail_with({Errc::tls, "the server offers STARTTLS and cannot do it at the moment"}, out);
  return unexpected(element, out);
}

Next Negotiation::on_tls(TlsState tls, std::string& out) {
  ANSER_ASSERT(state_ == State::handshake || state_ == State::idle);
  tls_ = std::move(tls);
  features_ = xml::Element{kFeatures};  // what was said in the clear may have been said by anybody (§5.4.3.3)
  facts_.stream_id.clear();
  return open_stream(out);
}

Next Negotiation::on_left_over(std::string& out) {
  if (state_ == State::handshake)  // nor to be believed that the server has sent it: CVE-2011-0411 and its kin
    return wrong(out, "something followed <proceed/> in the clear, where only TLS may begin");
  return wrong(out, "something followed that must not, and {} was due", waiting_for());
}

Next Negotiation::on_end(std::string& out) {
  if (state_ == State::failed) return Next::failed;
  return fail_with({Errc::closed, fmt::format("the server ended the stream, and {} was due", waiting_for())}, out);
}

// ---- elements -------------------------------------------------------------------------------------------------------

// Stanzas that are none of this machine's business. Before a resource is bound only the owner's own requests have them.
bool Negotiation::delivers(const xml::Stanza& element) const {
  if (element.ns != xml::kClientNs) return false;
  const bool iq = element.local == "iq";
  const bool answer = iq && (element.attr("type") == "result" || element.attr("type") == "error");
  switch (state_) {
    case State::connected:
      return iq;
    case State::session:
      return !answer || element.attr("id") != "session";
    case State::enabled:
      return iq || element.local == "message" || element.local == "presence";
    case State::logged_in:
      return true;
    default:
      return false;
  }
}

Next Negotiation::on_element(const xml::Stanza& stanza, std::string& out) {
  if (state_ == State::failed) return Next::failed;
  if (delivers(stanza)) {
    if (state_ != State::connected && state_ != State::logged_in && ++delivered_ > kMaxDelivered)
      return wrong(out, "too many stanzas came, and {} was due", waiting_for());
    return Next::deliver;
  }
  const auto element = element_of(stanza);
  if (!element) return fail_with(element.error(), out);
  if (element->is(kStreamError)) {
    if (const auto* host = element->find({kStreamErrorNs, "see-other-host"}))
      facts_.elsewhere = whereabouts(host->text());
    return fail_with(stream_error(*element), out);
  }
  if (complaint_) return fail_with(*complaint_, out);
  return take(*element, out);
}

Next Negotiation::take(const xml::Element& element, std::string& out) {
  switch (state_) {
    case State::features:
      return element.is(kFeatures) ? on_features(element, out) : unexpected(element, out);
    case State::proceed:
      return answer_proceed(element, out);
    case State::sasl:
      return answer_sasl(element, out);
    case State::compressed:
      return answer_compress(element, out);
    case State::resumed:
      return answer_resume(element, out);
    case State::bound:
      return answer_bind(element, out);
    case State::session:
      return answer_session(element, out);
    case State::enabled:
      return answer_enable(element, out);
    case State::old_fields:
      return answer_old_fields(element, out);
    case State::old_login:
      return answer_old_login(element, out);
    default:
      return unexpected(element, out);
  }
}

// ---- how it ends ----------------------------------------------------------------------------------------------------

Next Negotiation::unexpected(const xml::Element& element, std::string& out) {
  return wrong(out, "the server sent <{}/>, and {} was due", shown(element.local()), waiting_for());
}

Next Negotiation::fail_with(Error error, std::string& out) {
  if (std::exchange(stream_is_open_, false)) out.append("</stream:stream>");
  error_ = std::move(error);
  sasl_.reset();
  credentials_ = {};
  state_ = State::failed;
  return Next::failed;
}

Next Negotiation::refuse(Error error) {
  error_ = std::move(error);
  sasl_.reset();
  credentials_ = {};
  resume_.reset();
  state_ = State::connected;
  return Next::refused;
}

std::string_view Negotiation::waiting_for() const {
  switch (state_) {
    case State::header:
      return "the server's stream";
    case State::features:
      return "the features of the server's stream";
    case State::proceed:
      return "the server's word to begin with TLS";
    case State::handshake:
      return "the TLS handshake";
    case State::sasl:
    case State::old_fields:
    case State::old_login:
      return "the server's answer to the login";
    case State::derivation:
      return "our own answer to the login";
    case State::compressed:
    case State::compression:
      return "the beginning of compression";
    case State::resumed:
      return "the server's word on the old session";
    case State::bound:
      return "the session's address";
    case State::session:
      return "the session";
    case State::enabled:
      return "stream management";
    case State::idle:
    case State::connected:
    case State::logged_in:
    case State::failed:
      break;
  }
  return "nothing";
}

}  // namespace anser::sdk
