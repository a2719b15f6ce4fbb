#include "sdk/src/chat_states.h"

namespace anser::sdk {

std::string_view name_of(ChatState state) {
  switch (state) {
    case ChatState::active:
      return "active";
    case ChatState::composing:
      return "composing";
    case ChatState::paused:
      return "paused";
    case ChatState::inactive:
      return "inactive";
    case ChatState::gone:
      return "gone";
  }
  return "active";
}

std::optional<ChatState> chat_state_of(const Message& message) {
  for (const auto& extension : message.raw_extensions()) {
    if (extension.ns != kChatStatesNs) continue;
    for (const auto state :
         {ChatState::active, ChatState::composing, ChatState::paused, ChatState::inactive, ChatState::gone}) {
      if (extension.name == name_of(state)) return state;
    }
  }
  return std::nullopt;
}

void ChatStates::heard(std::optional<ChatState> state, bool with_message) {
  if (state) {
    other_ = Other::has_them;
    over_ = over_ || *state == ChatState::gone;
  } else if (with_message && other_ == Other::unknown) {
    other_ = Other::has_none;
  }
}

void ChatStates::said(ChatState state) {
  last_ = state;
  over_ = over_ || state == ChatState::gone;
}

bool ChatStates::may_say(ChatState state) const { return other_ == Other::has_them && last_ != state; }

bool ChatStates::may_leave() const { return last_ && may_say(ChatState::gone); }

}  // namespace anser::sdk
