// Session, the part that writes: what the router delivers, and the outbox of what the client has not read or not
// acknowledged. Nothing here calls the router before the end of the turn, for it is in the middle of something.
#include <algorithm>

#include "core/random.h"
#include "door/names.h"
#include "ws/errors.h"
#include "ws/session.h"
#include "xml/element.h"

namespace anser::ws {
namespace {

using domain::Envelope;
using domain::Kind;
using domain::Type;

std::string_view word_of(Type type) {
  switch (type) {
    case Type::unavailable:
      return "unavailable";
    case Type::subscribe:
      return "subscribe";
    case Type::subscribed:
      return "subscribed";
    case Type::unsubscribe:
      return "unsubscribe";
    case Type::unsubscribed:
      return "unsubscribed";
    default:
      return {};
  }
}

// One for the whole loop: it keeps its memory from message to message.
door::Heard& heard_in(const Envelope& envelope, Time created) {
  thread_local door::Heard heard;
  door::from_envelope(envelope, created, heard);
  return heard;
}

}  // namespace

std::uint64_t hash_of(std::string_view event_id) {
  return std::max<std::uint64_t>(1, std::hash<std::string_view>{}(event_id));
}

// ---- frames ---------------------------------------------------------------------------------------------------------

void Session::write_payload(std::string_view payload) {
  if (connection_.closed()) return;
  connection_.websocket()->append(connection_.out(), form_ == Form::json ? codec::Opcode::text : codec::Opcode::binary,
                                  payload);
  connection_.flush_soon();
}

// One copy, and nothing is touched for it but the session itself.
void Session::write_shared(const SharedFrames::Made& made) {
  if (!plain_frames_) return write_payload(made.payload());
  connection_.out().append(made.frame);
  connection_.flush_soon();
}

void Session::send(FrameType type, const google::protobuf::Message& message) {
  thread_local std::string payload;
  payload.clear();
  append(payload, form_, type, message);
  write_payload(payload);
}

void Session::push(FrameType type, const google::protobuf::Message& message) {
  if (ended_) return;
  if (writable()) return send(type, message);
  std::string payload;
  append(payload, form_, type, message);
  put_off({{}, {}, std::move(payload)}, 0);
}

// ---- what the router delivers ---------------------------------------------------------------------------------------

void Session::deliver(const Envelope& envelope, const domain::Stamp& stamp) {
  if (ended_) return;
  if (envelope.kind == Kind::iq) return answer_request(envelope);
  if (envelope.type == Type::error) return write_failure(envelope);
  if (envelope.kind == Kind::presence) return modern_ ? write_presence(envelope) : void();
  const std::uint64_t mark = acknowledges_ || !writable() ? mark_of(envelope, stamp) : 0;
  // What nobody will acknowledge waits only for what is before it, or if the log waits for a word about it.
  const bool log_waits = stamp.owed || stamp.delayed;
  if (writable() && (!acknowledges_ || (mark == 0 && !log_waits))) return write(envelope, stamp);
  put_off({envelope, stamp, {}}, mark);
}

// The first reader's frames are the next one's: with a thousand of them, what is not touched need not come into the
// cache.
void Session::deliver_together(std::span<const domain::Delivery> deliveries, std::uint64_t batch) {
  if (!ended_ && !acknowledges_ && plain_frames_ && writable()) {
    const std::string* frames = services_.shared_frames.together(batch, form_);
    if (!frames) frames = make_together(deliveries, batch);
    if (frames && !frames->empty()) return connection_.send_shared(*frames);
  }
  domain::Session::deliver_together(deliveries, batch);
}

// Empty: there is something among them that is not for everybody.
const std::string* Session::make_together(std::span<const domain::Delivery> deliveries, std::uint64_t batch) {
  std::string& frames = services_.shared_frames.begin_together(batch, form_);
  for (const auto& [envelope, stamp] : deliveries) {
    const auto* made = envelope.facts.has_body ? make_shared(envelope, stamp) : nullptr;
    if (!made) {
      frames.clear();
      break;
    }
    frames.append(made->frame);
  }
  return &frames;
}

std::uint64_t Session::mark_of(const Envelope& envelope, const domain::Stamp& stamp) const {
  if (!envelope.facts.has_body && !heard_in(envelope, {}).message) return 0;
  const std::string id = event_id_of(envelope, stamp);
  return id.empty() ? 0 : hash_of(id);
}

void Session::write(const Envelope& envelope, const domain::Stamp& stamp) {
  if (envelope.type == Type::groupchat && envelope.facts.has_body) {
    if (const auto* made = make_shared(envelope, stamp)) return write_shared(*made);
  }
  const auto& heard = heard_in(envelope, time_of(stamp));
  if (heard.message) {
    thread_local std::string payload;
    payload.clear();
    append_message(payload, envelope, stamp, *heard.message);
    write_payload(payload);
  }
  if (heard.state && modern_) {
    proto::Typing typing;
    typing.set_from(std::string{heard.state->from.bare()});
    typing.set_to(std::string{heard.state->to.bare()});
    typing.set_state(std::string{door::word_of(heard.state->what)});
    if (heard.state->group) typing.set_group(std::string{heard.state->to.bare()});
    send(FrameType::typing, typing);
  }
  if (heard.receipt && modern_) {
    proto::Receipt receipt;
    receipt.set_from(std::string{heard.receipt->from.bare()});
    receipt.set_to(std::string{heard.receipt->to.bare()});
    receipt.set_kind(heard.receipt->what == door::Receipt::What::read ? "read" : "delivered");
    receipt.set_eventid(heard.receipt->event_id);
    send(FrameType::receipt, receipt);
  }
}

Time Session::time_of(const domain::Stamp& stamp) const {
  return stamp.sequence != 0 ? stamp.time : services_.shared.clock.now();
}

// The frame of a message to a group; null: it says nothing that is one.
const SharedFrames::Made* Session::make_shared(const Envelope& envelope, const domain::Stamp& stamp) {
  if (const auto* made = services_.shared_frames.find(envelope, stamp, form_)) return made;
  const auto& heard = heard_in(envelope, time_of(stamp));
  if (!heard.message || heard.state || heard.receipt) return nullptr;
  thread_local std::string payload;
  payload.clear();
  append_message(payload, envelope, stamp, *heard.message);
  return services_.shared_frames.keep(envelope, stamp, form_, payload);
}

void Session::append_message(std::string& payload, const Envelope& envelope, const domain::Stamp& stamp,
                             const door::ChatMessage& chat) const {
  thread_local proto::Message message;
  message.Clear();
  fill(message, chat, stamp);
  message.set_eventid(event_id_of(envelope, stamp));
  append(payload, form_, FrameType::message, message);
}

void Session::fill(proto::Message& message, const door::ChatMessage& chat, const domain::Stamp& stamp) const {
  message.set_eventid(chat.event_id);
  message.set_from(std::string{chat.from.bare()});
  message.set_to(std::string{chat.to.empty() ? chat.from.bare() : chat.to.bare()});
  message.set_createat(to_date_time(chat.created));
  message.set_type(chat.type);
  message.set_body(chat.body);
  if (!chat.thread.empty()) message.set_thread(chat.thread);
  if (!chat.replaces.empty()) message.set_replaces(chat.replaces);
  if (chat.group) message.set_group(std::string{chat.to.bare()});
  if (chat.ephemeral) message.set_ephemeral(true);
  if (stamp.archived) {
    const auto group = chat.group ? services_.router.hosts().group(chat.to) : std::nullopt;
    message.set_archiveid(services_.archive_ids.make(group ? group->bare() : jid().bare(), stamp.sequence));
  }
  if (chat.attachment) {
    auto& attachment = *message.mutable_attachment();
    attachment.set_url(chat.attachment->url);
    attachment.set_name(chat.attachment->name);
    attachment.set_size(chat.attachment->size);
    attachment.set_mediatype(chat.attachment->media_type);
    attachment.set_hash(chat.attachment->hash);
  }
}

// Its sender's, or one that the client can acknowledge it by: the same each time it is given. Empty: it is in no log,
// so there is nothing to be acknowledged.
std::string Session::event_id_of(const Envelope& envelope, const domain::Stamp& stamp) const {
  if (!envelope.id.empty()) return envelope.id;  // what receipts and corrections of XMPP name
  if (!envelope.origin_id.empty() || stamp.sequence == 0) return envelope.origin_id;
  const auto group =
      envelope.type == Type::groupchat ? services_.router.hosts().group(envelope.to) : std::optional<core::Jid>{};
  return fmt::format("anser-{}", services_.archive_ids.make(group ? group->bare() : jid().bare(), stamp.sequence));
}

void Session::write_presence(const Envelope& envelope) {
  if (envelope.from == jid()) return;  // it knows
  proto::Presence presence;
  presence.set_from(domain::is_subscription(envelope.type) ? std::string{envelope.from.bare()} : envelope.from.full());
  presence.set_to(envelope.to.full());
  presence.set_type(std::string{word_of(envelope.type)});
  if (!envelope.inner.empty()) {
    const auto read = xml::parse_element(std::string{"<presence>"}.append(envelope.inner.view()).append("</presence>"));
    if (read) {
      presence.set_show(read->child_text("show"));
      presence.set_status(read->child_text("status"));
    }
  }
  presence.set_priority(envelope.facts.priority);
  push(FrameType::presence, presence);
}

// Something that this session has sent was refused where it was to go. It is not acknowledged then.
void Session::write_failure(const Envelope& envelope) {
  if (envelope.kind == Kind::presence && !modern_) return;
  FrameType type = envelope.kind == Kind::message ? FrameType::message : FrameType::presence;
  std::string event_id = envelope.id;
  if (envelope.kind == Kind::message && inflow_ && envelope.failure && !envelope.id.empty()) {
    const auto sent = std::ranges::find_if(
        inflow_->sent, [&](const Sent& one) { return one.id == envelope.id && !one.refused; });  // once for each
    if (sent != inflow_->sent.end()) {
      sent->refused = true;
      type = sent->type;
      event_id = sent->event_id;
    }
  }
  // Without `failure` it is another client's word about something that was committed.
  Error failure{Errc::unavailable, "this was refused by its recipient"};
  if (envelope.failure) failure = *envelope.failure;
  refuse(failure, event_id, {}, static_cast<std::uint16_t>(type));
}

// Requests of XMPP clients to this one: it has no word for them. The router hears of it when it is done with this.
void Session::answer_request(const Envelope& envelope) {
  if (envelope.type != Type::get && envelope.type != Type::set) return;
  services_.core.at_turn_end([&router = services_.router, request = envelope] {
    router.bounce(request, Errc::unavailable, "this client does not answer requests");
  });
}

// Who acknowledges says so by an acknowledgement; of anybody else it is assumed when it has been written.
void Session::ask_confirmation(std::uint64_t number) {
  auto& box = outbox();
  box.confirmations.push_back({box.queue.last(), number});
  services_.core.mark(box);
}

// ---- what waits -----------------------------------------------------------------------------------------------------

Session::Outbox& Session::outbox() {
  if (!outbox_) outbox_ = std::make_unique<Outbox>(*this);
  return *outbox_;
}

// May what comes now be written at once? Nothing waits that was to be written before it.
bool Session::writable() const {
  if (connection_.closed() || connection_.congested()) return false;
  return !outbox_ || outbox_->queue.next() == nullptr;
}

void Session::write(const domain::Outgoing& entry) {
  if (entry.own_words()) return write_payload(entry.text);
  write(entry.envelope, entry.stamp);
}

void Session::put_off(domain::Outgoing entry, std::uint64_t mark) {
  auto& box = outbox();
  box.queue.push(std::move(entry));
  box.marks.push_back(mark);
  send_waiting();
  if (mark == 0 || ended_ || too_far_behind()) services_.core.mark(box);
}

bool Session::too_far_behind() const {
  const auto& queue = outbox_->queue;
  if (acknowledges_) return queue.bytes() > settings_->unacked_bytes || queue.size() > settings_->unacked_messages;
  return queue.bytes() > settings_->output_bytes || queue.size() > settings_->backlog_messages;
}

void Session::send_waiting() {
  if (ended_ || !outbox_ || connection_.closed()) return;
  auto& queue = outbox_->queue;
  const domain::Outgoing* next = queue.next();
  for (; next && !connection_.congested(); next = queue.next()) {
    write(*next);
    queue.mark_written();
    if (acknowledges_) continue;
    (void)queue.acknowledge(queue.sent());  // as much as this client will ever tell us
    outbox_->marks.pop_front();
  }
  if (!next) return;
  connection_.on_writable([this] { send_waiting(); });
  await_socket();
}

// The client has the first `count`. Not from a verb of the router's.
void Session::acknowledged(std::size_t count) {
  services_.router.acknowledged(*this, count, std::nullopt);
  auto& queue = outbox_->queue;
  (void)queue.acknowledge(static_cast<std::uint32_t>(queue.acked() + count));
  outbox_->marks.erase(outbox_->marks.begin(), outbox_->marks.begin() + static_cast<std::ptrdiff_t>(count));
}

// What needs no acknowledgement is done with when it is in front and written.
void Session::pass_unmarked() {
  const auto& marks = outbox_->marks;
  const auto written = marks.begin() + static_cast<std::ptrdiff_t>(outbox_->queue.written());
  const auto passed = std::find_if(marks.begin(), written, [](std::uint64_t mark) { return mark != 0; });
  if (passed != marks.begin()) acknowledged(static_cast<std::size_t>(passed - marks.begin()));
}

// At the end of a turn in which it grew too long, or something is to be confirmed, or the session ended.
void Session::settle_outbox() {
  if (!ended_ && too_far_behind()) end(close_code::kTimeout, "too much waits for this client");
  if (ended_) return give_back();
  if (acknowledges_) pass_unmarked();
  confirm_delivered();
  if (!ended_) await_socket();
}

void Session::confirm_delivered() {
  auto& confirmations = outbox_->confirmations;
  // Without acknowledgements it counts when the socket has taken everything.
  const bool written = acknowledges_ || connection_.queued() == 0;
  while (!confirmations.empty() && written && outbox_->queue.confirmed() >= confirmations.front().after) {
    const std::uint64_t number = confirmations.front().number;
    confirmations.erase(confirmations.begin());
    services_.router.confirmed(*this, number);
    if (ended_) return;
  }
}

void Session::give_back() {
  outbox_->patience.disarm();
  outbox_->confirmations.clear();
  outbox_->marks.clear();
  for (auto& entry : outbox_->queue.take_all()) {
    if (!entry.own_words()) services_.router.undelivered(*this, std::move(entry.envelope), entry.stamp);
  }
}

// What is not written; and what is, if something is confirmed when the socket has taken it.
bool Session::waits_for_socket() const {
  return outbox_->queue.next() != nullptr || (!acknowledges_ && !outbox_->confirmations.empty());
}

void Session::await_socket() {
  auto& box = *outbox_;
  if (box.patience.armed() || !waits_for_socket()) return;
  box.taken = connection_.bytes_out();
  box.patient_until = services_.shared.clock.tick() + settings_->write_timeout;
  services_.core.timers().arm(box.patience, net::Timers::kTick);
}

// Nobody tells us when the socket has taken the last of it. If it takes nothing for too long, the client does not read.
void Session::look_at_socket() {
  if (ended_) return;
  auto& box = *outbox_;
  if (acknowledges_) pass_unmarked();
  confirm_delivered();
  if (ended_) return;
  if (waits_for_socket() && box.taken == connection_.bytes_out()) {
    if (services_.shared.clock.tick() >= box.patient_until) return fall_behind();
    return services_.core.timers().arm(box.patience, net::Timers::kTick);
  }
  await_socket();
}

void Session::fall_behind() { end(close_code::kTimeout, "what was sent was not read in time"); }

}  // namespace anser::ws
