// Router, the part that remembers what sessions with acknowledgements are owed (XEP-0198): a message that one is given
// keeps its offline reference in the log until every session that was given it has confirmed it or has gone. So what
// nobody confirmed waits, whatever happens to the sessions, the connections or the process; and it is not handed to
// others while somebody holds it. What a restart needs beside that, sessions have noted (session_journal.h).
#include <algorithm>
#include <limits>
#include <set>

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
    if (other != sender && other->jid_ != envelope.from && other->carbons_ && other->journal_ != 0)
      envelope.taken.copies.push_back(other->journal_);
  }
}

// A logged message is being handed over. `waits`: it has the offline reference; `took`: somebody will confirm it. True:
// from here on it is owed.
bool Router::settle_owed(Account& account, const Envelope& envelope, const Stamp& stamp, bool waits, bool took) {
  if (stamp.sequence == 0) return false;
  const bool owed = took && owes(account, envelope);
  if (waits == owed) return owed;
  if (waits) {
    release(account, {stamp.sequence});
    return false;
  }
  LogEntry entry;
  entry.kind = RecordKind::offline;
  entry.owner = account.bare_;
  entry.target = stamp.sequence;
  return append(account, std::move(entry), 0, false);
}

// Who does not confirm is owed nothing: what it gives back waits no more than what was never logged.
Stamp Router::owed_to(const Session& session, Stamp stamp) {
  stamp.owed = stamp.owed && session.confirms_;
  return stamp;
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
  if (account.expected_back_) held.assign(account.expected_back_->begin(), account.expected_back_->end());
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

// And what is in the outbox, or of that only what is behind a barrier: its turn comes soon.
std::vector<std::uint64_t> Router::on_their_way(const Account& account, const Session* asking,
                                                bool behind_barriers) const {
  std::vector<std::uint64_t> found = held_by_sessions(account, asking);
  if (account.outbox_) {
    bool counts = !behind_barriers;
    for (const auto& held : *account.outbox_) {
      counts = counts || held.barrier;
      if (counts && held.waits && !held.kept && held.stamp.sequence != 0) found.push_back(held.stamp.sequence);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// A session has ended, and gives back at the end of the turn, or later, what it owes.
void Router::expect_back(Account& account, Session& session) {
  const UnackedQueue* queue = session.confirms_ ? session.unacked() : nullptr;
  if (!queue) return;
  for (const Outgoing& entry : queue->entries()) {
    if (!entry.stamp.owed) continue;
    if (!account.expected_back_) {
      account.expected_back_ = std::make_unique<std::multiset<std::uint64_t>>();
      ++account.busy_;
    }
    account.expected_back_->insert(entry.stamp.sequence);
  }
}

// And of a page it has not confirmed all: that waits on, even if it was passed over since as what this one had.
void Router::count_unconfirmed(Account& account, Session& session) {
  const UnackedQueue* queue = session.confirms_ ? session.unacked() : nullptr;
  if (!queue) return;
  const auto still = std::ranges::count_if(queue->entries(), [](const Outgoing& entry) {
    return entry.stamp.delayed && !entry.stamp.owed && !entry.stamp.had;
  });
  account.offline_count_ = std::max(account.offline_count_, static_cast<std::uint64_t>(still));
}

void Router::came_back(Account& account, std::uint64_t sequence) {
  if (!account.expected_back_) return;
  auto& expected = *account.expected_back_;
  if (const auto found = expected.find(sequence); found != expected.end()) expected.erase(found);
  if (!expected.empty()) return;
  account.expected_back_.reset();
  --account.busy_;
}

void Router::acknowledged(Session& session, std::size_t count, std::optional<SessionNote> note) {
  Account* account = session.account_;
  if (!account) return;
  std::vector<std::uint64_t> done;
  std::vector<SessionNote> notes;
  for (const Outgoing& entry : session.unacked()->entries().first(count)) {
    const Stamp& stamp = entry.stamp;
    if (stamp.had && session.journal_ != 0) notes.push_back(had_over_note(session.journal_, stamp.sequence));
    if (stamp.owed) done.push_back(stamp.sequence);
    if (stamp.owed || !stamp.delayed) continue;
    // Of a page: the rest of it is confirmed as a whole, and counted then. Another may have been handed the page since.
    done.push_back(stamp.sequence);
    auto* page = account->offline_ && account->offline_->session == session.id_ ? account->offline_.get() : nullptr;
    if (!page || page->count == 0 || account->offline_count_ == 0) continue;
    --page->count;
    --account->offline_count_;
  }
  std::sort(done.begin(), done.end());
  done.erase(std::unique(done.begin(), done.end()), done.end());
  // What another device was given too is over when that one has it as well.
  std::vector<std::uint64_t> held;
  for (Session* other : account->sessions_) {
    UnackedQueue* queue = other == &session || !other->confirms_ || done.empty() ? nullptr : other->unacked();
    if (!queue) continue;
    for (const std::uint64_t sequence : queue->mark_had(done)) {
      held.push_back(sequence);
      if (other->journal_ != 0) notes.push_back(had_note(other->journal_, sequence));
    }
  }
  std::sort(held.begin(), held.end());
  std::erase_if(done, [&](std::uint64_t sequence) { return std::binary_search(held.begin(), held.end(), sequence); });
  if (note) notes.push_back(std::move(*note));
  if (done.empty() && notes.empty()) return;
  LogEntry entry;
  entry.kind = done.empty() ? RecordKind::note : RecordKind::released;
  entry.owner = account->bare_;
  entry.sequences = std::move(done);
  entry.note = linked(std::move(notes));
  append(*account, std::move(entry), 0, false);
}

// ---- notes ----------------------------------------------------------------------------------------------------------

bool Router::note(Session& session, SessionNote note, std::uint64_t mark) {
  if (!session.account_) return false;
  LogEntry entry;
  entry.kind = RecordKind::note;
  entry.owner = session.account_->bare_;
  entry.note = std::make_shared<const SessionNote>(std::move(note));
  std::vector<PendingAppend::Told> told;
  if (mark != 0) told.push_back({session.id_, mark});
  return append(*session.account_, std::move(entry), 0, false, std::move(told));
}

void Router::note_given(Session& session) {
  Account* account = session.account_;
  if (!account) return;
  std::vector<SessionNote> notes;
  std::vector<PendingAppend::Told> told;
  for (Session* each : account->sessions_) {
    std::uint64_t mark = 0;
    auto note = each->journal_ != 0 ? each->given_news(mark) : std::nullopt;
    if (!note) continue;
    notes.push_back(std::move(*note));
    told.push_back({each->id_, mark});
  }
  if (notes.empty()) return;
  LogEntry entry;
  entry.kind = RecordKind::note;
  entry.owner = account->bare_;
  entry.note = linked(std::move(notes));
  if (append(*account, std::move(entry), 0, false, told)) return;
  for (const auto& [id, mark] : told) find_session(id)->noted(mark, false);
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
  return note(session, state_note(session.journal_, session.jid_, state), mark);
}

bool Router::note_directed_list(Session& session, std::uint64_t mark) {
  const std::vector<Jid> none;
  return note(session, directed_note(session.journal_, session.directed_ ? *session.directed_ : none), mark);
}

// Its session is over, and its account perhaps no longer in memory.
void Router::forget_now(std::uint64_t journal, const Jid& owner) {
  LogEntry entry;
  entry.kind = RecordKind::note;
  entry.owner = owner.to_bare();
  entry.note = std::make_shared<const SessionNote>(forget_note(journal));
  const std::uint64_t ticket = next_ticket_;
  if (!log_.append(core_, ticket, std::move(entry))) return;  // a restart will find it, and let it run out
  ++next_ticket_;
  appends_.push_back({ticket, nullptr, 0, false, {}});
}

// What its client sent last may be noted by another core after that: once more, when that is long over.
void Router::forget(std::uint64_t journal, const Jid& owner) {
  constexpr std::chrono::minutes kLater{1};
  const Tick now = clock_.tick();
  forget_now(journal, owner);
  forgotten_.push_back({now, journal});
  while (forgotten_.front().first + kLater < now) {
    forget_now(forgotten_.front().second, owner);
    forgotten_.pop_front();
  }
}

// ---- after a restart ------------------------------------------------------------------------------------------------

void Router::restore(Session& session, SavedSession saved, std::function<void(Result<void>)> done) {
  session.jid_ = saved.jid;
  session.id_ = next_session_++;
  session.confirms_ = true;
  session.journal_ = saved.journal;
  sessions_.emplace(session.id_, &session);
  restoring_[std::string{saved.jid.bare()}].push_back({session.id_, std::move(saved), std::move(done)});
}

// So many accounts at a time that storage takes them; whoever is asked for earlier comes earlier.
void Router::load_restored() {
  constexpr std::size_t kAtATime = 256;
  std::size_t loading = 0;
  std::vector<Jid> next;
  for (const auto& [bare, sessions] : restoring_) {
    if (loading++ == kAtATime) break;
    next.push_back(sessions.front().saved.jid.to_bare());
  }
  for (std::size_t i = 0; i < next.size(); ++i) {
    Account* early = find(next[i].full());
    if (early && early->standing_ != Account::Standing::loading) restore_sessions(*early);  // too late for them
    const bool last = i + 1 == next.size();
    with_account(next[i], [this, last](Account&) {
      if (last && !restoring_.empty()) load_restored();
    });
  }
}

// Its state is known, and nothing has been delivered to it yet.
void Router::restore_sessions(Account& account) {
  auto found = restoring_.extract(account.bare_.full());
  if (!found) return;
  const bool there = account.standing_ == Account::Standing::loading;
  for (Restoring& restoring : found.mapped()) {
    Session* session = find_session(restoring.id);
    if (!session) continue;
    if (there && account.find_session(restoring.saved.jid.resource())) {
      close(*session);
      restoring.done(fail(Errc::conflict, "the resource is in use"));
      continue;
    }
    if (there) {
      attach_restored(*session, account, restoring.saved.state);
      restoring.done({});
      continue;
    }
    close(*session);
    const bool gone = account.standing_ == Account::Standing::missing;
    restoring.done(fail(gone ? Errc::not_found : Errc::storage_failed, "the account is not there"));
  }
}

void Router::attach_restored(Session& session, Account& account, const SessionState& state) {
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
  account.offline_->through = std::numeric_limits<std::uint64_t>::max();  // what is handed over is not kept for a page
  raise_barrier(account, 0);
  read_waiting(account);
}

// Once is enough: a release may find no room, and then they wait in the log still.
std::vector<std::uint64_t> Router::handed_over(const Account& account) const {
  auto known = on_their_way(account, nullptr);
  known.insert(known.end(), account.offline_->sequences.begin(), account.offline_->sequences.end());
  std::sort(known.begin(), known.end());
  return known;
}

void Router::read_waiting(Account& account) {
  if (!account.any_eligible()) {  // by now: they wait on
    account.offline_.reset();
    return lift_barrier(account, 0);
  }
  ++account.busy_;
  log_.offline(
      core_, account.bare_, handed_over(account), limits_.offline_messages, limits_.offline_page,
      [this, &account](Result<std::vector<LogRecord>> records) {
        --account.busy_;
        if (!records) cannot_read(account, records.error());
        if (!records || records->empty() || !account.offline_) {  // it may have been removed
          account.offline_.reset();
          return lift_barrier(account, 0);
        }
        // Some have come meanwhile, and are on their way.
        const auto known = handed_over(account);
        std::erase_if(*records, [&](const LogRecord& record) {
          return std::binary_search(known.begin(), known.end(), record.sequence);
        });
        std::deque<Account::Held> due;
        for (LogRecord& record : *records) {
          if (account.offline_count_ > 0) --account.offline_count_;
          account.offline_->sequences.push_back(record.sequence);
          // A session that is gone, or a name that was an alias once, stands for the account.
          Jid target = hosts_.canonical(record.entry.envelope.to).value_or(account.bare_);
          if (!account.find_session(target.resource())) target = account.bare_;
          if (account.blocks(record.entry.envelope.from)) {
            release(account, {record.sequence});
            continue;
          }
          Account::Held held;
          held.waits = true;
          held.target = std::move(target);
          held.stamp = Stamp{
              .sequence = record.sequence, .time = record.time, .archived = record.entry.references.recipient_archive};
          held.envelope = std::move(record.entry.envelope);
          due.push_back(std::move(held));
        }
        // In front of what has come meanwhile, which waits for the next page too.
        auto& outbox = *account.outbox_;
        const auto barrier =
            std::find_if(outbox.begin(), outbox.end(), [](const auto& held) { return held.barrier && held.work == 0; });
        outbox.insert(barrier, std::make_move_iterator(due.begin()), std::make_move_iterator(due.end()));
        ++account.busy_;
        flush(account);
        --account.busy_;
        read_waiting(account);
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

// Of what is absent only what still waits is given back; a copy of the account's own words is not.
void Router::undelivered(const Session& session, std::vector<Outgoing> entries) {
  constexpr std::size_t kMost = MessageLog::kFetch, kBytes = 64 << 20;
  const Jid bare = session.jid_.to_bare();
  log_.offline(core_, bare, {}, kMost, kBytes,
               [this, from = session.jid_, priority = session.priority_,
                entries = std::move(entries)](Result<std::vector<LogRecord>> records) mutable {
                 if (!records) {
                   log::error("domain", "what {} was given could not be read: {}; it waits", from.full(),
                              records.error().message);
                   records = std::vector<LogRecord>{};
                   const auto lost = std::count_if(entries.begin(), entries.end(), [](const Outgoing& entry) {
                     return entry.absent && entry.stamp.owed;
                   });
                   with_account(from.to_bare(), [lost](Account& account) {
                     account.offline_count_ += static_cast<std::uint64_t>(lost);
                     account.unread_ = true;
                   });
                 }
                 give_back_all(from, priority, std::move(entries), std::move(*records));
               });
}

void Router::give_back_all(const Jid& from, std::int8_t priority, std::vector<Outgoing> entries,
                           std::vector<LogRecord> waiting) {
  for (Outgoing& entry : entries) {
    if (entry.own_words()) continue;
    if (!entry.absent) {
      give_back(from, priority, std::move(entry.envelope), entry.stamp);
      continue;
    }
    const auto record = std::lower_bound(waiting.begin(), waiting.end(), entry.stamp.sequence,
                                         [](const auto& a, std::uint64_t sequence) { return a.sequence < sequence; });
    if (record != waiting.end() && record->sequence == entry.stamp.sequence) {
      entry.stamp.time = record->time;
      entry.stamp.archived = record->entry.references.recipient_archive;
      give_back(from, priority, std::move(record->entry.envelope), entry.stamp);
    } else if (entry.stamp.owed) {
      with_account(from.to_bare(),
                   [this, sequence = entry.stamp.sequence](Account& account) { came_back(account, sequence); });
    }
  }
}

}  // namespace anser::domain
