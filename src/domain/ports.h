// What the domain asks of storage. The stores (src/store: memory, sqlite, later postgres) implement the blocking
// interfaces AccountStore, LogStore and ArchiveStore; `Storage` and `MessageLog` are the faces that the cores see: they
// run the work on storage threads, commit what waits together, and bring the outcome back to the core that asked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/jid.h"
#include "core/password.h"
#include "domain/archive_preferences.h"
#include "domain/archive_query.h"
#include "domain/envelope.h"
#include "domain/login_tokens.h"

namespace anser::domain {

using CoreId = std::uint16_t;

// ---- accounts.db ----------------------------------------------------------------------------------------------------

struct AccountRecord {
  Jid jid;                            // bare
  std::vector<core::ScramKeys> keys;  // one for each hash; never a password
  std::string name, email;
  Time created{};
  bool disabled = false;
};

// The relation to a contact (RFC 6121 §2.1.2.5, Appendix A): eight stored bits of state.
struct Subscription {
  bool to : 1 = false;        // we see the contact's presence
  bool from : 1 = false;      // the contact sees ours
  bool ask : 1 = false;       // we asked and wait ("Pending Out")
  bool asked : 1 = false;     // the contact asked and waits ("Pending In")
  bool approved : 1 = false;  // approved before being asked (§3.4)
  bool listed : 1 = false;    // the item is in the roster that clients see ("None + Pending In" alone is not)

  friend bool operator==(const Subscription&, const Subscription&) = default;
};

struct RosterItem {
  Jid contact;  // bare
  std::string name;
  std::vector<std::string> groups;  // distinct, in the order given
  Subscription subscription;
  std::string request;  // while `asked`: the encoded envelope of the request, shown at every login

  friend bool operator==(const RosterItem&, const RosterItem&) = default;
};

struct ContactState {
  Jid contact;
  Subscription subscription;
};

// Where an account wants news to be told (XEP-0357).
struct PushTarget {
  Jid service;
  std::string node;     // may be empty; service and node name it
  std::string options;  // the form that goes with each notification, in the door's own words; may be empty
  std::string device;   // the resource that asked

  friend bool operator==(const PushTarget&, const PushTarget&) = default;
};

// What an account's actor keeps in memory; names and groups stay in the database.
struct AccountState {
  bool exists = false;
  std::vector<ContactState> contacts;
  std::vector<Jid> blocked;                   // XEP-0191
  std::optional<ArchivePreferences> archive;  // XEP-0441, once the owner has set them
  std::uint64_t roster_version = 0;
  std::vector<PushTarget> push;  // by service and node
};

struct Roster {
  std::uint64_t version = 0;
  std::vector<RosterItem> items;  // listed ones only, by contact
};

struct LastActivity {
  Time at{};
  std::string status;  // of the last unavailable presence
};

// Blocking; one thread calls it at a time. Errors: Errc::not_found, conflict, disk_full, storage_failed,
// resource_limit. A call belongs to the transaction opened with begin(); without one it is its own.
class AccountStore {
 public:
  virtual ~AccountStore() = default;

  virtual Result<void> begin() = 0;
  virtual Result<void> commit() = 0;  // durable when it returns
  virtual void rollback() = 0;
  // Undoes one failed job inside a transaction and leaves its neighbours.
  virtual Result<void> savepoint() = 0;
  virtual void rollback_to_savepoint() = 0;

  virtual Result<void> create_account(const AccountRecord& account) = 0;  // conflict if it is there
  virtual Result<std::optional<AccountRecord>> find_account(const Jid& bare) = 0;
  // For another password: the tokens of the old one end.
  virtual Result<void> set_keys(const Jid& bare, std::span<const core::ScramKeys> keys) = 0;
  virtual Result<void> add_key(const Jid& bare, const core::ScramKeys& key) = 0;  // conflict if it has that hash
  virtual Result<void> set_disabled(const Jid& bare, bool disabled) = 0;
  // And all that it owns in this file, and every right that it has in other rosters: whoever takes the name next has
  // none of them. Items that their owners have listed stay, without a subscription.
  virtual Result<void> remove_account(const Jid& bare) = 0;
  // In order of address, after `after` (empty: from the start), at most `limit`. Keys are left out.
  virtual Result<std::vector<AccountRecord>> list_accounts(std::string_view host, std::string_view after,
                                                           std::size_t limit) = 0;
  virtual Result<std::uint64_t> count_accounts(std::string_view host) = 0;

  // FAST: the tokens of one client, named by a mark of its own. Empty, without an account as well.
  virtual Result<TokenSlots> find_tokens(const Jid& bare, std::string_view client) = 0;
  // Of an account's clients `most` are kept; the one whose newest token is the oldest gives way. Empty: forgets it.
  virtual Result<void> put_tokens(const Jid& bare, std::string_view client, const TokenSlots& tokens,
                                  std::size_t most) = 0;

  virtual Result<AccountState> load_state(const Jid& bare) = 0;
  virtual Result<Roster> load_roster(const Jid& owner) = 0;
  virtual Result<std::optional<RosterItem>> find_roster_item(const Jid& owner, const Jid& contact) = 0;
  // Name and groups of a listed item; state is left alone. Returns the whole item and the roster's new version.
  struct Changed {
    RosterItem item;
    std::uint64_t version;
  };
  virtual Result<Changed> set_roster_entry(const Jid& owner, const Jid& contact, std::string_view name,
                                           std::span<const std::string> groups) = 0;
  // The subscription of a contact; makes the row if there is none, forgets it when nothing is left of it (not listed,
  // not asked, not approved). `request` is kept while `asked`. The version grows only if what clients see changed.
  virtual Result<Changed> set_subscription(const Jid& owner, const Jid& contact, Subscription subscription,
                                           std::string_view request) = 0;
  virtual Result<std::uint64_t> remove_roster_item(const Jid& owner, const Jid& contact) = 0;  // not_found

  virtual Result<void> block(const Jid& owner, std::span<const Jid> who) = 0;    // what is there already stays
  virtual Result<void> unblock(const Jid& owner, std::span<const Jid> who) = 0;  // empty: everybody

  // In place of the one with the same service and node, if there is one.
  virtual Result<void> put_push(const Jid& owner, const PushTarget& target) = 0;
  // Without a node: all of that service. What is not there is gone already.
  virtual Result<void> remove_push(const Jid& owner, const Jid& service, const std::optional<std::string>& node) = 0;
  virtual Result<void> set_archive_preferences(const Jid& owner, const ArchivePreferences& preferences) = 0;

  // Small documents an account owns: vCard, private XML (XEP-0054, 0049). Key: collection and name within it.
  virtual Result<std::optional<std::string>> find_document(const Jid& owner, std::string_view collection,
                                                           std::string_view name) = 0;
  virtual Result<void> put_document(const Jid& owner, std::string_view collection, std::string_view name,
                                    std::string_view bytes) = 0;
  virtual Result<std::uint64_t> documents_size(const Jid& owner) = 0;  // bytes, for the quota

  virtual Result<void> set_last_activity(const Jid& bare, const LastActivity& last) = 0;
  virtual Result<std::optional<LastActivity>> find_last_activity(const Jid& bare) = 0;

  // Settings of this installation that are made once: the server's secrets.
  virtual Result<std::optional<std::string>> find_setting(std::string_view name) = 0;
  virtual Result<void> put_setting(std::string_view name, std::string_view value) = 0;
};

// ---- log.db and archive.db ------------------------------------------------------------------------------------------

// What refers to a record. It dies when no reference is left.
struct References {
  bool sender_archive : 1 = false;     // the sender's archive shows it
  bool recipient_archive : 1 = false;  // the recipient's archive shows it
  bool offline : 1 = false;            // the recipient has yet to get it
  bool outbound : 1 = false;           // owed to another domain

  friend bool operator==(const References&, const References&) = default;
  bool none() const { return !sender_archive && !recipient_archive && !offline && !outbound; }
};

enum class RecordKind : std::uint8_t {
  message,       // an envelope with references
  offline,       // adds the offline reference to `target` (the recipient went away before it was delivered live), if
                 // anything still refers to it
  delivered,     // owner's offline references up to and including `target` are done
  forget,        // the account is gone: its placements and offline references die, its peers' stay
  released = 5,  // owner's offline references to `sequences` are done, each by itself
  note = 6,      // nothing but its note: no record of the log, it takes no sequence
};

// What a restart must know of a session (XEP-0198), as the domain wrote it: bytes under keys of the session's own,
// changed in the transaction of the record that the note came with.
struct SessionNote {
  std::uint64_t session = 0;  // not 0
  std::uint64_t key = 0;      // what stood under it is replaced
  std::string bytes;          // empty: nothing is written
  // First the keys from here through there go. The whole range: the session is forgotten.
  struct Range {
    std::uint64_t from, through;
    friend bool operator==(const Range&, const Range&) = default;
  };
  std::optional<Range> erase = {};
  bool at_sequence = false;                      // the sequence of the record that it comes with is added to the key
  std::shared_ptr<const SessionNote> next = {};  // one more that comes with the same record; sessions may differ

  friend bool operator==(const SessionNote&, const SessionNote&) = default;
};

// One append. Sequence and time are given by the log.
struct LogEntry {
  RecordKind kind = RecordKind::message;
  References references;
  Jid owner;                                  // bare: the account it is about (for a message, its recipient)
  std::uint64_t target = 0;                   // sequence, for `offline` and `delivered`
  Envelope envelope;                          // for `message`
  std::vector<std::uint64_t> sequences{};     // for `released`, ascending
  std::shared_ptr<const SessionNote> note{};  // with any kind; what is read back from the log has none
};

struct LogRecord {
  std::uint64_t sequence = 0;  // 1 and up, in order of commit
  Time time{};                 // monotone in sequence
  LogEntry entry;
};

// log.db: append only. Blocking; one thread at a time.
class LogStore {
 public:
  virtual ~LogStore() = default;
  // All or nothing, durable when it returns. The sequences must follow the last one. Also writes the records' notes;
  // those of kind `note` carry sequence 0 and are not rows of the log.
  virtual Result<void> append(std::span<const LogRecord> records) = 0;
  virtual Result<std::vector<LogRecord>> read(std::uint64_t from, std::size_t limit) = 0;      // sequence >= from
  virtual Result<std::vector<LogRecord>> fetch(std::span<const std::uint64_t> sequences) = 0;  // those that are there
  // Divides the records by time: those at or behind the sequence are not older than `time`, those before it are.
  virtual Result<std::uint64_t> first_since(Time time) = 0;
  virtual Result<std::uint64_t> last_sequence() = 0;  // 0 when empty
  virtual Result<Time> last_time() = 0;
  virtual Result<void> erase(std::span<const std::uint64_t> sequences) = 0;  // no reference is left
  // Writes other content over records that are there; sequence and time stay. What was there before cannot be read from
  // the file any more.
  virtual Result<void> replace(std::span<const LogRecord> records) = 0;
  // All that sessions have noted, by session and key.
  virtual Result<std::vector<SessionNote>> notes() = 0;
};

// The message that bears an id, by whoever of the two in a conversation sent it, in the archive of one of them.
struct Sought {
  Jid owner = {};     // bare
  Jid peer = {};      // bare
  bool sent = false;  // by the owner
  std::string id = {};
  std::uint64_t before = 0;  // older than this
};

// What archives need not keep.
struct Expiry {
  std::optional<Time> before = {};  // older messages go
  std::size_t keep = 0;             // an archive with more goes down to so many, or up to 128 more; 0: no limit
  std::size_t work = 0;             // pieces to look at in one call, at most
};

// archive.db: who has what. Placing is idempotent; the watermark is in the same transaction.
class ArchiveStore {
 public:
  virtual ~ArchiveStore() = default;
  virtual Result<std::uint64_t> watermark() = 0;  // everything up to here is placed
  // Places records in order and moves the watermark to the last one's sequence; those at or below it are skipped.
  // Returns the sequences of records that no reference holds any more, so that the log can erase them. A call says that
  // the dead which were returned before (by `place` or `dead`) are erased; until then they are remembered.
  virtual Result<std::vector<std::uint64_t>> place(std::span<const LogRecord> records) = 0;
  virtual Result<std::vector<std::uint64_t>> dead() = 0;  // remembered from before: to be erased at start
  // The records of the last `place` that take messages back, ascending; remembered until the next one.
  virtual Result<std::vector<std::uint64_t>> retractions() = 0;
  // The newest messages, newest first, that may be what is sought: a hash says so, whoever acts on it compares the ids
  // and, when it is none of these, asks again for what is older. Takes the pieces of the archive it looked at off
  // `work`. None: there is none, or no work is left.
  virtual Result<std::vector<std::uint64_t>> may_bear(const Sought& sought, std::size_t& work) = 0;
  // Takes the oldest messages out of archives; returns and remembers the dead as `place` does. `more`: call again.
  struct Expired {
    std::vector<std::uint64_t> dead;
    bool more = false;
  };
  virtual Result<Expired> expire(const Expiry& expiry) = 0;
  // The owner's waiting messages after `after`, oldest first.
  virtual Result<std::vector<std::uint64_t>> offline(const Jid& owner, std::uint64_t after, std::size_t limit) = 0;
  // Sequences in the owner's archive, in the direction that the range asks for. What it costs depends on how many are
  // returned, not on how many there are.
  virtual Result<std::vector<std::uint64_t>> archived(const ArchiveRange& range) = 0;
};

// ---- what the cores see ---------------------------------------------------------------------------------------------

// Runs work on the thread of accounts.db: in order of submission, many jobs to a commit. `done` runs on the core that
// asked, after the commit (or with the commit's error). Bounded: past `storage.queue` jobs, done gets resource_limit.
class Storage {
 public:
  virtual ~Storage() = default;
  using Work = std::function<Result<void>(AccountStore&)>;  // writes its result into what it captured
  using Done = std::function<void(Result<void>)>;
  virtual void submit(CoreId core, Work work, Done done) = 0;

  // run<Roster>(core, [](AccountStore& s) { return s.load_roster(jid); }, [](Result<Roster> r) {…});
  template <class Value, class WorkFunction, class DoneFunction>
  void run(CoreId core, WorkFunction work, DoneFunction done) {
    auto slot = std::make_shared<std::optional<Value>>();
    submit(
        core,
        [slot, work = std::move(work)](AccountStore& store) -> Result<void> {
          Result<Value> value = work(store);
          if (!value) return pass(value);
          slot->emplace(std::move(*value));
          return {};
        },
        [slot, done = std::move(done)](Result<void> outcome) {
          if (!outcome) return done(Result<Value>{pass(outcome)});
          done(Result<Value>{std::move(**slot)});
        });
  }
};

// Where an append stands: handed back to the core in batches, in order of submission per core.
struct Appended {
  std::uint64_t ticket = 0;    // what the core gave
  std::uint64_t sequence = 0;  // 0: refused, the disk is full (Errc::disk_full); later ones may go. Of a `note`: any
  Time time{};
};

// Messages of an archive, oldest first. `complete`: in the direction asked for there are no more. Otherwise the next
// page begins after `reached`, or before it, backwards; a page may be empty and yet not complete. 0: nothing was looked
// at.
struct ArchivePage {
  std::vector<LogRecord> records;
  bool complete = false;
  std::uint64_t reached = 0;
};

class MessageLog {
 public:
  virtual ~MessageLog() = default;
  // Any core. Never blocks; past the bound of its queue the entry is refused at once (Errc::resource_limit).
  // The outcome comes as one call of the core's `appended` handler for each batch.
  virtual Result<void> append(CoreId core, std::uint64_t ticket, LogEntry entry) = 0;

  using AppendedHandler = std::function<void(Result<std::span<const Appended>>)>;
  // Set once per core at start-up; called on that core. An error means that nothing further may be acknowledged.
  virtual void on_appended(CoreId core, AppendedHandler handler) = 0;

  // The owner's waiting messages, oldest first, including every append that this core submitted before; at most
  // `limit`, and no more once they have `bytes` together.
  // Left out are the sequences of `except`, ascending.
  virtual void offline(CoreId core, const Jid& owner, std::vector<std::uint64_t> except, std::size_t limit,
                       std::size_t bytes, std::function<void(Result<std::vector<LogRecord>>)> done) = 0;
  virtual void count_offline(CoreId core, const Jid& owner, std::vector<std::uint64_t> except,
                             std::function<void(Result<std::uint64_t>)> done) = 0;
  // The records of these sequences that are still there, in their order; what this core appended before included. At
  // most kFetch, and 64 MB of them (Errc::resource_limit).
  static constexpr std::size_t kFetch = 16'384;
  virtual void fetch(CoreId core, std::vector<std::uint64_t> sequences,
                     std::function<void(Result<std::vector<LogRecord>>)> done) = 0;
  // A page of the owner's archive, including every append that this core submitted before. Errc::not_found when the
  // query names what is not there. The work is bounded: a filter that matches little gets a page that is not complete;
  // who goes on does so in a query of its own, so that others come in between.
  virtual void query_archive(CoreId core, ArchiveQuery query, std::function<void(Result<ArchivePage>)> done) = 0;
};

}  // namespace anser::domain
