#include "anser/message.h"

#include "sdk/src/texts.h"

namespace anser::sdk {

Message::Message(std::string to, Type type) : Stanza(Kind::message), type_(type) { set_to(std::move(to)); }

Message::Message(std::string to, std::string body, Type type) : Message(std::move(to), type) {
  set_body(std::move(body));
}

const std::string& Message::body() const& { return best_text(bodies_, language()); }
const std::string& Message::body(std::string_view language) const& {
  return text_in(bodies_, language, this->language());
}
void Message::set_body(std::string text, std::string language) {
  set_text(bodies_, std::move(text), std::move(language), this->language());
}
void Message::remove_body(std::string_view language) { remove_text(bodies_, language, this->language()); }

const std::string& Message::subject() const& { return best_text(subjects_, language()); }
const std::string& Message::subject(std::string_view language) const& {
  return text_in(subjects_, language, this->language());
}
void Message::set_subject(std::string text, std::string language) {
  set_text(subjects_, std::move(text), std::move(language), this->language());
}
void Message::remove_subject(std::string_view language) { remove_text(subjects_, language, this->language()); }

void Message::set_thread(std::string thread, std::string parent) {
  thread_ = std::move(thread);
  parent_thread_ = thread_.empty() ? std::string() : std::move(parent);
}

bool operator==(const Message& a, const Message& b) {
  return a.equals(b) && a.type_ == b.type_ && a.bodies_ == b.bodies_ && a.subjects_ == b.subjects_ &&
         a.thread_ == b.thread_ && a.parent_thread_ == b.parent_thread_;
}

std::string_view Message::type_attribute() const { return type_ == Type::normal ? "" : name_of(type_); }

void Message::append_children(std::string& out) const {
  append_texts(out, "subject", subjects_, language());
  append_texts(out, "body", bodies_, language());
  if (!thread_.empty()) xml::Writer{out}.open("thread").attr_if("parent", parent_thread_).text(thread_).close();
}

Result<void> Message::check_children() const {
  if (auto checked = check_texts("the body", bodies_); !checked) return checked;
  if (auto checked = check_texts("the subject", subjects_); !checked) return checked;
  if (auto checked = check_text("the thread", thread_); !checked) return checked;
  return check_text("the parent thread", parent_thread_);
}

std::string_view name_of(Message::Type type) {
  switch (type) {
    case Message::Type::normal:
      break;
    case Message::Type::chat:
      return "chat";
    case Message::Type::groupchat:
      return "groupchat";
    case Message::Type::headline:
      return "headline";
    case Message::Type::error:
      return "error";
  }
  return "normal";
}

}  // namespace anser::sdk
