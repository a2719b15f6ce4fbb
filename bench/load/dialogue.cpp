#include "dialogue.h"

#include <utility>

#include "acks.h"
#include "base/base64.h"
#include "core/hashed_token.h"

namespace anser::load {
namespace {

constexpr std::string_view kSaslNs = "urn:ietf:params:xml:ns:xmpp-sasl";

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The character data of an element without children.
std::string_view text_of(std::string_view element) {
  const auto start = element.find('>');
  const auto end = element.rfind("</");
  return start == std::string_view::npos || end == std::string_view::npos || end < start
             ? std::string_view{}
             : element.substr(start + 1, end - start - 1);
}

// A ping behind the greeting: servers handle a stream's stanzas in order, so the answer says that it was taken in.
constexpr std::string_view kGreetedPing = "<iq type='get' id='greeted'><ping xmlns='urn:xmpp:ping'/></iq>";

bool is_answer_to_greeting(std::string_view stanza) {
  const std::string_view tag = stanza.substr(0, stanza.find('>'));
  return tag.starts_with("<iq") && has(tag, "greeted");
}

bool is_result(std::string_view iq) {
  const std::string_view tag = iq.substr(0, iq.find('>'));
  return tag.starts_with("<iq") && (has(tag, "type='result'") || has(tag, "type=\"result\""));
}

}  // namespace

Dialogue::Dialogue(const ServerPlan& server, Identity identity, Goal goal)
    : server_(server), identity_(std::move(identity)), goal_(goal) {
  if (server_.bare) {
    stage_ = Stage::relay;
    in_stream_ = true;  // a relay has no stream header
  }
}

std::string Dialogue::header() const {
  if (server_.bare) return fmt::format("{} {}\n", identity_.name, identity_.peer);
  return fmt::format(
      "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='jabber:client' "
      "xmlns:stream='http://etherx.jabber.org/streams'>",
      server_.domain);
}

Result<Dialogue::Step> Dialogue::take(Found kind, std::string_view piece) {
  if (kind == Found::header) {
    in_stream_ = true;
    return Step{};
  }
  if (kind == Found::end || piece.starts_with("<stream:error")) return fail(Errc::closed, "the server said {}", piece);

  switch (stage_) {
    case Stage::features:
      return on_features(piece);
    case Stage::proceed:
      if (!piece.starts_with("<proceed")) return fail(Errc::unsupported, "no TLS: {}", piece);
      in_stream_ = false;
      stage_ = Stage::features;
      return Step{.say = {}, .next = Next::start_tls};
    case Stage::authenticating:
      return on_sasl(piece);
    case Stage::binding:
    case Stage::opening_session:
    case Stage::registering:
      return on_iq(piece);
    case Stage::enabling:
      return on_enabled(piece);
    case Stage::greeting:
      return is_answer_to_greeting(piece) ? reach() : Step{.say = {}, .next = Next::hand_on};
    case Stage::relay:
      return reach();
    case Stage::done:
      return Step{};
  }
  return Step{};
}

Dialogue::Step Dialogue::bound() {
  if (!server_.acks) return greet();
  stage_ = Stage::enabling;
  return {.say = std::string(kEnableAcks), .next = Next::go_on};
}

Result<Dialogue::Step> Dialogue::on_enabled(std::string_view answer) {
  const std::string_view resume = attribute_of(answer, "resume");
  if (!answer.starts_with("<enabled") || (resume != "true" && resume != "1"))
    return fail(Errc::unsupported, "{}: no resumption: {}", identity_.name, answer);
  counts_stanzas_ = true;
  return greet();
}

Dialogue::Step Dialogue::greet() {
  if (identity_.greeting.empty()) return reach();
  stage_ = Stage::greeting;
  return {.say = identity_.greeting + std::string(kGreetedPing), .next = Next::go_on};
}

Dialogue::Step Dialogue::reach() {
  stage_ = Stage::done;
  return {.say = {}, .next = Next::reached};
}

Result<Dialogue::Step> Dialogue::on_features(std::string_view features) {
  if (!features.starts_with("<stream:features")) return fail(Errc::bad_request, "no features but {}", features);
  if (server_.tls && !secured_) {
    if (!has(features, "<starttls")) return fail(Errc::unsupported, "STARTTLS is not offered: {}", features);
    stage_ = Stage::proceed;
    return Step{.say = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", .next = Next::go_on};
  }
  if (goal_ == Goal::account) {
    stage_ = Stage::registering;
    return Step{.say = fmt::format("<iq type='set' id='reg'><query xmlns='jabber:iq:register'><username>{}</username>"
                                   "<password>{}</password></query></iq>",
                                   identity_.name, identity_.password),
                .next = Next::go_on};
  }
  if (!authenticated_) return authenticate(features);
  if (server_.sasl == Sasl::fast) return bound();

  wants_session_ = has(features, "<session") && !has(features, "<optional");
  stage_ = Stage::binding;
  return Step{.say = fmt::format("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                                 "<resource>{}</resource></bind></iq>",
                                 identity_.resource),
              .next = Next::go_on};
}

// A login and a bound resource in one request.
Dialogue::Step Dialogue::authenticate_fast() const {
  const bool token = !identity_.token.empty();
  std::string initial = identity_.name + '\0' + core::token_proof(identity_.token, {});
  if (!token) initial = '\0' + identity_.name + '\0' + identity_.password;
  return Step{.say = fmt::format("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{}'><initial-response>{}"
                                 "</initial-response><user-agent id='{}'/><bind xmlns='urn:xmpp:bind:0'><tag>load</tag>"
                                 "</bind><{} xmlns='urn:xmpp:fast:0'{}/></authenticate>",
                                 token ? "HT-SHA-256-NONE" : "PLAIN", base64_encode(initial), identity_.agent,
                                 token ? "fast" : "request-token", token ? "" : " mechanism='HT-SHA-256-NONE'"),
              .next = Next::go_on};
}

// Of SASL2: the resource is bound, the features that follow say nothing new.
Result<Dialogue::Step> Dialogue::on_success(std::string_view answer) {
  if (!answer.starts_with("<success") || !has(answer, "<bound"))
    return fail(Errc::not_authorized, "{}: {}", identity_.name, answer);
  constexpr std::string_view kToken = " token='";
  if (const auto at = answer.find(kToken); at != answer.npos) {
    const auto text = answer.substr(at + kToken.size());
    identity_.token = text.substr(0, text.find('\''));
  }
  if (identity_.token.empty()) return fail(Errc::unsupported, "{} got no token: {}", identity_.name, answer);
  authenticated_ = true;
  stage_ = Stage::features;
  return Step{};
}

Result<Dialogue::Step> Dialogue::authenticate(std::string_view features) {
  stage_ = Stage::authenticating;
  if (server_.sasl == Sasl::fast) {
    if (!has(features, ">HT-SHA-256-NONE<")) return fail(Errc::unsupported, "tokens are not offered: {}", features);
    return authenticate_fast();
  }
  const bool plain = server_.sasl == Sasl::plain;
  const std::string_view mechanism = plain ? "PLAIN" : "SCRAM-SHA-1";
  if (!has(features, fmt::format(">{}<", mechanism))) {
    return fail(Errc::unsupported, "{} is not offered: {}", mechanism, features);
  }
  std::string initial;
  if (plain) {
    initial.append(1, '\0').append(identity_.name).append(1, '\0').append(identity_.password);
  } else {
    core::ScramClient::Options options;
    options.mechanism.hash = core::Hash::sha1;
    options.username = identity_.name;
    options.password = identity_.password;
    scram_.emplace(std::move(options));
    auto first = scram_->first();
    if (!first) return pass(first);
    initial = *first;
  }
  return Step{
      .say = fmt::format("<auth xmlns='{}' mechanism='{}'>{}</auth>", kSaslNs, mechanism, base64_encode(initial)),
      .next = Next::go_on};
}

Result<Dialogue::Step> Dialogue::on_sasl(std::string_view answer) {
  if (server_.sasl == Sasl::fast) return on_success(answer);
  if (answer.starts_with("<challenge") && scram_) {
    const auto challenge = base64_decode(text_of(answer));
    if (!challenge) return pass(challenge);
    const auto response = scram_->respond(*challenge);
    if (!response) return pass(response);
    return Step{.say = fmt::format("<response xmlns='{}'>{}</response>", kSaslNs, base64_encode(*response)),
                .next = Next::go_on};
  }
  if (!answer.starts_with("<success")) return fail(Errc::not_authorized, "{}: {}", identity_.name, answer);
  if (scram_) {
    const auto proof = base64_decode(text_of(answer));
    if (!proof) return pass(proof);
    if (const auto verified = scram_->verify(*proof); !verified) return pass(verified);
    scram_.reset();
  }
  authenticated_ = true;
  in_stream_ = false;
  stage_ = Stage::features;
  return Step{.say = {}, .next = Next::restart};
}

Result<Dialogue::Step> Dialogue::on_iq(std::string_view answer) {
  // An account that is there already is as good: a run may be repeated on the same data.
  const bool exists = stage_ == Stage::registering && has(answer, "<conflict");
  if (!is_result(answer) && !exists) return fail(Errc::bad_request, "{}: {}", identity_.name, answer);
  if (stage_ == Stage::binding && wants_session_) {
    stage_ = Stage::opening_session;
    return Step{.say = "<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
                .next = Next::go_on};
  }
  return stage_ == Stage::registering ? reach() : bound();
}

}  // namespace anser::load
