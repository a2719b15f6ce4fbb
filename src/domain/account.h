// One account in memory on the core it belongs to: its sessions, what its roster says about each contact, whom it
// blocks, and what is on its way to it. State only; the router acts on it. Loaded when somebody needs it, dropped again
// some time after the last session has gone. Names and groups of contacts stay in the database.
#pragma once

#include <boost/container/small_vector.hpp>
#include <deque>
#include <list>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "domain/completion_ring.h"
#include "domain/mail.h"
#include "domain/ports.h"
#include "domain/push.h"
#include "domain/retry_window.h"
#include "domain/session.h"

namespace anser::domain {

class alignas(64) Account {
 public:
  enum class Standing : std::uint8_t {
    loading,
    present,
    missing,
    unknown  // storage did not say: whoever asked is told to try again, and the object goes
  };

  explicit Account(Jid bare) : bare_(std::move(bare)) {}

  // Brings what every message reads into the cache.
  void bring_near() const {
    __builtin_prefetch(this);
    __builtin_prefetch(&bare_);
  }
  const Jid& bare() const { return bare_; }
  Standing standing() const { return standing_; }
  bool present() const { return standing_ == Standing::present; }
  bool temporary() const { return temporary_; }  // SASL ANONYMOUS: in memory only
  std::span<Session* const> sessions() const { return sessions_; }
  std::uint64_t roster_version() const { return roster_version_; }
  std::uint64_t waiting_messages() const { return offline_count_; }

  Session* find_session(std::string_view resource) const;
  Session* find_session(SessionId id) const;
  Session* likeliest_session() const;  // to answer for the account: available, then by priority; null without any
  bool any_available() const;
  // May be sent messages addressed to the account: available with a priority that is not negative (RFC 6121
  // §8.5.2.1.1).
  static bool eligible(const Session& session) { return session.presence_ && session.priority_ >= 0; }
  bool any_eligible() const;

  const std::vector<ContactState>& contacts() const { return contacts_; }
  Subscription subscription(std::string_view contact) const;  // all false when unknown
  void set_subscription(const Jid& contact, Subscription subscription);
  void forget_contact(std::string_view contact);

  std::span<const Jid> blocked() const { return blocked_ ? std::span<const Jid>{*blocked_} : std::span<const Jid>{}; }
  // XEP-0191 §3.1: a full address, a bare one, a domain with resource, or a domain blocks what it matches.
  bool blocks(const Jid& who) const;
  // Null: what the server's default says.
  const ArchivePreferences* archive_preferences() const { return archive_.get(); }
  std::size_t listed_contacts() const;   // what the owner has put into the roster
  std::size_t waiting_requests() const;  // what strangers have

 private:
  friend class Router;
  friend class Session;

  // What is on its way to the account, in order. It leaves once it is durable, where that is due.
  struct Held {
    // It waits without being in the log, and may have to go there when its turn comes. Nothing that comes after it may
    // be appended before it, or the log would tell another order than the sessions saw.
    bool undecided() const;

    std::uint64_t ticket = 0;  // of its append; 0 when none is due
    bool durable = true;
    bool kept = false;        // for whoever comes: it counts as waiting
    bool waits = false;       // it has the offline reference in the log
    bool tried = false;       // the log refused to note that it waits: whoever is there is given it all the same
    bool given_back = false;  // by a session that has ended
    bool again = false;       // it was in the log before: the archives have it, or shall not
    bool barrier = false;     // something is being read or stored that nothing may overtake; `work` says what
    References references;
    WorkId work = 0;
    Stamp stamp;
    Jid target;
    Envelope envelope;
  };
  struct Waiting {  // arrived while loading
    WorkId work;
    Mail mail;
  };
  struct Offline {  // handed to a session and not confirmed yet
    SessionId session = 0;
    std::uint64_t through = 0;  // sequence; 0 while being fetched
    std::uint64_t count = 0;
    std::uint64_t known = 0;               // offline_count_ when it was asked for
    bool more = false;                     // wait behind these: what comes now is stored behind them
    std::vector<std::uint64_t> sequences;  // of them; but for those that the session owes a confirmation for itself
  };

  void set_blocked(std::vector<Jid> rules) {
    blocked_ = rules.empty() ? nullptr : std::make_unique<const std::vector<Jid>>(std::move(rules));
  }

  // What every message reads comes first, in two cache lines.
  Standing standing_ = Standing::loading;
  bool temporary_ = false;
  bool idle_listed_ = false;
  bool unread_ = false;                                   // what waits could not be read: somebody tries again
  std::uint32_t busy_ = 0;                                // storage jobs and appends that will come back to this object
  boost::container::small_vector<Session*, 1> sessions_;  // most accounts have one
  std::unique_ptr<std::deque<Held>> outbox_;
  std::unique_ptr<const std::vector<Jid>> blocked_;  // null: nobody
  std::unique_ptr<RetryWindow> retries_;             // none until a message with an origin-id is sent

  Jid bare_;
  std::unique_ptr<Offline> offline_;
  std::unique_ptr<std::vector<PushRegistration>> push_;  // none: nobody wants to be told
  std::unique_ptr<ArchivePreferences> archive_;

  bool restored_ = false;        // has sessions of before this process, and may have messages for them
  bool flush_due_ = false;       // in the batch of appends that is being taken in
  std::uint32_t undecided_ = 0;  // in the outbox
  std::size_t appended_at_ = 0;  // where in the outbox the next append of this batch is looked for
  std::list<Account*>::iterator idle_position_;
  std::uint64_t roster_version_ = 0;
  std::uint64_t offline_count_ = 0;     // wait for whoever comes; those that sessions owe do not count
  std::uint64_t shared_ = 0;            // messages that several devices were given
  std::uint64_t copies_ = 0;            // messages that went to several devices as copies
  std::vector<ContactState> contacts_;  // by address
  std::unique_ptr<std::vector<Waiting>> waiting_;
  std::unique_ptr<std::vector<std::function<void()>>> when_loaded_;
  // Owed by sessions that have ended, and not given back yet; while there are any, `busy_` counts them as one.
  std::unique_ptr<std::multiset<std::uint64_t>> expected_back_;
};

}  // namespace anser::domain
