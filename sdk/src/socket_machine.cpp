#include "sdk/src/socket_machine.h"

#include <algorithm>
#include <utility>

#include "sdk/src/fail.h"
#include "sdk/src/legal.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr std::chrono::milliseconds kLongestRetryAfter = 10min;  // whatever a server asks for

// docs/wire/websocket.md, "Close codes", and RFC 6455 §7.4.1 for what other servers say.
bool is_final(std::uint16_t code) {
  switch (code) {
    case 1000:  // in order
    case 1002:
    case 1003:
    case 1007:
    case 1008:
    case 1009:
    case 1010:
    case 4401:  // not signed in
    case 4409:  // replaced by another connection
      return true;
    default:
      return false;
  }
}

bool is_for_later(const SocketEnd& end) {
  switch (end.code) {
    case 1001:
    case 1011:
    case 1012:
    case 1013:
    case 4429:
      return true;
    default:
      return end.status != 0;
  }
}

// A token has expired, say: the application may have another, and what waits can go then.
bool wants_other_credentials(const SocketEnd& end) { return end.code == 4401 || end.status == 401; }

bool may_try_again(unsigned status) { return status == 408 || status == 429 || status / 100 == 5; }

// From an application: what RFC 6455 lets one say.
bool may_be_said(std::uint16_t code) { return code == 1000 || (code >= 3000 && code <= 4999); }

// The archive's id is nobody else's, neither in the own archive nor in a group's. Without one a message is the same
// again if its content is too: senders write one event id for ever, and the same text under it.
std::string identity_of(const SocketMessage& message) {
  if (!message.archive_id.empty()) return "archived\0"s + message.group + '\0' + message.archive_id;
  std::string all;
  for (const std::string* text : {&message.event_id, &message.to, &message.group, &message.type, &message.body,
                                  &message.thread, &message.replaces}) {
    all.append(*text) += '\0';
  }
  if (message.attachment) all.append(message.attachment->url);
  return all;
}

}  // namespace

SocketMachine::SocketMachine(const SocketConfiguration& configuration, SocketHost& host, Backoff::Draw draw)
    : configuration_(configuration),
      host_(host),
      draw_(std::move(draw)),
      credentials_(configuration.credentials),
      backoff_(configuration.reconnection, draw_),
      queue_(configuration.queue_messages, configuration.queue_bytes) {}

bool SocketMachine::wants_auth_result() const {
  if (configuration_.protocol == SocketProtocol::raw) return false;
  return configuration_.protocol == SocketProtocol::protobuf || in_use_.place == SocketCredentials::Place::first_frame;
}

// ------------------------------------------------------------------------------------------------------- its life

void SocketMachine::open(Done done) {
  if (state_ == State::open) {
    tell(std::move(done), {});
    return drain();
  }
  if (open_done_.size() >= kWaiters) {
    tell(std::move(done), fail(Errc::queue_full, "too many wait for the socket to open"));
    return drain();
  }
  if (done) open_done_.push_back(std::move(done));
  if (state_ == State::idle) {
    begin();
  } else if (state_ == State::closing && !std::exchange(again_, true)) {
    facts_.running = true;
    enter(state_, SocketStatus::connecting);
  }
  drain();
}

void SocketMachine::begin() {
  backoff_ = Backoff{configuration_.reconnection, draw_};
  facts_.running = true;
  start_attempt();
}

void SocketMachine::start_attempt() {
  running_ = true;
  ending_.reset();
  refused_.reset();
  in_use_ = credentials_;
  enter(State::attempting, SocketStatus::connecting);
  host_.arm(SocketTimer::limit, configuration_.connect_limit);
  host_.start(++attempt_);
}

void SocketMachine::close(std::uint16_t code, std::string reason) {
  if (!may_be_said(code)) code = 1000;
  if (state_ == State::idle) {
    release_queue({Errc::closed, "the socket was closed"});
    enter(State::idle, SocketStatus::closed);
    return drain();
  }
  if (state_ == State::closing && !again_) return;
  again_ = false;
  disarm_all();
  const bool talks = state_ == State::open || state_ == State::signing_in;
  if (state_ == State::closing) {
    host_.arm(SocketTimer::goodbye, configuration_.close_limit);
  } else if (talks) {
    host_.say_goodbye(code, reason);
    host_.arm(SocketTimer::goodbye, configuration_.close_limit);
  } else if (running_) {
    host_.give_up(code, reason);
  }
  state_ = running_ ? State::closing : State::idle;
  note(code, std::move(reason));
  release_queue({Errc::closed, "the socket was closed"});
  release({Errc::closed, "the socket was closed"}, SocketStatus::closed);
  drain();
}

void SocketMachine::network_changed() {
  if (state_ == State::waiting) {
    host_.disarm(SocketTimer::retry);
    start_attempt();
  } else if (state_ == State::open) {
    beat();
  }
  drain();
}

void SocketMachine::opened(std::uint64_t attempt) {
  if (attempt != attempt_ || state_ != State::attempting) return;
  if (!wants_auth_result()) {
    became_open();
    return drain();
  }
  enter(State::signing_in, SocketStatus::connecting);
  if (in_use_.place == SocketCredentials::Place::first_frame) {
    // It is acknowledged in any case, by us or by the application.
    const std::string frame = frames::encode(frames::Auth{in_use_.user, in_use_.password, in_use_.token, true});
    if (auto fine = frames::check_other(frame); fine) {
      host_.write(frame, false);
    } else {
      give_up(fine.error(), 1006, 1000);
    }
  }
  drain();
}

void SocketMachine::became_open() {
  host_.disarm(SocketTimer::limit);
  backoff_.session_began(host_.now());
  asked_ = false;
  if (configuration_.heartbeat_interval > 0ms) host_.arm(SocketTimer::heartbeat, configuration_.heartbeat_interval);
  enter(State::open, SocketStatus::connected);
  tell(&SocketHandlers::open);
  for (Done& done : std::exchange(open_done_, {})) tell(std::move(done), {});
  if (presence_) host_.write(frames::encode(*presence_), false);
  for (const auto& [group, waiting] : groups_) resubscribe(group);
  if (wants_contacts_) {
    ask(&frames::roster_request, [this](const Result<SocketReply>& reply) {
      if (!reply) return;  // a connection that was lost, or a server that refuses: it has been told
      if (const auto* all = std::get_if<std::vector<SocketContact>>(&*reply))
        tell(&SocketHandlers::contacts, *all, true);
    });
  }
  pump();
}

// The attempt shall end; ended() follows. `code` is what close_code() tells, `said` what the server is told.
void SocketMachine::give_up(Error why, std::uint16_t code, std::uint16_t said) {
  if (ending_) return;
  std::string words = why.message;
  ending_ = SocketEnd{std::move(why), code, words};
  host_.give_up(said, words);
}

void SocketMachine::ended(std::uint64_t attempt, SocketEnd end) {
  if (attempt != attempt_ || !std::exchange(running_, false)) return;
  disarm_all();
  if (ending_) end = *std::exchange(ending_, std::nullopt);
  if (state_ == State::closing) {
    state_ = State::idle;
    if (std::exchange(again_, false)) begin();
    return drain();
  }
  if (refused_) {
    if (end.code == 1006 && refused_->condition == "not-authorized") end.code = 4401;
    end.error = *std::exchange(refused_, std::nullopt);
  }
  const bool was_open = state_ == State::open;
  if (was_open) backoff_.session_ended(host_.now());
  queue_.connection_lost();
  fail_requests(end.error);
  note(end.code, end.reason);
  const bool in_order = end.code == 1000;
  if (!in_order) {
    facts_.last_error = end.error;
    tell(&SocketHandlers::error, end.error);
  }
  const auto after = comes_back(end) ? backoff_.next(is_for_later(end)) : std::nullopt;
  if (!after) {
    state_ = State::idle;
    if (!wants_other_credentials(end)) release_queue(end.error);
    release(end.error, in_order ? SocketStatus::closed : SocketStatus::failed);
    return drain();
  }
  const auto wait = std::max(*after, std::min(end.retry_after, kLongestRetryAfter));
  enter(State::waiting, SocketStatus::failed);
  host_.arm(SocketTimer::retry, wait);
  if (was_open) tell(&SocketHandlers::close, SocketClose{end.code, end.reason, false});
  tell(&SocketHandlers::retry, backoff_.attempts(), wait);
  drain();
}

bool SocketMachine::comes_back(const SocketEnd& end) const {
  if (!configuration_.reconnection.allowed) return false;
  switch (end.error.code) {
    case Errc::invalid_argument:
    case Errc::insecure:
    case Errc::unsupported:
      return false;
    case Errc::protocol:  // ours to say: the server's next answer may be a better one
      return true;
    default:
      return end.status != 0 ? may_try_again(end.status) : !is_final(end.code);
  }
}

void SocketMachine::release_queue(const Error& why) {
  for (SocketQueue::Entry& entry : queue_.take_all()) {
    const auto outcome = entry.ever_written ? Delivery::Outcome::unconfirmed : Delivery::Outcome::failed;
    settle(std::move(entry), outcome, why);
  }
  count_waiting();
}

// Nothing will come by itself any more: everybody who waits is told. What the queue holds has been seen to.
void SocketMachine::release(const Error& why, SocketStatus status) {
  fail_requests(why);
  for (auto& [group, waiting] : std::exchange(groups_, {})) {
    for (Done& done : waiting) tell(std::move(done), tl::make_unexpected(why));
  }
  presence_.reset();
  wants_contacts_ = false;
  for (Done& done : std::exchange(open_done_, {})) tell(std::move(done), tl::make_unexpected(why));
  facts_.running = false;
  enter(state_, status);
  tell(&SocketHandlers::close, SocketClose{facts_.close_code, facts_.close_reason, true});
}

void SocketMachine::enter(State state, SocketStatus status) {
  state_ = state;
  facts_.status = status;
  host_.facts_changed();
}

void SocketMachine::note(std::uint16_t code, std::string reason) {
  facts_.close_code = code;
  facts_.close_reason = std::move(reason);
}

void SocketMachine::forget_all() {
  disarm_all();
  ++attempt_;  // what the last one still tells does not count
  running_ = false;
  state_ = State::idle;
  handlers = {};
  queue_.take_all();
  pending_.clear();
  groups_.clear();
  open_done_.clear();
  news_.clear();
}

// ------------------------------------------------------------------------------------------------------- its timers

void SocketMachine::disarm_all() {
  for (std::size_t timer = 0; timer < kSocketTimers; ++timer) host_.disarm(static_cast<SocketTimer>(timer));
}

void SocketMachine::rang(SocketTimer timer) {
  switch (timer) {
    case SocketTimer::limit:
      give_up({Errc::timeout, "no connection in time"}, 1006, 1001);
      break;
    case SocketTimer::retry:
      start_attempt();
      break;
    case SocketTimer::heartbeat:
      beat();
      break;
    case SocketTimer::answer:
      asked_ = false;
      if (host_.bytes_in() == heard_) give_up({Errc::timeout, "the server does not answer any more"}, 1006, 1001);
      break;
    case SocketTimer::goodbye:
      host_.give_up(1000, {});
      break;
    case SocketTimer::request:
      expire_requests();
      break;
  }
  drain();
}

void SocketMachine::beat() {
  host_.write(configuration_.heartbeat, true);
  if (configuration_.heartbeat_interval > 0ms) host_.arm(SocketTimer::heartbeat, configuration_.heartbeat_interval);
  if (configuration_.heartbeat_answer <= 0ms || std::exchange(asked_, true)) return;
  heard_ = host_.bytes_in();
  host_.arm(SocketTimer::answer, configuration_.heartbeat_answer);
}

// ------------------------------------------------------------------------------------------------------- what goes

void SocketMachine::send(SocketQueue::Entry entry) {
  if (!facts_.running) {
    settle(std::move(entry), Delivery::Outcome::failed, no_connection());
  } else if (!queue_.has_room(entry.frame.size())) {
    settle(std::move(entry), Delivery::Outcome::failed, {Errc::queue_full, "too many messages wait"});
  } else {
    queue_.push(std::move(entry));
    pump();
  }
  drain();
}

// As much as the connection and the queue's window take; writable() and the acknowledgements go on.
void SocketMachine::pump() {
  while (state_ == State::open && !ending_ && !host_.congested()) {
    const std::string* const frame = queue_.next();
    if (!frame) break;
    host_.write(*frame, false);
  }
  count_waiting();
}

void SocketMachine::writable() {
  pump();
  drain();
}

void SocketMachine::write_now(std::string_view frame, bool text) {
  if (state_ == State::open) host_.write(frame, text);
}

void SocketMachine::acknowledge(const std::string& event_id) {
  const std::string frame = frames::encode(frames::Ack{event_id});
  // One that is too long would be the end; the next one's acknowledgement covers it.
  if (!event_id.empty() && frames::check_other(frame)) write_now(frame, false);
}

void SocketMachine::send(const SocketPresence& presence) {
  if (presence.to.empty() && facts_.running) presence_ = presence;
  write_now(frames::encode(presence), false);
}

void SocketMachine::settle(SocketQueue::Entry entry, Delivery::Outcome outcome, Error error) {
  if (!entry.listener) return;
  later([this, listener = std::move(entry.listener),
         delivery = Delivery{outcome, std::move(entry.event_id), std::move(error)}] {
    host_.call([&] { listener(delivery); });
  });
}

void SocketMachine::count_waiting() { host_.waiting_changed(queue_.size(), queue_.bytes()); }

// ------------------------------------------------------------------------------------------------------- what comes

void SocketMachine::received(std::uint64_t attempt, std::string_view payload, bool text) {
  const bool talks = state_ == State::open || state_ == State::signing_in;
  if (attempt != attempt_ || !talks || ending_) return;
  if (std::exchange(asked_, false)) host_.disarm(SocketTimer::answer);
  if (configuration_.protocol == SocketProtocol::raw) {
    later([this, data = std::string{payload}, text] {
      if (const auto handler = handlers.frame) host_.call([&] { (*handler)(data, text); });
    });
    return drain();
  }
  if (text) return drain();  // a heartbeat's answer
  auto frame = frames::decode(payload);
  if (!frame) {
    give_up(frame.error(), 1007, 1007);
    return drain();
  }
  const bool about_login =
      std::holds_alternative<frames::AuthResult>(*frame) || std::holds_alternative<frames::Refusal>(*frame);
  if (state_ == State::signing_in && !about_login) {
    give_up({Errc::protocol, "the server did not say whether we are signed in"}, 1002, 1002);
    return drain();
  }
  std::visit([this](auto& what) { on(std::move(what)); }, *frame);
  drain();
}

void SocketMachine::on(frames::Ack ack) {
  auto entry = queue_.take(ack.event_id);
  if (!entry) return;
  settle(std::move(*entry), Delivery::Outcome::stored, {});
  pump();
}

void SocketMachine::on(frames::Refusal refusal) {
  Error why{Errc::stanza, std::move(refusal.text), std::move(refusal.code)};
  if (why.message.empty()) why.message = "the server refused: " + why.condition;
  if (!refusal.request.empty()) return answer(refusal.request, tl::make_unexpected(std::move(why)));
  if (!refusal.event_id.empty()) {
    if (auto entry = queue_.take(refusal.event_id)) {
      settle(std::move(*entry), Delivery::Outcome::failed, std::move(why));
      return pump();
    }
  }
  tell(&SocketHandlers::error, std::move(why));
}

void SocketMachine::on(SocketMessage message) {
  // Without the newer types this is how the server refuses a message.
  if (configuration_.protocol == SocketProtocol::bare && message.type == "system" && !message.event_id.empty()) {
    if (auto entry = queue_.take(message.event_id)) {
      settle(std::move(*entry), Delivery::Outcome::failed, {Errc::stanza, std::move(message.body)});
      return pump();
    }
  }
  if (!configuration_.acknowledge) return tell(&SocketHandlers::message, std::move(message));
  later([this, attempt = attempt_, message = std::move(message)] {
    const auto handler = handlers.message;
    if (!handler) return;  // nobody has it yet: it comes again
    const bool known = !message.event_id.empty() && !duplicates_.add(message.from, identity_of(message));
    if (!known) host_.call([&] { (*handler)(message); });
    if (host_.is_alive() && attempt == attempt_) acknowledge(message.event_id);
  });
}

void SocketMachine::on(frames::AuthResult result) {
  if (state_ != State::signing_in) return;  // said again
  if (result.ok) {
    facts_.address = std::move(result.address);
    return became_open();
  }
  std::string words = result.text.empty() ? "the server does not let us in: " + result.error : std::move(result.text);
  refused_ = Error{Errc::authentication, std::move(words), std::move(result.error)};  // the close frame follows
}

void SocketMachine::on(SocketPresence presence) { tell(&SocketHandlers::presence, std::move(presence)); }
void SocketMachine::on(SocketTyping typing) { tell(&SocketHandlers::typing, std::move(typing)); }
void SocketMachine::on(SocketReceipt receipt) { tell(&SocketHandlers::receipt, std::move(receipt)); }

void SocketMachine::on(frames::Roster roster) {
  if (roster.request.empty()) return tell(&SocketHandlers::contacts, std::move(roster.contacts), false);
  answer(roster.request, SocketReply{std::move(roster.contacts)});
}

void SocketMachine::on(frames::Page page) { answer(page.request, SocketReply{std::move(page.page)}); }
void SocketMachine::on(frames::Done done) { answer(done.request, SocketReply{}); }

// ------------------------------------------------------------------------------------------------------- who hears

void SocketMachine::tell(Done done, Result<void> result) {
  if (!done) return;
  later([this, done = std::move(done), result = std::move(result)] { host_.call([&] { done(result); }); });
}

void SocketMachine::drain() {
  if (std::exchange(draining_, true)) return;
  while (!news_.empty() && host_.is_alive()) {
    const std::function<void()> next = std::move(news_.front());
    news_.pop_front();
    next();
  }
  if (!host_.is_alive()) news_.clear();
  draining_ = false;
}

}  // namespace anser::sdk
