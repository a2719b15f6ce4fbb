#include "ws/session.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include "base/log.h"
#include "core/random.h"
#include "domain/subscription.h"
#include "door/names.h"
#include "ws/errors.h"
#include "xml/escape.h"

namespace anser::ws {
namespace {

using domain::Envelope;
using domain::Kind;
using domain::Type;

constexpr std::size_t kIdLength = 12;                // of a stanza that its sender gave no id
constexpr std::chrono::milliseconds kMailPause{10};  // between two looks at a congested mailbox
constexpr std::size_t kMaxStatus = 4096;             // bytes of a presence's text
constexpr std::size_t kFrameCost = 64;               // of the rate's bytes, beside those of the frame: each has work
constexpr std::size_t kAlwaysKept = 16 * 1024;       // of an unfinished message, however much all keep together
constexpr std::size_t kSmallFrame = 16 * 1024;       // no other frame than a message needs more

// One core's, so that its strings keep their memory from message to message.
template <class Frame>
Frame& scratch() {
  thread_local Frame frame;
  frame.Clear();
  return frame;
}

std::optional<Type> presence_type(std::string_view word) {
  if (word.empty() || word == "available") return Type::available;
  if (word == "unavailable") return Type::unavailable;
  if (word == "subscribe") return Type::subscribe;
  if (word == "subscribed") return Type::subscribed;
  if (word == "unsubscribe") return Type::unsubscribe;
  if (word == "unsubscribed") return Type::unsubscribed;
  return std::nullopt;
}

}  // namespace

void Session::begin(Services& services, Arrival arrival) {
  core::Jid address = arrival.address;
  const Tick since = arrival.since;
  const std::string_view how = arrival.how;
  auto self = std::make_unique<Session>(services, std::move(arrival));
  Session& session = *self;
  if (services.stopping) session.end(close_code::kGoingAway, "the server is stopping");
  session.on(std::move(self));  // waits until it has been opened, or is gone
  if (services.stopping) return;
  services.router.open(
      session, std::move(address), false,
      [&session, how](Result<void> outcome) { session.opened(std::move(outcome), how); }, since);
}

Session::Session(Services& services, Arrival arrival)
    : services_(services),
      form_(arrival.form),
      modern_(arrival.modern || arrival.form != Form::bare),
      connection_(services.core, std::move(arrival.handed)),
      settings_(std::move(arrival.settings)),
      bucket_(static_cast<double>(settings_->rate_bytes_per_second), static_cast<double>(settings_->rate_burst_bytes)) {
  plain_frames_ = connection_.websocket()->takes_plain_frames();
  connection_.held_by(this, sizeof *this);
  connection_.limit(settings_->sign_in_timeout);
  connection_.websocket()->set_limits(settings_->websocket.limits);
  if (!arrival.acknowledges) return;
  acknowledges_ = true;
  set_confirms();
}

Session::~Session() {
  services_.unfinished -= kept_;
  services_.router.close(*this);
  if (outbox_) give_back();
}

void Session::opened(Result<void> outcome, std::string_view how) {
  opening_ = false;
  if (ended_) return;
  auto& result = scratch<proto::AuthResult>();
  if (!outcome) {
    services_.router.close(*this);
    log::info("ws", "a session from {} could not begin: {}", peer(), outcome.error().message);
    if (modern_) {
      result.set_error(std::string{word_of(outcome.error().code)});
      result.set_text(outcome.error().message);
      send(FrameType::auth_result, result);
    }
    return end(close_code_of(outcome.error().code), outcome.error().message);
  }
  log::info("ws", "{} from {} signed in ({}{})", door::for_log(jid().full()), peer(), how,
            connection_.tls() ? ", TLS" : "");
  connection_.limit(silence_allowed());
  if (modern_) {
    result.set_ok(true);
    result.set_address(jid().full());
    send(FrameType::auth_result, result);
  }
  set_carbons(true);  // every device sees the whole conversation
  Envelope presence;
  presence.kind = Kind::presence;
  presence.type = Type::available;
  presence.from = jid();
  services_.router.route(*this, std::move(presence));
  go_on();
}

// An exception is our own fault; it ends the session, not the loop.
void Session::Call::operator()() {
  Session& self = *session;
  try {
    self.on(std::move(session));
  } catch (const std::exception& error) {
    log::error("ws", "an exception escaped from a session, which has ended: {}", error.what());
  }
}

// ---- the loop -------------------------------------------------------------------------------------------------------

void Session::on(std::unique_ptr<Session> self) {
  parked_ = false;
  while (!ended_) {
    if (must_wait()) {
      if (opening_ && connection_.late()) {
        end(close_code::kTimeout, "the session could not be opened in time");
        continue;
      }
      if (unfenced_ > 0) set_fence();
      if (!must_wait() || ended_) continue;
      parked_ = true;
      return connection_.park(Call{std::move(self)});
    }
    if (services_.shared.congested && services_.shared.congested()) {  // another core takes less than this one sends
      let_wait(kMailPause);
      continue;
    }
    bring_account_near();
    const auto taken = connection_.take();
    if (!taken) {
      if (unfenced_ > 0) set_fence();
      if (must_wait() || ended_ || !note_unfinished()) continue;
      return connection_.when_readable(Call{std::move(self)});
    }
    if (!*taken) {
      lost(taken->error());
      continue;
    }
    unfinished_ = false;
    connection_.limit(silence_allowed());
    heard_ = connection_.bytes_in();
    pinged_ = false;
    if (outbox_ && !acknowledges_ && outbox_->queue.empty() && outbox_->confirmations.empty()) outbox_.reset();
    const std::string_view message = **taken;
    const auto cost = static_cast<double>(message.size() + kFrameCost);
    if (const auto wait = bucket_.take(cost, services_.shared.clock.tick()); wait.count() > 0)
      let_wait(wait);  // after this one
    take(message);
    if (connection_.queued() > net::Connection::kHighWater + settings_->output_bytes) fall_behind();
  }
}

// A message has a time, from its first byte to its last; and what all sessions keep of theirs has a bound.
bool Session::note_unfinished() {
  const std::size_t kept = connection_.websocket()->kept();
  if (unfinished_ != (kept > 0)) {
    unfinished_ = kept > 0;
    connection_.limit(unfinished_ ? settings_->message_timeout : silence_allowed());
  }
  services_.unfinished += kept - kept_;
  kept_ = kept;
  if (kept <= kAlwaysKept || services_.unfinished <= settings_->unfinished_bytes / services_.shared.cores.size())
    return true;
  end(close_code::kTooMany, "too many messages are unfinished; try again later");
  return false;
}

std::chrono::seconds Session::silence_allowed() const {
  return settings_->ping_after.count() > 0 ? settings_->ping_after : settings_->silent_limit;
}

bool Session::must_wait() const {
  if (opening_ || resting_ || requests_ >= kRequests) return true;
  return inflow_ &&
         (inflow_->sent.size() >= settings_->uncommitted_messages || inflow_->bytes >= settings_->uncommitted_bytes);
}

void Session::let_wait(std::chrono::milliseconds time) {
  resting_ = true;
  auto timer = std::make_shared<boost::asio::steady_timer>(services_.core.io(), time);
  timer->async_wait([timer, &router = services_.router, id = id()](const boost::system::error_code& error) {
    auto* session = error ? nullptr : static_cast<Session*>(router.find_session(id));
    if (!session) return;
    session->resting_ = false;
    session->go_on();
  });
}

void Session::lost(const Error& error) {
  switch (error.code) {
    case Errc::timeout:
      return on_silence();
    case Errc::policy_violation:
    case Errc::bad_request:
      log::info("ws", "{} from {} was disconnected: {}", door::for_log(jid().full()), peer(), error.message);
      return leave();
    default:
      log::info("ws", "{} from {} {}", door::for_log(jid().full()), peer(),
                connection_.peer_close_code() != 0 ? "closed its connection" : "hung up");
      return leave();
  }
}

void Session::on_silence() {
  const std::uint64_t heard = std::exchange(heard_, connection_.bytes_in());
  const bool quiet = heard == heard_;
  const auto patience = settings_->silent_limit;
  if (unfinished_) return end(close_code::kTimeout, "a message took too long");
  if (quiet && (pinged_ || settings_->ping_after.count() == 0))
    return end(close_code::kTimeout, "nothing was heard for too long");
  if (settings_->ping_after.count() == 0) return connection_.limit(patience);
  pinged_ = true;
  connection_.websocket()->append(connection_.out(), codec::Opcode::ping, {});
  connection_.flush_soon();
  const auto more = patience > settings_->ping_after ? patience - settings_->ping_after : std::chrono::seconds{1};
  connection_.limit(patience.count() == 0 ? settings_->ping_after : more);
  if (patience.count() == 0) pinged_ = false;
}

void Session::end(std::uint16_t code, std::string_view reason) {
  if (ended_) return;
  services_.router.close(*this);  // it may still be given something, or be refused what it has sent
  ended_ = true;                  // from here on nothing is written
  log::info("ws", "session of {} from {} ended: {} {}", door::for_log(jid().full()), peer(), code, reason);
  connection_.close_websocket(code, reason);
  if (outbox_) services_.core.mark(*outbox_);  // the router may be in the middle of something
}

void Session::leave() {
  connection_.abort();            // it may be gone already
  services_.router.close(*this);  // what it is still given goes back
  ended_ = true;
}

void Session::close(domain::CloseReason reason) {
  const Closing closing = closing_of(reason);
  end(closing.code, closing.reason);
}

// ---- what comes -----------------------------------------------------------------------------------------------------

void Session::take(std::string_view message) {
  const bool text = connection_.websocket()->is_text();
  if (text && take_heartbeat(message)) return;
  if (text != (form_ == Form::json))
    return end(close_code::kUnsupported, text ? "binary frames are spoken here" : "text frames are spoken here");
  const auto incoming = split(form_, message);
  if (!incoming) return end(close_code::kInvalid, incoming.error().message);
  modern_ = modern_ || incoming->type > static_cast<std::uint16_t>(FrameType::message);
  if (message.size() > kSmallFrame && incoming->type != static_cast<std::uint16_t>(FrameType::message))
    return end(codec::close_code::kTooBig, "only messages may be that large");
  switch (static_cast<FrameType>(incoming->type)) {
    case FrameType::ack:
      return take_ack(*incoming);
    case FrameType::message:
      return take_message(*incoming);
    case FrameType::auth:
      return refuse({Errc::not_allowed, "this session has signed in"}, {}, {}, incoming->type);
    case FrameType::presence:
      return take_presence(*incoming);
    case FrameType::roster:
      return take_roster(*incoming);
    case FrameType::set_contact:
      return take_contact(*incoming);
    case FrameType::typing:
      return take_typing(*incoming);
    case FrameType::receipt:
      return take_receipt(*incoming);
    case FrameType::history_request:
      return take_history(*incoming);
    case FrameType::subscribe:
      return take_subscription(*incoming, true);
    case FrameType::unsubscribe:
      return take_subscription(*incoming, false);
    case FrameType::auth_result:
    case FrameType::error:
    case FrameType::history_page:
    case FrameType::done:
      break;
  }
  const std::string words = fmt::format("frames of type {} are not taken", incoming->type);
  if (!modern_) return refuse({Errc::unsupported, words}, {}, {}, incoming->type);
  auto& error = scratch<proto::Error>();
  error.set_code("unknown-type");
  error.set_text(words);
  error.set_type(incoming->type);
  push(FrameType::error, error);
}

bool Session::take_heartbeat(std::string_view text) {
  if (text != services_.heartbeat || text.empty()) {
    auto answer = answer_heartbeat(text);
    if (!answer) return false;
    services_.heartbeat.assign(text);
    services_.heartbeat_echo = std::move(*answer);
  }
  connection_.websocket()->append(connection_.out(), codec::Opcode::text, services_.heartbeat_echo);
  connection_.flush_soon();
  return true;
}

bool Session::read(const Incoming& incoming, google::protobuf::Message& frame) {
  const auto parsed = parse(form_, incoming, frame);
  if (!parsed) end(close_code::kInvalid, parsed.error().message);
  return parsed.has_value();
}

void Session::take_ack(const Incoming& incoming) {
  auto& ack = scratch<proto::AckMessage>();
  if (!read(incoming, ack)) return;
  if (!acknowledges_) {  // the first one: what it has been given so far counts as delivered
    acknowledges_ = true;
    set_confirms();
    return;
  }
  if (!outbox_) return;
  const auto& marks = outbox_->marks;
  const auto written = marks.begin() + static_cast<std::ptrdiff_t>(outbox_->queue.written());
  const auto found = std::find(marks.begin(), written, hash_of(ack.eventid()));
  if (found == written) return;  // of one that was acknowledged, or that waits nowhere
  acknowledged(static_cast<std::size_t>(found - marks.begin()) + 1);
  pass_unmarked();
  confirm_delivered();
}

Result<core::Jid> Session::address_of(std::string_view name) const {
  if (name.empty()) return fail(Errc::bad_request, "an address is missing");
  if (name.find('@') != std::string_view::npos) return core::Jid::parse(name);
  return core::Jid::make(name, jid().domain());
}

Result<core::Jid> Session::group_of(std::string_view name) const {
  const auto address = name.find('@') != std::string_view::npos
                           ? core::Jid::parse(name)
                           : core::Jid::make(name, std::string{"conference."}.append(jid().domain()));
  if (!address) return address;
  auto group = services_.router.hosts().group(*address);
  if (!group) return fail(Errc::not_found, "{} is no group's address", address->full());
  return std::move(*group);
}

// A client may say who it is, but nobody else.
Result<void> Session::check_from(std::string_view from) const {
  if (from.empty() || from == jid().local() || from == jid().bare() || from == jid().full()) return {};
  const auto claimed = address_of(from);
  if (claimed && (claimed->full() == jid().bare() || *claimed == jid())) return {};
  return fail(Errc::not_allowed, "from is set by the server: this is {}", jid().bare());
}

void Session::take_message(const Incoming& incoming) {
  auto& message = scratch<proto::Message>();
  if (!read(incoming, message)) return;
  const auto refuse_this = [&](const Error& error) { refuse(error, message.eventid(), {}, incoming.type); };
  if (auto own = check_from(message.from()); !own) return refuse_this(own.error());
  door::ChatMessage chat;
  if (!message.group().empty() || !message.to().empty()) {
    auto to = message.group().empty() ? address_of(message.to()) : group_of(message.group());
    if (!to) return refuse_this(to.error());
    chat.group = !message.group().empty() || services_.router.hosts().group(*to).has_value();
    chat.to = std::move(*to);
  }
  chat.event_id = message.eventid();
  chat.type = message.type();
  chat.body = message.body();
  chat.thread = message.thread();
  chat.replaces = message.replaces();
  chat.ephemeral = message.ephemeral();
  if (message.has_attachment()) {
    const auto& attachment = message.attachment();
    chat.attachment = door::Attachment{.url = attachment.url(),
                                       .name = attachment.name(),
                                       .size = attachment.size(),
                                       .media_type = attachment.mediatype(),
                                       .hash = attachment.hash()};
  }
  auto envelope = door::to_envelope(chat, jid());
  if (!envelope) return refuse_this(envelope.error());
  if (envelope->id.empty()) envelope->id = core::random_id(kIdLength);  // for errors, receipts and acknowledgements
  route(std::move(*envelope), FrameType::message, message.eventid());
}

// With a fence behind it and those around it.
void Session::route(Envelope envelope, FrameType type, std::string event_id) {
  if (!inflow_) inflow_ = std::make_unique<Inflow>();
  const std::size_t bytes = envelope.bytes();
  inflow_->sent.push_back(
      {.fence = next_fence_, .bytes = bytes, .type = type, .id = envelope.id, .event_id = std::move(event_id)});
  inflow_->bytes += bytes;
  ++unfenced_;
  services_.router.route(*this, std::move(envelope));
  if (unfenced_ >= kFenceEvery && !ended_) set_fence();
}

void Session::set_fence() {
  unfenced_ = 0;
  services_.router.fence(*this, next_fence_++);
}

void Session::fence_passed(std::uint64_t number) {
  if (!inflow_) return;
  auto& sent = inflow_->sent;
  while (!sent.empty() && sent.front().fence <= number) {
    const Sent& done = sent.front();
    if (done.type == FrameType::message && !done.refused) {
      auto& ack = scratch<proto::AckMessage>();
      ack.set_eventid(done.event_id);
      send(FrameType::ack, ack);
    }
    inflow_->bytes -= done.bytes;
    sent.pop_front();
  }
  if (sent.empty()) inflow_.reset();
  go_on();
}

void Session::take_presence(const Incoming& incoming) {
  auto& presence = scratch<proto::Presence>();
  if (!read(incoming, presence)) return;
  const auto refuse_this = [&](const Error& error) { refuse(error, {}, {}, incoming.type); };
  if (auto own = check_from(presence.from()); !own) return refuse_this(own.error());
  const auto type = presence_type(presence.type());
  if (!type) return refuse_this({Errc::bad_request, "there is no such type of presence"});
  const std::string& show = presence.show();
  if (!show.empty() && show != "chat" && show != "away" && show != "xa" && show != "dnd")
    return refuse_this({Errc::bad_request, "show is chat, away, xa or dnd"});
  if (presence.priority() < -128 || presence.priority() > 127)
    return refuse_this({Errc::bad_request, "priority is from -128 to 127"});
  if (presence.status().size() > kMaxStatus || !xml::is_legal_text(presence.status()))
    return refuse_this({Errc::bad_request, "the status is too long, or no text that XML can carry"});

  Envelope envelope;
  envelope.kind = Kind::presence;
  envelope.type = *type;
  envelope.from = jid();
  if (!presence.to().empty()) {
    auto to = address_of(presence.to());
    if (!to) return refuse_this(to.error());
    envelope.to = domain::is_subscription(*type) ? to->to_bare() : std::move(*to);
  } else if (domain::is_subscription(*type)) {
    return refuse_this({Errc::bad_request, "this type of presence needs an address"});
  }
  std::string inner;
  if (!show.empty()) inner.append("<show>").append(show).append("</show>");
  if (!presence.status().empty()) {
    inner.append("<status>");
    xml::append_escaped(inner, presence.status());
    inner.append("</status>");
  }
  if (presence.priority() != 0) inner.append(fmt::format("<priority>{}</priority>", presence.priority()));
  envelope.facts.has_payload = !inner.empty();
  envelope.facts.priority = static_cast<std::int8_t>(presence.priority());
  envelope.inner = domain::Bytes::copy(inner);
  route(std::move(envelope), FrameType::presence, {});
}

void Session::take_typing(const Incoming& incoming) {
  auto& typing = scratch<proto::Typing>();
  if (!read(incoming, typing)) return;
  const auto refuse_this = [&](const Error& error) { refuse(error, {}, {}, incoming.type); };
  if (auto own = check_from(typing.from()); !own) return refuse_this(own.error());
  const auto what = door::chat_state(typing.state());
  if (!what) return refuse_this({Errc::bad_request, "state is composing, paused, active, inactive or gone"});
  auto to = typing.group().empty() ? address_of(typing.to()) : group_of(typing.group());
  if (!to) return refuse_this(to.error());
  door::ChatState state;
  state.to = std::move(*to);
  state.what = *what;
  state.group = services_.router.hosts().group(state.to).has_value();
  auto envelope = door::to_envelope(state, jid());
  if (!envelope) return refuse_this(envelope.error());
  envelope->id = core::random_id(kIdLength);
  route(std::move(*envelope), FrameType::typing, {});
}

void Session::take_receipt(const Incoming& incoming) {
  auto& receipt = scratch<proto::Receipt>();
  if (!read(incoming, receipt)) return;
  const auto refuse_this = [&](const Error& error) { refuse(error, receipt.eventid(), {}, incoming.type); };
  if (auto own = check_from(receipt.from()); !own) return refuse_this(own.error());
  if (receipt.kind() != "delivered" && receipt.kind() != "read")
    return refuse_this({Errc::bad_request, "kind is delivered or read"});
  auto to = address_of(receipt.to());
  if (!to) return refuse_this(to.error());
  door::Receipt given;
  given.to = std::move(*to);
  given.what = receipt.kind() == "read" ? door::Receipt::What::read : door::Receipt::What::delivered;
  given.event_id = receipt.eventid();
  auto envelope = door::to_envelope(given, jid());
  if (!envelope) return refuse_this(envelope.error());
  envelope->id = core::random_id(kIdLength);
  route(std::move(*envelope), FrameType::receipt, receipt.eventid());
}

void Session::refuse(const Error& failure, std::string_view event_id, std::string_view request, std::uint16_t type) {
  if (!modern_) {
    proto::Message message;  // what is refused may be in the other one
    message.set_eventid(std::string{event_id});
    message.set_from(std::string{jid().domain()});
    message.set_to(std::string{jid().bare()});
    message.set_type("system");
    message.set_body(failure.message);
    return push(FrameType::message, message);
  }
  auto& error = scratch<proto::Error>();
  error.set_code(std::string{word_of(failure.code)});
  error.set_text(failure.message);
  error.set_eventid(std::string{event_id});
  error.set_request(std::string{request});
  error.set_type(type);
  push(FrameType::error, error);
}

}  // namespace anser::ws
