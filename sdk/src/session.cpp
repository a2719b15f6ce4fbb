#include "sdk/src/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <limits>
#include <utility>

#include "anser/address.h"
#include "core/random.h"
#include "sdk/src/stanza_writer.h"
#include "sdk/src/stream_words.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kDiscoInfo = "http://jabber.org/protocol/disco#info";
constexpr std::size_t kFeatures = 10'000;  // of a server; the rest is not looked at

std::uint64_t draw(std::uint64_t most) {
  std::uint64_t number;
  std::memcpy(&number, core::random_bytes(sizeof number).data(), sizeof number);
  return most == std::numeric_limits<std::uint64_t>::max() ? number : number % (most + 1);
}

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

Session::Session(ConnectionConfiguration configuration, std::shared_ptr<LoopState> loop)
    : configuration_(std::move(configuration)),
      loop_(std::move(loop)),
      core_(loop_->core()),
      debug_(configuration_.debugger, &alive_),
      service_(prepare_address(configuration_.service_name).value_or(configuration_.service_name)),
      backoff_(configuration_.reconnection, &draw),
      id_prefix_(core::random_id(10) + "-"),
      requests_(core_.timers(),
                [this](const Requests::Done& done, Error error) { call([&] { done(tl::make_unexpected(error)); }); }),
      limit_([this] {
        give_up({Errc::timeout, fmt::format("no {} in time", limited_)});
      }),
      retry_([this] { start_attempt(); }),
      idle_([this] { look_if_alive(); }),
      confirm_soon_([this] { ask_for_confirmation(); }),
      goodbye_([this] { on_goodbye_late(); }),
      account_manager_(ManagerAccess::make<AccountManager>(*this)),
      roster_(ManagerAccess::make<Roster>(*this)),
      chat_manager_(ManagerAccess::make<ChatManager>(*this)),
      carbon_manager_(ManagerAccess::make<CarbonManager>(*this)),
      archive_manager_(ManagerAccess::make<ArchiveManager>(*this)),
      receipts_(*this, *roster_,
                [this](const std::string& id, const std::string& from) {
                  if (const auto told = deliveries_.delivered(id, from)) call(told);
                }),
      client_info_(*this),
      extensions_{&ManagerAccess::extension(*account_manager_),
                  &ManagerAccess::extension(*carbon_manager_),
                  &ManagerAccess::extension(*archive_manager_),
                  &ManagerAccess::extension(*roster_),
                  &receipts_,
                  &ManagerAccess::extension(*chat_manager_)} {}

Session::~Session() = default;

// --------------------------------------------------------------------------------------------- from any thread

void Session::run(std::function<void()> work) {
  if (on_loop()) {
    if (is_alive()) work();
    return;
  }
  boost::asio::post(core_.io(), [self = shared_from_this(), work = std::move(work)]() mutable {
    if (self->is_alive()) work();
    work = nullptr;  // here, for it may hold the last of something that belongs to this thread
  });
}

void Session::call(const std::function<void()>& application) {
  if (!is_alive()) return;
  try {
    application();
  } catch (...) {
    const auto thrown = std::current_exception();
    debug_.note("a function of the application threw");
    connection_listeners_.tell(*this, [&](const ConnectionListener& listener) {
      try {
        if (listener.failed) listener.failed(thrown);
      } catch (...) {
        debug_.note("and so did the one that was told of it");
      }
    });
  }
}

void Session::connect(Done done) {
  run([this, done = std::move(done)]() mutable {
    if (state_ != State::idle || attempting_) {
      auto refused = [&] { done(fail(Errc::wrong_state, "the connection has been opened already")); };
      return call(refused);
    }
    connect_done_ = std::move(done);
    backoff_ = Backoff{configuration_.reconnection, &draw};
    returning_ = false;
    start_attempt();
  });
}

void Session::login(Credentials credentials, Done done) {
  run([this, credentials = std::move(credentials), done = std::move(done)]() mutable {
    if (state_ != State::connected || login_done_) {
      const bool in = state_ == State::authenticated || state_ == State::logging_in;
      auto refused = [&] {
        done(fail(Errc::wrong_state, "{}", in ? "the connection is logged in already" : "the connection is not open"));
      };
      return call(refused);
    }
    credentials_ = std::move(credentials);
    if (credentials_.resource.empty()) credentials_.resource = configuration_.resource;
    login_done_ = std::move(done);
    begin_login();
  });
}

void Session::disconnect(Presence unavailable, std::function<void()> done) {
  run([this, unavailable = std::move(unavailable), done = std::move(done)]() mutable {
    if (done) disconnect_done_.push_back(std::move(done));
    retry_.disarm();
    if (state_ == State::closing) return;
    if (!attempting_) return finish({Errc::closed, "the connection was closed"}, true);
    const bool logged_in = state_ == State::authenticated;
    enter(State::closing);
    if (!link_ || !logged_in) return give_up({Errc::closed, "the connection was closed"});
    unavailable.set_type(Presence::Type::unavailable);
    if (!unavailable.check()) unavailable = Presence{Presence::Type::unavailable};
    presence_.reset();
    std::string xml;
    append_stanza(xml, unavailable);
    put(std::move(xml), {}, false);
    core_.timers().arm(goodbye_, configuration_.limits.disconnect / 2);
    if (outbox_.size() > 0) ask_for_confirmation();
    look_if_said();
  });
}

void Session::network_changed() {
  run([this] {
    if (state_ == State::waiting) {
      retry_.disarm();
      start_attempt();
    } else if (state_ == State::authenticated) {
      ask_if_alive();
      core_.timers().arm(idle_, configuration_.limits.ping_answer);
    }
  });
}

Session::Facts Session::facts() const {
  const std::lock_guard lock{facts_mutex_};
  return facts_;
}

ListenerId Session::add(ConnectionListener listener) {
  const ListenerId id = ++last_listener_;
  return connection_listeners_.add(id, std::move(listener)) ? id : 0;
}

ListenerId Session::add(StanzaFilter filter, std::function<void(const Stanza&)> listener, bool sending) {
  const ListenerId id = ++last_listener_;
  auto& listeners = sending ? sending_listeners_ : stanza_listeners_;
  return listeners.add(id, {std::move(filter), std::move(listener)}) ? id : 0;
}

void Session::remove(ListenerId id) {
  connection_listeners_.remove(id);
  stanza_listeners_.remove(id);
  sending_listeners_.remove(id);
}

void Session::abandon() {
  alive_ = false;
  auto end = [self = shared_from_this()] {
    self->limit_.disarm();
    self->retry_.disarm();
    self->idle_.disarm();
    self->confirm_soon_.disarm();
    self->goodbye_.disarm();
    self->connect_done_ = self->login_done_ = nullptr;
    self->disconnect_done_.clear();
    self->requests_.take_all();
    self->connection_listeners_.clear();
    self->stanza_listeners_.clear();
    self->sending_listeners_.clear();
    self->give_up({Errc::closed, "the connection was destroyed"});
    self->core_.timers().rest();
    // It may be all that holds the session, and what called us goes on in it.
    boost::asio::post(self->core_.io(), [self]() mutable {
      const auto gone = self->gone_;
      self.reset();  // first: whoever waits destroys the session
      gone->abandon();
    });
  };
  if (on_loop()) return end();
  boost::asio::post(core_.io(), std::move(end));
  if (!loop_->has_thread()) return;
  std::unique_lock lock{gone_->mutex};
  gone_->changed.wait(lock, [this] { return gone_->abandoned && gone_->attempts == 0; });
}

// --------------------------------------------------------------------------------------------- the attempt's ends

void Session::start_attempt() {
  attempting_ = true;
  enter(State::connecting);
  ending_.reset();
  limit_to(configuration_.limits.connect, "stream");
  update_facts();
  gone_->attempt_begins();
  // Posted, because the last attempt may be on the stack still.
  boost::asio::post(core_.io(), [self = shared_from_this()]() mutable {
    auto over = [gone = self->gone_](std::exception_ptr thrown) {
      if (thrown) std::terminate();  // our own fault: an attempt tells its end, whatever happens in it
      gone->attempt_is_over();
    };
    auto token = boost::asio::bind_cancellation_slot(self->cancel_.slot(), std::move(over));
    net::Core& core = self->core_;
    boost::asio::co_spawn(core.io(), attempt(std::move(self)), std::move(token));
  });
}

// Ends the attempt, soon.
void Session::give_up(Error why) {
  if (!attempting_) return;
  if (!ending_) ending_ = std::move(why);
  if (link_) {
    link_->abort();
  } else {
    cancel_.emit(boost::asio::cancellation_type::terminal);
  }
}

void Session::enter(State state) {
  state_ = state;
  public_state_ = state;
}

void Session::limit_to(std::chrono::milliseconds time, std::string_view what) {
  limited_ = what;
  core_.timers().arm(limit_, time);
}

// The attempt is over: sockets are closed, the coroutine is about to return.
void Session::ended(Error why) {
  attempting_ = false;
  negotiated_ = false;
  limit_.disarm();
  idle_.disarm();
  confirm_soon_.disarm();
  goodbye_.disarm();
  deliver_early();  // it counts as handled
  core_.timers().rest();
  confirmation_asked_ = false;
  barrier_.reset();
  stream_closed_ = false;
  if (!is_alive()) {
    outbox_.lose();
    held_.clear();
    requests_.take_all();
    return;
  }
  const bool was_in = state_ == State::authenticated;
  if (was_in) backoff_.session_ended(Backoff::Clock::now());
  const bool closing = state_ == State::closing;
  if (closing || !comes_back(why)) return finish(conflict_.value_or(why), closing);
  // Whatever is called from here on may disconnect, or connect anew.
  enter(State::waiting);
  if (!(managed_ && managed_->terms.resumable)) end_session(why);
  if (was_in) {
    for (Extension* extension : extensions_) {
      if (is_alive() && state_ == State::waiting) extension->on_closed(!managed_);
    }
  }
  if (is_alive() && state_ == State::waiting) wait_and_retry(why);
}

// Whether a new attempt makes sense: not after what will not get better by itself.
bool Session::comes_back(const Error& why) {
  if (!configuration_.reconnection.allowed || !has_credentials_) return false;
  if (login_done_ || connect_done_) return false;  // the application waits for its answer and may try again itself
  if (why.code == Errc::authentication && why.condition != "temporary-auth-failure") return false;
  if (why.code == Errc::insecure || why.code == Errc::invalid_argument) return false;
  // On a bad network an older stream of ours may get to the server late, and take the session from the newer one. The
  // session tells: it can be resumed then, and is gone if somebody else has our place.
  if (conflict_ && negotiation_ && negotiation_->facts().lost) return false;
  if (why.code == Errc::stream && why.condition == "conflict") {
    if (!(managed_ && managed_->terms.resumable)) return false;
    conflict_ = why;
    return true;
  }
  if (why.code == Errc::stream &&
      (why.condition == "not-authorized" || why.condition == "host-unknown" || why.condition == "host-gone"))
    return false;
  return true;
}

void Session::wait_and_retry(const Error& why) {
  const bool first = !returning_;
  returning_ = true;
  const auto after = backoff_.next();
  if (!after) return finish(why, false);
  enter(State::waiting);
  update_facts();
  core_.timers().arm(retry_, *after);
  connection_listeners_.tell(*this, [&](const ConnectionListener& listener) {
    if (first && listener.closed_on_error) listener.closed_on_error(why);
    if (!first && listener.reconnection_failed) listener.reconnection_failed(why);
  });
  if (!is_alive() || state_ != State::waiting) return;
  connection_listeners_.tell(*this, [&](const ConnectionListener& listener) {
    if (listener.reconnecting_in) listener.reconnecting_in(*after);
  });
}

// The server's session will not go on: what it meant is settled.
void Session::end_session(const Error& why) {
  managed_.reset();
  forsake(outbox_.lose(), Delivery::Outcome::unconfirmed, why);
  for (const Requests::Done& done : requests_.take_all()) call([&] { done(tl::make_unexpected(why)); });
}

// Nothing will be tried any more.
void Session::finish(const Error& why, bool by_us) {
  const bool had_stream = state_ != State::idle && state_ != State::connecting;
  const bool was_returning = returning_.exchange(false);
  enter(State::idle);
  Done connect_done = std::exchange(connect_done_, nullptr), login_done = std::exchange(login_done_, nullptr);
  auto disconnect_done = std::exchange(disconnect_done_, {});
  has_credentials_ = was_secure_ = false;
  login_goes_on_ = false;
  conflict_.reset();
  elsewhere_.reset();
  const Error reason = why;
  end_session(reason);
  // What was never written has certainly not arrived.
  std::vector<Outbox::Entry> never;
  held_bytes_ = 0;
  for (Held& held : std::exchange(held_, {})) never.push_back(std::move(held.entry));
  forsake(std::move(never), Delivery::Outcome::failed, reason);
  user_.clear();
  server_features_ = account_features_ = stream_features_ = nullptr;
  stream_facts_ = {};
  negotiation_.reset();
  update_facts();
  if (had_stream || was_returning) {
    for (Extension* extension : extensions_) extension->on_closed(true);
  }
  settle(connect_done, tl::make_unexpected(reason));
  settle(login_done, tl::make_unexpected(reason));
  if (had_stream || was_returning) {
    connection_listeners_.tell(*this, [&](const ConnectionListener& listener) {
      if (by_us && listener.closed) listener.closed();
      if (!by_us && listener.closed_on_error) listener.closed_on_error(reason);
    });
  }
  for (const auto& done : disconnect_done) call(done);
}

void Session::settle(Done& done, Result<void> result) {
  if (!done) return;
  const Done told = std::exchange(done, nullptr);
  call([&] { told(std::move(result)); });
}

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
    put(std::move(xml), {}, false);
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

// --------------------------------------------------------------------------------------------- the goodbye

// The stream ends once the server has confirmed everything, or half the time is over.
void Session::look_if_said() {
  if (state_ != State::closing || stream_closed_ || !link_) return;
  if (managed_ && outbox_.size() > 0) return;
  say_goodbye();
}

void Session::on_goodbye_late() {
  if (stream_closed_) return give_up({Errc::closed, "the server did not say goodbye"});
  core_.timers().arm(goodbye_, configuration_.limits.disconnect / 2);
  say_goodbye();
}

void Session::say_goodbye() {
  stream_closed_ = true;
  write("</stream:stream>");
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
