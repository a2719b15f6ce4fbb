// Router, the part that knows a message which its sender sends again (retry_window.h): it is acknowledged again and
// delivered once. The sender's core decides, for a retry comes over whatever session the account has by then; what
// became of the first one it hears from the recipient's core, as a fence that passes or a letter that it was refused.
// A message that cannot be decided at once (the archive has to be asked, or the first one is still on its way to the
// disk) holds up what the account's sessions send behind it, their fences too. So no acknowledgement overtakes it, and
// nothing of what it waits for waits for it.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "domain/router.h"

namespace anser::domain {
namespace {

// How far back an archive is read for what its owner has sent: until the window is full, or so many messages of both
// sides have been looked at.
constexpr std::size_t kPage = 256;
constexpr std::size_t kPageBytes = 256 * 1024;
constexpr unsigned kPages = 4;

}  // namespace

// True: nothing more is to be done with it, for now or for ever. What is sent to a group is in the group's archive, not
// in the sender's.
bool Router::sent_before(Account& account, Session* session, Envelope& envelope, CoreId home, const Jid& group) {
  if (limits_.retries == 0) return false;
  if (!account.retries_) account.retries_ = std::make_unique<RetryWindow>(retry_pool_);
  RetryWindow& window = *account.retries_;
  const SessionId from = session ? session->id_ : 0;
  const bool filled = group.empty() ? window.filled() : window.filled_for(group);
  if (!filled && limits_.archive && !account.temporary_) {
    window.wait_first({from, std::move(envelope)});
    recall(account, std::make_shared<Recall>(group));
    return true;
  }

  const Time now = clock_.now();
  const Fingerprint message = retry_pool_.of(envelope);
  const RetryWindow::First* first = window.find(message, now);
  // Taken back meanwhile: its words must not come again.
  if (!first && window.has_tombstones()) first = window.find(retry_pool_.of_tombstone(envelope), now);
  if (!first) {
    window.note(message, now, home, false, limits_.retries);
    return false;
  }
  if (first->done) return true;
  if (home == core_ && works_.idle()) {
    window.done_at(home);
    return true;
  }
  // It may yet be refused; then this one is the next attempt.
  window.wait_first({from, std::move(envelope)});
  await_first(account, home);
  return true;
}

// ---- the window, from the archive -----------------------------------------------------------------------------------

struct Router::Recall {
  explicit Recall(Jid whose) : group(std::move(whose)) {}

  struct Sent {
    Fingerprint message;
    Time time;
  };
  Jid group;                // whose archive it is; empty: the account's own
  std::vector<Sent> found;  // newest first
  std::uint64_t before = kBehindAll;
  unsigned pages = 0;
  bool tombstones = false;
};

void Router::recall(Account& account, std::shared_ptr<Recall> recall) {
  ++account.busy_;
  ArchiveQuery query;
  query.owner = recall->group.empty() ? account.bare_ : recall->group;
  if (!recall->group.empty()) query.with = account.bare_;
  query.before = recall->before;
  query.since = clock_.now() - RetryWindow::kRemembers;
  query.backwards = true;
  query.limit = kPage;
  query.bytes = kPageBytes;
  query_archive(std::move(query), [this, &account, recall](Result<ArchivePage> page) {
    --account.busy_;
    if (!page) {
      log::error("domain", "what {} has sent of late could not be read: {}", account.bare_.full(),
                 page.error().message);
      return recall_failed(account);
    }
    const std::vector<LogRecord>& records = page->records;
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      const Envelope& envelope = record->entry.envelope;
      if (!may_come_again(envelope) || envelope.from.bare() != account.bare_.full()) continue;
      recall->tombstones |= envelope.retracted != Time{};
      recall->found.push_back({retry_pool_.of(envelope), record->time});
    }
    const bool enough = page->complete || records.empty() || recall->found.size() >= limits_.retries;
    if (!enough && ++recall->pages < kPages) {
      recall->before = records.front().sequence;
      return this->recall(account, recall);
    }
    recalled(account, *recall);
  });
}

void Router::recalled(Account& account, const Recall& recall) {
  RetryWindow& window = *account.retries_;
  const std::size_t kept = std::min(recall.found.size(), limits_.retries);
  for (std::size_t i = kept; i-- > 0;) {
    window.note_recalled(recall.found[i].message, recall.found[i].time, core_, limits_.retries);
  }
  if (recall.tombstones) window.set_tombstones();
  if (recall.group.empty())
    window.set_filled();
  else
    window.set_filled_for(recall.group);
  go_on(account);
}

// Nothing may be concluded from that: the message is answered, and those behind it try for themselves.
void Router::recall_failed(Account& account) {
  RetryWindow& window = *account.retries_;
  window.go_on();
  if (auto undecided = window.take()) {
    refuse(std::get<Envelope>(undecided->what), {}, Errc::resource_limit,
           "the server is too busy for this; try again later");
  }
  go_on(account);
}

// ---- the first one --------------------------------------------------------------------------------------------------

// What the account has sent to that core is done, one way or the other, when a fence comes back from there. The
// router's own fences are those of session 0; nothing is acknowledged by them.
void Router::await_first(Account& account, CoreId home) {
  const Fence fence{core_, 0, next_awaited_++};
  ++account.busy_;
  awaited_.emplace(fence.number, Awaited{&account, home});
  if (home == core_) {
    fences_.push_back({works_.next(), fence});
  } else {
    post_.send(core_, home, fence);
  }
}

void Router::first_done(std::uint64_t number) {
  const auto found = awaited_.extract(number);
  ANSER_ASSERT(found);
  Account& account = *found.mapped().account;
  --account.busy_;
  account.retries_->done_at(found.mapped().home);
  go_on(account);
}

// It was answered with an error by whoever had to deliver it.
void Router::forget_sent(const Envelope& envelope) {
  if (!may_come_again(envelope) || limits_.retries == 0) return;
  const CoreId home = home_of(envelope.from);
  const Refused letter{envelope.from.to_bare(), retry_pool_.of(envelope)};
  if (home == core_) return refused(letter);
  post_.send(core_, home, letter);
}

void Router::refused(const Refused& refused) {
  Account* account = find(refused.account.full());
  if (account && account->retries_) account->retries_->forget(refused.message);
}

// ---- what has waited ------------------------------------------------------------------------------------------------

void Router::go_on(Account& account) {
  ++account.busy_;
  account.retries_->go_on();
  while (auto sent = account.retries_->take()) {
    Session* session = find_session(sent->session);
    if (auto* envelope = std::get_if<Envelope>(&sent->what)) {
      route_now(&account, session, std::move(*envelope));
    } else if (session) {
      fence_now(*session, std::get<std::uint64_t>(sent->what));
    }
  }
  --account.busy_;
  rest(account);
}

}  // namespace anser::domain
