#include "anser/presence.h"

#include <algorithm>

#include "sdk/src/texts.h"

namespace anser::sdk {

Presence::Presence(Type type, std::string status, int priority, Mode mode) : Presence(type) {
  set_status(std::move(status));
  set_priority(priority);
  mode_ = mode;
}

const std::string& Presence::status() const& { return best_text(statuses_, language()); }

// No text is no status.
void Presence::set_status(std::string text, std::string language) {
  if (text.empty()) return remove_text(statuses_, language, this->language());
  set_text(statuses_, std::move(text), std::move(language), this->language());
}

void Presence::set_priority(int priority) { priority_ = static_cast<std::int8_t>(std::clamp(priority, -128, 127)); }

bool operator==(const Presence& a, const Presence& b) {
  return a.equals(b) && a.type_ == b.type_ && a.mode_ == b.mode_ && a.priority_ == b.priority_ &&
         a.statuses_ == b.statuses_;
}

std::string_view Presence::type_attribute() const { return type_ == Type::available ? "" : name_of(type_); }

void Presence::append_children(std::string& out) const {
  if (mode_ != Mode::available) xml::Writer{out}.element("show", name_of(mode_));
  append_texts(out, "status", statuses_, language());
  if (priority_ != 0) xml::Writer{out}.element("priority", std::to_string(priority_));
}

Result<void> Presence::check_children() const { return check_texts("the status", statuses_); }

std::string_view name_of(Presence::Type type) {
  switch (type) {
    case Presence::Type::available:
      break;
    case Presence::Type::unavailable:
      return "unavailable";
    case Presence::Type::subscribe:
      return "subscribe";
    case Presence::Type::subscribed:
      return "subscribed";
    case Presence::Type::unsubscribe:
      return "unsubscribe";
    case Presence::Type::unsubscribed:
      return "unsubscribed";
    case Presence::Type::probe:
      return "probe";
    case Presence::Type::error:
      return "error";
  }
  return "available";
}

std::string_view name_of(Presence::Mode mode) {
  switch (mode) {
    case Presence::Mode::available:
      break;
    case Presence::Mode::chat:
      return "chat";
    case Presence::Mode::away:
      return "away";
    case Presence::Mode::xa:
      return "xa";
    case Presence::Mode::dnd:
      return "dnd";
  }
  return "available";
}

}  // namespace anser::sdk
