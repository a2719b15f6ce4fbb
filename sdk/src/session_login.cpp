#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "anser/address.h"
#include "sdk/src/session.h"
#include "sdk/src/stanza_writer.h"
#include "sdk/src/stream_words.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kDiscoInfo = "http://jabber.org/protocol/disco#info";
constexpr std::size_t kFeatures = 10'000;  // of a server; the rest is not looked at

std::vector<std::string> features_of(const IQ& answer) {
  std::vector<std::string> features;
  const auto query = answer.payload();
  if (!query) return features;
  for (const Element& child : query->children()) {
    if (child.is("feature", kDiscoInfo) && features.size() < kFeatures) features.emplace_back(child.attribute("var"));
  }
  std::sort(features.begin(), features.end());
  return features;
}

bool has(const Features& features, std::string_view feature) {
  return features && std::binary_search(features->begin(), features->end(), feature);
}

std::string stream_feature(std::string_view name, std::string_view ns) { return fmt::format("{} {}", name, ns); }

}  // namespace

// --------------------------------------------------------------------------------------------- login

void Session::on_connected() {
  limit_.disarm();
  enter(State::connected);
  update_facts();
  if (returning_) return begin_login();
  settle(connect_done_, {});
  connection_listeners_.tell(*this, [](const ConnectionListener& listener) {
    if (listener.connected) listener.connected();
  });
}

void Session::begin_login() {
  enter(State::logging_in);
  limit_to(configuration_.limits.login, "login");
  std::optional<Resume> resume;
  if (managed_ && managed_->terms.resumable)
    resume = {managed_->terms.id, managed_->handled, managed_->address, conflict_.has_value()};
  std::string out;
  const Next next = negotiation_->login(credentials_, std::move(resume), out);
  write(out);
  if (next == Next::refused) {
    limit_.disarm();
    enter(State::connected);
    const Error why = negotiation_->error();
    if (returning_) return give_up(why);
    settle(login_done_, tl::make_unexpected(why));
  } else if (next == Next::failed) {
    give_up(negotiation_->error());
  }
}

void Session::on_logged_in() {
  const Negotiated& facts = negotiation_->facts();
  has_credentials_ = true;
  was_secure_ = is_secure();
  credentials_.no_plain = facts.mechanism.starts_with("SCRAM");
  backoff_.session_began(Backoff::Clock::now());
  last_input_ = std::chrono::steady_clock::now();
  if (configuration_.limits.ping_after.count() > 0) core_.timers().arm(idle_, configuration_.limits.ping_after);

  conflict_.reset();
  if (facts.resumed) {
    auto known = outbox_.confirm(facts.handled.value_or(0));
    if (!known) {
      end_session(known.error());  // the next attempt would hear the same
      return give_up(known.error());
    }
    if (login_goes_on_) {  // the connection was lost in the middle of it
      ++login_steps_;      // no answer completes it before we are through here
      update_facts();
      write_again();
      confirmed(std::move(*known));
      return login_step_done(login_);
    }
    enter(State::authenticated);
    update_facts();
    write_again();
    write_held();
    confirmed(std::move(*known));
    if (is_alive()) session_is_ready(true);
    return;
  }

  login_steps_ = 0;
  if (managed_) {
    // What the server still knows of the old session decides what is certain.
    if (facts.handled) {
      if (auto known = outbox_.confirm(*facts.handled)) confirmed(std::move(*known));
      if (!is_alive()) return;
    }
    end_session({Errc::closed, "the session was lost"});
    for (Extension* extension : extensions_) extension->on_closed(true);
    if (!is_alive()) return;
  }
  outbox_.begin();
  user_ = facts.address;
  if (facts.management) managed_ = Managed{*facts.management, facts.address, 0};
  update_facts();

  // Questions, roster and presence go out together: one round trip.
  login_goes_on_ = true;
  login_steps_ = 1;
  const auto login = ++login_;
  learn_features(false);
  if (!local_of(user_).empty()) learn_features(true);
  for (Extension* extension : extensions_) {
    ++login_steps_;
    extension->on_bound([this, login] { login_step_done(login); });
    if (!is_alive()) return;
  }
  if (presence_ || configuration_.send_presence) {
    if (!presence_) presence_.emplace(Presence::Type::available);
    std::string xml;
    append_stanza(xml, *presence_);
    put(xml, {}, false);
  }
  login_step_done(login);
}

void Session::learn_features(bool account) {
  ++login_steps_;
  const std::string to = account ? std::string{bare_of(user_)} : service_;
  request(IQ{IQ::Type::get, Element{"query", kDiscoInfo}, to},
          [this, account, login = login_](Result<IQ> answer) {
            if (answer) (account ? account_features_ : server_features_) = loop_->shared(features_of(*answer));
            login_step_done(login);
          },
          {});
}

void Session::login_step_done(std::uint64_t login) {
  if (login != login_ || login_steps_ == 0 || --login_steps_ > 0) return;
  // The connection may be lost; once the session is resumed the login is completed there.
  if (state_ != State::logging_in || !negotiated_ || !is_alive()) return;
  login_goes_on_ = false;
  limit_.disarm();
  enter(State::authenticated);
  update_facts();
  write_held();
  session_is_ready(false);
}

// The machine and the features as a tree are some kilobytes that an idle connection has no use for.
void Session::keep_negotiated() {
  std::vector<std::string> features;
  for (const xml::Element& feature : negotiation_->features().children())
    features.push_back(stream_feature(feature.local(), feature.ns()));
  std::sort(features.begin(), features.end());
  stream_features_ = loop_->shared(std::move(features));
  stream_facts_ = negotiation_->facts();
  negotiation_.reset();
}

void Session::session_is_ready(bool resumed) {
  limit_.disarm();
  keep_negotiated();
  for (Extension* extension : extensions_) {
    extension->on_session(resumed);
    if (!is_alive()) return;
  }
  const bool again = returning_.exchange(false);
  settle(login_done_, {});
  if (!is_alive()) return;
  connection_listeners_.tell(*this, [&](const ConnectionListener& listener) {
    if (listener.authenticated) listener.authenticated(resumed);
    if (again && listener.reconnected) listener.reconnected();
  });
  deliver_early();
}

void Session::deliver_early() {
  early_bytes_ = 0;
  for (const auto& stanza : std::exchange(early_, {})) {
    if (is_alive()) on_stanza(*stanza);
  }
}

// --------------------------------------------------------------------------------------------- facts

bool Session::is_connected() const { return link_ && state_ != State::connecting && state_ != State::idle; }

bool Session::has_server_feature(std::string_view feature) const { return has(server_features_, feature); }
bool Session::has_account_feature(std::string_view feature) const { return has(account_features_, feature); }
bool Session::has_stream_feature(std::string_view name, std::string_view ns) const {
  if (negotiation_) return negotiation_->has_feature(name, ns);
  return has(stream_features_, stream_feature(name, ns));
}

bool Session::has_bound(std::string_view ns) const { return ns == kCarbonsNs && stream_facts_.carbons; }

void Session::update_facts() {
  Facts facts;
  facts.user = user_;
  facts.host = reached_.host;
  facts.port = reached_.port;
  facts.connected = is_connected();
  facts.authenticated = state_ == State::authenticated;
  facts.anonymous = facts.authenticated && credentials_.kind == Credentials::Kind::anonymous;
  facts.managed = facts.authenticated && managed_.has_value();
  facts.server_features = server_features_;
  const Negotiated& negotiated = negotiation_ ? negotiation_->facts() : stream_facts_;
  facts.stream_id = negotiated.stream_id;
  facts.compressed = negotiated.compressed;
  if (link_ && link_->tls()) {
    const net::TlsFacts& tls = *link_->tls();
    TlsFacts shown;
    shown.version = tls.version();
    shown.cipher = tls.cipher();
    shown.resumed = tls.resumed();
    if (const auto certificate = tls.peer_certificate()) {
      shown.certificate = certificate->der;
      shown.verified = certificate->verified;
    }
    shown.channel_binding = negotiated.binding;
    facts.tls = std::move(shown);
  }
  const std::lock_guard lock{facts_mutex_};
  facts_ = std::move(facts);
}

}  // namespace anser::sdk
