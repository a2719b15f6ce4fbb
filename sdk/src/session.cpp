#include "sdk/src/session.h"

#include <fmt/format.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "anser/address.h"
#include "core/random.h"
#include "sdk/src/stanza_writer.h"
#include "sdk/src/stream_words.h"

namespace anser::sdk {
Session::Session(ConnectionConfiguration configuration, std::shared_ptr<LoopState> loop)
    : configuration_(std::move(configuration)),
      loop_(std::move(loop)),
      core_(loop_->core()),
      debug_(configuration_.debugger, &alive_),
      service_(prepare_address(configuration_.service_name).value_or(configuration_.service_name)),
      backoff_(configuration_.reconnection, &draw_uniform),
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
      file_transfers_(ManagerAccess::make<FileTransfers>(*this)),
      receipts_(*this, *roster_,
                [this](const std::string& id, const std::string& from) {
                  if (const auto told = deliveries_.delivered(id, from)) call(told);
                }),
      client_info_(*this),
      extensions_{&ManagerAccess::extension(*account_manager_), &ManagerAccess::extension(*carbon_manager_),
                  &ManagerAccess::extension(*archive_manager_), &ManagerAccess::extension(*file_transfers_),
                  &ManagerAccess::extension(*roster_),          &receipts_,
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
    backoff_ = Backoff{configuration_.reconnection, &draw_uniform};
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
    put(xml, {}, false);
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
    ManagerAccess::cancel_all(*self->file_transfers_);
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
  gone_->wait();
}

// --------------------------------------------------------------------------------------------- the attempt's ends

void Session::start(net::Task<void> task, boost::asio::cancellation_slot slot) {
  gone_->attempt_begins();
  auto over = [gone = gone_](std::exception_ptr thrown) {
    if (thrown) std::terminate();  // our own fault: a transfer tells its end, whatever happens in it
    gone->attempt_is_over();
  };
  auto token = boost::asio::bind_cancellation_slot(slot, std::move(over));
  // Posted, so that nothing of it runs within this call.
  boost::asio::post(core_.io(), [&core = core_, task = std::move(task), token = std::move(token)]() mutable {
    boost::asio::co_spawn(core.io(), std::move(task), std::move(token));
  });
}

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

}  // namespace anser::sdk
