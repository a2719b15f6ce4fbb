// Stream, the part that outlives the process: what a restart must know of a session that can be resumed goes to the log
// before its client can have seen it, and a session that was noted so waits for its client again (XEP-0198 §5).
#include <algorithm>
#include <limits>

#include "base/log.h"
#include "core/random.h"
#include "domain/byte_codec.h"
#include "xmpp/stream.h"

namespace anser::xmpp {
namespace {

using domain::Outgoing;

// What a note was about comes back with its number in one word.
enum Mark : std::uint64_t { kState = 1, kHandled = 2, kGiven = 3 };
constexpr unsigned kMarkBits = 2;
constexpr std::uint64_t mark_of(Mark mark, std::uint64_t number = 0) { return number << kMarkBits | mark; }

constexpr std::size_t kMaxId = 64;

std::string door_words(const Management& m) {
  std::string words;
  domain::put_string(words, m.id);
  domain::put_varint(words, static_cast<std::uint64_t>(m.resume_within.count()));
  return words;
}

std::uint64_t random_journal() {
  const std::string bytes = core::random_bytes(sizeof(std::uint64_t));
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return std::max<std::uint64_t>(number >> 1, 1);  // the store takes 63 bits
}

}  // namespace

// ---- while it lives -------------------------------------------------------------------------------------------------

void Stream::start_journal() {
  management_->journal = std::make_unique<Journal>([this] {
    note_news();
    acknowledge_soon();
  });
  if (journal() != 0) return;
  set_journal(random_journal());
  state_changed();
}

void Stream::state_changed() {
  if (ended_ || !management_ || !management_->journal) return;
  management_->journal->state_due = true;
  services_.core.mark(outbox());
}

void Stream::note_news() {
  auto& j = *management_->journal;
  if (j.state_due) {
    j.state_due = !services_.router.note_state(*this, door_words(*management_), mark_of(kState));
    if (j.state_due) services_.core.timers().arm(j.try_again, Journal::kTryAgain);
  }
  note_given();
}

void Stream::note_handled() {
  auto& m = *management_;
  auto& j = *m.journal;
  const std::uint64_t done = handled();
  if (j.noting_handled != 0 || done <= m.told) return;
  if (services_.router.note(*this, domain::handled_note(journal(), done), mark_of(kHandled, done)))
    j.noting_handled = done;
  else
    services_.core.timers().arm(j.try_again, Journal::kTryAgain);
}

// One note for all that a turn has brought.
void Stream::note_given() {
  auto& j = *management_->journal;
  const auto& queue = outbox_->queue;
  const std::uint64_t last = queue.last();
  if (j.restored || last <= j.noting_given) return;
  const std::uint64_t first = std::max(j.noting_given, queue.confirmed()) + 1;
  auto note = domain::given_note(journal(), first, queue.entries().subspan(first - queue.confirmed() - 1));
  if (note && !services_.router.note(*this, std::move(*note), mark_of(kGiven, last))) {
    return services_.core.timers().arm(j.try_again, Journal::kTryAgain);
  }
  if (note) j.rows.push_back({first, last});
  j.noting_given = last;
}

void Stream::noted(std::uint64_t mark, bool stored) {
  if (ended_ || !management_ || !management_->journal) return;
  auto& m = *management_;
  auto& j = *m.journal;
  const std::uint64_t number = mark >> kMarkBits;
  if (!stored) services_.core.timers().arm(j.try_again, Journal::kTryAgain);
  switch (static_cast<Mark>(mark & ((1u << kMarkBits) - 1))) {
    case kState:
      j.state_due = j.state_due || !stored;
      return;
    case kHandled:
      j.noting_handled = 0;
      if (!stored) return;
      m.told = number;
      if (m.owes) tell_handled();
      acknowledge_soon();
      if (!attached_) gate_.open();
      return;
    case kGiven:
      if (!stored) {
        // Those behind it may be noted already; all of them are noted once more, under the same numbers.
        j.noting_given = std::min(j.noting_given, j.given);
        return;
      }
      j.given = std::max(j.given, number);
      send_waiting();
  }
}

// Only what the log knows to have been given may be written: after a crash its client's `h` must mean something.
bool Stream::may_write(const Outgoing& next) const {
  if (!management_ || !management_->journal || !domain::journaled(next)) return true;
  return outbox_->queue.next_number() <= management_->journal->given;
}

std::optional<domain::SessionNote> Stream::rows_confirmed(std::uint64_t through) {
  if (!management_->journal) return std::nullopt;
  auto& rows = management_->journal->rows;
  const auto end = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.last > through; });
  if (end == rows.begin()) return std::nullopt;
  const auto note = domain::confirmed_note(journal(), rows.front().first, std::prev(end)->last);
  rows.erase(rows.begin(), end);
  return note;
}

// ---- after a restart ------------------------------------------------------------------------------------------------

Stream::Stream(Services& services, domain::SavedSession& saved)
    : services_(services),
      settings_(services.shared.settings()),
      reader_(settings_->limits),
      host_(saved.jid.domain()),
      account_(saved.jid.bare()),
      since_(services.shared.clock.tick()),
      header_sent_(true),
      attached_(false) {
  start_management();
  auto& m = *management_;
  domain::ByteReader words{saved.state.door};
  m.id = words.string(kMaxId);
  m.resume_within = std::chrono::seconds{words.varint()};
  if (!words.ok() || m.id.empty()) m.resume_within = {};
  m.resume_within = std::min(m.resume_within, settings_->resume_within);
  set_journal(saved.journal);
  start_journal();
  auto& j = *m.journal;
  j.restored = true;
  j.numbers = std::move(saved.numbers);
  // What was committed without a gap is done, told or not.
  m.taken = saved.handled;
  auto next = saved.taken.begin();
  while (next != saved.taken.end() && next->number == m.taken + 1) m.taken = (next++)->number;
  j.taken.assign(next, saved.taken.end());
  m.told = m.taken;
  outbox().queue.restore(saved.confirmed, std::move(saved.given));
}

// Its time begins to run; whether its account is there is known later.
void Stream::await_client(const domain::SavedSession& saved) {
  auto& m = *management_;
  if (m.resumable()) services_.resumable.emplace(m.id, this);
  services_.core.timers().arm(m.expiry, m.resume_within);
  services_.router.restore(*this, saved, [this](Result<void> outcome) { reopened(std::move(outcome)); });
}

void Stream::reopened(Result<void> outcome) {
  if (!outcome) {
    log::info("xmpp", "{} cannot be gone on with: {}", for_log(account_), outcome.error().message);
    if (outcome.error().code != Errc::not_found) set_journal(0);  // the next start may know more
    ended_ = true;
    forget_management();
    return gate_.open();
  }
  bound_ = true;
  recall_given();
}

// Its client says what it has; the rest is read from the log again.
void Stream::recall_given() {
  if (!restored() || !bound_ || !management_->resumption || management_->journal->recalling) return;
  auto& j = *management_->journal;
  auto& queue = outbox_->queue;
  j.recalling = true;
  const std::uint32_t handled = management_->resumption->handled;
  // The full number next to what is known of it.
  const std::uint64_t confirmed = j.numbers.empty()
                                      ? handled
                                      : queue.confirmed() + static_cast<std::uint64_t>(static_cast<std::int64_t>(
                                                                static_cast<std::int32_t>(handled - queue.acked())));
  const auto count =
      static_cast<std::size_t>(std::upper_bound(j.numbers.begin(), j.numbers.end(), confirmed) - j.numbers.begin());
  if (count > 0) services_.router.acknowledged(*this, count, std::nullopt);
  auto entries = queue.take_all();
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
  std::vector<std::uint64_t> sequences;
  for (const Outgoing& entry : entries) {
    if (entry.absent) sequences.push_back(entry.stamp.sequence);
  }
  queue.restore(confirmed, std::move(entries));
  services_.router.recall(*this, std::move(sequences),
                          [this](Result<std::vector<domain::LogRecord>> records) { recalled(std::move(records)); });
}

void Stream::recalled(Result<std::vector<domain::LogRecord>> records) {
  if (!records) {
    log::error("xmpp", "what {} was given could not be read: {}", name(), records.error().message);
    return end({"internal-server-error", "what waits could not be read"});
  }
  auto& j = *management_->journal;
  outbox_->queue.fill(std::move(*records));
  j.restored = j.recalling = false;
  j.numbers = {};
  j.given = j.noting_given = outbox_->queue.confirmed();
  // They have new numbers now: those of stanzas that no log had are taken by others.
  (void)services_.router.note(*this, domain::confirmed_note(journal(), 0, std::numeric_limits<std::uint64_t>::max()),
                              0);
  note_given();
  gate_.open();
}

// A client that was not told sends again what had been done.
bool Stream::done_before(const domain::Envelope& message) {
  if (!management_->journal || management_->journal->taken.empty()) return false;
  auto& taken = management_->journal->taken;
  while (!taken.empty() && taken.front().number < management_->taken) taken.erase(taken.begin());
  if (taken.empty() || taken.front().number != management_->taken) return false;
  const std::string to = message.to.empty() ? std::string{jid().bare()} : message.to.full();
  return message.kind == domain::Kind::message && taken.front().content == domain::content_of(message, to);
}

bool Stream::suspend(domain::CloseReason reason) {
  if (reason != domain::CloseReason::shutdown || ended_ || journal() == 0) return false;
  if (handled() > management_->told) {
    (void)services_.router.note(*this, domain::handled_note(journal(), handled()), 0);
  }
  note_news();
  set_journal(0);  // from here on nobody forgets it
  outbox_->queue.take_all();
  end(stream_failure_of(reason));
  return true;
}

}  // namespace anser::xmpp
