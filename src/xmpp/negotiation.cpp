#include "xmpp/negotiation.h"

#include <algorithm>

#include "base/base64.h"
#include "base/log.h"
#include "core/random.h"
#include "net/websocket.h"
#include "xmpp/feature.h"
#include "xmpp/framing.h"
#include "xmpp/registration.h"
#include "xmpp/sasl_messages.h"
#include "xmpp/stream.h"

namespace anser::xmpp {
namespace {

using Event = xml::StreamReader::Event;

constexpr xml::Name kRegister{"jabber:iq:register", "query"};
constexpr xml::Name kIqAuth{"jabber:iq:auth", "query"};

net::Task<void> serve(std::unique_ptr<Negotiation> negotiation) { co_await negotiation->run(); }

}  // namespace

void accept_connection(Shared& shared, net::Core& core, net::Handed handed, bool direct_tls, SharedSettings rules) {
  auto negotiation = std::make_unique<Negotiation>(shared, core, std::move(handed), direct_tls, std::move(rules));
  net::spawn(core.io(), serve(std::move(negotiation)));
}

Negotiation::Negotiation(Shared& shared, net::Core& core, net::Handed handed, bool direct_tls, SharedSettings rules)
    : shared_(shared),
      core_(core),
      settings_(rules ? std::move(rules) : shared.settings()),
      connection_(std::make_unique<net::Connection>(core, std::move(handed))),
      direct_tls_(direct_tls),
      reader_(settings_->limits_before_login),
      host_(shared.hosts.all().front().name) {
  if (connection_->websocket()) reader_.expect_messages();
}

Negotiation::~Negotiation() { shared_.home(core_.id()).negotiations.erase(this); }

net::Task<void> Negotiation::run() {
  auto& services = shared_.home(core_.id());
  if (services.stopping) co_return shut_down();
  services.negotiations.insert(this);
  connection_->limit(settings_->login_timeout);
  if (direct_tls_) {
    auto tls = shared_.tls();
    if (!tls) co_return connection_->abort();
    auto task = connection_->accept_tls(std::move(tls));
    auto secured = co_await std::move(task);
    if (!secured) {
      tls_failed(secured.error());
      co_return connection_->abort();
    }
  }
  bool fresh = true;
  for (;;) {
    if (fresh) {
      const bool opened = co_await open_stream();
      if (!opened) co_return;
      fresh = false;
    }
    const bool received = co_await receive();
    if (!received) co_return;
    if (event_ == Event::end) co_return end_stream(*connection_);
    if (++elements_ > kElementsBeforeLogin + kElementsPerAccount * settings_->accounts_per_stream) {
      co_return end({"policy-violation", "too much was said before the login"});
    }
    auto stanza = to_element(reader_.stanza());
    if (!stanza) co_return end({"not-well-formed", stanza.error().message});
    // What follows may wait, and the loop's read buffer belongs to everybody.
    std::string left{input_};
    rest_ = std::move(left);
    input_ = rest_;
    auto task = take(std::move(*stanza));
    const Next next = co_await std::move(task);
    if (next == Next::over) co_return;
    fresh = next == Next::restart;
  }
}

net::Task<bool> Negotiation::receive() {
  if (connection_->congested()) {
    // Whoever asks and does not read the answers is not listened to. The loop's read buffer is everybody's meanwhile.
    std::string left{input_};
    rest_ = std::move(left);
    input_ = rest_;
    const auto drained = co_await connection_->drained();
    if (!drained) {
      connection_->abort();
      co_return false;
    }
  }
  for (;;) {
    if (exchange_ && reader_.between_stanzas() && input_.find_first_of(" \t\r\n") == 0) {
      end_exchange();
      co_return false;
    }
    event_ = reader_.next(input_);
    if (event_ == Event::error) {
      end(failure_of(reader_));
      co_return false;
    }
    if (event_ != Event::need_more) co_return true;
    auto bytes = co_await connection_->read();
    if (!bytes) {
      if (bytes.error().code == Errc::timeout) {
        end({"connection-timeout", "the login took too long"});
      } else {
        connection_->abort();
      }
      co_return false;
    }
    input_ = *bytes;
    if (const auto wrong = check_message(*connection_, input_)) {
      end(*wrong);
      co_return false;
    }
  }
}

net::Task<bool> Negotiation::open_stream() {
  const bool received = co_await receive();
  if (!received) co_return false;
  if (event_ == Event::end) {  // framed, it can end before it begins
    end_stream(*connection_);
    co_return false;
  }
  const bool framed = connection_->websocket() != nullptr;
  const xml::StreamHeader& header = reader_.header();
  auto wrong = check_header(header, shared_.hosts, host_, framed);
  if (!wrong) wrong = check_from(header, shared_.hosts, host_, from_);
  lang_ = header.lang();
  stream_id_ = core::random_id();
  write_header(*connection_, host_, header.attr("from"), stream_id_, header.has_attr("version"));
  header_sent_ = true;
  // TLS lies below the messages, or there is none (RFC 7395 §3.9).
  if (!wrong && framed && tls_only()) wrong = StreamFailure{"policy-violation", "TLS comes first here: connect by wss"};
  if (wrong) {
    end(*wrong);
    co_return false;
  }
  authenticator_ = std::make_unique<Authenticator>(shared_, settings_, host_, *connection_);
  if (header.has_attr("version")) write_features();  // §4.7.5: without a version it is from before features
  co_return true;
}

bool Negotiation::may_register() const {
  if (settings_->registration == Registration::closed) return false;
  return settings_->registration == Registration::open || connection_->is_loopback();
}

void Negotiation::write_features() {
  std::string text = "<stream:features>";
  const bool secure = connection_->tls() != nullptr;
  if (!secure && shared_.tls() && !connection_->websocket()) {
    text.append("<starttls xmlns='").append(kTlsNs).append(tls_only() ? "'><required/></starttls>" : "'/>");
  }
  if (!tls_only()) {
    text.append("<mechanisms xmlns='").append(kSaslNs).append("'>");
    for (const auto& name : authenticator_->mechanisms())
      text.append("<mechanism>").append(name).append("</mechanism>");
    text.append("</mechanisms>");
    append_authentication(text);
    if (const auto types = authenticator_->binding_types(); !types.empty()) {
      text.append("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>");
      for (const auto& type : types) text.append("<channel-binding type='").append(type).append("'/>");
      text.append("</sasl-channel-binding>");
    }
    if (settings_->iq_auth && (secure || settings_->plain_without_tls))
      text.append("<auth xmlns='http://jabber.org/features/iq-auth'/>");
    if (may_register()) text.append("<register xmlns='http://jabber.org/features/iq-register'/>");
  }
  append_limits(text, settings_->limits_before_login.stanza_bytes, settings_->login_timeout);
  send(text.append("</stream:features>"));
}

net::Task<Negotiation::Next> Negotiation::take(xml::Element stanza) {
  Next next = Next::over;
  if (exchange_ && stanza.ns() != kSasl2Ns) {
    end_exchange();
  } else if (stanza.is({kTlsNs, "starttls"})) {
    next = co_await start_tls();
  } else if (stanza.ns() == kSasl2Ns) {
    auto task = sasl2(std::move(stanza));
    next = co_await std::move(task);
  } else if (stanza.ns() == kSaslNs) {
    if (tls_only()) {
      send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>");
      co_return count_attempt();
    }
    auto task = sasl(std::move(stanza));
    next = co_await std::move(task);
  } else if (stanza.is({xml::kClientNs, "iq"}) && !tls_only()) {
    auto task = iq(std::move(stanza));
    next = co_await std::move(task);
  } else if (tls_only() && stanza.ns() == xml::kClientNs) {
    end({"policy-violation", "TLS comes first here"});
  } else if (stanza.is({xml::kStreamsNs, "error"})) {
    log::info("xmpp", "{} ended its stream with an error", connection_->peer());  // §4.9.1.1: nothing to be done
    end_stream(*connection_);
  } else if (stanza.ns() == xml::kClientNs) {
    end({"not-authorized", "log in first"});
  } else {
    end({"unsupported-stanza-type", "this element is not understood here"});
  }
  co_return next;
}

net::Task<Negotiation::Next> Negotiation::start_tls() {
  auto tls = shared_.tls();
  if (!tls || connection_->tls() || connection_->websocket()) {
    send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    end_stream(*connection_);
    co_return Next::over;
  }
  if (!input_.empty() || !reader_.between_stanzas()) {
    // Whoever sits between could put words before the client's own (CVE-2011-0411 and its kin).
    end({"policy-violation", "nothing may follow starttls before TLS"});
    co_return Next::over;
  }
  send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  auto task = connection_->accept_tls(std::move(tls), {}, host_);
  auto secured = co_await std::move(task);
  if (!secured) {
    tls_failed(secured.error());
    connection_->abort();
    co_return Next::over;
  }
  reader_.restart();
  header_sent_ = false;
  co_return Next::restart;
}

net::Task<Negotiation::Next> Negotiation::sasl(xml::Element element) {
  const std::string text = element.text();
  if (element.local() == "abort") {
    authenticator_->abort();
    send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><aborted/></failure>");
    co_return count_attempt();
  }
  const bool begins = element.local() == "auth";
  if (!begins && element.local() != "response") {
    end({"unsupported-stanza-type", "this element is not understood here"});
    co_return Next::over;
  }
  authenticator_->expect({});  // `from` binds nobody here
  if (begins && authenticator_->exchanging()) {
    // The one before is given up: an attempt, or names could be tried for ever without an end to any of them.
    authenticator_->abort();
    if (count_attempt() == Next::over) co_return Next::over;
  }
  auto message = decode_sasl_text(text, begins);
  if (!message) {
    SaslStep wrong;
    wrong.condition = "incorrect-encoding";
    wrong.text = message.error().message;
    authenticator_->abort();
    auto task = answer_sasl(std::move(wrong));
    const Next next = co_await std::move(task);
    co_return next;
  }
  SaslStep step;
  if (begins) {
    auto task = authenticator_->start(std::string{element.attr("mechanism")}, std::move(*message));
    step = co_await std::move(task);
  } else {
    auto task = authenticator_->respond(std::move(**message));
    step = co_await std::move(task);
  }
  auto task = answer_sasl(std::move(step));
  const Next next = co_await std::move(task);
  co_return next;
}

net::Task<Negotiation::Next> Negotiation::answer_sasl(SaslStep step) {
  std::string text;
  switch (step.what) {
    case SaslStep::What::challenge:
      text.append("<challenge xmlns='").append(kSaslNs).append("'>");
      send(text.append(base64_encode(step.data)).append("</challenge>"));
      co_return Next::go_on;
    case SaslStep::What::failure:
      text.append("<failure xmlns='").append(kSaslNs).append("'><").append(step.condition).append("/>");
      // Smack 3 takes the last element's name for the condition, and this one its programs test.
      if (!step.text.empty() && step.condition != "not-authorized") {
        text.append("<text xml:lang='en'>");
        xml::append_escaped(text, step.text);
        text.append("</text>");
      }
      send(text.append("</failure>"));
      sasl_failed_ = true;
      co_return count_attempt();
    case SaslStep::What::success:
      break;
  }
  text.append("<success xmlns='").append(kSaslNs).append("'>");
  send(text.append(base64_encode(step.data)).append("</success>"));
  auto drained = co_await connection_->drained();
  if (!drained) {
    connection_->abort();
    co_return Next::over;
  }
  hand_over(std::move(*step.login), {}, {});
  co_return Next::over;
}

Negotiation::Next Negotiation::count_attempt() {
  if (++attempts_ < settings_->attempts_per_stream) return Next::go_on;
  end({"policy-violation", "too many attempts to log in"});
  return Next::over;
}

void Negotiation::answer_iq(const xml::Element& iq, Result<std::optional<xml::Element>> reply) {
  std::string text = "<iq type='";
  text.append(reply ? "result" : "error").append("' from='");
  xml::append_escaped_attribute(text, iq.attr("to").empty() ? std::string_view{host_} : iq.attr("to"));
  text.append("' id='");
  xml::append_escaped_attribute(text, iq.attr("id"));
  text.append("'>");
  if (!reply)
    append_stanza_error(text, reply.error());
  else if (reply->has_value())
    (*reply)->append_to(text);
  send(text.append("</iq>"));
}

net::Task<Negotiation::Next> Negotiation::iq(xml::Element iq) {
  const xml::Element* query = iq.first_child();
  const auto type = iq.attr("type");
  const bool request = type == "get" || type == "set";
  if (request && query && query->is(kRegister)) {
    if (!may_register()) {
      answer_iq(iq, fail(Errc::not_allowed, "accounts are not made here"));
      co_return Next::go_on;
    }
    if (type == "get") {
      answer_iq(iq, registration_form(*settings_));
      co_return Next::go_on;
    }
    if (registered_ >= settings_->accounts_per_stream) {
      answer_iq(iq, fail(Errc::not_acceptable, "no more accounts can be made on this stream"));
      co_return Next::go_on;
    }
    auto task = register_account(shared_, *settings_, host_, connection_->peer_address(), *query);
    auto made = co_await std::move(task);
    registered_ += made.has_value() ? 1 : 0;
    if (!made)
      answer_iq(iq, pass(made));
    else
      answer_iq(iq, std::optional<xml::Element>{});
    co_return Next::go_on;
  }
  if (request && query && query->is(kIqAuth) && settings_->iq_auth &&
      (connection_->tls() || settings_->plain_without_tls)) {
    auto task = iq_auth(std::move(iq));
    const Next next = co_await std::move(task);
    co_return next;
  }
  end({"not-authorized", "log in first"});
  co_return Next::over;
}

// XEP-0078, the password form only: a digest would need the password in clear text on our side.
net::Task<Negotiation::Next> Negotiation::iq_auth(xml::Element iq) {
  const xml::Element& query = *iq.first_child();
  if (sasl_failed_ && !old_login_tried_) {
    // XEP-0078 §6: not to be tried after SASL has failed.
    answer_iq(iq, fail(Errc::policy_violation, "a login by SASL has failed on this stream"));
    co_return Next::go_on;
  }
  old_login_tried_ = true;
  if (iq.attr("type") == "get") {
    xml::Element form{kIqAuth};
    form.child("username", query.child_text("username")).child("password").child("resource");
    answer_iq(iq, std::optional<xml::Element>{std::move(form)});
    co_return Next::go_on;
  }
  auto login = read_old_login(query);
  if (!login) {
    answer_iq(iq, pass(login));
    co_return Next::go_on;
  }
  if (shared_.guard.refuse(connection_.get()->peer_address(), shared_.clock.tick())) {
    answer_iq(iq, fail(Errc::resource_limit, "too many attempts from this address have failed; try again later"));
    co_return Next::go_on;
  }
  auto task = authenticator_->check_password(std::move(login->username), std::move(login->password), "jabber:iq:auth");
  SaslStep step = co_await std::move(task);
  if (step.what != SaslStep::What::success) {
    answer_iq(iq, fail(Errc::not_authorized, "{}", step.text));
    co_return count_attempt();
  }
  auto drained = co_await connection_->drained();
  if (!drained) {
    connection_->abort();
    co_return Next::over;
  }
  hand_over(std::move(*step.login), std::move(login->resource), std::string{iq.attr("id")});
  co_return Next::over;
}

void Negotiation::hand_over(Login login, std::string resource, std::string iq_id, std::unique_ptr<Welcome> welcome) {
  connection_->admitted();
  connection_->limit(std::chrono::seconds{0});
  Arrival arrival;
  arrival.login = std::move(login);
  arrival.host = host_;
  arrival.settings = connection_->websocket() ? shared_.settings() : settings_;
  arrival.resource = std::move(resource);
  arrival.iq_id = std::move(iq_id);
  arrival.lang = lang_;
  arrival.stream_id = stream_id_;
  if (arrival.iq_id.empty() && !welcome) reader_.restart();
  arrival.welcome = std::move(welcome);
  arrival.reader = std::move(reader_);
  arrival.reader.set_limits(settings_->limits);
  if (auto* websocket = connection_->websocket()) {
    auto limits = settings_->websocket.limits;
    limits.message_bytes = settings_->limits.stanza_bytes;
    websocket->set_limits(limits);
  }

  const net::CoreId home = domain::core_of(arrival.login.account.full(), shared_.cores.size());
  auto& services = shared_.home(home);
  arrival.handed = connection_->hand_over(input_);
  auto luggage = std::make_shared<Arrival>(std::move(arrival));
  shared_.cores.post(home, [&services, luggage] { begin_stream(services, std::move(*luggage)); });
}

void Negotiation::send(std::string_view text) { write_element(*connection_, text); }

// Whoever connects and leaves, as those do who look whether a port is open, is no news.
void Negotiation::tls_failed(const Error& error) {
  if (error.code == Errc::closed)
    log::debug("xmpp", "{} left before TLS: {}", connection_->peer(), error.message);
  else
    log::info("xmpp", "TLS with {} failed: {}", connection_->peer(), error.message);
}

void Negotiation::end(const StreamFailure& failure) {
  if (connection_->closed()) return;
  if (!header_sent_) write_header(*connection_, host_, {}, core::random_id());
  log::info("xmpp", "stream with {} ended before login: {} ({})", connection_->peer(), failure.condition, failure.text);
  fail_stream(*connection_, failure);
}

}  // namespace anser::xmpp
