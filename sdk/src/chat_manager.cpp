#include <utility>

#include "anser/chat.h"
#include "sdk/src/chats.h"

namespace anser::sdk {

ChatManager::ChatManager(Channel& channel) : chats_(std::make_shared<Chats>(channel)) {}
ChatManager::~ChatManager() { chats_->clear(); }

Extension& ManagerAccess::extension(ChatManager& chats) { return *chats.chats_; }

Chat ChatManager::create_chat(std::string participant, Chat::MessageListener listener) {
  return chats_->create(std::move(participant), {}, std::move(listener));
}

Chat ChatManager::create_chat(std::string participant, std::string thread, Chat::MessageListener listener) {
  return chats_->create(std::move(participant), std::move(thread), std::move(listener));
}

std::optional<Chat> ChatManager::thread_chat(std::string_view thread) const {
  const auto state = chats_->of_thread(thread);
  if (!state) return std::nullopt;
  return Chat{state};
}

ListenerId ChatManager::add_chat_listener(ChatListener listener) { return chats_->add(std::move(listener)); }
void ChatManager::remove_listener(ListenerId id) { chats_->remove(id); }

}  // namespace anser::sdk
