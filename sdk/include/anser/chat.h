// Conversations of two (type chat). A message belongs to the chat of its thread; one without, to the chat with its
// sender's full address, then with its bare one; else a new chat begins and the chat listeners hear of it: as in Smack.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "anser/connection.h"

namespace anser::sdk {

// XEP-0085.
enum class ChatState : std::uint8_t { active, composing, paused, inactive, gone };
ANSER_API std::string_view name_of(ChatState state);

// A handle; copies are the same chat. Of no use once its connection is destroyed: sending is Errc::closed then.
class ANSER_API Chat {
 public:
  // Messages of types normal and chat, and errors that belong to the thread. Not receipts, markers and chat states that
  // come alone.
  using MessageListener = std::function<void(Chat& chat, const Message& message)>;
  using StateListener = std::function<void(Chat& chat, ChatState state)>;

  const std::string& participant() const;  // the address that it was made with
  std::string thread() const;              // a new one once one of the two was gone (XEP-0085 §5.7)

  // Sets to, type and thread; says "active" with the message until the other side shows that it has no chat states.
  Result<void> send(std::string text);
  Result<void> send(std::string text, DeliveryListener listener);
  Result<void> send(Message message);
  Result<void> send(Message message, DeliveryListener listener);
  // Without a message; nothing is sent when it is the last one told, when the other side has not shown that it has chat
  // states, or while there is no connection.
  Result<void> set_state(ChatState state);

  ListenerId add_message_listener(MessageListener listener);
  ListenerId add_state_listener(StateListener listener);
  void remove_listener(ListenerId id);
  // Forgets the chat: the next message of its thread begins a new one. Says that we are gone if the two told each other
  // chat states.
  void close();

  friend bool operator==(const Chat& a, const Chat& b) { return a.state_ == b.state_; }

 private:
  friend class ChatManager;
  struct State;
  explicit Chat(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class ANSER_API ChatManager {
 public:
  // `locally`: create_chat() made it. 1,024 chats are kept; then the one that was silent for longest is forgotten.
  using ChatListener = std::function<void(Chat& chat, bool locally)>;

  // With a new random thread, or the given one, which is the new chat's from now on. Never fails: a bad address is told
  // when a message is sent.
  Chat create_chat(std::string participant, Chat::MessageListener listener = {});
  Chat create_chat(std::string participant, std::string thread, Chat::MessageListener listener);
  // The chat of that thread, if one is kept.
  std::optional<Chat> thread_chat(std::string_view thread) const;

  ListenerId add_chat_listener(ChatListener listener);
  void remove_listener(ListenerId id);

 private:
  friend class Chat;
  friend struct ManagerAccess;
  explicit ChatManager(Channel& channel);
  ~ChatManager();
  ChatManager(const ChatManager&) = delete;

  class Chats;
  std::shared_ptr<Chats> chats_;
};

}  // namespace anser::sdk
