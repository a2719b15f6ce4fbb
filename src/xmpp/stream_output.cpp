// Stream, the part that writes: what the router delivers, and the outbox of what the client has not read or not
// confirmed. Nothing here calls the router before the end of the turn, for it is in the middle of something.
#include <algorithm>

#include "xml/element.h"
#include "xml/escape.h"
#include "xmpp/framing.h"
#include "xmpp/roster_text.h"
#include "xmpp/stream.h"

namespace anser::xmpp {

using domain::Envelope;

void Stream::deliver(const Envelope& envelope, const domain::Stamp& stamp) {
  if (!held_back_) return deliver_now(envelope, stamp);
  deliver_held(held_back_->pass(envelope, stamp));
}

// Its sender may have been blocked since it came.
void Stream::deliver_held(const std::vector<domain::HeldBack::Entry>& entries) {
  for (const auto& due : entries) {
    if (due.envelope.failure || !blocks(due.envelope.from)) deliver_now(due.envelope, due.stamp);
  }
}

void Stream::deliver_now(const Envelope& envelope, const domain::Stamp& stamp) {
  if (management_ || !writable()) return put_off({envelope, stamp, {}});
  write(envelope, stamp);
}

void Stream::write(const Envelope& envelope, const domain::Stamp& stamp) {
  std::string& out = connection_->out();
  const std::size_t start = out.size();
  append_stanza(out, envelope, stamp, jid(), &services_.archive_ids, connection_->websocket() != nullptr);
  connection_->end_message(start);
  connection_->flush_soon();
}

void Stream::set_active(bool active) {
  if (active == !held_back_) return;
  if (!active) {
    held_back_ = std::make_unique<domain::HeldBack>(jid(), settings_->held_back_stanzas);
    return;
  }
  const auto held = std::move(held_back_);
  deliver_held(held->release());
}

void Stream::push(std::string text) {
  if (ended_) return;
  if (management_ || !writable()) return put_off({{}, {}, std::move(text)});
  write_element(*connection_, text);
}

void Stream::send(std::string_view text) {
  if (!ended_ && attached_) write_element(*connection_, text);
}

void Stream::write(const domain::Outgoing& entry) {
  if (!entry.own_words()) return write(entry.envelope, entry.stamp);
  write_element(*connection_, entry.text);
}

// ---- what waits -----------------------------------------------------------------------------------------------------

Stream::Outbox& Stream::outbox() {
  if (!outbox_) outbox_ = std::make_unique<Outbox>(*this);
  return *outbox_;
}

void Stream::put_off(domain::Outgoing entry) {
  const bool first = !outbox_;
  outbox().queue.push(std::move(entry));
  if (management_) {
    send_waiting();
    if (management_->journal) services_.core.mark(*outbox_);
  } else if (first && attached_ && !ended_) {
    services_.core.timers().arm(outbox_->patience, settings_->write_timeout);
    connection_->on_writable([this] { send_waiting(); });
  }
  if (ended_ || too_far_behind()) services_.core.mark(*outbox_);
}

bool Stream::too_far_behind() const {
  const auto& queue = outbox_->queue;
  if (management_) return queue.bytes() > settings_->queue_bytes || queue.size() > settings_->queue_stanzas;
  return queue.bytes() > settings_->output_bytes || queue.size() > settings_->backlog_messages;
}

void Stream::send_waiting() {
  if (!outbox_ || !connected()) return;
  auto& queue = outbox_->queue;
  const domain::Outgoing* next = queue.next();
  const bool moves = next && !connection_->congested();
  for (; next && !connection_->congested() && may_write(*next); next = queue.next()) {
    write(*next);
    queue.mark_written();
    if (!management_) (void)queue.acknowledge(queue.sent());  // as much as this client will ever tell us
  }
  if (next && may_write(*next)) {
    if (moves || !outbox_->patience.armed()) services_.core.timers().arm(outbox_->patience, settings_->write_timeout);
  } else if (management_) {
    outbox_->patience.disarm();
  } else {
    return outbox_.reset();
  }
  if (management_) ask_for_acknowledgement();
}

// At the end of a turn in which it grew too long, or the stream ended.
void Stream::settle_outbox() {
  if (!ended_ && too_far_behind()) fall_behind();
  if (ended_) return give_back();
  if (management_ && management_->journal) note_news();
}

void Stream::give_back() {
  outbox_->patience.disarm();
  auto entries = outbox_->queue.take_all();
  if (std::ranges::any_of(entries, &domain::Outgoing::absent))
    return services_.router.undelivered(*this, std::move(entries));
  for (auto& entry : entries) {
    if (!entry.own_words()) services_.router.undelivered(*this, std::move(entry.envelope), entry.stamp);
  }
}

// Nothing of what waits has been taken for too long; or its client has not come back.
void Stream::lose_patience() {
  if (!attached_) return end({"connection-timeout", "the session was not resumed in time"});
  if (!may_detach()) return fall_behind();
  drop_connection({"connection-timeout", "nothing is read"});
}

void Stream::fall_behind() {
  if (ended_) return;
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
  if (management_) {
    management_->confirmations.push_back({outbox().queue.last(), number});
    return ask_for_acknowledgement();
  }
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
