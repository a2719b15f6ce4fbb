// Writing; chat_message_reading.cpp has the other direction.
#include "door/chat_message.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "door/chat_names.h"
#include "xml/escape.h"

namespace anser::door {
namespace {

using domain::Envelope;

constexpr std::array<std::string_view, 6> kTypes{"text", "image", "file", "audio", "video", "system"};
constexpr std::array<std::string_view, 5> kStates{"active", "composing", "paused", "inactive", "gone"};
constexpr std::size_t kSha256 = 64;  // in hexadecimal

// One U+0001 in the log would end the XMPP stream of everybody who reads it.
Result<void> check_text(std::string_view what, std::string_view text, std::size_t most) {
  if (text.size() > most) return fail(Errc::bad_request, "{} has more than {} bytes", what, most);
  if (!xml::is_legal_text(text))
    return fail(Errc::bad_request, "{} is no text: it is not UTF-8, or has a character that XML cannot carry", what);
  return {};
}

Result<void> check_attachment(const Attachment& attachment) {
  if (attachment.url.empty()) return fail(Errc::bad_request, "the attachment has no url");
  if (auto text = check_text("the attachment's url", attachment.url, kMaxAddress); !text) return text;
  if (auto text = check_text("the attachment's name", attachment.name, kMaxAddress); !text) return text;
  if (auto text = check_text("the attachment's mediaType", attachment.media_type, kMaxEventId); !text) return text;
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  const std::string& hash = attachment.hash;
  if (!hash.empty() && (hash.size() != kSha256 || !std::all_of(hash.begin(), hash.end(), digit)))
    return fail(Errc::bad_request, "the attachment's hash is no sha-256 of {} hexadecimal digits", kSha256);
  return {};
}

Result<void> check(const ChatMessage& message, std::size_t most) {
  if (!message.type.empty() && !is_message_type(message.type))
    return fail(Errc::bad_request, "type must be text, image, file, audio, video or system");
  if (auto text = check_text("eventId", message.event_id, kMaxEventId); !text) return text;
  if (auto text = check_text("body", message.body, most); !text) return text;
  if (auto text = check_text("thread", message.thread, kMaxEventId); !text) return text;
  if (auto text = check_text("replaces", message.replaces, kMaxEventId); !text) return text;
  return message.attachment ? check_attachment(*message.attachment) : Result<void>{};
}

void append_element(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  xml::append_escaped(out, text);
  out.append("</").append(name).append(">");
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(" ").append(name).append("='");
  xml::append_escaped_attribute(out, value);
  out.append("'");
}

// An element with nothing in it: its namespace, and an id if there is one.
void append_mark(std::string& out, xml::Name name, std::string_view id = {}) {
  out.append("<").append(name.local).append(" xmlns='").append(name.ns).append("'");
  append_attribute(out, "id", id);
  out.append("/>");
}

void append_event(std::string& out, std::string_view type, const Attachment* attachment) {
  out.append("<event xmlns='").append(kEventNs).append("'");
  append_attribute(out, "type", type);
  if (attachment) {
    append_attribute(out, "name", attachment->name);
    if (attachment->size != 0) append_attribute(out, "size", std::to_string(attachment->size));
    append_attribute(out, "media-type", attachment->media_type);
    append_attribute(out, "hash", attachment->hash);
  }
  out.append("/>");
}

Envelope addressed(const core::Jid& own, const core::Jid& to, bool group) {
  Envelope envelope;
  envelope.kind = domain::Kind::message;
  envelope.type = group ? domain::Type::groupchat : domain::Type::chat;
  envelope.from = own;
  envelope.to = to;
  envelope.facts.has_payload = true;
  return envelope;
}

}  // namespace

bool is_message_type(std::string_view word) { return std::find(kTypes.begin(), kTypes.end(), word) != kTypes.end(); }

std::string_view word_of(ChatState::What what) { return kStates[static_cast<std::size_t>(what)]; }

std::optional<ChatState::What> chat_state(std::string_view word) {
  const auto at = std::find(kStates.begin(), kStates.end(), word);
  if (at == kStates.end()) return std::nullopt;
  return static_cast<ChatState::What>(std::distance(kStates.begin(), at));
}

Result<Envelope> to_envelope(const ChatMessage& message, const core::Jid& own, std::size_t most) {
  if (auto right = check(message, most); !right) return pass(right);
  const Attachment* attachment = message.attachment ? &*message.attachment : nullptr;
  const std::string_view type = message.type.empty() ? std::string_view{"text"} : message.type;

  std::string inner;
  inner.reserve(message.body.size() + message.event_id.size() + 128);
  // Who knows nothing of attachments sees at least where it is.
  append_element(inner, "body", message.body.empty() && attachment ? attachment->url : message.body);
  if (!message.thread.empty()) append_element(inner, "thread", message.thread);
  if (!message.replaces.empty()) append_mark(inner, kReplace, message.replaces);
  if (attachment) {
    inner.append("<x xmlns='").append(kOutOfBand.ns).append("'>");
    append_element(inner, "url", attachment->url);
    inner.append("</x>");
  }
  if (attachment || type != "text") append_event(inner, type, attachment);
  if (!message.event_id.empty()) append_mark(inner, kOriginId, message.event_id);
  if (message.wants_receipt) append_mark(inner, kReceiptRequest);
  if (message.ephemeral) append_mark(inner, kNoStore);
  if (inner.size() > most) return fail(Errc::bad_request, "the message has more than {} bytes", most);

  Envelope envelope = addressed(own, message.to, message.group);
  envelope.id = envelope.origin_id = message.event_id;
  envelope.facts.has_body = true;
  envelope.facts.no_store = message.ephemeral;
  envelope.facts.conversation = message.wants_receipt;
  envelope.inner = domain::Bytes::copy(inner);
  return envelope;
}

Result<Envelope> to_envelope(const ChatState& state, const core::Jid& own) {
  if (auto text = check_text("thread", state.thread, kMaxEventId); !text) return pass(text);
  std::string inner;
  append_mark(inner, {kChatStatesNs, word_of(state.what)});
  if (!state.thread.empty()) append_element(inner, "thread", state.thread);

  Envelope envelope = addressed(own, state.to, state.group);
  envelope.facts.conversation = envelope.facts.chat_state_only = true;
  envelope.inner = domain::Bytes::copy(inner);
  return envelope;
}

Result<Envelope> to_envelope(const Receipt& receipt, const core::Jid& own) {
  if (receipt.event_id.empty()) return fail(Errc::bad_request, "a receipt has the eventId of a message");
  if (auto text = check_text("eventId", receipt.event_id, kMaxEventId); !text) return pass(text);
  std::string inner;
  append_mark(inner, receipt.what == Receipt::What::read ? kDisplayed : kReceived, receipt.event_id);

  Envelope envelope = addressed(own, receipt.to, receipt.group);
  envelope.facts.conversation = true;
  envelope.inner = domain::Bytes::copy(inner);
  return envelope;
}

}  // namespace anser::door
