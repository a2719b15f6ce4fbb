#include <fmt/format.h>

#include <exception>
#include <utility>

#include "anser/address.h"
#include "net/tls_session.h"
#include "sdk/src/session.h"
#include "sdk/src/stanza_reader.h"
#include "sdk/src/stream_words.h"

namespace anser::sdk {
namespace {

constexpr int kReferrals = 3;  // see-other-host in one attempt

TlsState tls_state(const net::TlsFacts& tls) {
  TlsState state;
  state.version = tls.version();
  if (auto exporter = tls.exporter()) state.bindings.emplace("tls-exporter", std::move(*exporter));
  if (auto end_point = tls.server_end_point()) state.bindings.emplace("tls-server-end-point", std::move(*end_point));
  if (auto unique = tls.unique()) state.bindings.emplace("tls-unique", std::move(*unique));
  return state;
}

xml::Limits limits_of(const ConnectionConfiguration& configuration) {
  xml::Limits limits;
  limits.stanza_bytes = configuration.stanza_bytes;
  return limits;
}

// While something of the attempt's is on its stack.
template <class T>
class Lent {
 public:
  Lent(T*& place, T& thing) : place_(place) { place_ = &thing; }
  ~Lent() { place_ = nullptr; }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

 private:
  T*& place_;
};

}  // namespace

net::Task<void> Session::attempt(std::shared_ptr<Session> self) {
  // A cancelled task goes on, and finds out where it waits.
  Error why;
  for (int referrals = 0;; ++referrals) {
    auto living = self->live();
    try {
      why = co_await std::move(living);
    } catch (const std::exception& thrown) {
      // A cancelled task that waits again, or a system without threads or memory.
      why = self->ending_.value_or(Error{Errc::closed, thrown.what()});
    }
    const bool referred = why.code == Errc::stream && self->elsewhere_ && !self->ending_ && referrals < kReferrals;
    if (!referred || self->state_ != State::connecting) break;
  }
  self->ended(std::move(why));
}

// From the look-up to the last byte; why it ended.
net::Task<Error> Session::live() {
  if (ending_) co_return *ending_;
  const bool tls = configuration_.security != SecurityMode::disabled;
  if (!tls && configuration_.direct_tls && !configuration_.host.empty())
    co_return Error{Errc::invalid_argument, "direct TLS is wanted, and security is disabled"};
  if (!tls_client_ && tls) {
    auto making = make_tls();
    auto made = co_await std::move(making);
    if (ending_) co_return *ending_;
    if (!made) co_return made.error();
    tls_client_ = std::move(*made);
  }
  auto until = std::chrono::steady_clock::now() + configuration_.limits.connect;
  auto reaching = reach(*loop_, configuration_, service_, std::exchange(elsewhere_, std::nullopt), until);
  auto opened = co_await std::move(reaching);
  if (ending_) co_return *ending_;
  if (!opened) co_return opened.error();
  reached_ = opened->where;

  net::Connection link{core_, std::move(opened->socket)};
  const Lent lent{link_, link};
  auto conversing = converse(link);
  Error why = co_await std::move(conversing);
  update_facts();
  if (link.tls()) tls_session_ = link.tls_session();
  link.close_after_flush();
  co_return why;
}

net::Task<Result<std::shared_ptr<const net::TlsClient>>> Session::make_tls() {
  auto make = [this] { return tls_client(configuration_.tls, "xmpp-client"); };
  using Made = Result<std::shared_ptr<const net::TlsClient>>;
  auto working = net::run_on(loop_->workers(), std::move(make));
  auto made = co_await std::move(working);
  if (!made) co_return Made{pass_as(Errc::closed, made.error())};
  co_return std::move(*made);
}

net::Task<Error> Session::converse(net::Connection& link) {
  const std::string account{has_credentials_ ? bare_of(user_) : std::string_view{}};
  const auto security = was_secure_ ? std::optional{SecurityMode::required} : std::nullopt;
  negotiation_.emplace(configuration_, account, security);
  asked_.reset();
  link.on_writable([this] { count_waiting(); });
  negotiated_ = false;
  reader_ = xml::StreamReader{};
  std::string out;
  if (reached_.direct_tls) {
    auto carrying = carry_out(Next::start_tls, link, false);
    auto failed = co_await std::move(carrying);
    if (failed) co_return *failed;
  } else {
    const Next started = negotiation_->start(out);
    write(out);
    if (started == Next::failed) co_return negotiation_->error();
  }
  std::string kept;  // input that outlives a wait
  for (;;) {
    auto input = link.take();
    if (!input) {
      auto waiting = link.wait();
      co_await std::move(waiting);
      continue;
    }
    if (!*input) co_return why_it_ended(input->error());
    last_input_ = std::chrono::steady_clock::now();
    std::string_view rest = **input;
    for (;;) {
      const auto event = reader_.next(rest);
      if (event == xml::StreamReader::Event::need_more) break;
      if (state_ != State::connecting && state_ != State::logging_in && state_ != State::connected) {
        auto failed = take(event);
        if (ending_) co_return *ending_;
        if (failed) co_return *failed;
        continue;
      }
      const Next next = feed(event);
      if (ending_) co_return *ending_;
      if (next == Next::wait) continue;
      if (next == Next::start_tls || next == Next::start_compression || next == Next::derive) {
        kept.assign(rest);
        auto carrying = carry_out(next, link, !kept.empty());
        auto failed = co_await std::move(carrying);
        if (ending_) co_return *ending_;
        if (failed) co_return *failed;
        rest = kept;
        continue;
      }
      if (next == Next::restart) {
        reader_.restart();
      } else if (next == Next::connected) {
        on_connected();
      } else if (next == Next::refused) {
        limit_.disarm();
        enter(State::connected);
        const Error why = negotiation_->error();
        if (returning_) co_return why;
        settle(login_done_, tl::make_unexpected(why));
      } else if (next == Next::logged_in) {
        reader_.set_limits(limits_of(configuration_));
        negotiated_ = true;
        on_logged_in();
      } else if (next == Next::deliver) {
        if (auto failed = on_element(reader_.stanza())) co_return *failed;
      } else {
        const Negotiated& facts = negotiation_->facts();
        if (facts.elsewhere && (is_secure() || configuration_.security != SecurityMode::required))
          elsewhere_ = Reached{facts.elsewhere->host,
                               facts.elsewhere->port == 0 ? reached_.port : facts.elsewhere->port, reached_.direct_tls};
        co_return negotiation_->error();
      }
      if (ending_) co_return *ending_;
    }
  }
}

// The stream's end and what breaks it are the negotiation's to judge as long as it lasts.
Next Session::feed(xml::StreamReader::Event event) {
  using Event = xml::StreamReader::Event;
  std::string out;
  Next next = Next::failed;
  switch (event) {
    case Event::header:
      debug_.received(reader_.header());
      next = negotiation_->on_header(reader_.header(), out);
      break;
    case Event::stanza:
      debug_.received(reader_.stanza());
      // Logged in, but the session's own first questions are not answered yet.
      if (negotiated_) return Next::deliver;
      next = negotiation_->on_element(reader_.stanza(), out);
      break;
    case Event::end:
      debug_.received_end();
      next = negotiation_->on_end(out);
      break;
    default:
      give_up({Errc::protocol, fmt::format("the server's XML: {}", reader_.error().message)});
      return Next::failed;
  }
  write(out);
  return next;
}

net::Task<std::optional<Error>> Session::carry_out(Next next, net::Connection& link, bool left_over) {
  std::string out;
  if (left_over && next != Next::derive) {
    negotiation_->on_left_over(out);
    write(out);
    co_return negotiation_->error();
  }
  Next then = Next::failed;
  if (next == Next::start_tls) {
    auto securing = secure(link);
    const auto secured = co_await std::move(securing);
    if (!secured) co_return secured.error();
    then = negotiation_->on_tls(tls_state(*link.tls()), out);
    reader_.restart();
  } else if (next == Next::start_compression) {
    if (const auto started = link.start_compression({}); !started)
      co_return Error{Errc::protocol, started.error().message};
    then = negotiation_->on_compressed(out);
    reader_.restart();
  } else {
    auto work = [derivation = negotiation_->derivation()]() mutable {
      derivation.run();
      return std::move(derivation);
    };
    auto working = net::run_on(loop_->workers(), std::move(work));
    auto derived = co_await std::move(working);
    if (!derived) co_return Error{Errc::closed, derived.error().message};
    then = negotiation_->on_derived(std::move(*derived), out);
  }
  write(out);
  if (then == Next::failed || then == Next::refused) co_return negotiation_->error();
  co_return std::nullopt;
}

net::Task<Result<void>> Session::secure(net::Connection& link) {
  net::TlsLimits limits;
  limits.handshake = std::chrono::ceil<std::chrono::seconds>(configuration_.limits.connect);
  auto shaking = link.connect_tls(tls_client_, limits, service_, tls_session_);
  const auto shaken = co_await std::move(shaking);
  if (shaken) co_return Result<void>{};
  co_return pass_as(Errc::tls, shaken.error());
}

// After the negotiation. An error ends the attempt.
std::optional<Error> Session::take(xml::StreamReader::Event event) {
  using Event = xml::StreamReader::Event;
  switch (event) {
    case Event::stanza: {
      debug_.received(reader_.stanza());
      auto failed = on_element(reader_.stanza());
      if (!is_alive()) return Error{Errc::closed, "the connection was destroyed"};
      return failed;
    }
    case Event::end:
      debug_.received_end();
      if (!stream_closed_) write("</stream:stream>");
      return Error{Errc::closed, "the server closed the stream"};
    case Event::error:
      return Error{Errc::protocol, fmt::format("the server's XML: {}", reader_.error().message)};
    default:
      return Error{Errc::protocol, "the server opened its stream again"};
  }
}

Error Session::why_it_ended(const anser::Error& below) {
  if (ending_) return *ending_;
  switch (below.code) {
    case anser::Errc::timeout:
      return {Errc::timeout, below.message};
    case anser::Errc::policy_violation:
    case anser::Errc::bad_request:
      return {Errc::protocol, below.message};  // zlib's: a bomb, or none at all
    default:
      return {Errc::closed, below.message};
  }
}

}  // namespace anser::sdk
