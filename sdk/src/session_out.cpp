#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "anser/address.h"
#include "sdk/src/session.h"
#include "sdk/src/stanza_access.h"
#include "sdk/src/stanza_writer.h"
#include "sdk/src/stream_words.h"
#include "xml/escape.h"

namespace anser::sdk {
namespace {

// An acknowledgement is asked for at once when somebody waits for it, else after so many stanzas or so long.
constexpr std::size_t kAskAfter = 16;
constexpr std::chrono::seconds kAskLater{1};

constexpr std::string_view kStanzaIds = "urn:xmpp:sid:0";
constexpr std::size_t kRoom = 384;  // of a message beside its body, mostly

// About what its XML will be.
std::size_t weight(const Message& message) {
  std::size_t bytes = kRoom;
  for (const auto& body : message.bodies()) bytes += body.text.size();
  for (const auto& subject : message.subjects()) bytes += subject.text.size();
  for (const auto& extension : message.raw_extensions()) bytes += extension.xml.size();
  return bytes;
}

}  // namespace

void Session::write(std::string_view xml) {
  if (xml.empty() || !link_) return;
  debug_.sent(xml);
  link_->out() += xml;
  link_->flush_soon();
  // Messages are bounded before they come here; answers to a server that asks and does not read are not.
  if (link_->queued() > 2 * configuration_.queue_bytes + kRoom * 1024)
    give_up({Errc::timeout, "the server does not read what it is sent"});
}

std::string_view Session::next_id(std::span<char, kIdBytes> room) {
  char* const number = std::ranges::copy(id_prefix_, room.data()).out;
  const char* const end = std::to_chars(number, room.data() + room.size(), ++last_id_).ptr;
  return {room.data(), end};
}

std::string Session::next_id() {
  std::array<char, kIdBytes> room;
  return std::string{next_id(room)};
}

// --------------------------------------------------------------------------------------------- from any thread

Result<void> Session::submit(const Stanza& stanza, DeliveryListener listener) {
  if (auto fits = stanza.check(); !fits) return fits;
  if (auto may = may_send(stanza.kind()); !may) return may;
  const bool message = stanza.kind() == Stanza::Kind::message;
  if (auto room = message ? room_for_message() : Result<void>{}; !room) return room;
  if (on_loop()) return send_now(stanza, std::move(listener));
  const std::size_t bytes = message ? weight(static_cast<const Message&>(stanza)) : 0;
  auto post = [this, message, bytes](auto copy, DeliveryListener listener) {
    posted_ += message ? 1 : 0;
    posted_bytes_ += bytes;
    run([this, copy = std::move(copy), listener = std::move(listener), message, bytes] {
      posted_ -= message ? 1 : 0;
      posted_bytes_ -= bytes;
      const auto sent = send_now(copy, listener);
      // The state has changed on the way here.
      if (!sent && listener) call([&] { listener({Delivery::Outcome::failed, copy.id(), sent.error()}); });
    });
  };
  switch (stanza.kind()) {
    case Stanza::Kind::message:
      post(static_cast<const Message&>(stanza), std::move(listener));
      break;
    case Stanza::Kind::presence:
      post(static_cast<const Presence&>(stanza), nullptr);
      break;
    case Stanza::Kind::iq:
      post(static_cast<const IQ&>(stanza), nullptr);
      break;
  }
  return {};
}

Result<void> Session::may_send(Stanza::Kind kind) const {
  const State state = public_state_;
  const bool in = state == State::authenticated;
  // A message may wait for the connection to come back; what else there is would mean nothing then.
  const bool may_wait = kind == Stanza::Kind::message && returning_ && state != State::closing;
  if (in || may_wait) return {};
  if (state == State::connected && kind == Stanza::Kind::iq) return {};  // registration, before login
  return fail(Errc::wrong_state, "the connection is not logged in");
}

// What has been let in here is not refused any more where it is sent.
Result<void> Session::room_for_message() const {
  if (posted_ + waiting_messages_ >= configuration_.queue_messages)
    return fail(Errc::queue_full, "{} messages wait for the server already", configuration_.queue_messages);
  const std::size_t bytes = posted_bytes_ + waiting_bytes_;
  if (bytes >= configuration_.queue_bytes)
    return fail(Errc::queue_full, "messages of {} bytes wait for the server already", bytes);
  return {};
}

// --------------------------------------------------------------------------------------------- on the loop

Result<void> Session::send(const Stanza& stanza) { return submit(stanza, nullptr); }
Result<void> Session::send(const Message& message, DeliveryListener listener) {
  return submit(message, std::move(listener));
}

Result<void> Session::send_now(const Stanza& stanza, DeliveryListener listener) {
  if (auto may = may_send(stanza.kind()); !may) return may;
  if (stanza.kind() == Stanza::Kind::message) {
    const auto& message = static_cast<const Message&>(stanza);
    if (!configuration_.request_receipts) return send_message(message, std::move(listener)), Result<void>{};
    Message changed = message;
    if (changed.id().empty()) changed.set_id(next_id());
    receipts_.on_sending(changed);
    send_message(changed, std::move(listener));
    return {};
  }
  if (stanza.kind() == Stanza::Kind::presence && stanza.to().empty()) presence_ = static_cast<const Presence&>(stanza);
  tell_listeners(sending_listeners_, stanza);
  if (!is_alive()) return {};
  std::string xml;
  append_stanza(xml, stanza, stanza.kind() == Stanza::Kind::iq && stanza.id().empty() ? next_id() : std::string{});
  put(xml, {}, false);
  return {};
}

void Session::send_message(const Message& message, DeliveryListener listener) {
  if (!tell_listeners(sending_listeners_, message)) return;
  // The application may change its message when it is called below.
  const std::string given = message.id();
  std::array<char, kIdBytes> room;
  const std::string_view id = given.empty() ? next_id(room) : std::string_view{given};
  std::string xml = std::exchange(loop_->spare_text, {});
  xml.clear();
  append_stanza(xml, message, id);
  // What makes a message recognisable when it is sent, or given, a second time (XEP-0359).
  constexpr std::string_view kEnd = "</message>";
  const bool keeps_id = message.type() == Message::Type::error || find_extension(message, "origin-id", kStanzaIds);
  if (!keeps_id && xml.ends_with(kEnd)) {
    xml.resize(xml.size() - kEnd.size());
    xml += "<origin-id xmlns='urn:xmpp:sid:0' id='";
    xml::append_escaped_attribute(xml, id);
    xml += "'/></message>";
  }
  const bool tracked = listener != nullptr;
  if (tracked) {
    std::string to = message.to().empty() ? std::string{bare_of(user_)} : message.to();
    const Error reused{Errc::closed, "its id is used again"};
    if (const auto told = deliveries_.ended(std::string{id}, Delivery::Outcome::unconfirmed, reused)) call(told);
    if (!is_alive()) return;
    deliveries_.expect(std::string{id}, std::move(to), std::move(listener));
  }
  put(xml, id, tracked);
  if (xml.capacity() <= LoopState::kSpareBytes) loop_->spare_text = std::move(xml);
}

// Writes the stanza, or holds the message until there is a session. What is written is kept until it is confirmed;
// without stream management only what somebody waits for.
void Session::put(std::string_view xml, std::string_view id, bool tracked) {
  const bool message = !id.empty();
  // The presence and the questions of a login that is not complete are part of it; messages come after it.
  const bool login = (state_ == State::logging_in && negotiated_) || state_ == State::connected;
  const bool open =
      link_ && !stream_closed_ && (state_ == State::authenticated || state_ == State::closing || (login && !message));
  if (!open) {
    if (!message) return;
    held_bytes_ += xml.size();
    held_.push_back({{std::string{xml}, std::string{id}}, tracked});
    return count_waiting();
  }
  write(xml);
  if (!(managed_ && state_ != State::connected) && !tracked) return count_waiting();
  outbox_.push({std::string{xml}, std::string{id}});
  count_waiting();
  want_confirmation(tracked);
}

// A resumed session's.
void Session::write_again() {
  for (const Outbox::Entry& entry : outbox_.entries()) write(entry.xml);
  if (outbox_.size() > 0) want_confirmation(true);
}

void Session::write_held() {
  auto held = std::exchange(held_, {});
  held_bytes_ = 0;
  for (Held& message : held) put(message.entry.xml, message.entry.id, message.tracked);
}

void Session::count_waiting() {
  const std::size_t queued = link_ && !managed_ ? link_->queued() : 0;
  // Only numbers: whoever reads them on another thread sees a recent one.
  waiting_messages_.store(outbox_.messages() + held_.size(), std::memory_order_relaxed);
  waiting_bytes_.store(outbox_.bytes() + held_bytes_ + queued, std::memory_order_relaxed);
}

void Session::want_confirmation(bool soon) {
  if (confirmation_asked_) return;  // the answer brings up what has come since
  if (soon || outbox_.size() >= kAskAfter) return ask_for_confirmation();
  if (!confirm_soon_.armed()) core_.timers().arm(confirm_soon_, kAskLater);
}

void Session::ask_for_confirmation() {
  if (!link_ || stream_closed_ || confirmation_asked_) return;
  if (state_ != State::authenticated && state_ != State::closing) return;
  confirm_soon_.disarm();
  confirmation_asked_ = true;
  if (managed_) return write("<r xmlns='urn:xmpp:sm:3'/>");
  // Answers come in the order of the questions, so this one tells about all that was sent before (RFC 6120 §10.1).
  barrier_ = outbox_.written();
  request(
      IQ{IQ::Type::get, Element{"ping", "urn:xmpp:ping"}, service_},
      [this](const Result<IQ>& answer) {
        confirmation_asked_ = false;
        const auto handled = std::exchange(barrier_, std::nullopt);
        if (!answer && answer.error().code == Errc::timeout) return want_confirmation(true);
        if (!answer && answer.error().code != Errc::stanza) return;  // the stream has ended
        if (!handled) return;
        if (auto entries = outbox_.confirm(*handled)) confirmed(std::move(*entries));
      },
      configuration_.limits.ping_answer);
}

void Session::confirmed(std::vector<Outbox::Entry> entries) {
  count_waiting();
  if (!deliveries_.empty()) {
    for (const Outbox::Entry& entry : entries) {
      if (entry.id.empty()) continue;
      if (const auto told = deliveries_.stored(entry.id)) call(told);
      if (!is_alive()) return;
    }
  }
  if (state_ == State::closing) {
    look_if_said();
    if (!stream_closed_ && outbox_.size() > 0) ask_for_confirmation();
    return;
  }
  if (outbox_.size() > 0) want_confirmation(!deliveries_.empty());
}

void Session::forsake(std::vector<Outbox::Entry> entries, Delivery::Outcome outcome, const Error& why) {
  count_waiting();
  for (const Outbox::Entry& entry : entries) {
    if (entry.id.empty()) continue;
    if (const auto told = deliveries_.ended(entry.id, outcome, why)) call(told);
    if (!is_alive()) return;
  }
}

std::optional<Error> Session::on_management(const xml::Stanza& element) {
  if (!managed_) return Error{Errc::protocol, "the server acknowledges without having been asked to"};
  if (element.local == "r") {
    write(fmt::format("<a xmlns='urn:xmpp:sm:3' h='{}'/>", managed_->handled));
    return std::nullopt;
  }
  if (element.local != "a") return Error{Errc::protocol, fmt::format("<{}/> of stream management", element.local)};
  const auto handled = number(element.attr("h"));
  if (!handled) return Error{Errc::protocol, "an acknowledgement without a number"};
  auto entries = outbox_.confirm(*handled);
  if (!entries) {
    managed_->terms.resumable = false;  // it would go on with the same nonsense
    return entries.error();
  }
  confirmation_asked_ = false;
  confirmed(std::move(*entries));
  return std::nullopt;
}

// --------------------------------------------------------------------------------------------- is it there?

// Half-open connections look like silence.
void Session::look_if_alive() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now();
  const auto& limits = configuration_.limits;
  const auto since = [now](auto then) { return std::chrono::duration_cast<milliseconds>(now - then); };
  if (asked_ && last_input_ >= *asked_) asked_.reset();
  if (asked_ && since(*asked_) >= limits.ping_answer)
    return give_up({Errc::timeout, fmt::format("the server has been silent for {} ms", since(last_input_).count())});
  if (!asked_ && limits.ping_after.count() <= 0) return;
  if (!asked_ && since(last_input_) >= limits.ping_after) ask_if_alive();
  core_.timers().arm(idle_, asked_ ? limits.ping_answer - since(*asked_) : limits.ping_after - since(last_input_));
}

void Session::ask_if_alive() {
  if (!link_ || state_ != State::authenticated) return;
  if (!asked_) asked_ = std::chrono::steady_clock::now();
  if (managed_) {
    confirmation_asked_ = false;  // whatever became of the last one
    return ask_for_confirmation();
  }
  request(
      IQ{IQ::Type::get, Element{"ping", "urn:xmpp:ping"}, service_}, [](const Result<IQ>&) {},
      configuration_.limits.ping_answer);
}

}  // namespace anser::sdk
