// A connected resource, as the domain sees it, whatever door it came in by. The door implements the verbs; the fields
// are the domain's own notes about it. A session lives on the core of its account from `Router::open` to
// `Router::close`, and only that core touches it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "domain/envelope.h"
#include "domain/ports.h"

namespace anser::domain {

// Why the domain ends a session; the door says it in its own protocol's words.
enum class CloseReason : std::uint8_t {
  replaced,
  account_removed,
  password_changed,
  too_slow,
  storage_failed,
  shutdown
};

// A message that another device of the account has sent or was given, for the account's other devices (XEP-0280).
enum class Copy : std::uint8_t { none, sent, received };

// What the server adds when it hands a message over.
struct Stamp {
  std::uint64_t sequence = 0;  // in the log; 0 when it is not there
  Time time{};                 // when the log took it
  bool delayed = false;        // it waited: say so (XEP-0203)
  bool archived = false;       // the archive of the receiving account, or of the group it is for, has it there
  bool answer = false;         // to a request of this session alone: nobody else gets it, nothing keeps it
  // It waits in the log until every session that was given it with this mark has confirmed it or has gone.
  bool owed = false;
  bool had = false;  // owed, and another device of the account has confirmed it: nobody else needs it
  // When several sessions were given it: the account's count of such messages. 0: one session alone.
  std::uint64_t shared = 0;
  Copy copy = Copy::none;
  // Which of the account's copied messages it is: devices that had asked for copies by then have one. 0: no copies.
  std::uint64_t copied = 0;
};

// What this process calls a session. Unique per core while the process runs.
using SessionId = std::uint64_t;

// The last presence a resource broadcast (RFC 6121 §4.4): sent again to whoever probes.
struct Presence {
  Bytes inner, id, lang, extra;  // as in the Envelope; most are empty, and it is kept for each session
};

// A message to many sessions, as each of them is given it.
struct Delivery {
  Envelope envelope;
  Stamp stamp;
};

class Account;
class UnackedQueue;
struct Audience;

// A session's place among the subscribers of a group (groups.h).
struct Seat {
  Audience* audience;
  std::size_t place;
};

class Session {
 public:
  virtual ~Session() = default;

  // The verbs below only write or remember; none of them may call the router back before the turn ends.
  virtual void deliver(const Envelope& envelope, const Stamp& stamp) = 0;
  // The same for what many sessions are given, one after the other and in the same order: a door may make its frames
  // once. `batch` is another number each time, on this core.
  virtual void deliver_together(std::span<const Delivery> deliveries, std::uint64_t /*batch*/) {
    for (const auto& [envelope, stamp] : deliveries) deliver(envelope, stamp);
  }
  virtual void push_roster(const RosterItem& item, std::uint64_t version) = 0;
  virtual void push_roster_removal(const Jid& contact, std::uint64_t version) = 0;
  virtual void push_blocking(bool blocked, const std::vector<Jid>& who) = 0;  // empty `who` with false: everybody
  // Asks the client whether it has what was delivered so far; the router's `confirmed` is called when it answers.
  virtual void ask_confirmation(std::uint64_t number) = 0;
  // All that the session sent before `Router::fence(session, number)` has been done, durably where it is due.
  virtual void fence_passed(std::uint64_t number) = 0;
  // A request of this session to its own account or host is being answered; then it has been. For doors that stop
  // reading when too many are.
  // The number that begins a request comes back with its end.
  virtual std::uint64_t request_begun() { return 0; }
  virtual void request_done(std::uint64_t) {}
  virtual void close(CloseReason reason) = 0;
  // Its connection is lost and its client may come back for it (XEP-0198): what is delivered waits.
  virtual bool detached() const { return false; }
  // Somebody is likely to see at once what it is given.
  virtual bool attentive() const { return !detached(); }
  // What its client has not confirmed, if it `confirms`.
  virtual UnackedQueue* unacked() { return nullptr; }
  // What a restart must know of it is another than it was (session_journal.h); or who got directed presence is.
  virtual void state_changed() {}
  virtual void directed_changed() {}
  // What it was given since this was last asked, for its journal; `mark` comes back with `noted`.
  virtual std::optional<SessionNote> given_news(std::uint64_t& /*mark*/) { return std::nullopt; }
  // What Router::note was given with this mark is durable; or there was no room for it.
  virtual void noted(std::uint64_t, bool /*stored*/) {}
  virtual std::string peer() const = 0;  // where it comes from, for people: 192.0.2.1:4711

  // Brings what a delivery touches into the cache, all of it at once: a session that has been silent is not there.
  // Doors keep that within the first kNear bytes.
  void bring_near() const {
    constexpr std::size_t kLine = 64;
    for (std::size_t at = 0; at < kNear; at += kLine) __builtin_prefetch(reinterpret_cast<const char*>(this) + at);
  }
  static constexpr std::size_t kNear = 448;
  // The same for its account, which routing reads for every message it sends.
  void bring_account_near() const;

  const Jid& jid() const { return jid_; }
  SessionId id() const { return id_; }
  // Which installation of a client it is, by a mark that the door has given it; of its earlier sessions nothing is left
  // when this one opens (XEP-0386 §3.2). Empty: unknown.
  // Its client reads the archive for what came while it was away (XEP-0386 §3.2): what waits and stands there is not
  // sent.
  bool reads_archive() const { return reads_archive_; }
  void set_reads_archive() { reads_archive_ = true; }
  std::string_view client() const { return client_ ? std::string_view{*client_} : std::string_view{}; }
  void set_client(std::string_view mark) {
    client_ = mark.empty() ? nullptr : std::make_unique<const std::string>(mark);
  }
  bool available() const { return presence_ != nullptr; }
  const Presence* presence() const { return presence_.get(); }
  bool interested() const { return interested_; }
  void set_interested() {  // asked for the roster (RFC 6121 §2.2)
    if (!std::exchange(interested_, true)) state_changed();
  }
  bool wants_blocklist() const { return wants_blocklist_; }
  void set_wants_blocklist() {  // asked for the block list (XEP-0191 §3.2)
    if (!std::exchange(wants_blocklist_, true)) state_changed();
  }

  // Wants copies of what the account's other devices send and are given (XEP-0280), available or not.
  bool carbons() const { return carbons_; }
  void set_carbons(bool on);
  bool blocks(const Jid& who) const;  // its account does, by now

  // Its client confirms what it is given: the log keeps that until then.
  bool confirms() const { return confirms_; }
  void set_confirms() { confirms_ = true; }
  // Under which number the log keeps what a restart must know of it; 0: nothing is kept.
  std::uint64_t journal() const { return journal_; }
  void set_journal(std::uint64_t number) { journal_ = number; }

 private:
  friend class Router;
  friend class Account;

  // What every message reads comes first, in one cache line.
  Account* account_ = nullptr;          // while attached
  std::unique_ptr<Presence> presence_;  // while available
  std::int8_t priority_ = 0;            // of that presence
  bool interested_ = false;
  bool wants_blocklist_ = false;
  bool reads_archive_ = false;
  bool carbons_ = false;
  bool confirms_ = false;
  SessionId id_ = 0;
  Jid jid_;
  std::unique_ptr<const std::string> client_;
  std::unique_ptr<std::vector<Jid>> directed_;  // who got directed presence (RFC 6121 §4.6), bounded
  std::unique_ptr<std::vector<Seat>> seats_;    // the groups that it is subscribed to; none: no memory
  std::uint64_t opened_at_ = 0;                 // Account::copies_ when it was attached
  std::uint64_t takes_since_ = 0;               // Account::shared_ when it last began to take more
  std::uint64_t carbons_since_ = 0;             // Account::copies_ when it asked for them
  std::uint64_t journal_ = 0;
  std::uint64_t touched_ = 0;  // cores it has sent to since its last fence, a bit each
  struct Fence {
    std::uint64_t number;
    unsigned waiting;  // cores that have not answered yet
  };
  std::vector<Fence> fences_;  // oldest first
};

}  // namespace anser::domain
