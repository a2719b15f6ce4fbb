// The router of one core: it knows every account that lives here and decides who may, where to, and what is stored
// first. Sessions give it stanzas; it answers with calls of Session's verbs, appends to the log, and letters to other
// cores. RFC 6120 §10 and RFC 6121 §3, §4, §8 are its rules. Only its own core calls it. Nothing blocks.
//
// A message that is archived or kept for later is appended to the log first and delivered when the append is durable;
// what arrives for the same account meanwhile waits behind it, so order holds for every pair (RFC 6120 §10.1).
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "domain/account.h"
#include "domain/account_table.h"
#include "domain/completion_ring.h"
#include "domain/delivery.h"
#include "domain/groups.h"
#include "domain/hosts.h"
#include "domain/mail.h"
#include "domain/ports.h"
#include "domain/push.h"
#include "domain/retry_window.h"
#include "domain/session.h"
#include "domain/session_journal.h"
#include "domain/shards.h"
#include "domain/subscription.h"

namespace anser::domain {

// Answers iq stanzas for a host or on behalf of an account (RFC 6121 §8.5.2.1.3). `account` is null for a host;
// `session` is the sender's if the iq came from a session of this core and is about its own account or host.
class IqService {
 public:
  virtual ~IqService() = default;
  virtual void serve(Account* account, Session* session, Envelope iq) = 0;
};

struct RouterLimits {
  std::size_t sessions_per_account = 20;
  std::size_t offline_messages = 1000;      // per account
  std::size_t offline_page = 256 * 1024;    // bytes handed over before the client has to confirm
  std::size_t offline_page_messages = 500;  // the same in messages
  std::size_t roster_items = 1000;
  std::size_t blocked = 1000;
  std::size_t directed_presences = 1000;  // remembered per session; the oldest is forgotten
  std::size_t push_registrations = 10;    // per account
  std::size_t retries = 128;              // messages of an account that are known when they are sent again
  std::size_t idle_accounts = 4096;       // kept loaded on this core without a session
  bool archive = true;
  ArchiveDefault archive_default = ArchiveDefault::always;  // for accounts without preferences
  Duration archive_keeps{};                                 // how long at least; 0: for ever
  bool archive_keeps_all = true;                            // it drops nothing for being too much
  std::size_t archive_rules = 1000;                         // addresses in an account's preferences
  std::size_t groups_per_session = 100;                     // that one session is subscribed to
  std::size_t groups = 10'000;      // that have their home on this core, and as many that have subscribers here
  bool replace_on_conflict = true;  // a new session with a taken resource replaces the old one
};

class Router {
 public:
  Router(CoreId core, unsigned cores, const Hosts& hosts, Storage& storage, MessageLog& log, Post& post,
         const Clock& clock);
  ~Router();

  void set_limits(const RouterLimits& limits) { limits_ = limits; }
  const RouterLimits& limits() const { return limits_; }
  void set_iq_service(IqService& service) { iq_service_ = &service; }

  void set_push_writer(const PushWriter& writer) { push_writer_ = &writer; }
  // Runs an action of the router's when what this core is doing now is done. Without it nothing is kept until then.
  using AtTurnEnd = std::function<void(std::function<void()> action)>;
  void set_at_turn_end(AtTurnEnd at_turn_end) { at_turn_end_ = std::move(at_turn_end); }

  CoreId core() const { return core_; }
  CoreId home_of(const Jid& address) const { return core_of(address.bare(), cores_); }
  const Hosts& hosts() const { return hosts_; }

  // ---- sessions ----
  // `full` lives on this core. `since` is when its login looked the account up: a password change or removal after that
  // makes the login worthless (Errc::not_authorized). Errc::conflict (taken, and replacing is off), resource_limit,
  // not_found (the account has gone), storage_failed. The session must outlive the call of `done`, or be closed before.
  void open(Session& session, Jid full, bool temporary, std::function<void(Result<void>)> done,
            Tick since = Tick::max());
  // Its connection has gone: tells its contacts and forgets it. Harmless if it was never opened. What this turn's
  // messages bring comes first: the session may be given some, be refused its own and see its fences pass meanwhile.
  void close(Session& session);
  // A stanza from a session; `from` is the session's address already. A message may be delivered at the end of the
  // turn.
  void route(Session& session, Envelope envelope);
  // Calls session.fence_passed(number) once everything it has sent so far is done; perhaps at once.
  void fence(Session& session, std::uint64_t number);
  // A stanza was handed to a session that went away before its client had it for sure. A message goes on to other
  // sessions or waits, unless another session has it too; a request is refused. `session` is closed already.
  void undelivered(const Session& session, Envelope envelope, const Stamp& stamp);
  // The client has confirmed what ask_confirmation(number) asked about.
  void confirmed(Session& session, std::uint64_t number);
  // Its client has lost its connection: what waited, and is with it unconfirmed, is for one that is here.
  void detached(Session& session);

  // ---- what sessions with acknowledgements are owed, and what a restart must know of them (owed.cpp) ----
  // The client has the first `count` entries of session.unacked(), which will be forgotten; `note` says the same.
  void acknowledged(Session& session, std::size_t count, std::optional<SessionNote> note);
  // Writes it down; session.noted(mark) is called when it is durable. False: no room, nothing has happened.
  bool note(Session& session, SessionNote note, std::uint64_t mark);
  // What the sessions of its account were given, in one note: a message that several were given is noted for all.
  void note_given(Session& session);
  bool note_state(Session& session, std::string door, std::uint64_t mark);
  bool note_directed_list(Session& session, std::uint64_t mark);
  void forget(std::uint64_t journal, const Jid& owner);
  // All of a core in one turn, before any other opens; then load_restored(). Its queue has been filled already. `done`
  // with not_found: the account is gone; with storage_failed: nobody knows.
  void restore(Session& session, SavedSession saved, std::function<void(Result<void>)> done);
  void load_restored();
  // Its client has come back, for the first time since the restart: what was in no log is asked for again.
  void come_back(Session& session);
  // What the log has of these, in their order. Not called any more if the session closes first.
  void recall(const Session& session, std::vector<std::uint64_t> sequences,
              std::function<void(Result<std::vector<LogRecord>>)> done);
  // As `undelivered`, for entries of which some are absent.
  void undelivered(const Session& session, std::vector<Outgoing> entries);

  // ---- groups (groups.h). `group` is an address that Hosts::group knows ----
  using Done = std::function<void(Result<void>)>;
  // `done` when the group's home knows, so that whatever it takes from then on reaches the session; some of it may have
  // come before. Twice is fine. Not called any more if the session closes first. Errc::not_found (no group's address),
  // resource_limit. Subscriptions end with the session.
  void subscribe(Session& session, const Jid& group, Done done);
  // At once: the session gets nothing from the group any more. Errc::not_found (no group's address).
  void unsubscribe(Session& session, const Jid& group, Done done);

  // Has the account's password changed, or the account gone, since a login began? Then the login is worthless.
  bool changed_since(const Jid& bare, Tick since) const;

  // ---- from the server itself ----
  void send(Envelope envelope);
  void bounce(const Envelope& original, Errc code, std::string_view text);
  void receive(Mail mail);
  // Fetches what the letters behind `at` will touch into the cache, a step of each: they are for accounts that may have
  // been silent for long, and most of what such a message costs is waiting for memory.
  void fetch_ahead(std::span<const Mail> batch, std::size_t at) const;
  // Calls back, perhaps at once, with the account loaded (present or missing).
  void with_account(const Jid& bare, std::function<void(Account&)> then);
  Account* find(std::string_view bare);
  Session* find_session(SessionId id);
  // A page of an archive (ports.h); `done` on this core.
  void query_archive(ArchiveQuery query, std::function<void(Result<ArchivePage>)> done) {
    log_.query_archive(core_, std::move(query), std::move(done));
  }
  std::size_t session_count() const { return session_count_; }
  void each_session(const std::function<void(Session&)>& visit);

  // ---- what iq features change; `done` after the commit. The account is one of this core ----
  void set_roster_entry(Account& account, const Jid& contact, std::string name, std::vector<std::string> groups,
                        Done done);
  void remove_roster_entry(Account& account, const Jid& contact, Done done);
  void block(Account& account, std::vector<Jid> who, Done done);
  void unblock(Account& account, std::vector<Jid> who, Done done);  // empty: everybody
  void enable_push(Account& account, PushTarget target, Done done);
  void disable_push(Account& account, const Jid& service, std::optional<std::string> node, Done done);
  ArchivePreferences archive_preferences(const Account& account) const;
  void set_archive_preferences(Account& account, ArchivePreferences preferences, Done done);
  // Ends subscriptions with all contacts, deletes what the account owns, closes its sessions but `spare`.
  void remove_account(const Jid& bare, SessionId spare, Done done);
  // Closes the account's sessions but `spare` (0: all).
  void end_sessions(const Jid& bare, SessionId spare, CloseReason reason);

 private:
  struct PendingAppend {
    std::uint64_t ticket;
    Account* account;  // null: of a session that is over
    WorkId work;       // to close on commit when there is no held entry
    bool held;
    struct Told {
      SessionId session;
      std::uint64_t mark;
    };
    std::vector<Told> told;  // these hear of it
    Group* group = nullptr;  // it is in that one's outbox, and of no account
  };
  struct Letter {
    WorkId work;
    AccountTable::Hash hash;  // of the account that it is for
    Route route;
  };
  struct PendingFence {
    WorkId below;
    Fence fence;
  };

  // router.cpp
  Account& summon(const Jid& bare);
  void load(Account& account);
  void take_state(Account& account, AccountState state);
  void loaded(Account& account);
  void rest(Account& account);   // lists an account without sessions for eviction
  void touch(Account& account);  // takes it off that list
  void evict();
  void attach(Session& session, Account& account, Tick since, std::function<void(Result<void>)> done);
  void note_change(const Jid& bare);
  void route_now(Account* own, Session* session, Envelope envelope);  // without a session: it has gone since
  void fence_now(Session& session, std::uint64_t number);
  void dispatch(Envelope envelope, Jid alias, Session* session);
  void touch_core(const Jid& from, CoreId home);
  void hand_in();
  template <class HashAt>
  void fetch_ahead(std::size_t at, std::size_t size, const HashAt& hash_at) const;
  // Here and below `target` may be envelope.to itself.
  void receive_route(Route&& route, AccountTable::Hash hash, WorkId work);
  void deliver(Account& account, Envelope&& envelope, const Jid& target, WorkId work);
  void deliver_iq(Account& account, Envelope&& envelope, const Jid& target);
  void finish(WorkId work);
  void pass_fences();
  void fence_arrived(const Fence& fence);
  void fence_answered(SessionId session, std::uint64_t number);

  // account_changes.cpp
  void end_directed(Session& session, const std::function<bool(const Jid&)>& ends);
  void refresh(Account& account);  // after a failed change: what is stored is what holds
  void tell_contacts_of_removal(Account& account);
  void forget_removed(const Jid& gone);
  void account_changed(const AccountChanged& changed);

  // messages.cpp; what has waited: waiting.cpp
  Fate fate(const Account& account, const Envelope& envelope, const Jid& target, bool has_turn) const;
  References references(const Account& account, const Envelope& envelope, Fate fate) const;
  References references(const Account& account, const Account::Held& held, Fate fate) const;
  bool archives(const Account& account, const Jid& peer) const;
  void deliver_message(Account& account, Envelope&& envelope, const Jid& target, WorkId work);
  void hand_over(Account& account, const Envelope& envelope, const Jid& target, Fate fate, const Stamp& stamp,
                 bool waits = false);
  void hold(Account& account, Envelope&& envelope, const Jid& target, References references, WorkId work,
            bool kept = false);
  bool append(Account& account, LogEntry entry, WorkId work, bool held, std::vector<PendingAppend::Told> told = {});
  void tell_of_refusal(const Jid& owner, const Error& error);
  bool append_held(Account& account, Account::Held& held, RecordKind kind);
  void append_undecided(Account& account);
  void note_appended(const PendingAppend& pending, bool stored);
  bool flush_message(Account& account, Account::Held& held);
  void appended(Result<std::span<const Appended>> batch);
  void refused_append(const PendingAppend& pending);
  void flush(Account& account);
  // Nothing for the account passes while it stands; 0 is the fetch of waiting messages, else a work of this core.
  void raise_barrier(Account& account, WorkId work);
  void lift_barrier(Account& account, WorkId work);
  void hand_out_waiting(Account& account);
  void cannot_read(Account& account, const Error& error);
  void fetch_offline(Account& account, Session& session);
  bool stands_in_archive(const LogRecord& record) const;
  void offline_fetched(Account& account, SessionId session, Result<std::vector<LogRecord>> records);

  // owed.cpp
  bool owes(const Account& account, const Envelope& envelope) const;
  void copies_due(const Account& account, const Session* sender, Envelope& envelope) const;
  bool settle_owed(Account& account, const Envelope& envelope, const Stamp& stamp, bool waits, bool took);
  void release(Account& account, std::vector<std::uint64_t> sequences,
               std::shared_ptr<const SessionNote> note = nullptr, WorkId work = 0);
  bool held_elsewhere(const Account& account, const Session* but, std::uint64_t sequence) const;
  std::vector<std::uint64_t> held_by_sessions(const Account& account, const Session* asking) const;
  std::vector<std::uint64_t> on_their_way(const Account& account, const Session* asking,
                                          bool behind_barriers = false) const;
  static Stamp owed_to(const Session& session, Stamp stamp);
  static void count_waiting(Account& account);
  void count_unconfirmed(Account& account, Session& session);
  void expect_back(Account& account, Session& session);
  void came_back(Account& account, std::uint64_t sequence);
  void restore_sessions(Account& account);
  void attach_restored(Session& session, Account& account, const SessionState& state);
  void hand_over_waiting(Account& account);
  void read_waiting(Account& account);
  std::vector<std::uint64_t> handed_over(const Account& account) const;
  void forget_now(std::uint64_t journal, const Jid& owner);
  void give_back_all(const Jid& from, std::int8_t priority, std::vector<Outgoing> entries,
                     std::vector<LogRecord> waiting);

  // retries.cpp
  bool sent_before(Account& account, Session* session, Envelope& envelope, CoreId home, const Jid& group = {});
  struct Recall;
  void recall(Account& account, std::shared_ptr<Recall> recall);
  void recalled(Account& account, const Recall& recall);
  void recall_failed(Account& account);
  void await_first(Account& account, CoreId home);
  void first_done(std::uint64_t number);
  void go_on(Account& account);
  void forget_sent(const Envelope& envelope);
  void refused(const Refused& refused);

  // groups.cpp
  void leave_groups(Session& session);
  void leave(Session& session, Seat& seat);
  void give_up(Session& session, Seat& seat);
  void drop_if_empty(Audience& audience);
  void tell_home(const Jid& group, bool wanted);
  void interest_noted(const InterestNoted& letter);
  bool may_publish(const Session& session, const Envelope& envelope) const;
  void route_to_group(Account& own, Session* session, Envelope envelope);
  void refuse_at_groups(Envelope envelope);
  Group* open_group(const Jid& address);
  void close_if_idle(const Group& group);
  void receive_interest(const Interest& letter);
  void publish(Publish letter);
  bool append_published(Group& group, const Envelope& envelope, WorkId work);
  void published_appended(Group& group, const Appended& done);
  void hand_on(const Group& group, const Envelope& envelope, const Stamp& stamp);
  void receive_published(const Published& letter);
  void hand_out(const Jid& group, const Envelope& envelope, const Stamp& stamp);
  void hand_out_due(Audience& audience);

  // copies.cpp
  bool others_listen(const Account& account, const Session* session) const;
  void copy_to_others(Account& account, const Envelope& envelope, const Stamp& stamp,
                      const std::function<bool(const Session&)>& given);
  void copy_of_kept(Account& account, const Envelope& envelope, const Stamp& stamp);
  void copy_of_ignored(Account& account, const Envelope& envelope, const Jid& target);
  void tell_sender(Envelope& envelope, const Stamp& stamp);
  void sent_copy(const Envelope& envelope, const Stamp& stamp);
  void refuse(Envelope& envelope, const Stamp& stamp, Errc code, std::string_view text);

  // push.cpp
  void change_push(Account& account, Storage::Work work, Done done);
  void push_kept(Account& account, const Envelope& message);
  void push_handed(Account& account, const Envelope& message, const std::function<bool(const Session&)>& took);
  void publish(Account& account, PushRegistration& push);
  void push_answered(Account& account, const Envelope& answer);

  struct GivenBack {
    Jid from;  // the session that is gone
    std::int8_t priority;
    Jid target;
    Envelope envelope;
    Stamp stamp;
  };
  void give_back(const Jid& from, std::int8_t priority, Envelope envelope, const Stamp& stamp);
  void take_back(Account& account, GivenBack given);
  static void put_in_front(Account& account, Account::Held held);

  // presence.cpp
  void own_presence(Session& session, Account& account, Envelope presence);
  void ask_presence(Session& session, Account& account);
  void become_unavailable(Session& session, Account& account, Envelope presence, bool to_itself);
  void note_directed(Session& session, Account& account, const Envelope& presence, const Jid& target);
  Envelope presence_of(const Session& session) const;
  void broadcast(Account& account, const Envelope& presence);
  void broadcast_to(const Account& account, const Envelope& presence, std::vector<Jid> contacts);
  void receive_broadcast(Broadcast broadcast);
  void receive_probe(Probe probe);
  void answer_probe(Account& account, const Jid& from, std::string_view resource);
  void deliver_presence(Account& account, Envelope&& envelope, const Jid& target, WorkId work);
  void deliver_to_available(Account& account, const Envelope& presence);
  void outbound_subscription(Session& session, Account& account, Envelope presence, const Jid& contact);
  void inbound_subscription(Account& account, Envelope presence, WorkId work);
  void store_subscription(Account& account, const Jid& contact, const SubscriptionChange& change, std::string request,
                          std::function<void(bool stored)> then);
  void show_presence_to(Account& account, const Jid& contact, bool available);
  void deliver_requests(Session& session, Account& account);

  const CoreId core_;
  const unsigned cores_;
  const Hosts& hosts_;
  Storage& storage_;
  MessageLog& log_;
  Post& post_;
  const Clock& clock_;
  RouterLimits limits_;
  IqService* iq_service_ = nullptr;
  const PushWriter* push_writer_ = nullptr;
  AtTurnEnd at_turn_end_;
  std::uint64_t batches_ = 0;  // handed out to groups

  RetryPool retry_pool_;
  AccountTable accounts_;     // their windows are in the pool
  std::list<Account*> idle_;  // without sessions, longest first
  std::unordered_map<SessionId, Session*> sessions_;
  SessionId next_session_ = 1;
  std::size_t session_count_ = 0;

  struct Restoring {
    SessionId id;
    SavedSession saved;
    std::function<void(Result<void>)> done;
  };
  std::deque<std::pair<Tick, std::uint64_t>> forgotten_;               // journals, oldest first
  std::unordered_map<std::string, std::vector<Restoring>> restoring_;  // by account, until that is loaded

  std::uint64_t next_ticket_ = 1;
  std::uint64_t next_push_ = 1;
  std::optional<Tick> told_of_refusal_;
  std::deque<PendingAppend> appends_;                                                  // in order of ticket
  std::unordered_map<std::uint64_t, std::function<void(bool stored)>> when_appended_;  // by ticket; rarely any
  std::unordered_map<Jid, Group> groups_;                                              // whose home is here
  std::unordered_map<Jid, Audience> audiences_;    // of whatever groups; sessions point into it
  std::unordered_map<std::string, Tick> changed_;  // passwords and removals of late: logins begun before are worthless
  CompletionRing works_;
  std::vector<PendingFence> fences_;
  // Messages of this core's sessions for its accounts, until the turn's end: like letters from other cores they are
  // handed in together, so that what they touch is fetched ahead. Nothing else that their senders send overtakes them;
  // fences wait as for any work.
  std::vector<Letter> letters_;
  struct Awaited {
    Account* account;
    CoreId home;
  };
  std::unordered_map<std::uint64_t, Awaited> awaited_;  // by number of the fence; rarely any
  std::uint64_t next_awaited_ = 1;
};

}  // namespace anser::domain
