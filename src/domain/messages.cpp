// Router, the part that delivers messages: decide, append where it is due, hand over once that is durable.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "domain/carbons.h"
#include "domain/delivery.h"
#include "domain/router.h"

namespace anser::domain {

bool Account::Held::undecided() const {
  return !barrier && ticket == 0 && stamp.sequence == 0 && envelope.kind == Kind::message && storable(envelope);
}

// While the messages that have waited are handed over in pages, what comes now waits behind them. What arrives while a
// page is read waits behind the barrier; what stands in front of that barrier has its turn before the page.
Fate Router::fate(const Account& account, const Envelope& envelope, const Jid& target, bool has_turn) const {
  const Fate fate = fate_of(account, envelope, target);
  const auto& page = account.offline_;
  const bool behind = page && (page->more || (has_turn && page->through == 0));
  if (!behind || !storable(envelope)) return fate;
  if (fate == Fate::all) return Fate::store;
  const Session* reader = fate == Fate::one ? account.find_session(page->session) : nullptr;
  return reader && reader->jid_.resource() == target.resource() ? Fate::store : fate;
}

References Router::references(const Account& account, const Envelope& envelope, Fate fate) const {
  References references;
  if (fate != Fate::one && fate != Fate::all && fate != Fate::store) return references;
  references.offline = fate == Fate::store || owes(account, envelope);
  if (limits_.archive && archivable(envelope)) {
    references.sender_archive = !envelope.facts.temporary_sender && !envelope.facts.sender_forgoes;
    references.recipient_archive = !account.temporary_ && archives(account, envelope.from);
  }
  return references;
}

References Router::references(const Account& account, const Account::Held& held, Fate fate) const {
  References references = this->references(account, held.envelope, fate);
  if (held.again) references.sender_archive = references.recipient_archive = false;
  return references;
}

// What the account wants kept of its messages with `peer`.
bool Router::archives(const Account& account, const Jid& peer) const {
  if (!account.archive_ && limits_.archive_default == ArchiveDefault::always) return true;  // most of them
  return keeps(archive_preferences(account), peer, account.subscription(peer.bare()).listed);
}

void Router::deliver_message(Account& account, Envelope&& envelope, const Jid& target, WorkId work) {
  if (account.unread_) hand_out_waiting(account);
  const Fate fate = this->fate(account, envelope, target, false);
  // Our own answer to what a session has sent passes by what is on its way to the account: its fence does not wait for
  // that, and a door must not confirm what was refused.
  if (envelope.failure && fate == Fate::one) {
    hand_over(account, envelope, target, fate, {});
    return finish(work);
  }
  const std::uint64_t handed = account.offline_ ? account.offline_->known : 0;
  if (fate == Fate::store && account.offline_count_ >= limits_.offline_messages + handed) {
    refuse(envelope, {}, Errc::unavailable, fmt::format("{} messages wait already", account.offline_count_));
    return finish(work);  // XEP-0160 §2: a full queue is service-unavailable
  }
  const bool waits = account.outbox_ && !account.outbox_->empty();
  if (waits && envelope.facts.tell_sender && (fate == Fate::refuse || fate == Fate::ignore)) {
    return hold(account, std::move(envelope), target, {}, work);  // the sender's devices see it in order, too
  }
  if (fate == Fate::refuse) {
    refuse(envelope, {}, Errc::unavailable, "nobody there takes this message");
    return finish(work);
  }
  if (fate == Fate::ignore) {
    copy_of_ignored(account, envelope, target);
    tell_sender(envelope, {});
    return finish(work);
  }

  const References references = this->references(account, envelope, fate);
  if (references.none() && !waits) {
    tell_sender(envelope, {});
    hand_over(account, envelope, target, fate, {});
    return finish(work);
  }
  hold(account, std::move(envelope), target, references, work, fate == Fate::store);
}

// `waits`: it has the offline reference, for sessions that confirm.
void Router::hand_over(Account& account, const Envelope& envelope, const Jid& target, Fate fate, const Stamp& stamp,
                       bool waits) {
  Stamp mark = stamp;
  if (fate == Fate::one && account.sessions_.size() == 1) {
    Session* session = account.find_session(target.resource());
    mark.owed = settle_owed(account, envelope, stamp, waits, session && session->confirms_);
    if (session) session->deliver(envelope, mark);
    if (session && account.push_) push_handed(account, envelope, [](const Session&) { return true; });
    return;
  }
  // RFC 6121 §8.5.2.1.1: chat goes to the most available resources, here those of the highest priority; what is no
  // conversation (normal, headline) goes to all that want messages at all.
  int least = 0;
  if (fate == Fate::all && envelope.type == Type::chat) {
    for (const Session* session : account.sessions_) {
      if (Account::eligible(*session)) least = std::max<int>(least, session->priority_);
    }
  }
  const auto wants = [&](const Session& session) {
    if (fate == Fate::one) return session.jid_.resource() == target.resource();
    return Account::eligible(session) && session.priority_ >= least;
  };
  const auto listens = [&](const Session* session) { return session->carbons_ && !wants(*session); };
  const bool copied = account.sessions_.size() > 1 && copied_to_recipient(envelope) &&
                      std::any_of(account.sessions_.begin(), account.sessions_.end(), listens);
  const auto count = std::count_if(account.sessions_.begin(), account.sessions_.end(),
                                   [&](const Session* session) { return wants(*session); });
  const auto confirms = [&](const Session* session) {
    return session->confirms_ && (wants(*session) || (copied && session->carbons_ && session->jid_ != envelope.from));
  };
  mark.owed = settle_owed(account, envelope, stamp, waits,
                          std::any_of(account.sessions_.begin(), account.sessions_.end(), confirms));
  if (copied) mark.copied = ++account.copies_;
  if (fate == Fate::all && (count > 1 || copied)) mark.shared = ++account.shared_;
  for (Session* session : account.sessions_) {
    if (wants(*session)) session->deliver(envelope, owed_to(*session, mark));
  }
  if (copied) copy_to_others(account, envelope, mark, wants);
  if (account.push_) {
    push_handed(account, envelope,
                [&](const Session& session) { return wants(session) || (copied && session.carbons_); });
  }
}

void Router::hold(Account& account, Envelope&& envelope, const Jid& target, References references, WorkId work,
                  bool kept) {
  if (work == 0) work = works_.open();
  if (!account.outbox_) account.outbox_ = std::make_unique<std::deque<Account::Held>>();
  Account::Held held;
  held.references = references;
  held.kept = kept;
  held.work = work;
  held.target = target;
  held.envelope = std::move(envelope);
  if (!references.none() && account.undecided_ == 0) {
    if (!append_held(account, held, RecordKind::message)) {
      refuse(held.envelope, {}, Errc::resource_limit, "the log takes no more at the moment");
      return finish(work);
    }
  } else if (held.undecided()) {
    ++account.undecided_;
  }
  account.outbox_->push_back(std::move(held));
}

// False when the log's queue is full; then nothing has happened.
bool Router::append_held(Account& account, Account::Held& held, RecordKind kind) {
  const std::uint64_t ticket = next_ticket_;
  LogEntry entry;
  entry.kind = kind;
  entry.owner = account.bare_;
  entry.target = held.stamp.sequence;
  if (kind == RecordKind::message) {
    entry.references = held.references;
    entry.envelope = held.envelope;
    entry.envelope.facts.tell_sender = false;  // news of today
    entry.note = taken_notes(held.envelope);
    entry.envelope.taken = {};
  }
  if (!append(account, std::move(entry), held.work, true)) return false;
  held.envelope.taken = {};
  if (held.kept) count_waiting(account);
  held.waits = held.references.offline;
  held.ticket = ticket;
  held.durable = false;
  return true;
}

// Once a minute: whoever floods the log's queue must not flood the operator's.
void Router::tell_of_refusal(const Jid& owner, const Error& error) {
  constexpr std::chrono::minutes kEvery{1};
  const Tick now = clock_.tick();
  if (told_of_refusal_ && now - *told_of_refusal_ < kEvery) return;
  told_of_refusal_ = now;
  log::warn("domain", "the log refuses entries, now for {}: {}", owner.full(), error.message);
}

// False when the log's queue is full; then nothing has happened.
bool Router::append(Account& account, LogEntry entry, WorkId work, bool held, std::vector<PendingAppend::Told> told) {
  const std::uint64_t ticket = next_ticket_;
  if (auto taken = log_.append(core_, ticket, std::move(entry)); !taken) {
    tell_of_refusal(account.bare_, taken.error());
    if (!held) finish(work);
    return false;
  }
  ++next_ticket_;
  ++account.busy_;
  appends_.push_back({ticket, &account, work, held, std::move(told)});
  return true;
}

void Router::appended(Result<std::span<const Appended>> batch) {
  if (!batch) {
    // The log has said that nothing more is safe: whoever waits is told by the streams' end, never by a false answer.
    log::debug("domain", "the log failed: {}", batch.error().message);  // the store has told it once
    each_session([this](Session& session) {
      close(session);
      session.close(CloseReason::storage_failed);
    });
    return;
  }
  std::vector<Account*> ready;
  for (const Appended& done : *batch) {
    ANSER_ASSERT(!appends_.empty() && appends_.front().ticket == done.ticket);
    const PendingAppend pending = std::move(appends_.front());
    appends_.pop_front();
    if (pending.group) {
      published_appended(*pending.group, done);
      continue;
    }
    if (done.sequence == 0) {
      refused_append(pending);
      continue;
    }
    if (!pending.held) {
      note_appended(pending, true);
      continue;
    }
    Account& account = *pending.account;
    // Tickets rise along the outbox but for those that were appended late, so the search goes on where it ended.
    auto& outbox = *account.outbox_;
    if (!std::exchange(account.flush_due_, true)) {
      account.appended_at_ = 0;
      ready.push_back(&account);
    }
    for (std::size_t looked = 0; looked < outbox.size(); ++looked, ++account.appended_at_) {
      if (account.appended_at_ >= outbox.size()) account.appended_at_ = 0;
      auto& held = outbox[account.appended_at_];
      if (held.ticket != done.ticket) continue;
      held.durable = true;
      if (held.stamp.sequence == 0) {
        const bool archived = held.references.recipient_archive;
        held.stamp = Stamp{.sequence = done.sequence, .time = done.time, .archived = archived};
      }
      break;
    }
  }
  for (Account* account : ready) {
    account->flush_due_ = false;
    flush(*account);
  }
}

void Router::note_appended(const PendingAppend& pending, bool stored) {
  if (pending.account) --pending.account->busy_;
  finish(pending.work);
  if (const auto then = when_appended_.extract(pending.ticket)) then.mapped()(stored);
  for (const auto& [id, mark] : pending.told) {
    if (Session* session = find_session(id)) session->noted(mark, stored);
  }
  if (pending.account) rest(*pending.account);
}

// The disk is full: the sender is told, so nothing that was acknowledged is missing.
void Router::refused_append(const PendingAppend& pending) {
  if (!pending.held) {
    // A note about a message that is safe already (`released`, `offline`), or a removal that its owner asks for again.
    log::debug("domain", "what is noted of the messages of an account may be out of date");
    return note_appended(pending, false);
  }
  Account& account = *pending.account;
  auto& outbox = *account.outbox_;
  const auto found =
      std::find_if(outbox.begin(), outbox.end(), [&](const auto& entry) { return entry.ticket == pending.ticket; });
  ANSER_ASSERT(found != outbox.end());
  if (!found->kept && (found->stamp.sequence != 0 || found->again)) {  // acknowledged already
    found->ticket = 0;
    found->tried = found->durable = true;
    found->waits = false;
    --account.busy_;
    return flush(account);
  }
  Account::Held held = std::move(*found);
  outbox.erase(found);
  if (held.kept && account.offline_count_ > 0) --account.offline_count_;
  --account.busy_;
  refuse(held.envelope, held.stamp, Errc::disk_full,
         "this cannot be stored at the moment; try again later");  // perhaps to itself
  finish(held.work);
  flush(account);
}

void Router::flush(Account& account) {
  if (!account.outbox_) return;
  ++account.busy_;
  auto& outbox = *account.outbox_;
  while (!outbox.empty() && outbox.front().durable && !outbox.front().barrier) {
    Account::Held held = std::move(outbox.front());
    outbox.pop_front();
    if (held.ticket != 0) --account.busy_;

    if (held.envelope.kind == Kind::iq) {
      deliver_iq(account, std::move(held.envelope), held.target);
    } else if (held.envelope.kind == Kind::presence) {
      const bool blocked = !held.envelope.failure && account.blocks(held.envelope.from);  // by now
      if (blocked) {
        // nothing is shown
      } else if (Session* session = account.find_session(held.target.resource()))
        session->deliver(held.envelope, {});
      else if (held.target.resource().empty())
        deliver_to_available(account, held.envelope);
    } else if (held.undecided()) {
      --account.undecided_;
      if (!flush_message(account, held)) {
        append_undecided(account);
        break;
      }
    } else if (held.kept) {
      tell_sender(held.envelope, held.stamp);
      copy_of_kept(account, held.envelope, held.stamp);
      push_kept(account, held.envelope);
    } else if (!flush_message(account, held)) {
      break;
    }
    finish(held.work);
  }
  if (outbox.empty()) account.outbox_.reset();
  --account.busy_;
  rest(account);
}

// Its turn has come. Who is there may have changed since it arrived, so it is decided again. False when it has to go to
// the log first: then it stands in front of the outbox once more.
bool Router::flush_message(Account& account, Account::Held& held) {
  const Fate fate = this->fate(account, held.envelope, held.target, true);
  const bool logged = held.stamp.sequence != 0;
  held.references = references(account, held, fate);
  held.kept = fate == Fate::store;
  if (fate == Fate::refuse) {
    if (held.waits) release(account, {held.stamp.sequence});
    refuse(held.envelope, held.stamp, Errc::unavailable, "nobody there takes this message");
    return true;
  }
  if (fate == Fate::ignore) {
    if (held.waits) release(account, {held.stamp.sequence});
    copy_of_ignored(account, held.envelope, held.target);
    tell_sender(held.envelope, held.stamp);
    return true;
  }
  // Somebody will confirm it that was not there when it was logged: it waits from now on, whatever happens.
  const bool here = fate != Fate::store;
  if (here && (logged || held.again) && held.references.offline && !held.waits && !held.tried) {
    if (append_held(account, held, logged ? RecordKind::offline : RecordKind::message)) {
      account.outbox_->push_front(std::move(held));
      return false;
    }
    held.tried = true;
  }
  if (logged || held.tried ? here : held.references.none()) {
    tell_sender(held.envelope, held.stamp);
    hand_over(account, held.envelope, held.target, fate, held.stamp, held.waits);
    return true;
  }
  if (held.waits) {
    count_waiting(account);
    tell_sender(held.envelope, held.stamp);
    copy_of_kept(account, held.envelope, held.stamp);
    push_kept(account, held.envelope);
    return true;
  }
  // In the log already, the recipient left meanwhile: from the archive alone it would not come to it.
  if (append_held(account, held, logged ? RecordKind::offline : RecordKind::message)) {
    account.outbox_->push_front(std::move(held));
    return false;
  }
  refuse(held.envelope, held.stamp, Errc::resource_limit, "the log takes no more at the moment");
  return true;
}

// Those behind one that had to be appended go with it, as far as their turn has come too: one commit for all.
void Router::append_undecided(Account& account) {
  auto& outbox = *account.outbox_;
  for (auto& held : outbox) {
    if (held.barrier) return;
    if (!held.undecided()) continue;
    const Fate fate = this->fate(account, held.envelope, held.target, true);
    held.references = references(account, held, fate);
    held.kept = fate == Fate::store;
    if (held.references.none() || !append_held(account, held, RecordKind::message)) return;
    --account.undecided_;
  }
}

void Router::undelivered(const Session& session, Envelope envelope, const Stamp& stamp) {
  if (envelope.kind == Kind::iq && (envelope.type == Type::get || envelope.type == Type::set)) {
    return bounce(envelope, Errc::unavailable, "nobody there answers this any more");
  }
  if (envelope.kind == Kind::message && !stamp.answer)
    give_back(session.jid_, session.priority_, std::move(envelope), stamp);
}

void Router::give_back(const Jid& from, std::int8_t priority, Envelope envelope, const Stamp& stamp) {
  if (stamp.delayed && !stamp.owed) return;                                   // it still has its offline reference
  if (stamp.copy != Copy::none && stamp.copied == 0 && !stamp.owed) return;   // of own words, or of what is kept
  if (envelope.type == Type::groupchat && hosts_.group(envelope.to)) return;  // a group has it in its archive
  // What it was given was for its account, whatever name that had.
  const Jid target = hosts_.canonical(envelope.to).value_or(from.to_bare());
  const Jid bare = stamp.owed ? from.to_bare() : target.to_bare();
  if (stamp.had) {
    return with_account(bare, [this, sequence = stamp.sequence](Account& account) {
      came_back(account, sequence);
      if (account.present() && !held_elsewhere(account, nullptr, sequence)) release(account, {sequence});
    });
  }
  GivenBack given{from, priority, target, std::move(envelope), stamp};
  // Many sessions may end at once, and their accounts have been dropped from memory since.
  with_account(bare, [this, given = std::move(given)](Account& account) mutable {
    if (given.stamp.owed) came_back(account, given.stamp.sequence);
    if (account.present()) take_back(account, std::move(given));
  });
}

void Router::take_back(Account& account, GivenBack given) {
  const Jid& target = given.target;
  const Envelope& envelope = given.envelope;
  const Stamp& stamp = given.stamp;
  const bool in_queue = stamp.sequence != 0 && held_elsewhere(account, nullptr, stamp.sequence);
  const auto has_it = [&](const Session* other) {
    if (other->carbons_ && stamp.copied > other->carbons_since_) return true;  // as a copy
    if (stamp.copy == Copy::received && stamp.copied > other->opened_at_ &&
        other->jid_.resource() == target.resource()) {
      return true;
    }
    return Account::eligible(*other) && stamp.shared > other->takes_since_ &&
           (envelope.type != Type::chat || stamp.copy != Copy::none || other->priority_ >= given.priority);
  };
  if (in_queue) return;
  if (std::any_of(account.sessions_.begin(), account.sessions_.end(), has_it)) {
    if (stamp.owed) release(account, {stamp.sequence});
    return;
  }
  if (!account.outbox_) account.outbox_ = std::make_unique<std::deque<Account::Held>>();
  Account::Held held;
  held.given_back = true;
  held.work = works_.open();
  // The session that it names is gone, even if a new one has that name already: it goes on as sent to the account.
  // A copy stands for the message, and whoever that was for had it or has gone.
  held.target = stamp.copy == Copy::received || target == given.from ? target.to_bare() : target;
  // Of what was in no archive of its account, and is not owed, the log may have let go since.
  held.again = stamp.sequence != 0 && !stamp.owed && !stamp.archived;
  if (!held.again) held.stamp = Stamp{.sequence = stamp.sequence, .time = stamp.time, .archived = stamp.archived};
  held.waits = stamp.owed;
  held.envelope = std::move(given.envelope);
  held.envelope.taken = {};  // told already
  // A whole queue may come back. If nobody is there, all of it goes to the log at once, or whoever logs in meanwhile
  // would find the first of it in what has waited and meet the rest before that page's end.
  const Fate fate = this->fate(account, held.envelope, held.target, true);
  if (fate == Fate::store && !held.waits && account.undecided_ == 0 && !account.offline_) {
    held.references = references(account, held, fate);
    held.kept = true;
    const bool logged = held.stamp.sequence != 0;
    if (append_held(account, held, logged ? RecordKind::offline : RecordKind::message)) {
      return put_in_front(account, std::move(held));
    }
    held.references = {};
    held.kept = false;
  }
  if (held.undecided()) ++account.undecided_;
  put_in_front(account, std::move(held));
  flush(account);
}

// Of what is on its way, which is newer; but behind what came back before it, and behind a page, which is older.
void Router::put_in_front(Account& account, Account::Held held) {
  auto& outbox = *account.outbox_;
  const auto before = std::find_if(outbox.rbegin(), outbox.rend(),
                                   [](const Account::Held& other) { return other.barrier || other.given_back; });
  outbox.insert(before.base(), std::move(held));
}

}  // namespace anser::domain
