#include "sdk/src/socket_frames.h"

#include <google/protobuf/stubs/logging.h>

#include <initializer_list>
#include <utility>

#include "anser.pb.h"
#include "sdk/src/fail.h"
#include "sdk/src/legal.h"

namespace anser::sdk::frames {
namespace {

constexpr std::size_t kTypeBytes = 2;

enum Type : std::uint16_t {
  kAckMessage = 10,
  kMessage = 11,
  kAuth = 12,
  kAuthResult = 13,
  kError = 14,
  kPresence = 15,
  kRoster = 16,
  kSetContact = 17,
  kTyping = 18,
  kReceipt = 19,
  kHistoryRequest = 20,
  kHistoryPage = 21,
  kSubscribe = 22,
  kUnsubscribe = 23,
  kDone = 24,
};

std::string framed(Type type, const google::protobuf::MessageLite& message) {
  std::string frame{static_cast<char>(type & 0xff), static_cast<char>(type >> 8)};
  message.AppendToString(&frame);
  return frame;
}

SocketMessage from_proto(const proto::Message& in) {
  SocketMessage message;
  message.event_id = in.eventid();
  message.from = in.from();
  message.to = in.to();
  message.created_at = in.createat();
  if (!in.type().empty()) message.type = in.type();
  message.body = in.body();
  message.archive_id = in.archiveid();
  message.thread = in.thread();
  if (in.has_attachment()) {
    const auto& file = in.attachment();
    message.attachment = SocketAttachment{file.url(), file.name(), file.size(), file.mediatype(), file.hash()};
  }
  message.replaces = in.replaces();
  message.group = in.group();
  message.ephemeral = in.ephemeral();
  return message;
}

// Without what the server alone says.
proto::Message to_proto(const SocketMessage& message) {
  proto::Message out;
  out.set_eventid(message.event_id);
  out.set_to(message.to);
  out.set_type(message.type);
  out.set_body(message.body);
  out.set_thread(message.thread);
  if (message.attachment) {
    auto& file = *out.mutable_attachment();
    file.set_url(message.attachment->url);
    file.set_name(message.attachment->name);
    file.set_size(message.attachment->size);
    file.set_mediatype(message.attachment->media_type);
    file.set_hash(message.attachment->hash);
  }
  out.set_replaces(message.replaces);
  out.set_group(message.group);
  out.set_ephemeral(message.ephemeral);
  return out;
}

SocketPresence from_proto(const proto::Presence& in) {
  return {in.from(), in.to(), in.type(), in.show(), in.status(), in.priority()};
}
SocketTyping from_proto(const proto::Typing& in) { return {in.from(), in.to(), in.state(), in.group()}; }
SocketReceipt from_proto(const proto::Receipt& in) { return {in.from(), in.to(), in.kind(), in.eventid()}; }
Ack from_proto(const proto::AckMessage& in) { return {in.eventid()}; }
AuthResult from_proto(const proto::AuthResult& in) { return {in.ok(), in.address(), in.error(), in.text()}; }
Refusal from_proto(const proto::Error& in) { return {in.code(), in.text(), in.eventid(), in.request(), in.type()}; }
Done from_proto(const proto::Done& in) { return {in.request()}; }

Roster from_proto(const proto::Roster& in) {
  Roster roster{in.request(), {}};
  roster.contacts.reserve(static_cast<std::size_t>(in.contacts_size()));
  for (const auto& contact : in.contacts()) {
    roster.contacts.push_back({contact.address(),
                               contact.name(),
                               contact.subscription(),
                               contact.ask(),
                               {contact.groups().begin(), contact.groups().end()}});
  }
  return roster;
}

Page from_proto(const proto::HistoryPage& in) {
  Page page{in.request(), {}};
  page.page.messages.reserve(static_cast<std::size_t>(in.messages_size()));
  for (const auto& message : in.messages()) page.page.messages.push_back(from_proto(message));
  page.page.complete = in.complete();
  page.page.after = in.after();
  page.page.before = in.before();
  return page;
}

template <class Proto>
Result<Incoming> parsed(std::string_view payload, std::uint16_t type) {
  const google::protobuf::LogSilencer silent;  // it would tell the application's standard error of a peer's bad UTF-8
  Proto message;
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size())))
    return fail(Errc::protocol, "the server sent a frame of type {} that is not what the type says", type);
  return Incoming{from_proto(message)};
}

using Texts = std::initializer_list<std::pair<std::string_view, std::string_view>>;

Result<void> check_all(Texts texts) {
  for (const auto& [what, text] : texts) {
    if (auto fine = check_text(what, text); !fine) return fine;
  }
  return {};
}

}  // namespace

Result<Incoming> decode(std::string_view frame) {
  if (frame.size() < kTypeBytes) return fail(Errc::protocol, "the server sent a frame without a type");
  const auto octet = [&](std::size_t at) { return static_cast<std::uint16_t>(static_cast<unsigned char>(frame[at])); };
  const auto type = static_cast<std::uint16_t>(octet(0) | octet(1) << 8);
  const std::string_view payload = frame.substr(kTypeBytes);
  if (payload.size() > INT32_MAX) return fail(Errc::protocol, "the server sent a frame of {} bytes", frame.size());
  switch (type) {
    case kAckMessage:
      return parsed<proto::AckMessage>(payload, type);
    case kMessage:
      return parsed<proto::Message>(payload, type);
    case kAuthResult:
      return parsed<proto::AuthResult>(payload, type);
    case kError:
      return parsed<proto::Error>(payload, type);
    case kPresence:
      return parsed<proto::Presence>(payload, type);
    case kRoster:
      return parsed<proto::Roster>(payload, type);
    case kTyping:
      return parsed<proto::Typing>(payload, type);
    case kReceipt:
      return parsed<proto::Receipt>(payload, type);
    case kHistoryPage:
      return parsed<proto::HistoryPage>(payload, type);
    case kDone:
      return parsed<proto::Done>(payload, type);
    default:
      return Incoming{Unknown{type}};  // a later server's
  }
}

std::string encode(const Ack& ack) {
  proto::AckMessage out;
  out.set_eventid(ack.event_id);
  return framed(kAckMessage, out);
}

std::string encode(const SocketMessage& message) { return framed(kMessage, to_proto(message)); }

std::string encode(const Auth& auth) {
  proto::Auth out;
  out.set_user(auth.user);
  out.set_password(auth.password);
  out.set_token(auth.token);
  out.set_acknowledges(auth.acknowledges);
  return framed(kAuth, out);
}

std::string encode(const SocketPresence& presence) {
  proto::Presence out;
  out.set_to(presence.to);
  out.set_type(presence.type);
  out.set_show(presence.show);
  out.set_status(presence.status);
  out.set_priority(presence.priority);
  return framed(kPresence, out);
}

std::string encode(const SocketTyping& typing) {
  proto::Typing out;
  out.set_to(typing.to);
  out.set_state(typing.state);
  out.set_group(typing.group);
  return framed(kTyping, out);
}

std::string encode(const SocketReceipt& receipt) {
  proto::Receipt out;
  out.set_to(receipt.to);
  out.set_kind(receipt.kind);
  out.set_eventid(receipt.event_id);
  return framed(kReceipt, out);
}

std::string roster_request(std::string request) {
  proto::Roster out;
  out.set_request(std::move(request));
  return framed(kRoster, out);
}

std::string set_contact(std::string request, const SocketContact& contact) {
  proto::SetContact out;
  out.set_request(std::move(request));
  auto& to = *out.mutable_contact();
  to.set_address(contact.address);
  to.set_name(contact.name);
  to.set_subscription(contact.subscription);
  for (const std::string& group : contact.groups) to.add_groups(group);
  return framed(kSetContact, out);
}

std::string history_request(std::string request, const SocketHistoryQuery& query) {
  proto::HistoryRequest out;
  out.set_request(std::move(request));
  out.set_with(query.with);
  out.set_group(query.group);
  out.set_after(query.after);
  out.set_before(query.before);
  out.set_latest(query.latest);
  out.set_limit(query.limit);
  return framed(kHistoryRequest, out);
}

std::string subscribe(std::string request, std::string group) {
  proto::Subscribe out;
  out.set_request(std::move(request));
  out.set_group(std::move(group));
  return framed(kSubscribe, out);
}

std::string unsubscribe(std::string request, std::string group) {
  proto::Unsubscribe out;
  out.set_request(std::move(request));
  out.set_group(std::move(group));
  return framed(kUnsubscribe, out);
}

Result<void> check(const SocketMessage& message) {
  if (message.attachment) {
    const SocketAttachment& file = *message.attachment;
    auto fine = check_all({{"the attachment's address", file.url},
                           {"the attachment's name", file.name},
                           {"the attachment's media type", file.media_type},
                           {"the attachment's hash", file.hash}});
    if (!fine) return fine;
  }
  return check_all({{"the event id", message.event_id},
                    {"the recipient", message.to},
                    {"the type", message.type},
                    {"the body", message.body},
                    {"the thread", message.thread},
                    {"the replaced id", message.replaces},
                    {"the group", message.group}});
}

Result<void> check(const SocketPresence& presence) {
  return check_all({{"the recipient", presence.to},
                    {"the type", presence.type},
                    {"the show", presence.show},
                    {"the status", presence.status}});
}

Result<void> check(const SocketTyping& typing) {
  return check_all({{"the recipient", typing.to}, {"the state", typing.state}, {"the group", typing.group}});
}

Result<void> check(const SocketReceipt& receipt) {
  return check_all({{"the recipient", receipt.to}, {"the kind", receipt.kind}, {"the event id", receipt.event_id}});
}

Result<void> check(const SocketContact& contact) {
  for (const std::string& group : contact.groups) {
    if (auto fine = check_text("a group", group); !fine) return fine;
  }
  return check_all(
      {{"the address", contact.address}, {"the name", contact.name}, {"the subscription", contact.subscription}});
}

Result<void> check(const SocketHistoryQuery& query) {
  return check_all(
      {{"the address", query.with}, {"the group", query.group}, {"after", query.after}, {"before", query.before}});
}

Result<void> check_other(std::string_view frame) {
  if (frame.size() <= kOtherBytes) return {};
  return fail(Errc::invalid_argument, "this makes a frame of {} bytes, and only messages may have more than {}",
              frame.size(), kOtherBytes);
}

}  // namespace anser::sdk::frames
