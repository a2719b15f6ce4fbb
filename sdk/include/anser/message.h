// A message (RFC 6121 §5): one type, bodies and subjects in any number of languages, a thread.
#pragma once

#include <utility>

#include "anser/stanza.h"

namespace anser::sdk {

class ANSER_API Message final : public Stanza {
 public:
  enum class Type : std::uint8_t { normal, chat, groupchat, headline, error };

  struct Text {
    std::string language;  // "" is the stanza's own
    std::string text;

    friend bool operator==(const Text&, const Text&) = default;
  };

  Message() : Stanza(Kind::message) {}
  explicit Message(std::string to, Type type = Type::normal);
  Message(std::string to, std::string body, Type type);

  Type type() const { return type_; }
  void set_type(Type type) { type_ = type; }

  // The text in the stanza's own language, else the first there is, else "". The other form asks for one language.
  // Valid until the message changes.
  const std::string& body() const&;
  const std::string& body(std::string_view language) const&;
  std::string body() && { return std::as_const(*this).body(); }
  std::string body(std::string_view language) && { return std::as_const(*this).body(language); }
  bool has_body() const { return !bodies_.empty(); }
  const std::vector<Text>& bodies() const { return bodies_; }
  // One text a language: a second replaces the first.
  void set_body(std::string text, std::string language = {});
  void remove_body(std::string_view language = {});

  const std::string& subject() const&;
  const std::string& subject(std::string_view language) const&;
  std::string subject() && { return std::as_const(*this).subject(); }
  std::string subject(std::string_view language) && { return std::as_const(*this).subject(language); }
  const std::vector<Text>& subjects() const { return subjects_; }
  void set_subject(std::string text, std::string language = {});
  void remove_subject(std::string_view language = {});

  const std::string& thread() const { return thread_; }
  const std::string& parent_thread() const { return parent_thread_; }
  void set_thread(std::string thread, std::string parent = {});

  friend ANSER_API bool operator==(const Message& a, const Message& b);

 private:
  friend struct StanzaAccess;
  std::string_view type_attribute() const override;
  void append_children(std::string& out) const override;
  Result<void> check_children() const override;

  Type type_ = Type::normal;
  std::vector<Text> bodies_, subjects_;
  std::string thread_, parent_thread_;
};

// "normal", "chat" and so on, as on the wire.
ANSER_API std::string_view name_of(Message::Type type);

}  // namespace anser::sdk
