#include "sdk/src/stanza_reader.h"

#include <charconv>
#include <span>

#include "sdk/src/fail.h"
#include "sdk/src/raw_element.h"
#include "sdk/src/stanza_access.h"
#include "sdk/src/stanza_error.h"
#include "sdk/src/texts.h"

namespace anser::sdk {
namespace {

constexpr std::size_t kMaxTexts = 64;
constexpr std::string_view kAnyHeader = "<stream xmlns='jabber:client'>";

template <class Type>
std::optional<Type> type_named(std::string_view word, Type first, Type last) {
  for (int type = static_cast<int>(first); type <= static_cast<int>(last); ++type) {
    if (name_of(static_cast<Type>(type)) == word) return static_cast<Type>(type);
  }
  return std::nullopt;
}

std::optional<IQ::Type> iq_type(std::string_view word) {
  if (word == "get") return IQ::Type::get;
  if (word == "set") return IQ::Type::set;
  if (word == "result") return IQ::Type::result;
  if (word == "error") return IQ::Type::error;
  return std::nullopt;
}

Error bad_type(std::string_view of, std::string_view type) {
  return Error{Errc::protocol, fmt::format("there is no {} of type '{}'", of, type), "bad-request"};
}

// Fills a vector from its first element on, in the memory of what it held.
template <class T>
class Refill {
 public:
  explicit Refill(std::vector<T>& items) : items_(items) {}
  ~Refill() { items_.resize(used_); }
  Refill(const Refill&) = delete;
  Refill& operator=(const Refill&) = delete;

  // The next one, with whatever it held.
  T& next() {
    if (used_ == items_.size()) items_.emplace_back();
    return items_[used_++];
  }
  std::span<T> filled() { return std::span{items_}.first(used_); }

 private:
  std::vector<T>& items_;
  std::size_t used_ = 0;
};

// What all stanzas have. `take(child, raw)` is asked first for each child in jabber:client.
template <class Take>
void read_common(Stanza& to, const xml::Stanza& from, Take take) {
  for (const xml::Attribute& attribute : from.attributes) {
    if (attribute.ns == xml::kXmlNs) {
      if (attribute.local == "lang") StanzaAccess::language(to).assign(attribute.value);
    } else if (!attribute.ns.empty()) {
      continue;
    } else if (attribute.local == "id") {
      StanzaAccess::id(to).assign(attribute.value);
    } else if (attribute.local == "from") {
      StanzaAccess::from(to).assign(attribute.value);
    } else if (attribute.local == "to") {
      StanzaAccess::to(to).assign(attribute.value);
    }
  }
  StanzaAccess::extensions(to).reserve(from.children.size());
  Refill extensions{StanzaAccess::extensions(to)};
  for (const xml::Child& child : from.children) {
    const std::string_view raw = from.raw(child);
    if (child.ns == xml::kClientNs && speaks_for(to.kind(), child.local)) {
      if (child.local != "error") {
        take(child.local, RawElement{raw});
      } else if (!to.error()) {
        to.set_error(read_error(raw));
      }
      continue;
    }
    Stanza::Extension& extension = extensions.next();
    extension.name.assign(child.local);
    extension.ns.assign(child.ns);
    extension.xml.assign(raw);
  }
}

// One text a language, the first one counts.
template <class Text>
void read_text(Refill<Text>& texts, const RawElement& element, std::string_view own, std::string& scratch) {
  const auto before = texts.filled();
  if (before.size() >= kMaxTexts) return;
  std::string_view language = element.attribute("xml:lang", scratch);
  if (is_own_language(language, own)) language = {};
  if (!before.empty() && find_text(before, language, own) != before.end()) return;
  Text& text = texts.next();
  text.language.assign(language);
  text.text.assign(element.text(scratch));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// xs:byte.
int read_priority(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::int8_t priority = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, priority);
  return problem == std::errc{} && stop == end ? priority : 0;
}

void read_parts(Presence& presence, const xml::Stanza& stanza) {
  Refill statuses{StanzaAccess::statuses(presence)};
  bool has_show = false, has_priority = false;
  std::string scratch;
  read_common(presence, stanza, [&](std::string_view name, const RawElement& child) {
    if (name == "status") {
      if (!child.text(scratch).empty()) read_text(statuses, child, presence.language(), scratch);
    } else if (name == "show") {
      using Mode = Presence::Mode;
      if (has_show) return;
      has_show = true;
      presence.set_mode(type_named(trimmed(child.text(scratch)), Mode::chat, Mode::dnd).value_or(Mode::available));
    } else if (!has_priority) {
      has_priority = true;
      presence.set_priority(read_priority(child.text(scratch)));
    }
  });
}

template <class T>
Result<std::unique_ptr<Stanza>> owned(Result<T> stanza) {
  if (!stanza) return pass(stanza);
  return std::make_unique<T>(*std::move(stanza));
}

}  // namespace

bool is_stanza(const xml::Stanza& stanza) {
  return stanza.ns == xml::kClientNs &&
         (stanza.local == "message" || stanza.local == "presence" || stanza.local == "iq");
}

Result<std::unique_ptr<Stanza>> read_stanza(const xml::Stanza& stanza) {
  if (!is_stanza(stanza)) return std::unique_ptr<Stanza>();
  if (stanza.local == "message") {
    auto message = std::make_unique<Message>();
    read_message(*message, stanza);
    return message;
  }
  if (stanza.local == "presence") return owned(read_presence(stanza));
  return owned(read_iq(stanza));
}

Result<std::unique_ptr<Stanza>> read_stanza(std::string_view xml) {
  using Event = xml::StreamReader::Event;
  xml::StreamReader reader;
  std::string_view header = kAnyHeader;
  reader.next(header);
  const Event event = reader.next(xml);
  if (event == Event::error) return fail(Errc::protocol, "{}", reader.error().message);
  if (event != Event::stanza || !xml.empty()) return fail(Errc::protocol, "one stanza was expected");
  return read_stanza(reader.stanza());
}

Message read_message(const xml::Stanza& stanza) {
  Message message;
  read_message(message, stanza);
  return message;
}

void read_message(Message& message, const xml::Stanza& stanza) {
  using Type = Message::Type;
  message.set_type(type_named(stanza.attr("type"), Type::normal, Type::error).value_or(Type::normal));
  for (auto* part : {StanzaAccess::id, StanzaAccess::from, StanzaAccess::to, StanzaAccess::language}) {
    part(message).clear();
  }
  StanzaAccess::thread(message).clear();
  StanzaAccess::parent_thread(message).clear();
  message.set_error(std::nullopt);
  Refill bodies{StanzaAccess::bodies(message)};
  Refill subjects{StanzaAccess::subjects(message)};
  std::string scratch;
  read_common(message, stanza, [&](std::string_view name, const RawElement& child) {
    if (name == "body") {
      read_text(bodies, child, message.language(), scratch);
    } else if (name == "subject") {
      read_text(subjects, child, message.language(), scratch);
    } else if (message.thread().empty()) {
      StanzaAccess::parent_thread(message).assign(child.attribute("parent", scratch));
      StanzaAccess::thread(message).assign(child.text(scratch));
      if (message.thread().empty()) StanzaAccess::parent_thread(message).clear();
    }
  });
}

Result<Presence> read_presence(const xml::Stanza& stanza) {
  using Type = Presence::Type;
  const std::string_view word = stanza.attr("type");
  const auto type = word.empty() ? Type::available : type_named(word, Type::unavailable, Type::error);
  if (!type) return tl::make_unexpected(bad_type("presence", word));
  Presence presence{*type};
  read_parts(presence, stanza);
  return presence;
}

Result<IQ> read_iq(const xml::Stanza& stanza) {
  const auto type = iq_type(stanza.attr("type"));
  if (!type) return tl::make_unexpected(bad_type("iq", stanza.attr("type")));
  IQ iq{*type};
  read_common(iq, stanza, [](std::string_view, const RawElement&) {});
  return iq;
}

const xml::Child* find_child(const xml::Stanza& stanza, xml::Name name) {
  for (const xml::Child& child : stanza.children) {
    if (child.local == name.local && child.ns == name.ns) return &child;
  }
  return nullptr;
}

}  // namespace anser::sdk
