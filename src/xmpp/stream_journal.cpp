// Stream, the part that outlives the process: what a restart must know of a session that can be resumed goes to the log
// before its client can have seen it, and a session that was noted so waits for its client again (XEP-0198 §5).
#include <algorithm>

#include "base/log.h"
#include "core/random.h"
#include "domain/byte_codec.h"
#include "xmpp/stream.h"

namespace anser::xmpp {
namespace {

using domain::Outgoing;

// What a note was about comes back with its number in one word; for `given` the number is followed by the generation.
enum Mark : std::uint64_t { kState = 1, kDirected = 2, kHandled = 3, kGiven = 4, kDue = 5 };
constexpr unsigned kMarkBits = 3, kGenerationBits = 8;
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
  management_->journal = std::make_unique<Journal>(*this, [](Stream& stream) {
    stream.note_news();
    stream.acknowledge_soon();
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

void Stream::directed_changed() {
  if (ended_ || !management_ || !management_->journal) return;
  management_->journal->directed_due = true;
  services_.core.mark(outbox());
}

void Stream::note_news() {
  note_state();
  note_given();
}

void Stream::note_state() {
  auto& j = *management_->journal;
  auto& router = services_.router;
  if (j.state_due && !j.noting_state) {
    j.noting_state = router.note_state(*this, door_words(*management_), mark_of(kState));
    j.state_due = !j.noting_state;
  }
  if (j.directed_due && !j.noting_directed) {
    j.noting_directed = router.note_directed_list(*this, mark_of(kDirected));
    j.directed_due = !j.noting_directed;
  }
  const bool refused = (j.state_due && !j.noting_state) || (j.directed_due && !j.noting_directed);
  if (refused) services_.core.timers().arm(j.try_again, Journal::kTryAgain);
}

// A presence counts when it is noted, so the state goes first.
void Stream::note_handled() {
  auto& m = *management_;
  auto& j = *m.journal;
  const std::uint64_t done = handled();
  if (j.noting_handled != 0 || done <= m.told || journal() == 0) return;
  note_state();
  if (j.state_due || j.directed_due) return;  // acknowledge_soon() comes again
  if (services_.router.note(*this, domain::handled_note(journal(), done), mark_of(kHandled, done)))
    j.noting_handled = done;
  else
    services_.core.timers().arm(j.try_again, Journal::kTryAgain);
}

// One note for all that a turn has brought.
std::optional<domain::SessionNote> Stream::given_news(std::uint64_t& mark) {
  if (ended_ || !management_ || !management_->journal || !outbox_) return std::nullopt;
  auto& j = *management_->journal;
  const auto& queue = outbox_->queue;
  if (restored()) {
    const auto notes = domain::due_notes(journal(), queue.entries().subspan(j.past->due));
    j.past->due = queue.size();
    mark = mark_of(kDue);
    return notes ? std::optional{*notes} : std::nullopt;
  }
  const std::uint64_t last = queue.last();
  if (last <= j.noting_given) return std::nullopt;
  const std::uint64_t first = std::max(j.noting_given, queue.confirmed()) + 1;
  // In short rows: one that is confirmed in part is written anew.
  constexpr std::uint64_t kRow = 64;
  std::vector<domain::SessionNote> notes;
  const bool anew = j.renote.has_value();
  for (std::uint64_t begin = first; begin <= last; begin += kRow) {
    const std::uint64_t end = std::min(begin + kRow - 1, last);
    domain::Given given{.first = begin,
                        .entries = queue.entries().subspan(begin - queue.confirmed() - 1, end - begin + 1),
                        .due = anew};
    if (j.renote) given.instead_of = domain::SessionNote::Range{*j.renote, domain::kLastNumber};
    auto note = domain::given_note(journal(), given);
    if (!note) continue;
    j.renote.reset();
    j.rows.push_back({begin, end});
    notes.push_back(std::move(*note));
  }
  j.noting_given = last;
  if (notes.empty()) return std::nullopt;
  mark = mark_of(kGiven, last << kGenerationBits | j.generation);
  return *domain::linked(std::move(notes));
}

// Notes behind it may be in the log; all of them are written once more, under the same numbers.
void Stream::note_given_refused() {
  auto& j = *management_->journal;
  ++j.generation;
  j.renote = std::min(j.renote.value_or(j.given + 1), j.given + 1);
  j.noting_given = j.given;
  while (!j.rows.empty() && j.rows.back().last > j.given) j.rows.pop_back();
}

void Stream::noted(std::uint64_t mark, bool stored) {
  if (ended_ || !management_ || !management_->journal) return;
  auto& m = *management_;
  auto& j = *m.journal;
  const std::uint64_t number = mark >> kMarkBits;
  if (!stored) services_.core.timers().arm(j.try_again, Journal::kTryAgain);
  switch (static_cast<Mark>(mark & ((1u << kMarkBits) - 1))) {
    case kState:
      j.noting_state = false;
      j.state_due = j.state_due || !stored;
      break;
    case kDirected:
      j.noting_directed = false;
      j.directed_due = j.directed_due || !stored;
      break;
    case kHandled:
      j.noting_handled = 0;
      if (!stored) return;
      m.told = number;
      if (m.owes) tell_handled();
      acknowledge_soon();
      if (!attached_) gate_.open();
      return;
    case kGiven:
      if (static_cast<std::uint8_t>(number) != j.generation) return;
      if (!stored) return note_given_refused();
      j.given = std::max(j.given, number >> kGenerationBits);
      return send_waiting();
    case kDue:
      if (!stored) j.past->due = j.past->known;
      return;
  }
  if (!stored) return;
  note_state();
  acknowledge_soon();
}

// Only what the log knows to have been given may be written: after a crash its client's `h` must mean something.
bool Stream::may_write(const Outgoing& next) const {
  if (!management_ || !management_->journal || !domain::journaled(next)) return true;
  return outbox_->queue.next_number() <= management_->journal->given;
}

// The client has the first `count` entries: what the log says of them goes, and the rest of a row is written anew.
std::optional<domain::SessionNote> Stream::rows_confirmed(std::size_t count) {
  if (!management_->journal) return std::nullopt;
  auto& rows = management_->journal->rows;
  const auto& queue = outbox_->queue;
  const std::uint64_t through = queue.confirmed() + count;
  const auto end = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.last > through; });
  const bool cut = end != rows.end() && end->first <= through;
  if (end == rows.begin() && !cut) return std::nullopt;
  domain::Given rest{.instead_of = domain::SessionNote::Range{rows.front().first, through}};
  if (cut) {
    rest.first = end->first = through + 1;
    rest.entries = queue.entries().subspan(count, end->last - through);
  }
  drop(rows, rows.begin(), end);
  return domain::given_note(journal(), rest);
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
  limit_rate();
  start_management();
  auto& m = *management_;
  domain::ByteReader words{saved.state.door};
  m.id = words.string(kMaxId);
  m.resume_within = std::chrono::seconds{words.varint()};
  if (!words.ok() || m.id.empty()) m.resume_within = {};
  m.resume_within = std::min(m.resume_within, settings_->resume_within);
  set_journal(saved.journal);
  start_journal();
  m.journal->past = std::make_unique<Journal::Past>();
  auto& past = *m.journal->past;
  past.numbers = std::move(saved.numbers);
  // What was committed without a gap is done, told or not.
  m.taken = saved.handled;
  auto next = saved.taken.begin();
  while (next != saved.taken.end() && next->number == m.taken + 1) m.taken = (next++)->number;
  past.taken.assign(next, saved.taken.end());
  m.told = m.taken;
  past.known = past.due = saved.given.size();
  outbox().queue.restore(saved.confirmed, std::move(saved.given));
}

void Stream::await_client(domain::SavedSession saved) {
  if (management_->resumable()) services_.resumable.emplace(management_->id, this);
  services_.router.restore(*this, std::move(saved), [this](Result<void> outcome) { reopened(std::move(outcome)); });
}

void Stream::reopened(Result<void> outcome) {
  if (!outcome) {
    log::info("xmpp", "{} cannot be gone on with: {}", for_log(account_), outcome.error().message);
    if (outcome.error().code == Errc::storage_failed) set_journal(0);  // the next start may know more
    ended_ = true;
    forget_management();
    return gate_.open();
  }
  bound_ = true;
  services_.core.timers().arm(outbox_->patience, management_->resume_within);
  recall_given();
}

// The full number next to what is known of it; beyond all numbers if there is none.
std::uint64_t Stream::full_number(std::uint32_t handled) const {
  const auto& queue = outbox_->queue;
  if (management_->journal->past->numbers.empty()) return handled;
  const std::int64_t ahead = static_cast<std::int32_t>(handled - queue.acked());
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(queue.confirmed()) + ahead);
}

// What was written before a crash is not known to the last stanza. What was in no log stood between or behind what was,
// and there had its limit.
bool Stream::may_have(std::uint32_t handled) const {
  constexpr std::uint64_t kUnknown = 1 << 16;
  const auto& numbers = management_->journal->past->numbers;
  return numbers.empty() || full_number(handled) <= numbers.back() + settings_->queue_stanzas + kUnknown;
}

// Its client says what it has; the rest is read from the log again.
void Stream::recall_given() {
  if (!restored() || !bound_ || !management_->resumption || management_->journal->past->recalling) return;
  auto& past = *management_->journal->past;
  auto& queue = outbox_->queue;
  past.recalling = true;
  const std::uint64_t confirmed = full_number(management_->resumption->handled);
  const auto count = static_cast<std::size_t>(std::ranges::upper_bound(past.numbers, confirmed) - past.numbers.begin());
  past.numbers.erase(past.numbers.begin(), past.numbers.begin() + static_cast<std::ptrdiff_t>(count));
  if (count > 0) {
    const domain::Given rest{.entries = queue.entries().subspan(count, past.numbers.size()),
                             .numbers = past.numbers,
                             .instead_of = domain::SessionNote::Range{0, domain::kLastNumber}};
    services_.router.acknowledged(*this, count, domain::given_note(journal(), rest));
  }
  auto entries = queue.take_all();
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
  past.known -= count;
  past.due -= count;
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
  j.past->waits = j.past->recalling = false;
  // They have new numbers now: those of stanzas that no log had are taken by others.
  j.given = j.noting_given = outbox_->queue.confirmed();
  j.renote = 0;
  for (auto& confirmation : management_->confirmations) confirmation.number = outbox_->queue.last();
  note_given();
  gate_.open();
}

// A client that was not told sends again what had been done.
bool Stream::done_before(const domain::Envelope& stanza) {
  if (!management_->journal || !management_->journal->past) return false;
  auto& taken = management_->journal->past->taken;
  const std::uint64_t number = management_->taken;
  while (!taken.empty() && taken.front().number < number) taken.erase(taken.begin());
  if (taken.empty() || taken.front().number > number) return false;
  const domain::TakenNote before = taken.front();
  taken.erase(taken.begin());
  const std::string to = stanza.to.empty() ? std::string{jid().bare()} : stanza.to.full();
  if (stanza.kind == domain::Kind::message && before.content == domain::content_of(stanza, to)) return true;
  // Another one: the number may not count as taken before this one is.
  (void)services_.router.note(*this, domain::not_taken_note(journal(), number), 0);
  return false;
}

bool Stream::suspend(domain::CloseReason reason) {
  const bool process_ends = reason == domain::CloseReason::shutdown || reason == domain::CloseReason::storage_failed;
  if (!process_ends || ended_ || journal() == 0) return false;
  auto& router = services_.router;
  const auto& j = *management_->journal;
  if (j.state_due) (void)router.note_state(*this, door_words(*management_), 0);
  if (j.directed_due) (void)router.note_directed_list(*this, 0);
  if (handled() > management_->told) (void)router.note(*this, domain::handled_note(journal(), handled()), 0);
  set_journal(0);  // from here on nobody forgets it
  outbox().queue.take_all();
  end(stream_failure_of(reason));
  return true;
}

}  // namespace anser::xmpp
