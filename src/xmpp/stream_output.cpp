// Stream, the part that writes: what the router delivers, and the backlog of what the client has not read. Nothing here
// calls the router before the end of the turn, for it is in the middle of something.
#include "base/log.h"
#include "xml/element.h"
#include "xml/escape.h"
#include "xmpp/roster_text.h"
#include "xmpp/stream.h"

namespace anser::xmpp {

using domain::Envelope;

void Stream::deliver(const Envelope& envelope, const domain::Stamp& stamp) {
  if (!writable()) return put_off({envelope, stamp, {}, envelope.bytes()});
  append_stanza(connection_.out(), envelope, stamp);
  connection_.flush_soon();
}

void Stream::push(std::string text) {
  if (ended_) return;
  if (!writable()) {
    const std::size_t bytes = sizeof(Late) + text.size();
    return put_off({{}, {}, std::move(text), bytes});
  }
  connection_.out().append(text);
  connection_.flush_soon();
}

void Stream::send(std::string_view text) {
  if (ended_) return;
  connection_.out().append(text);
  connection_.flush_soon();
}

// ---- what waits -----------------------------------------------------------------------------------------------------

void Stream::put_off(Late late) {
  if (!backlog_) {
    backlog_ = std::make_unique<Backlog>(*this);
    if (!ended_) {
      services_.core.timers().arm(backlog_->patience, settings_->write_timeout);
      connection_.on_writable([this] { send_backlog(); });
    }
  }
  backlog_->bytes += late.bytes;
  backlog_->waiting.push_back(std::move(late));
  if (ended_ || too_far_behind()) services_.core.mark(*backlog_);
}

bool Stream::too_far_behind() const {
  return backlog_->bytes > settings_->output_bytes || backlog_->waiting.size() > settings_->backlog_messages;
}

void Stream::send_backlog() {
  if (!backlog_ || !header_sent_ || ended_) return;
  while (!backlog_->waiting.empty() && connection_.queued() < net::Connection::kHighWater) {
    const Late late = std::move(backlog_->waiting.front());
    backlog_->waiting.pop_front();
    backlog_->bytes -= late.bytes;
    if (late.text.empty())
      append_stanza(connection_.out(), late.envelope, late.stamp);
    else
      connection_.out().append(late.text);
    connection_.flush_soon();
  }
  if (backlog_->waiting.empty())
    backlog_.reset();
  else
    services_.core.timers().arm(backlog_->patience, settings_->write_timeout);
}

// At the end of a turn in which it grew too long, or the stream ended.
void Stream::settle_backlog() {
  if (!ended_ && too_far_behind()) fall_behind();
  if (ended_) give_back_backlog();
}

void Stream::give_back_backlog() {
  const std::deque<Late> waiting = std::exchange(backlog_->waiting, {});
  backlog_->bytes = 0;
  backlog_->patience.disarm();
  for (const auto& late : waiting) {
    if (late.text.empty()) services_.router.undelivered(*this, late.envelope, late.stamp);
  }
}

void Stream::fall_behind() {
  if (ended_) return;
  log::warn("xmpp", "{} from {} does not read: {} stanzas wait", name(), connection_.peer(), backlog_->waiting.size());
  close(domain::CloseReason::too_slow);
}

// ---- what the router wants written ----------------------------------------------------------------------------------

void Stream::push_roster(const domain::RosterItem& item, std::uint64_t version) {
  std::string text = request_text("set", "push-" + std::to_string(next_push_++));
  append_roster_push(text, item, version);
  push(text.append("</iq>"));
}

void Stream::push_roster_removal(const domain::Jid& contact, std::uint64_t version) {
  std::string text = request_text("set", "push-" + std::to_string(next_push_++));
  append_roster_removal(text, contact, version);
  push(text.append("</iq>"));
}

void Stream::push_blocking(bool blocked, const std::vector<domain::Jid>& who) {
  xml::Element push_of{"urn:xmpp:blocking", blocked ? "block" : "unblock"};
  for (const auto& address : who) push_of.child(xml::Element{"urn:xmpp:blocking", "item"}.attr("jid", address.full()));
  std::string text = request_text("set", "push-" + std::to_string(next_push_++));
  push_of.append_to(text);
  push(text.append("</iq>"));
}

void Stream::ask_confirmation(std::uint64_t number) {
  // An answer to this proves that everything written before it has been read.
  Envelope ping;
  ping.kind = domain::Kind::iq;
  ping.type = domain::Type::get;
  ping.from = jid().to_domain();
  ping.to = jid();
  ping.id = std::string{kConfirmId} + std::to_string(number);
  ping.inner = domain::Bytes::copy("<ping xmlns='urn:xmpp:ping'/>");
  deliver(ping, {});
}

std::string Stream::request_text(std::string_view type, std::string_view id) const {
  std::string text = "<iq type='";
  text.append(type).append("' to='");
  xml::append_escaped_attribute(text, jid().full());
  text.append("' id='").append(id).append("'>");
  return text;
}

}  // namespace anser::xmpp
