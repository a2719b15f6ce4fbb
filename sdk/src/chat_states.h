// Chat states (XEP-0085): what one side of a conversation of two may say, and what it has heard. Rules and nothing
// else: no I/O, no time. Guarded by its owner.
//
//   - Until the other side has written, messages say "active": that is how it hears that we know chat states (§5.1).
//   - A message of its without a state, before it ever told one: it has none, and hears no more of them.
//   - States without a message only to a side that has told one itself; none twice in a row (§5.3).
//   - Once one of the two is gone, the thread is over: the next message needs a new one (§5.7).
#pragma once

#include <optional>

#include "anser/chat.h"

namespace anser::sdk {

inline constexpr std::string_view kChatStatesNs = "http://jabber.org/protocol/chatstates";

// The state that the message tells, if it tells one.
std::optional<ChatState> chat_state_of(const Message& message);

class ChatStates {
 public:
  void heard(std::optional<ChatState> state, bool with_message);

  bool says_active() const { return other_ != Other::has_none; }  // our messages
  void said(ChatState state);                                     // with a message
  bool may_say(ChatState state) const;                            // without one
  bool may_leave() const;                                         // say "gone": they know of us

  bool is_over() const { return over_; }
  void begin_again() { over_ = false; }

 private:
  enum class Other : std::uint8_t { unknown, has_none, has_them };

  Other other_ = Other::unknown;
  std::optional<ChatState> last_;  // that we said
  bool over_ = false;
};

}  // namespace anser::sdk
