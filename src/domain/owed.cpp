// Router, the part that remembers what sessions with acknowledgements are owed (XEP-0198): a message that one is given
// keeps its offline reference in the log until every session that was given it has confirmed it or has gone. So what
// nobody confirmed waits, whatever happens to the sessions, the connections or the process; and it is not handed to
// others while somebody holds it. What a restart needs beside that, sessions have noted (session_journal.h).
#include <algorithm>

#include "base/log.h"
#include "domain/delivery.h"
#include "domain/router.h"

namespace anser::domain {

// A temporary account's sessions end with the process, and its messages with them.
bool Router::owes(const Account& account, const Envelope& envelope) const {
  return !account.temporary_ && storable(envelope) &&
         std::any_of(account.sessions_.begin(), account.sessions_.end(),
                     [](const Session* session) { return session->confirms_; });
}

// The sender's other devices get theirs when the message is in the log; is the process dead by then, they still do.
void Router::copies_due(const Account& account, const Session* sender, Envelope& envelope) const {
  for (const Session* other : account.sessions_) {
    if (other != sender && other->carbons_ && other->journal_ != 0) envelope.taken.copies.push_back(other->journal_);
  }
}

// A logged message is being handed over. `waits`: it has the offline reference; `took`: somebody will confirm it.
void Router::settle_owed(Account& account, const Stamp& stamp, bool waits, bool took) {
  if (stamp.sequence == 0 || waits == (took && stamp.owed)) return;
  if (waits) return release(account, {stamp.sequence});
  LogEntry entry;
  entry.kind = RecordKind::offline;
  entry.owner = account.bare_;
  entry.target = stamp.sequence;
  append(account, std::move(entry), 0, false);
}

// `sequences` ascending. Is the log full, they wait for whoever comes next: once too often, which is better than never.
void Router::release(Account& account, std::vector<std::uint64_t> sequences, std::shared_ptr<const SessionNote> note,
                     WorkId work) {
  LogEntry entry;
  entry.kind = RecordKind::released;
  entry.owner = account.bare_;
  entry.sequences = std::move(sequences);
  entry.note = std::move(note);
  append(account, std::move(entry), work, false);
}

bool Router::held_elsewhere(const Account& account, const Session* but, std::uint64_t sequence) const {
  return std::any_of(account.sessions_.begin(), account.sessions_.end(), [&](Session* session) {
    const UnackedQueue* queue = session == but || !session->confirms_ ? nullptr : session->unacked();
    return queue && queue->owes(sequence);
  });
}

// What has been given to sessions and is confirmed by none; to the one that asks, also what it was given of those that
// waited. Another may have that once more, for nobody knows whether the first lives.
std::vector<std::uint64_t> Router::held_by_sessions(const Account& account, const Session* asking) const {
  std::vector<std::uint64_t> held;
  for (Session* session : account.sessions_) {
    const UnackedQueue* queue = session->confirms_ ? session->unacked() : nullptr;
    if (!queue) continue;
    for (const Outgoing& entry : queue->entries()) {
      if (entry.stamp.owed || (entry.stamp.delayed && session == asking)) held.push_back(entry.stamp.sequence);
    }
  }
  std::sort(held.begin(), held.end());
  held.erase(std::unique(held.begin(), held.end()), held.end());
  return held;
}

void Router::acknowledged(Session& session, std::size_t count, std::optional<SessionNote> note) {
  Account* account = session.account_;
  if (!account) return;
  std::vector<std::uint64_t> done;
  for (const Outgoing& entry : session.unacked()->entries().first(count)) {
    const Stamp& stamp = entry.stamp;
    if (!stamp.owed && !stamp.delayed) continue;
    if (stamp.had && session.journal_ != 0) this->note(session, had_over_note(session.journal_, stamp.sequence), 0);
    bool held = false;
    for (Session* other : account->sessions_) {
      if (!stamp.owed || other == &session || !other->confirms_) continue;
      UnackedQueue* queue = other->unacked();
      if (!queue || !queue->mark_had(stamp.sequence)) continue;
      held = true;
      if (other->journal_ != 0) this->note(*other, had_note(other->journal_, stamp.sequence), 0);
    }
    if (!held) done.push_back(stamp.sequence);
  }
  if (done.empty()) {
    if (note) this->note(session, std::move(*note), 0);
    return;
  }
  std::sort(done.begin(), done.end());
  done.erase(std::unique(done.begin(), done.end()), done.end());
  release(*account, std::move(done), note ? std::make_shared<const SessionNote>(std::move(*note)) : nullptr);
}

// ---- notes ----------------------------------------------------------------------------------------------------------

bool Router::note(Session& session, SessionNote note, std::uint64_t mark) {
  if (!session.account_) return false;
  LogEntry entry;
  entry.kind = RecordKind::note;
  entry.owner = session.account_->bare_;
  entry.note = std::make_shared<const SessionNote>(std::move(note));
  return append(*session.account_, std::move(entry), 0, false, mark != 0 ? session.id_ : 0, mark);
}

bool Router::note_state(Session& session, std::string door, std::uint64_t mark) {
  SessionState state;
  state.door = std::move(door);
  state.client = session.client();
  state.carbons = session.carbons_;
  state.interested = session.interested_;
  state.wants_blocklist = session.wants_blocklist_;
  state.reads_archive = session.reads_archive_;
  if (session.presence_) state.presence = *session.presence_;
  state.priority = session.priority_;
  if (session.directed_) state.directed = *session.directed_;
  return note(session, state_note(session.journal_, session.jid_, state), mark);
}

// Its session is over, and its account perhaps no longer in memory.
void Router::forget(std::uint64_t journal, const Jid& owner) {
  LogEntry entry;
  entry.kind = RecordKind::note;
  entry.owner = owner.to_bare();
  entry.note = std::make_shared<const SessionNote>(forget_note(journal));
  const std::uint64_t ticket = next_ticket_;
  if (!log_.append(core_, ticket, std::move(entry))) return;  // a restart will find it, and let it run out
  ++next_ticket_;
  appends_.push_back({ticket, nullptr, 0, false, 0, 0});
}

// ---- after a restart ------------------------------------------------------------------------------------------------

void Router::restore(Session& session, const SavedSession& saved, std::function<void(Result<void>)> done) {
  session.jid_ = saved.jid;
  session.id_ = next_session_++;
  session.confirms_ = true;
  session.journal_ = saved.journal;
  sessions_.emplace(session.id_, &session);
  with_account(saved.jid.to_bare(),
               [this, id = session.id_, state = saved.state, done = std::move(done)](Account& account) {
                 Session* waiting = find_session(id);
                 if (!waiting) return;
                 if (account.present()) {
                   attach_restored(*waiting, account, state);
                   return done({});
                 }
                 close(*waiting);
                 const bool gone = account.standing_ == Account::Standing::missing;
                 done(fail(gone ? Errc::not_found : Errc::storage_failed, "the account is not there"));
               });
}

void Router::attach_restored(Session& session, Account& account, const SessionState& state) {
  for (const Outgoing& entry : session.unacked()->entries()) {
    // What several sessions hold is counted once.
    const bool counts = entry.stamp.owed && !held_elsewhere(account, nullptr, entry.stamp.sequence);
    if (counts && account.offline_count_ > 0) --account.offline_count_;
  }
  touch(account);
  account.sessions_.push_back(&session);
  session.account_ = &account;
  session.opened_at_ = account.copies_;
  session.takes_since_ = account.shared_;
  session.set_client(state.client);
  session.carbons_ = state.carbons;
  session.carbons_since_ = account.copies_;
  session.interested_ = state.interested;
  session.wants_blocklist_ = state.wants_blocklist;
  session.reads_archive_ = state.reads_archive;
  if (state.presence) session.presence_ = std::make_unique<Presence>(*state.presence);
  session.priority_ = state.priority;
  if (!state.directed.empty()) session.directed_ = std::make_unique<std::vector<Jid>>(state.directed);
  ++session_count_;
  account.restored_ = true;
}

// The process died between the commit of a message and the note of who was given it: they are given it now, by the
// rules for what has just come. Whoever opens a session meanwhile is among them.
void Router::hand_over_waiting(Account& account) {
  if (account.offline_count_ == 0 || account.offline_ || !account.any_eligible()) return;
  account.offline_ = std::make_unique<Account::Offline>();
  raise_barrier(account, 0);
  ++account.busy_;
  log_.offline(
      core_, account.bare_, held_by_sessions(account, nullptr), limits_.offline_messages, limits_.offline_page,
      [this, &account](Result<std::vector<LogRecord>> records) {
        --account.busy_;
        account.offline_.reset();
        if (!records) {
          log::error("domain", "the waiting messages of {} could not be read: {}", account.bare_.full(),
                     records.error().message);
          return lift_barrier(account, 0);
        }
        auto& outbox = *account.outbox_;
        auto before =
            std::find_if(outbox.begin(), outbox.end(), [](const auto& held) { return held.barrier && held.work == 0; });
        std::deque<Account::Held> due;
        for (LogRecord& record : *records) {
          if (account.offline_count_ > 0) --account.offline_count_;
          auto target = hosts_.canonical(record.entry.envelope.to);
          if (!target || account.blocks(record.entry.envelope.from)) {
            release(account, {record.sequence});
            continue;
          }
          Account::Held held;
          held.waits = true;
          held.target = std::move(*target);
          held.stamp = Stamp{
              .sequence = record.sequence, .time = record.time, .archived = record.entry.references.recipient_archive};
          held.envelope = std::move(record.entry.envelope);
          due.push_back(std::move(held));
        }
        outbox.insert(before, std::make_move_iterator(due.begin()), std::make_move_iterator(due.end()));
        lift_barrier(account, 0);
        if (!records->empty()) hand_over_waiting(account);
      });
}

// Also presence that was on its way, and requests for a subscription that nobody has answered (RFC 6121 §3.1.3).
void Router::come_back(Session& session) {
  Account* account = session.account_;
  if (!account || !session.available()) return;
  ask_presence(session, *account);
  deliver_requests(session, *account);
}

void Router::recall(const Session& session, std::vector<std::uint64_t> sequences,
                    std::function<void(Result<std::vector<LogRecord>>)> done) {
  log_.fetch(core_, std::move(sequences),
             [this, id = session.id_, done = std::move(done)](Result<std::vector<LogRecord>> records) {
               if (find_session(id)) done(std::move(records));
             });
}

void Router::undelivered(const Session& session, std::vector<Outgoing> absent) {
  std::vector<std::uint64_t> sequences;
  for (const Outgoing& entry : absent) sequences.push_back(entry.stamp.sequence);
  log_.fetch(core_, std::move(sequences),
             [this, from = session.jid_, priority = session.priority_,
              absent = std::move(absent)](Result<std::vector<LogRecord>> records) {
               if (!records) {
                 log::error("domain", "what {} was given could not be read: {}; it waits", from.full(),
                            records.error().message);
                 return;
               }
               auto entry = absent.begin();
               for (LogRecord& record : *records) {
                 while (entry->stamp.sequence != record.sequence) ++entry;  // those before it are gone
                 Stamp stamp = (entry++)->stamp;
                 stamp.time = record.time;
                 give_back(from, priority, std::move(record.entry.envelope), stamp);
               }
             });
}

}  // namespace anser::domain
