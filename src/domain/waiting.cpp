// Router, the part that hands messages over that have waited (XEP-0160): page by page, each confirmed before the next.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "domain/router.h"

namespace anser::domain {

// Behind a page that somebody is reading.
void Router::count_waiting(Account& account) {
  ++account.offline_count_;
  if (account.offline_ && account.offline_->session != 0) account.offline_->more = true;
}

// To whoever wants it, first to one that is here.
void Router::hand_out_waiting(Account& account) {
  Session* reader = nullptr;
  for (Session* session : account.sessions_) {
    if (!Account::eligible(*session) || (reader && !reader->detached())) continue;
    if (!reader || !session->detached()) reader = session;
  }
  if (reader) fetch_offline(account, *reader);
}

void Router::fetch_offline(Account& account, Session& session) {
  if (account.offline_count_ == 0) account.unread_ = false;
  if (account.offline_count_ == 0 || account.temporary_) return;
  if (account.offline_) {
    // Whoever was given them may have lost its connection since; who is here does not wait for that one.
    const Session* reader = account.find_session(account.offline_->session);
    const bool lost = account.offline_->through != 0 && reader && reader->detached();
    if (!lost || session.detached()) return;
    account.offline_.reset();  // what it confirms later is confirmed by another already
  }
  // But what stands in front of this barrier alone is decided before the page is read.
  auto except = on_their_way(account, &session, true);
  account.offline_ = std::make_unique<Account::Offline>();
  account.offline_->session = session.id_;
  account.offline_->known = account.offline_count_;
  raise_barrier(account, 0);  // what comes now comes after what has waited
  ++account.busy_;
  // An answered ping says that the page is there too.
  const WorkId work = works_.open();
  session.touched_ |= std::uint64_t{1} << core_;
  log_.offline(core_, account.bare_, std::move(except),
               std::min(limits_.offline_messages, limits_.offline_page_messages), limits_.offline_page,
               [this, &account, id = session.id_, work](Result<std::vector<LogRecord>> records) {
                 --account.busy_;
                 offline_fetched(account, id, std::move(records));
                 finish(work);
               });
}

// Will whoever reads the recipient's archive soon find it there?
bool Router::stands_in_archive(const LogRecord& record) const {
  constexpr std::chrono::hours kSoon{24};
  const bool stays = limits_.archive_keeps.count() == 0 || clock_.now() - record.time + kSoon < limits_.archive_keeps;
  return record.entry.references.recipient_archive && limits_.archive_keeps_all && stays;
}

void Router::offline_fetched(Account& account, SessionId id, Result<std::vector<LogRecord>> records) {
  Session* session = account.find_session(id);
  const bool still_asked = account.offline_ && account.offline_->session == id;
  const bool others_are_here =
      session && session->detached() && std::ranges::any_of(account.sessions_, [](const Session* other) {
        return Account::eligible(*other) && !other->detached();
      });
  if (!records) {
    cannot_read(account, records.error());
    if (still_asked) account.offline_.reset();
  } else if (still_asked && others_are_here) {
    account.offline_.reset();
  } else if (session && still_asked) {
    account.unread_ = false;
    const bool none = records->empty();
    auto& page = *account.offline_;
    // Some have been given to a session since they were asked for, or are about to be.
    const auto on_their_way = this->on_their_way(account, session);
    std::erase_if(*records, [&](const LogRecord& record) {
      return std::binary_search(on_their_way.begin(), on_their_way.end(), record.sequence);
    });
    for (const LogRecord& record : *records) {
      // What it does not get, because its sender has been blocked or its client reads the archive, is done with.
      const bool passed_over =
          account.blocks(record.entry.envelope.from) || (session->reads_archive() && stands_in_archive(record));
      if (passed_over || !session->confirms_) page.sequences.push_back(record.sequence);
      if (passed_over) continue;
      session->deliver(record.entry.envelope, Stamp{.sequence = record.sequence,
                                                    .time = record.time,
                                                    .delayed = true,
                                                    .archived = record.entry.references.recipient_archive});
    }
    if (records->empty()) {
      if (none) account.offline_count_ -= std::min(page.known, account.offline_count_);
      account.offline_.reset();
    } else {
      page.through = records->back().sequence;
      page.count = records->size();
      page.more = account.offline_count_ > page.count;
      session->ask_confirmation(page.through);
    }
  }
  ++account.busy_;
  lift_barrier(account, 0);
  if (records && !account.offline_) hand_out_waiting(account);  // what was not for this one, or came meanwhile
  --account.busy_;
  rest(account);
}

// The next message for the account, or presence of its sessions, tries again.
void Router::cannot_read(Account& account, const Error& error) {
  if (std::exchange(account.unread_, true)) return;
  log::error("domain", "the waiting messages of {} could not be read: {}", account.bare_.full(), error.message);
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
  const auto page = std::move(account->offline_);
  account->offline_count_ -= std::min(page->count, account->offline_count_);
  if (!page->sequences.empty()) {
    for (Session* other : account->sessions_) {
      UnackedQueue* queue = other == &session || !other->confirms_ ? nullptr : other->unacked();
      if (queue) (void)queue->mark_had(page->sequences);
    }
    release(*account, page->sequences, nullptr, works_.open());
  }
  // The next page, or what was stored while nobody could take it.
  if (Account::eligible(session) && !session.detached())
    fetch_offline(*account, session);
  else
    hand_out_waiting(*account);
}

void Router::detached(Session& session) {
  Account* account = session.account_;
  if (account && account->offline_ && account->offline_->session == session.id_) hand_out_waiting(*account);
}

}  // namespace anser::domain
