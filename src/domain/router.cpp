#include "domain/router.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "domain/carbons.h"

namespace anser::domain {
namespace {

constexpr unsigned kMaxCores = 64;          // a session notes the cores it has sent to in one word
constexpr std::size_t kRetries = 1 << 18;   // messages that all windows hold together: 4 MB
constexpr std::size_t kLettersAtOnce = 64;  // messages that wait for the turn's end

}  // namespace

Router::Router(CoreId core, unsigned cores, const Hosts& hosts, Storage& storage, MessageLog& log, Post& post,
               const Clock& clock)
    : core_(core),
      cores_(cores),
      hosts_(hosts),
      storage_(storage),
      log_(log),
      post_(post),
      clock_(clock),
      retry_pool_(kRetries) {
  ANSER_ASSERT(cores_ >= 1 && cores_ <= kMaxCores);
  log_.on_appended(core_, [this](Result<std::span<const Appended>> batch) { appended(std::move(batch)); });
}

Router::~Router() = default;

// ---- accounts -------------------------------------------------------------------------------------------------------

Account* Router::find(std::string_view bare) { return accounts_.find(bare); }

Account& Router::summon(const Jid& bare) {
  if (Account* account = find(bare.full())) return *account;
  Account& account = accounts_.find_or_add(bare);
  load(account);
  return account;
}

void Router::load(Account& account) {
  account.standing_ = Account::Standing::loading;
  if (account.retries_ && !account.retries_->waits()) account.retries_.reset();  // of whoever had the name before
  ++account.busy_;
  storage_.run<AccountState>(
      core_, [bare = account.bare_](AccountStore& store) { return store.load_state(bare); },
      [this, &account](Result<AccountState> state) {
        hand_in();  // what waits for the account joins the rest, while it still loads
        if (!state || !state->exists) {
          if (!state) log::error("domain", "{} could not be loaded: {}", account.bare_.full(), state.error().message);
          --account.busy_;
          account.standing_ = state ? Account::Standing::missing : Account::Standing::unknown;
          restore_sessions(account);
          return loaded(account);
        }
        take_state(account, std::move(*state));
        restore_sessions(account);
        auto held = held_by_sessions(account, nullptr);
        log_.count_offline(core_, account.bare_, std::move(held), [this, &account](Result<std::uint64_t> count) {
          hand_in();
          --account.busy_;
          if (!count) {
            log::error("domain", "the waiting messages of {} could not be counted: {}", account.bare_.full(),
                       count.error().message);
          }
          // Sessions of before the process stay, and look for what waits when they can.
          const bool go_on = count || !account.sessions_.empty();
          account.offline_count_ = count ? *count : 1;
          account.standing_ = go_on ? Account::Standing::present : Account::Standing::unknown;
          loaded(account);
        });
      });
}

void Router::take_state(Account& account, AccountState state) {
  account.contacts_ = std::move(state.contacts);
  std::sort(account.contacts_.begin(), account.contacts_.end(),
            [](const ContactState& a, const ContactState& b) { return a.contact.full() < b.contact.full(); });
  account.contacts_.shrink_to_fit();
  account.set_blocked(std::move(state.blocked));
  account.roster_version_ = state.roster_version;
  account.archive_ = state.archive ? std::make_unique<ArchivePreferences>(std::move(*state.archive)) : nullptr;
  account.push_.reset();
  if (state.push.empty()) return;
  account.push_ = std::make_unique<std::vector<PushRegistration>>();
  for (auto& target : state.push) account.push_->emplace_back(std::move(target));
}

void Router::loaded(Account& account) {
  auto callbacks = std::move(account.when_loaded_);
  auto waiting = std::move(account.waiting_);
  ++account.busy_;  // nothing below may evict it
  if (callbacks) {
    for (auto& callback : *callbacks) callback();
  }
  if (account.present() && std::exchange(account.restored_, false)) hand_over_waiting(account);
  if (waiting) {
    for (auto& entry : *waiting) {
      if (account.standing_ == Account::Standing::unknown) {
        // Nothing may be concluded from that: not that the account is missing, nor that a contact has no right.
        if (auto* route = std::get_if<Route>(&entry.mail)) {
          refuse(route->envelope, {}, Errc::resource_limit, "the server is too busy for this; try again later");
        }
        finish(entry.work);
        continue;
      }
      if (auto* route = std::get_if<Route>(&entry.mail)) {
        deliver(account, std::move(route->envelope), route->place(), entry.work);
      } else if (auto* probe = std::get_if<Probe>(&entry.mail)) {
        answer_probe(account, probe->from, {});
        finish(entry.work);
      }
    }
  }
  --account.busy_;
  if (account.standing_ == Account::Standing::unknown && account.busy_ == 0 && account.sessions_.empty()) {
    touch(account);
    accounts_.erase(account);
    return;
  }
  rest(account);
}

void Router::with_account(const Jid& bare, std::function<void(Account&)> then) {
  Account& account = summon(bare);
  if (account.standing_ != Account::Standing::loading) return then(account);
  if (!account.when_loaded_) account.when_loaded_ = std::make_unique<std::vector<std::function<void()>>>();
  account.when_loaded_->push_back([&account, then = std::move(then)] { then(account); });
}

void Router::rest(Account& account) {
  const bool idle = account.sessions_.empty() && account.busy_ == 0 && (!account.outbox_ || account.outbox_->empty());
  if (!idle || account.idle_listed_) return;
  account.idle_listed_ = true;
  account.idle_position_ = idle_.insert(idle_.end(), &account);
  evict();
}

void Router::touch(Account& account) {
  if (!account.idle_listed_) return;
  account.idle_listed_ = false;
  idle_.erase(account.idle_position_);
}

void Router::evict() {
  // The oldest go first; whoever has become busy meanwhile only leaves the list and returns when it rests again.
  while (idle_.size() > limits_.idle_accounts) {
    Account& oldest = *idle_.front();
    touch(oldest);
    if (oldest.busy_ == 0 && oldest.sessions_.empty()) accounts_.erase(oldest);
  }
}

void Router::each_session(const std::function<void(Session&)>& visit) {
  hand_in();
  std::vector<SessionId> ids;
  ids.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  for (const SessionId id : ids) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) visit(*found->second);
  }
}

// ---- sessions -------------------------------------------------------------------------------------------------------

void Router::open(Session& session, Jid full, bool temporary, std::function<void(Result<void>)> done, Tick since) {
  ANSER_ASSERT(home_of(full) == core_);
  const Jid bare = full.to_bare();
  session.jid_ = std::move(full);
  session.id_ = next_session_++;
  sessions_.emplace(session.id_, &session);
  if (temporary && !find(bare.full())) {
    Account& account = accounts_.find_or_add(bare);
    account.standing_ = Account::Standing::present;
    account.temporary_ = true;
  }
  with_account(bare, [this, id = session.id_, since, done = std::move(done)](Account& account) mutable {
    // It may have hung up while the account was being loaded.
    if (Session* waiting = find_session(id)) attach(*waiting, account, since, std::move(done));
  });
}

Session* Router::find_session(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

// A login is worth something until the account changes hands or its password changes, bound or not.
bool Router::changed_since(const Jid& bare, Tick since) const {
  const auto found = changed_.find(bare.full());
  return found != changed_.end() && found->second >= since;
}

void Router::note_change(const Jid& bare) {
  constexpr std::size_t kRemembered = 1024;  // then those that no login can be older than are forgotten
  constexpr std::chrono::hours kLongestLogin{1};
  const Tick now = clock_.tick();
  if (changed_.size() >= kRemembered) {
    std::erase_if(changed_, [&](const auto& entry) { return entry.second + kLongestLogin < now; });
  }
  changed_[bare.full()] = now;
}

void Router::attach(Session& session, Account& account, Tick since, std::function<void(Result<void>)> done) {
  if (account.standing_ == Account::Standing::unknown) {
    return done(fail(Errc::resource_limit, "the server is too busy for this; try again later"));
  }
  if (changed_since(account.bare_, since)) {
    return done(fail(Errc::not_authorized, "the account has changed since this login; log in again"));
  }
  if (!account.present()) return done(fail(Errc::not_found, "the account {} does not exist", account.bare_.full()));
  if (!session.client().empty()) {
    for (Session* old : std::vector<Session*>(account.sessions_.begin(), account.sessions_.end())) {
      if (old->client() != session.client()) continue;
      close(*old);
      old->close(CloseReason::replaced);
    }
  }
  if (Session* old = account.find_session(session.jid_.resource())) {
    if (!limits_.replace_on_conflict) return done(fail(Errc::conflict, "the resource is in use"));
    close(*old);
    old->close(CloseReason::replaced);
  }
  if (account.sessions_.size() >= limits_.sessions_per_account) {
    // One that waits for its lost client makes room, the oldest first.
    const auto lost = std::find_if(account.sessions_.begin(), account.sessions_.end(),
                                   [](const Session* other) { return other->detached(); });
    if (lost != account.sessions_.end()) {
      Session& oldest = **lost;
      close(oldest);
      oldest.close(CloseReason::replaced);
    }
  }
  if (account.sessions_.size() >= limits_.sessions_per_account) {
    return done(fail(Errc::resource_limit, "{} sessions are open already", account.sessions_.size()));
  }
  touch(account);
  account.sessions_.push_back(&session);
  session.account_ = &account;
  session.opened_at_ = account.copies_;
  session.takes_since_ = account.shared_;
  ++session_count_;
  done({});
}

void Router::close(Session& session) {
  if (session.account_) hand_in();  // it has sent some of that, or is given some
  if (session.id_ == 0 || sessions_.erase(session.id_) == 0) return;
  Account* account = session.account_;
  if (!account) return;  // it was never attached

  leave_groups(session);
  if (session.available() || session.directed_) {
    Envelope gone;
    gone.kind = Kind::presence;
    gone.type = Type::unavailable;
    gone.from = session.jid_;
    become_unavailable(session, *account, std::move(gone), false);
  }
  account->sessions_.erase(std::find(account->sessions_.begin(), account->sessions_.end(), &session));
  session.account_ = nullptr;
  count_unconfirmed(*account, session);
  expect_back(*account, session);
  account->sessions_.shrink_to_fit();
  --session_count_;

  if (account->offline_ && account->offline_->session == session.id_) {
    account->offline_.reset();  // not confirmed: they wait for the next session, perhaps one that is here
    hand_out_waiting(*account);
  }
  if (account->temporary_ && account->sessions_.empty() && account->busy_ == 0) {
    accounts_.erase(*account);
    return;
  }
  rest(*account);
}

void Router::fence(Session& session, std::uint64_t number) {
  RetryWindow* retries = session.account_ ? session.account_->retries_.get() : nullptr;
  if (retries && retries->waits()) return retries->wait({session.id_, number});
  fence_now(session, number);
}

void Router::fence_now(Session& session, std::uint64_t number) {
  const std::uint64_t touched = std::exchange(session.touched_, 0);
  session.fences_.push_back({number, 1});  // one for ourselves, so that it cannot pass while letters are being sent
  for (unsigned core = 0; core < cores_; ++core) {
    if (!(touched >> core & 1)) continue;
    if (core == core_) {
      if (works_.idle()) continue;
      session.fences_.back().waiting++;
      fences_.push_back({works_.next(), Fence{core_, session.id_, number}});
    } else {
      session.fences_.back().waiting++;
      post_.send(core_, static_cast<CoreId>(core), Fence{core_, session.id_, number});
    }
  }
  fence_answered(session.id_, number);
}

void Router::fence_arrived(const Fence& fence) {
  if (works_.idle()) {
    post_.send(core_, fence.core, FencePassed{fence.session, fence.number});
  } else {
    fences_.push_back({works_.next(), fence});
  }
}

void Router::fence_answered(SessionId id, std::uint64_t number) {
  if (id == 0) return first_done(number);  // the router's own
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  Session& session = *found->second;
  for (auto& fence : session.fences_) {
    if (fence.number == number) --fence.waiting;
  }
  while (!session.fences_.empty() && session.fences_.front().waiting == 0) {
    const std::uint64_t passed = session.fences_.front().number;
    session.fences_.erase(session.fences_.begin());
    session.fence_passed(passed);
  }
  if (session.fences_.empty()) session.fences_.shrink_to_fit();
}

void Router::finish(WorkId work) {
  if (work == 0) return;
  works_.close(work);
  pass_fences();
}

void Router::pass_fences() {
  // Fences arrive with rising numbers, so those that pass are in front.
  std::size_t passed = 0;
  while (passed < fences_.size() && fences_[passed].below <= works_.low_water()) ++passed;
  if (passed == 0) return;
  const std::vector<PendingFence> ready(fences_.begin(), fences_.begin() + static_cast<std::ptrdiff_t>(passed));
  fences_.erase(fences_.begin(), fences_.begin() + static_cast<std::ptrdiff_t>(passed));
  for (const auto& [below, fence] : ready) {
    if (fence.core == core_ && fence.session != 0) {
      fence_answered(fence.session, fence.number);
    } else {
      post_.send(core_, fence.core, FencePassed{fence.session, fence.number});
    }
  }
}

// ---- routing --------------------------------------------------------------------------------------------------------

void Router::route(Session& session, Envelope envelope) {
  ANSER_ASSERT(session.account_);
  if (!may_publish(session, envelope)) {
    return bounce(envelope, Errc::forbidden, fmt::format("subscribe to {} first", envelope.to.full()));
  }
  RetryWindow* retries = session.account_->retries_.get();
  if (retries && retries->waits()) return retries->wait({session.id_, std::move(envelope)});
  route_now(session.account_, &session, std::move(envelope));
}

void Router::route_now(Account* own, Session* session, Envelope envelope) {
  envelope.facts.temporary_sender = own->temporary_;
  if (!session && envelope.kind == Kind::presence) return;  // everybody has been told that it is gone
  if (envelope.kind != Kind::message) hand_in();            // which it must not overtake

  if (envelope.to.empty()) {
    // RFC 6120 §10.3: handled for the sender's own account.
    if (envelope.kind == Kind::presence) return own_presence(*session, *own, std::move(envelope));
    if (envelope.kind == Kind::iq) return iq_service_->serve(own, session, std::move(envelope));
    envelope.to = own->bare_;
  }
  if (own->sessions_.size() > 1 && copied_to_sender(envelope)) {
    envelope.facts.tell_sender = others_listen(*own, session);
  }

  const std::string* host = hosts_.resolve(envelope.to.domain());
  if (!host) {
    if (hosts_.host_of_groups(envelope.to.domain())) return route_to_group(*own, session, std::move(envelope));
    return refuse(envelope, {}, Errc::remote_not_found, fmt::format("{} is not served here", envelope.to.domain()));
  }
  Jid alias;
  if (*host != envelope.to.domain()) {
    auto real = hosts_.canonical(envelope.to);
    if (!real) return refuse(envelope, {}, Errc::jid_malformed, "the address does not exist at the host's real name");
    alias = std::move(*real);
  }
  const Jid& target = alias.empty() ? envelope.to : alias;
  if (target.bare() == own->bare_.full()) envelope.facts.tell_sender = false;  // to itself by an alias

  if (envelope.kind == Kind::message) {
    // An account that is being removed leaves nothing behind its `forget`: who takes the name next would read it.
    const bool going = own->standing_ == Account::Standing::missing;
    envelope.facts.sender_forgoes = going || !archives(*own, target);
  }
  const bool answer =
      envelope.type == Type::error || envelope.type == Type::result || envelope.type == Type::unavailable;
  if (!answer && own->blocks(target)) {
    return refuse(envelope, {}, Errc::blocked, "you have blocked this address");
  }
  if (envelope.kind == Kind::presence) {
    if (is_subscription(envelope.type)) {
      const Jid contact = target.to_bare();
      return outbound_subscription(*session, *own, std::move(envelope), contact);
    }
    if (envelope.type == Type::available || envelope.type == Type::unavailable) {
      note_directed(*session, *own, envelope, target);
    }
  }
  if (target.has_local()) {
    if (may_come_again(envelope) && sent_before(*own, session, envelope, home_of(target))) return;
    if (envelope.facts.tell_sender) copies_due(*own, session, envelope);
    dispatch(std::move(envelope), std::move(alias), session);
  } else if (envelope.kind == Kind::iq && (envelope.type == Type::get || envelope.type == Type::set)) {
    iq_service_->serve(nullptr, session, std::move(envelope));
  } else if (envelope.kind == Kind::message && envelope.type != Type::error && envelope.type != Type::headline) {
    refuse(envelope, {}, Errc::unavailable, "the server reads no messages");
  }
}

void Router::send(Envelope envelope) {
  const std::string* host = hosts_.resolve(envelope.to.domain());
  if (!host) return;  // only sessions of ours send, so nobody waits for this; groups take it from sessions alone
  Jid alias;
  if (*host != envelope.to.domain()) {
    auto real = hosts_.canonical(envelope.to);
    if (!real) return;
    alias = std::move(*real);
  }
  if (!envelope.to.has_local()) return;
  if (envelope.kind == Kind::presence) touch_core(envelope.from, home_of(alias.empty() ? envelope.to : alias));
  dispatch(std::move(envelope), std::move(alias), nullptr);
}

// What an account's sessions bring about counts as sent by them: their fences wait for it.
void Router::touch_core(const Jid& from, CoreId home) {
  Account* account = find(from.bare());
  if (!account) return;
  for (Session* session : account->sessions_) session->touched_ |= std::uint64_t{1} << home;
}

void Router::bounce(const Envelope& original, Errc code, std::string_view text) {
  if (original.type == Type::error || original.type == Type::result || original.from.empty()) return;
  Envelope reply;
  reply.kind = original.kind;
  reply.type = Type::error;
  reply.from = original.to.empty() ? original.from.to_bare() : original.to;
  reply.to = original.from;
  reply.id = original.id;
  reply.failure = Error{code, std::string{text}};
  reply.facts.conversation = copied_to_sender(original) || copied_to_recipient(original);
  send(std::move(reply));
}

void Router::dispatch(Envelope envelope, Jid alias, Session* session) {
  const Jid& target = alias.empty() ? envelope.to : alias;
  const CoreId home = home_of(target);
  if (session) session->touched_ |= std::uint64_t{1} << home;
  if (home != core_) return post_.send(core_, home, Route{std::move(envelope), std::move(alias)});
  const auto hash = AccountTable::hash_of(target.bare());
  if (!session || envelope.kind != Kind::message || !at_turn_end_) {
    return receive_route(Route{std::move(envelope), std::move(alias)}, hash, 0);
  }
  accounts_.bring_near(hash);
  if (letters_.empty()) at_turn_end_([this] { hand_in(); });
  letters_.push_back({works_.open(), hash, {std::move(envelope), std::move(alias)}});
  if (letters_.size() >= kLettersAtOnce) hand_in();
}

void Router::hand_in() {
  if (letters_.empty()) return;
  std::vector<Letter> batch;
  batch.swap(letters_);
  for (std::size_t at = 0; at < batch.size(); ++at) {
    fetch_ahead(at, batch.size(), [&](std::size_t i) { return std::optional{batch[i].hash}; });
    receive_route(std::move(batch[at].route), batch[at].hash, batch[at].work);
  }
  batch.clear();
  if (letters_.empty()) letters_.swap(batch);  // its memory
}

void Router::receive(Mail mail) {
  std::visit(
      [this](auto&& letter) {
        using Letter = std::decay_t<decltype(letter)>;
        if constexpr (std::is_same_v<Letter, Route>)
          receive_route(std::move(letter), AccountTable::hash_of(letter.place().bare()), 0);
        else if constexpr (std::is_same_v<Letter, Broadcast>)
          receive_broadcast(std::move(letter));
        else if constexpr (std::is_same_v<Letter, Probe>)
          receive_probe(std::move(letter));
        else if constexpr (std::is_same_v<Letter, Fence>)
          fence_arrived(letter);
        else if constexpr (std::is_same_v<Letter, FencePassed>)
          fence_answered(letter.session, letter.number);
        else if constexpr (std::is_same_v<Letter, SentCopy>)
          sent_copy(letter.envelope, Stamp{.sequence = letter.sequence, .time = letter.time});
        else if constexpr (std::is_same_v<Letter, Refused>)
          refused(letter);
        else if constexpr (std::is_same_v<Letter, Publish>)
          publish(std::move(letter));
        else if constexpr (std::is_same_v<Letter, Published>)
          receive_published(letter);
        else if constexpr (std::is_same_v<Letter, Interest>)
          receive_interest(letter);
        else if constexpr (std::is_same_v<Letter, InterestNoted>)
          interest_noted(letter);
        else
          account_changed(letter);
      },
      std::move(mail));
}

void Router::fetch_ahead(std::span<const Mail> batch, std::size_t at) const {
  fetch_ahead(at, batch.size(), [&](std::size_t i) {
    const Route* route = std::get_if<Route>(&batch[i]);
    return route ? std::optional{AccountTable::hash_of(route->place().bare())} : std::nullopt;
  });
}

template <class HashAt>
void Router::fetch_ahead(std::size_t at, std::size_t size, const HashAt& hash_at) const {
  constexpr std::size_t kSlot = 6, kAccount = 4, kSession = 2;  // letters ahead
  const auto for_each_due = [&](std::size_t ahead, const auto& fetch) {
    // The first finds nothing prepared, so it begins with all that are before its own.
    for (std::size_t i = at == 0 ? 0 : at + ahead; i <= at + ahead && i < size; ++i) {
      if (const auto hash = hash_at(i)) fetch(*hash);
    }
  };
  for_each_due(kSlot, [&](AccountTable::Hash hash) { accounts_.bring_near(hash); });
  for_each_due(kAccount, [&](AccountTable::Hash hash) { accounts_.guess(hash); });
  for_each_due(kSession, [&](AccountTable::Hash hash) {
    const Account* account = accounts_.guess(hash);
    if (account && !account->sessions_.empty()) account->sessions_.front()->bring_near();
  });
}

void Router::receive_route(Route&& route, AccountTable::Hash hash, WorkId work) {
  const Jid& target = route.place();
  Account* account = accounts_.find(hash, target.bare());
  if (!account) account = &summon(target.to_bare());
  if (!account->sessions_.empty()) account->sessions_.front()->bring_near();
  touch(*account);
  if (account->standing_ == Account::Standing::loading) {
    if (work == 0) work = works_.open();
    if (!account->waiting_) account->waiting_ = std::make_unique<std::vector<Account::Waiting>>();
    account->waiting_->push_back({work, std::move(route)});
    return;
  }
  deliver(*account, std::move(route.envelope), target, work);
  rest(*account);
}

void Router::deliver(Account& account, Envelope&& envelope, const Jid& target, WorkId work) {
  switch (envelope.kind) {
    case Kind::message:
      return deliver_message(account, std::move(envelope), target, work);
    case Kind::presence:
      return deliver_presence(account, std::move(envelope), target, work);
    case Kind::iq:
      if (account.outbox_ && !account.outbox_->empty()) return hold(account, std::move(envelope), target, {}, work);
      deliver_iq(account, std::move(envelope), target);
      return finish(work);
  }
}

void Router::deliver_iq(Account& account, Envelope&& envelope, const Jid& target) {
  const bool request = envelope.type == Type::get || envelope.type == Type::set;
  const bool own = envelope.from.bare() == account.bare_.full();
  // The server's own refusals come in the name of whoever was written to, blocked or not.
  const bool blocked = !own && !envelope.failure && account.blocks(envelope.from);
  if (blocked && !request) return;  // XEP-0191 §3.3
  if (request && (!account.present() || blocked)) {
    return bounce(envelope, Errc::unavailable, "nobody there answers this");
  }
  if (target.resource().empty() && !envelope.facts.to_any_session) {
    if (!request) return push_answered(account, envelope);
    Session* asking = own ? account.find_session(envelope.from.resource()) : nullptr;
    return iq_service_->serve(&account, asking, std::move(envelope));
  }
  Session* session = target.resource().empty() ? account.likeliest_session() : account.find_session(target.resource());
  if (session) return session->deliver(envelope, {});
  if (request) bounce(envelope, Errc::unavailable, "nobody there answers this");
}

}  // namespace anser::domain
