// Presence (RFC 6121 §3 and §4): whether somebody is there, and the dialogue of subscriptions.
#pragma once

#include <utility>

#include "anser/stanza.h"

namespace anser::sdk {

class ANSER_API Presence final : public Stanza {
 public:
  enum class Type : std::uint8_t {
    available,
    unavailable,
    subscribe,
    subscribed,
    unsubscribe,
    unsubscribed,
    probe,
    error
  };
  // <show/>; `available` is its absence.
  enum class Mode : std::uint8_t { available, chat, away, xa, dnd };

  struct Status {
    std::string language;  // "" is the stanza's own
    std::string text;

    friend bool operator==(const Status&, const Status&) = default;
  };

  explicit Presence(Type type = Type::available) : Stanza(Kind::presence), type_(type) {}
  Presence(Type type, std::string status, int priority = 0, Mode mode = Mode::available);

  Type type() const { return type_; }
  void set_type(Type type) { type_ = type; }
  bool is_available() const { return type_ == Type::available; }
  bool is_away() const { return is_available() && (mode_ == Mode::away || mode_ == Mode::xa || mode_ == Mode::dnd); }

  Mode mode() const { return mode_; }
  void set_mode(Mode mode) { mode_ = mode; }

  // In the stanza's own language, else the first, else "". Valid until the presence changes.
  const std::string& status() const&;
  std::string status() && { return std::as_const(*this).status(); }
  const std::vector<Status>& statuses() const { return statuses_; }
  void set_status(std::string text, std::string language = {});

  int priority() const { return priority_; }
  void set_priority(int priority);  // -128 to 127; what lies outside counts as the nearest

  friend ANSER_API bool operator==(const Presence& a, const Presence& b);

 private:
  friend struct StanzaAccess;
  std::string_view type_attribute() const override;
  void append_children(std::string& out) const override;
  Result<void> check_children() const override;

  Type type_;
  Mode mode_ = Mode::available;
  std::int8_t priority_ = 0;
  std::vector<Status> statuses_;
};

// "available", "subscribe" and so on.
ANSER_API std::string_view name_of(Presence::Type type);
// "available", "chat", "away", "xa", "dnd".
ANSER_API std::string_view name_of(Presence::Mode mode);

}  // namespace anser::sdk
