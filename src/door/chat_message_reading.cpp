// An Envelope's content, which is legal XML, read for what it says to people. Most messages are a few children that
// have none of their own, no prefix and no CDATA: those are read where they stand. Everything else goes to the real
// parser.
#include <charconv>
#include <utility>

#include "door/chat_message.h"
#include "door/chat_names.h"
#include "door/plain_children.h"
#include "xml/element.h"

namespace anser::door {
namespace {

using domain::Envelope;

// A child as the parser gives it, with the face of a PlainChild.
class TreeChild {
 public:
  explicit TreeChild(const xml::Element& element) : element_(element) {}

  std::string_view ns() const { return element_.ns(); }
  std::string_view local() const { return element_.local(); }
  void attr(std::string_view name, std::string& out) const { out = element_.attr(name); }
  void text(std::string& out) const { out = element_.text(); }
  std::string child_text(std::string_view name) const { return element_.child_text(name); }

 private:
  const xml::Element& element_;
};

class Listener {
 public:
  Listener(const Envelope& envelope, Heard& heard) : envelope_(envelope), message_(*heard.message), heard_(heard) {}

  void listen(std::string_view inner);

 private:
  template <class Child>
  void take(const Child& child);
  template <class Child>
  void take_body(const Child& child);
  template <class Child>
  void take_event(const Child& child);
  template <class Child>
  void take_receipt(const Child& child, Receipt::What what);
  void start_again();
  Attachment& attachment() { return message_.attachment ? *message_.attachment : message_.attachment.emplace(); }

  const Envelope& envelope_;
  ChatMessage& message_;
  Heard& heard_;
  std::string word_;
  bool has_body_ = false, body_is_best_ = false, has_event_ = false, has_thread_ = false;
};

template <class Child>
void Listener::take_body(const Child& child) {
  if (body_is_best_) return;
  child.attr("xml:lang", word_);
  const bool best = word_.empty() || word_ == envelope_.lang;  // the others are translations
  if (has_body_ && !best) return;
  child.text(message_.body);
  has_body_ = true;
  body_is_best_ = best;
}

template <class Child>
void Listener::take_event(const Child& child) {
  if (has_event_) return;
  has_event_ = true;
  child.attr("type", word_);
  if (is_message_type(word_)) message_.type = word_;
  Attachment& file = attachment();
  child.attr("name", file.name);
  child.attr("media-type", file.media_type);
  child.attr("hash", file.hash);
  child.attr("size", word_);
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(word_.data(), word_.data() + word_.size(), size);
  if (error == std::errc{} && end == word_.data() + word_.size()) file.size = size;
}

template <class Child>
void Listener::take_receipt(const Child& child, Receipt::What what) {
  child.attr("id", word_);
  if (word_.empty() || (heard_.receipt && heard_.receipt->what >= what)) return;  // read says delivered too
  if (!heard_.receipt) heard_.receipt.emplace();
  heard_.receipt->what = what;
  heard_.receipt->event_id = word_;
}

template <class Child>
void Listener::take(const Child& child) {
  const xml::Name name{child.ns(), child.local()};
  if (name == kBody) return take_body(child);
  if (name == kThread) {
    if (!std::exchange(has_thread_, true)) child.text(message_.thread);
  } else if (name == kReplace) {
    if (message_.replaces.empty()) child.attr("id", message_.replaces);
  } else if (name == kOutOfBand) {
    if (Attachment& file = attachment(); file.url.empty()) file.url = child.child_text("url");
  } else if (name.ns == kEventNs && name.local == "event") {
    take_event(child);
  } else if (name.ns == kChatStatesNs) {
    if (const auto state = chat_state(name.local); state && !heard_.state) heard_.state.emplace().what = *state;
  } else if (name == kReceiptRequest || (name.ns == kMarkersNs && name.local == "markable")) {
    message_.wants_receipt = true;
  } else if (name == kReceived || (name.ns == kMarkersNs && name.local == "received")) {
    take_receipt(child, Receipt::What::delivered);
  } else if (name.ns == kMarkersNs && (name.local == "displayed" || name.local == "acknowledged")) {
    take_receipt(child, Receipt::What::read);
  }
}

void Listener::start_again() {
  heard_.state.reset();
  heard_.receipt.reset();
  for (std::string* text : {&message_.body, &message_.thread, &message_.replaces}) text->clear();
  message_.type = "text";
  message_.attachment.reset();
  message_.wants_receipt = false;
  has_body_ = body_is_best_ = has_event_ = has_thread_ = false;
}

void Listener::listen(std::string_view inner) {
  start_again();
  PlainChild child;
  std::string_view rest = inner;
  auto found = child.next(rest);
  for (; found == PlainChild::Found::child; found = child.next(rest)) take(child);
  if (found == PlainChild::Found::other) {
    start_again();
    // Bounds of its own would only hide what has been let in already.
    constexpr xml::Limits kAll{.stanza_bytes = 1 << 29,
                               .depth = 1024,
                               .elements = 1 << 28,
                               .attributes = 1 << 16,
                               .namespaces = 1 << 20,
                               .name_bytes = (1 << 16) - 1};
    std::string text;
    text.reserve(inner.size() + 16);
    text.append("<m>").append(inner).append("</m>");
    const auto tree = xml::parse_element(text, xml::kClientNs, kAll);
    if (tree) {
      for (const auto& element : tree->children()) take(TreeChild{element});
    }
  }
  if (heard_.state) heard_.state->thread = message_.thread;
  // Facts about a file that is nowhere.
  if (message_.attachment && message_.attachment->url.empty()) message_.attachment.reset();
  if (!has_body_ && !has_event_ && !message_.attachment) heard_.message.reset();
}

}  // namespace

void from_envelope(const Envelope& envelope, Time created, Heard& heard) {
  heard.state.reset();
  heard.receipt.reset();
  if (envelope.kind != domain::Kind::message || envelope.type == domain::Type::error || envelope.retracted != Time{}) {
    heard.message.reset();
    return;
  }
  if (!heard.message) heard.message.emplace();
  ChatMessage& message = *heard.message;
  const bool group = envelope.type == domain::Type::groupchat;
  message.event_id = envelope.id.empty() ? envelope.origin_id : envelope.id;
  message.from = envelope.from;
  message.to = envelope.to;
  message.created = created;
  message.ephemeral = envelope.facts.no_store;
  message.group = group;
  Listener{envelope, heard}.listen(envelope.inner.view());
  if (heard.state) {
    heard.state->from = envelope.from;
    heard.state->to = envelope.to;
    heard.state->group = group;
  }
  if (heard.receipt) {
    heard.receipt->from = envelope.from;
    heard.receipt->to = envelope.to;
    heard.receipt->group = group;
  }
}

Heard from_envelope(const Envelope& envelope, Time created) {
  Heard heard;
  from_envelope(envelope, created, heard);
  return heard;
}

}  // namespace anser::door
