// Stream, the part that speaks XEP-0198: who has what, and going on with a session over another connection.
#include "xmpp/stream_management.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/log.h"
#include "core/random.h"
#include "xml/escape.h"
#include "xmpp/framing.h"
#include "xmpp/stream.h"

namespace anser::xmpp {
namespace {

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint32_t> handled_of(const xml::Stanza& stanza) {
  for (const auto& attribute : stanza.attributes) {
    if (attribute.ns.empty() && attribute.local == "h") return number_of(attribute.value);
  }
  return std::nullopt;
}

bool is_true(std::string_view word) { return word == "true" || word == "1"; }

std::string failed(std::string_view condition) {
  return std::string{"<failed xmlns='"}
      .append(kManagementNs)
      .append("'><")
      .append(condition)
      .append(" xmlns='")
      .append(kStanzasNs)
      .append("'/></failed>");
}

StreamFailure handled_too_high(std::uint32_t handled, std::uint32_t sent) {
  return {"undefined-condition", fmt::format("{} stanzas were acknowledged, {} were sent", handled, sent),
          fmt::format("<handled-count-too-high xmlns='{}' h='{}' send-count='{}'/>", kManagementNs, handled, sent)};
}

// Its session has ended, or goes on with another connection that came after it.
void dismiss(net::Core& core, Resumption resumption, std::string_view answer, const StreamFailure& failure) {
  net::Connection connection(core, std::move(resumption.handed));
  if (!resumption.welcome && !answer.empty()) write_element(connection, answer);  // that login was never answered
  fail_stream(connection, failure);
}

}  // namespace

Stream::Then Stream::take_management(const xml::Stanza& stanza) {
  if (management_ && stanza.local == "r") {
    auto& m = *management_;
    m.asked = m.taken;
    m.owes = true;
    if (unfenced_ > 0 || (!m.marks.empty() && m.marks.back().taken < m.taken)) {
      set_fence();
      pace();
    }
    acknowledge_soon();
    if (m.owes && !m.answer_late.armed()) services_.core.timers().arm(m.answer_late, Management::kAnswerWithin);
    return must_wait() ? Then::wait : Then::go_on;
  }
  if (management_ && stanza.local == "a") return take_acknowledgement(handled_of(stanza));
  if (stanza.local == "enable" && !management_) {
    if (const auto element = to_element(stanza)) send(enable_management(*element));
    return Then::go_on;
  }
  if (stanza.local != "enable" && stanza.local != "resume" && stanza.local != "r" && stanza.local != "a") {
    end({"unsupported-stanza-type", "this element is not understood here"});
    return Then::over;
  }
  send(failed("unexpected-request"));  // twice, after bind, or before it was enabled
  return Then::go_on;
}

void Stream::start_management() {
  management_ = std::make_unique<Management>(
      *this, [](Stream& stream) { stream.answer_late(); }, [](Stream& stream) { stream.ask_late(); });
  set_confirms();
}

std::string Stream::enable_management(const xml::Element& element) {
  start_management();
  outbox().queue.restart();  // what was written before does not count
  connection_->on_writable([this] { send_waiting(); });

  auto& m = *management_;
  std::string text = fmt::format("<enabled xmlns='{}'", kManagementNs);
  if (is_true(element.attr("resume")) && settings_->resume_within.count() > 0 && !temporary_) {
    m.resume_within = settings_->resume_within;
    if (const auto wish = number_of(element.attr("max")); wish && *wish > 0) {
      m.resume_within = std::min(m.resume_within, std::chrono::seconds{*wish});
    }
    m.id = core::random_id(Management::kIdLength);
    services_.resumable.emplace(m.id, this);
    start_journal();
    text.append(fmt::format(" id='{}' resume='true' max='{}'", m.id, m.resume_within.count()));
  }
  return text.append("/>");
}

// ---- what the client sent -------------------------------------------------------------------------------------------

// As many stanzas may be uncommitted as ever, however many fences they need.
void Stream::pace_managed() {
  const auto& m = *management_;
  wait_for_ = 0;
  for (const auto& mark : m.marks) {
    if (mark.taken + settings_->uncommitted_stanzas > m.taken &&
        mark.taken_bytes + settings_->uncommitted_bytes > m.taken_bytes) {
      break;
    }
    wait_for_ = mark.fence;
  }
}

// All up to this one are done: the fences behind them have passed, the requests among them are answered.
std::uint64_t Stream::handled() const {
  const auto& m = *management_;
  const bool all_fenced = unfenced_ == 0 && fence_passed_ + 1 == next_fence_;
  std::uint64_t done = all_fenced ? m.taken : m.fenced;
  if (!m.open.empty()) done = std::min(done, m.open.front() - 1);
  return std::max(done, m.told);
}

void Stream::request_answered(std::uint64_t request) {
  auto& open = management_->open;
  const auto found = std::lower_bound(open.begin(), open.end(), request);
  if (found == open.end() || *found != request) return;
  drop(open, found, found + 1);
  acknowledge_soon();
}

// Whoever asked is told when all that it asked about is done, and so is who resumes. Nobody asked? Then what is done is
// noted all the same, from time to time.
void Stream::acknowledge_soon() {
  auto& m = *management_;
  const std::uint64_t done = handled();
  if (!attached_ ? done == m.taken : m.owes && done >= m.asked) return acknowledge();
  if (m.journal && done >= m.told + Journal::kHandledUnasked) note_handled();
}

void Stream::acknowledge() {
  auto& m = *management_;
  if (m.journal && handled() > m.told) return note_handled();
  m.told = handled();
  tell_handled();
}

void Stream::tell_handled() {
  auto& m = *management_;
  m.owes = m.told < m.asked;
  if (!m.owes) m.answer_late.disarm();
  send(fmt::format("<a xmlns='{}' h='{}'/>", kManagementNs, static_cast<std::uint32_t>(m.told)));
}

// As far as it is; the rest follows unasked.
void Stream::answer_late() {
  if (!management_->journal) management_->told = handled();
  tell_handled();
  if (management_->journal) note_handled();
}

// ---- what the client has --------------------------------------------------------------------------------------------

Stream::Then Stream::take_acknowledgement(std::optional<std::uint32_t> handled) {
  if (!handled) {
    end({"bad-format", "an acknowledgement needs a number"});
    return Then::over;
  }
  if (!outbox_->queue.may_acknowledge(*handled)) {
    end(handled_too_high(*handled, outbox_->queue.sent()));
    return Then::over;
  }
  take_confirmed(*handled);
  management_->asking = false;
  confirm_delivered();
  if (!ended_) ask_for_acknowledgement();
  return ended_ ? Then::over : Then::go_on;
}

void Stream::take_confirmed(std::uint32_t handled) {
  auto& queue = outbox_->queue;
  const std::size_t count = queue.confirmed_by(handled).size();
  if (count > 0) services_.router.acknowledged(*this, count, rows_confirmed(count));
  (void)queue.acknowledge(handled);
}

void Stream::confirm_delivered() {
  auto& confirmations = management_->confirmations;
  while (!confirmations.empty()) {
    const auto [number, waiting] = confirmations.front();
    if (outbox_->queue.confirmed() < number) return;
    drop(confirmations, confirmations.begin(), confirmations.begin() + 1);
    services_.router.confirmed(*this, waiting);
    unfenced_ = std::max(unfenced_, 1u);  // more may come now: a ping behind this is answered behind that
  }
}

// At once when much is unconfirmed or somebody waits for it, else a while later.
void Stream::ask_for_acknowledgement() {
  auto& m = *management_;
  const std::size_t written = outbox_->queue.written();
  if (m.asking || !connected()) return;
  if (written < Management::kAskAfter && m.confirmations.empty()) {
    if (written > 0 && !m.ask_late.armed()) services_.core.timers().arm(m.ask_late, Management::kAskWithin);
    return;
  }
  m.ask_late.disarm();
  m.asking = true;
  send(fmt::format("<r xmlns='{}'/>", kManagementNs));
}

void Stream::ask_late() {
  if (management_->asking || !connected() || outbox_->queue.written() == 0) return;
  management_->asking = true;
  send(fmt::format("<r xmlns='{}'/>", kManagementNs));
}

// ---- another connection ---------------------------------------------------------------------------------------------

Stream::Then Stream::take_resume(const xml::Element& element) {
  const std::string refusal = seek_session(element);
  if (wish_) return Then::moved;
  send(refusal);
  return ended_ ? Then::over : Then::go_on;
}

// Then wish_ is there; or the stream has ended; or the answer says why not.
std::string Stream::seek_session(const xml::Element& element) {
  if (element.local() != "resume") return failed("unexpected-request");
  const auto handled = number_of(element.attr("h"));
  if (!handled) return failed("bad-request");
  // A session of another account is no session: nobody learns that it exists.
  const auto found = services_.resumable.find(element.attr("previd"));
  if (found == services_.resumable.end() || found->second->account_ != account_ ||
      services_.router.changed_since(found->second->jid().to_bare(), since_)) {
    return failed("item-not-found");
  }
  Stream& session = *found->second;
  const auto& queue = session.outbox_->queue;
  if (session.restored() ? session.may_have(*handled) : queue.may_acknowledge(*handled))
    wish_ = std::make_unique<Wish>(Wish{session, *handled});
  else
    end(handled_too_high(*handled, queue.sent()));
  return {};
}

// The connection leaves for the session that it resumes; this stream, which was never bound, ends.
void Stream::hand_over_to_resumed(std::string_view input) {
  Resumption resumption{connection_->hand_over(input), std::move(reader_), std::move(lang_), wish_->handled,
                        std::move(welcome_)};
  ended_ = true;
  wish_->session.resume(std::move(resumption));
}

void Stream::resume(Resumption resumption) {
  auto& m = *management_;
  if (m.resumption) dismiss(services_.core, std::move(*m.resumption), resumed(), {"conflict", {}});
  m.resumption = std::make_unique<Resumption>(std::move(resumption));
  if (attached_) drop_connection({"conflict", {}});  // its coroutine wakes up, and finds the other one here
  recall_given();
  gate_.open();
}

void Stream::detach() {
  auto& m = *management_;
  attached_ = false;
  in_stanza_ = pinged_ = false;
  connection_->abort();
  outbox_->queue.rewind();
  m.asking = m.owes = false;
  m.answer_late.disarm();
  m.ask_late.disarm();
  if (unfenced_ > 0) set_fence();
  acknowledge_soon();
  services_.core.timers().arm(outbox_->patience, m.resume_within);
  if (!m.resumption) services_.router.detached(*this);
}

// What came over the old connection is done first: its client will send again what <resumed/> does not count.
bool Stream::may_attach() const {
  const auto& m = *management_;
  return m.resumption && bound_ && !restored() && handled() == m.taken && m.told == m.taken;
}

std::string Stream::resumed() const {
  return fmt::format("<resumed xmlns='{}' previd='{}' h='{}'/>", kManagementNs, management_->id,
                     static_cast<std::uint32_t>(management_->told));
}

void Stream::attach() {
  auto& m = *management_;
  const auto resumption = std::move(m.resumption);
  outbox_->patience.disarm();
  connection_.emplace(services_.core, std::move(resumption->handed));
  connection_->held_by(this, sizeof *this);
  connection_->on_writable([this] { send_waiting(); });
  connection_->limit(silence_allowed());
  reader_ = std::move(resumption->reader);
  lang_ = std::move(resumption->lang);
  header_sent_ = attached_ = true;

  auto& queue = outbox_->queue;
  // It was sent; what the old connection brought last may say more.
  if (queue.may_acknowledge(resumption->handled)) take_confirmed(resumption->handled);
  log::info("xmpp", "{} from {} came back: {} stanzas are sent again", name(), connection_->peer(), queue.size());
  welcome_ = std::move(resumption->welcome);
  if (welcome_)
    write_welcome(resumed());
  else
    send(resumed());
  confirm_delivered();
  set_active(true);  // XEP-0352 §5.2
  send_waiting();
}

void Stream::forget_management() {
  if (!management_) return;
  auto& m = *management_;
  if (m.resumable()) services_.resumable.erase(m.id);
  m.id.clear();
  if (journal() != 0) services_.router.forget(journal(), jid());
  set_journal(0);
  m.journal.reset();
  m.ask_late.disarm();
  m.answer_late.disarm();
  if (!m.resumption) return;
  if (services_.stopping)
    dismiss(services_.core, std::move(*std::exchange(m.resumption, nullptr)), {}, {"system-shutdown", {}});
  else
    dismiss(services_.core, std::move(*std::exchange(m.resumption, nullptr)), failed("item-not-found"), {"reset", {}});
}

}  // namespace anser::xmpp
