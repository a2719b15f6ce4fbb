// What people say to each other as a door that is not XML speaks of it, to and from an Envelope: text with what belongs
// to it, chat states (XEP-0085), receipts and read markers (XEP-0184, XEP-0333). What XMPP has a word for is written so
// that its clients understand it; what it has none for stands in <event xmlns='urn:anser:message:0'/>. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/jid.h"
#include "domain/envelope.h"

namespace anser::door {

inline constexpr std::string_view kEventNs = "urn:anser:message:0";

struct Attachment {
  std::string url = {};   // not empty
  std::string name = {};  // of the file, for people
  std::uint64_t size = 0;
  std::string media_type = {};
  std::string hash = {};  // sha-256, in hexadecimal

  friend bool operator==(const Attachment&, const Attachment&) = default;
};

struct ChatMessage {
  std::string event_id = {};     // the sender's name for it; empty: none
  core::Jid from = {}, to = {};  // from: read only; to: as written, empty for the own account
  Time created{};                // read only
  std::string type = {};         // text, image, file, audio, video, system; empty is text when written, never when read
  std::string body = {};
  std::string thread = {};
  std::string replaces = {};  // the event_id of what it corrects (XEP-0308)
  std::optional<Attachment> attachment = {};
  bool ephemeral = false;      // stored nowhere
  bool group = false;          // `to` is a group, or `from` someone in it
  bool wants_receipt = false;  // the sender asks to be told that it has arrived (XEP-0184) or was read (XEP-0333)

  friend bool operator==(const ChatMessage&, const ChatMessage&) = default;
};

struct ChatState {
  enum class What : std::uint8_t { active, composing, paused, inactive, gone };
  core::Jid from = {}, to = {};
  What what = What::active;
  std::string thread = {};
  bool group = false;

  friend bool operator==(const ChatState&, const ChatState&) = default;
};
std::string_view word_of(ChatState::What what);
std::optional<ChatState::What> chat_state(std::string_view word);

struct Receipt {
  enum class What : std::uint8_t { delivered, read };
  core::Jid from = {}, to = {};
  What what = What::delivered;
  std::string event_id = {};  // of the message it is about
  bool group = false;

  friend bool operator==(const Receipt&, const Receipt&) = default;
};

// What one stanza said: any of these together, or nothing that concerns people.
struct Heard {
  std::optional<ChatMessage> message;
  std::optional<ChatState> state;
  std::optional<Receipt> receipt;
};

inline constexpr std::size_t kMaxEventId = 1024;   // bytes, as of threads, types and hashes
inline constexpr std::size_t kMaxAddress = 4096;   // of a URL, of a file's name
inline constexpr std::size_t kMaxBytes = 262'144;  // of the content, as it is written into the stanza

// `own` is the session's full address. Errc::bad_request, with what is wrong: text that no XML can carry, a type that
// there is not, something that is too long (`most` is what the configuration allows a stanza).
Result<domain::Envelope> to_envelope(const ChatMessage& message, const core::Jid& own, std::size_t most = kMaxBytes);
Result<domain::Envelope> to_envelope(const ChatState& state, const core::Jid& own);
Result<domain::Envelope> to_envelope(const Receipt& receipt, const core::Jid& own);

// Of any message that any client may have sent. Errors, other stanzas and tombstones say nothing. `created` is the
// server's time for it. `heard` may be used again for the next one: it keeps its memory.
void from_envelope(const domain::Envelope& envelope, Time created, Heard& heard);
Heard from_envelope(const domain::Envelope& envelope, Time created);

}  // namespace anser::door
