// Router, the part that delivers messages: decide, append where it is due, hand over once that is durable.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "domain/delivery.h"
#include "domain/router.h"

namespace anser::domain {

void Router::deliver_message(Account& account, Envelope envelope, const Jid& target, WorkId work) {
  Fate fate = fate_of(account, envelope, target);
  if (fate == Fate::store && account.offline_count_ >= limits_.offline_messages) {
    bounce(envelope, Errc::unavailable, fmt::format("{} messages wait already", account.offline_count_));
    return finish(work);  // XEP-0160 §2: a full queue is service-unavailable
  }
  if (fate == Fate::refuse) {
    bounce(envelope, Errc::unavailable, "nobody there takes this message");
    return finish(work);
  }
  if (fate == Fate::ignore) return finish(work);

  References references;
  references.offline = fate == Fate::store;
  if (limits_.archive && archivable(envelope)) {
    references.sender_archive = !envelope.facts.temporary_sender;
    references.recipient_archive = !account.temporary_;
  }
  if (references.none() && (!account.outbox_ || account.outbox_->empty())) {
    hand_over(account, envelope, target, fate, {});
    return finish(work);
  }
  hold(account, std::move(envelope), target, references, work);
}

void Router::hand_over(Account& account, const Envelope& envelope, const Jid& target, Fate fate, const Stamp& stamp) {
  if (fate == Fate::one) {
    if (Session* session = account.find_session(target.resource())) session->deliver(envelope, stamp);
    return;
  }
  // RFC 6121 §8.5.2.1.1: chat goes to the most available resources, here those of the highest priority; what is no
  // conversation (normal, headline) goes to all that want messages at all.
  int least = 0;
  if (envelope.type == Type::chat) {
    for (const Session* session : account.sessions_) {
      if (Account::eligible(*session)) least = std::max<int>(least, session->priority_);
    }
  }
  for (Session* session : account.sessions_) {
    if (Account::eligible(*session) && session->priority_ >= least) session->deliver(envelope, stamp);
  }
}

void Router::hold(Account& account, Envelope envelope, const Jid& target, References references, WorkId work) {
  if (work == 0) work = works_.open();
  if (!account.outbox_) account.outbox_ = std::make_unique<std::deque<Account::Held>>();
  Account::Held held;
  held.references = references;
  held.durable = references.none();
  held.work = work;
  held.target = target;
  if (!references.none()) {
    held.ticket = next_ticket_;
    LogEntry entry;
    entry.references = references;
    entry.owner = account.bare_;
    entry.envelope = envelope;
    if (!append(account, std::move(entry), work, true)) {
      bounce(envelope, Errc::resource_limit, "the log takes no more at the moment");
      return finish(work);
    }
    if (references.offline) ++account.offline_count_;
  }
  held.envelope = std::move(envelope);
  account.outbox_->push_back(std::move(held));
}

// False when the log's queue is full; then nothing has happened.
bool Router::append(Account& account, LogEntry entry, WorkId work, bool held) {
  const std::uint64_t ticket = next_ticket_;
  if (auto taken = log_.append(core_, ticket, std::move(entry)); !taken) {
    log::warn("domain", "the log refused an entry for {}: {}", account.bare_.full(), taken.error().message);
    if (!held) finish(work);
    return false;
  }
  ++next_ticket_;
  ++account.busy_;
  appends_.push_back({ticket, &account, work, held});
  return true;
}

void Router::appended(Result<std::span<const Appended>> batch) {
  if (!batch) {
    // The log has said that nothing more is safe: whoever waits is told by the streams' end, never by a false answer.
    log::error("domain", "the log failed: {}", batch.error().message);
    each_session([this](Session& session) {
      close(session);
      session.close(CloseReason::storage_failed);
    });
    return;
  }
  std::vector<Account*> ready;
  for (const Appended& done : *batch) {
    ANSER_ASSERT(!appends_.empty() && appends_.front().ticket == done.ticket);
    const PendingAppend pending = appends_.front();
    appends_.pop_front();
    Account& account = *pending.account;
    if (done.sequence == 0) {
      refused_append(account, pending);
      continue;
    }
    if (!pending.held) {
      --account.busy_;
      finish(pending.work);
      rest(account);
      continue;
    }
    for (auto& held : *account.outbox_) {
      if (held.ticket != done.ticket) continue;
      held.durable = true;
      held.stamp = Stamp{done.sequence, done.time, false};
      break;
    }
    if (!std::exchange(account.flush_due_, true)) ready.push_back(&account);
  }
  for (Account* account : ready) {
    account->flush_due_ = false;
    flush(*account);
  }
}

// The disk is full: the sender is told, so nothing that was acknowledged is missing.
void Router::refused_append(Account& account, const PendingAppend& pending) {
  if (!pending.held) {
    // A note about a message that is safe already (`delivered`, `offline`, `forget`): it may come once more, or be seen
    // in the archive only.
    log::error("domain", "the disk is full: what is noted of the messages of {} may be out of date",
               account.bare_.full());
    --account.busy_;
    finish(pending.work);
    return rest(account);
  }
  auto& outbox = *account.outbox_;
  const auto held =
      std::find_if(outbox.begin(), outbox.end(), [&](const auto& entry) { return entry.ticket == pending.ticket; });
  ANSER_ASSERT(held != outbox.end());
  if (held->references.offline) --account.offline_count_;
  bounce(held->envelope, Errc::disk_full, "the disk is full; try again later");
  const WorkId work = held->work;
  outbox.erase(held);
  --account.busy_;
  finish(work);
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
      Session* session = account.find_session(held.target.resource());
      if (session)
        session->deliver(held.envelope, {});
      else if (held.target.resource().empty())
        deliver_to_available(account, held.envelope);
    } else if (held.ticket == 0) {
      // It only waited its turn. Who is there may have changed, so it is decided again.
      const Fate fate = fate_of(account, held.envelope, held.target);
      if (fate == Fate::one || fate == Fate::all) {
        hand_over(account, held.envelope, held.target, fate, {});
      } else {
        std::deque<Account::Held> behind;
        behind.swap(outbox);  // it must not queue behind itself
        deliver_message(account, std::move(held.envelope), held.target, held.work);
        for (auto& other : behind) outbox.push_back(std::move(other));
        continue;
      }
    } else if (!held.references.offline) {
      const Fate fate = fate_of(account, held.envelope, held.target);
      if (fate == Fate::one || fate == Fate::all) {
        hand_over(account, held.envelope, held.target, fate, held.stamp);
      } else if (fate == Fate::store && account.present()) {
        // The recipient left while this was on its way to the disk: from the archive alone it would not come to it.
        LogEntry entry;
        entry.kind = RecordKind::offline;
        entry.owner = account.bare_;
        entry.target = held.stamp.sequence;
        if (append(account, std::move(entry), held.work, false)) ++account.offline_count_;
        continue;  // the append closes the work
      }
    }
    finish(held.work);
  }
  if (outbox.empty()) account.outbox_.reset();
  --account.busy_;
  rest(account);
}

void Router::undelivered(Envelope envelope, const Stamp& stamp) {
  if (envelope.kind != Kind::message || stamp.delayed) return;  // a delayed one still has its offline reference
  const auto target = hosts_.canonical(envelope.to);
  if (!target) return;
  Account* account = find(target->bare());
  if (!account || !account->present()) return;
  if (stamp.sequence == 0 || account->any_eligible()) {
    if (stamp.sequence == 0) return deliver_message(*account, std::move(envelope), *target, works_.open());
    return hand_over(*account, envelope, *target, Fate::all, stamp);
  }
  LogEntry entry;
  entry.kind = RecordKind::offline;
  entry.owner = account->bare_;
  entry.target = stamp.sequence;
  if (append(*account, std::move(entry), works_.open(), false)) ++account->offline_count_;
}

// ---- messages that waited -------------------------------------------------------------------------------------------

void Router::fetch_offline(Account& account, Session& session) {
  if (account.offline_ || account.offline_count_ == 0 || account.temporary_) return;
  account.offline_ = std::make_unique<Account::Offline>();
  account.offline_->session = session.id_;
  raise_barrier(account, 0);  // what comes now comes after what has waited
  ++account.busy_;
  log_.offline(core_, account.bare_, limits_.offline_messages,
               [this, &account, id = session.id_](Result<std::vector<LogRecord>> records) {
                 --account.busy_;
                 offline_fetched(account, id, std::move(records));
               });
}

void Router::offline_fetched(Account& account, SessionId id, Result<std::vector<LogRecord>> records) {
  Session* session = account.find_session(id);
  const bool still_asked = account.offline_ && account.offline_->session == id;
  if (!records) {
    log::error("domain", "the waiting messages of {} could not be read: {}", account.bare_.full(),
               records.error().message);
    if (still_asked) account.offline_.reset();
  } else if (session && still_asked) {
    for (const LogRecord& record : *records) {
      session->deliver(record.entry.envelope, Stamp{record.sequence, record.time, true});
    }
    if (records->empty()) {
      account.offline_count_ = 0;
      account.offline_.reset();
    } else {
      account.offline_->through = records->back().sequence;
      account.offline_->count = records->size();
      session->ask_confirmation(account.offline_->through);
    }
  }
  lift_barrier(account, 0);
}

void Router::raise_barrier(Account& account, WorkId work) {
  if (!account.outbox_) account.outbox_ = std::make_unique<std::deque<Account::Held>>();
  Account::Held barrier;
  barrier.barrier = true;
  barrier.work = work;
  account.outbox_->push_back(std::move(barrier));
}

void Router::lift_barrier(Account& account, WorkId work) {
  auto& outbox = *account.outbox_;
  const auto mine =
      std::find_if(outbox.begin(), outbox.end(), [&](const auto& held) { return held.barrier && held.work == work; });
  ANSER_ASSERT(mine != outbox.end());
  outbox.erase(mine);
  flush(account);
}

void Router::confirmed(Session& session, std::uint64_t number) {
  Account* account = session.account_;
  if (!account || !account->offline_ || account->offline_->session != session.id_) return;
  if (account->offline_->through != number) return;
  const std::uint64_t count = account->offline_->count;
  account->offline_.reset();
  account->offline_count_ -= std::min(count, account->offline_count_);
  LogEntry entry;
  entry.kind = RecordKind::delivered;
  entry.owner = account->bare_;
  entry.target = number;
  append(*account, std::move(entry), works_.open(), false);
}

}  // namespace anser::domain
