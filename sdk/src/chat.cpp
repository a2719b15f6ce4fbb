#include "anser/chat.h"

#include <utility>

#include "core/random.h"
#include "sdk/src/chats.h"

namespace anser::sdk {
namespace {

tl::unexpected<Error> no_connection() { return fail(Errc::closed, "the chat's connection was destroyed"); }

Element state_element(ChatState state) { return Element{name_of(state), kChatStatesNs}; }

}  // namespace

const std::string& Chat::participant() const { return state_->participant; }

std::string Chat::thread() const {
  const std::lock_guard lock{state_->mutex};
  return state_->thread;
}

Result<void> Chat::send(std::string text) { return send(std::move(text), DeliveryListener{}); }

Result<void> Chat::send(std::string text, DeliveryListener listener) {
  Message message;
  message.set_body(std::move(text));
  return send(std::move(message), std::move(listener));
}

Result<void> Chat::send(Message message) { return send(std::move(message), DeliveryListener{}); }

Result<void> Chat::send(Message message, DeliveryListener listener) {
  const auto channel = state_->channel.lock();
  if (!channel) return no_connection();
  const auto chats = state_->chats.lock();
  auto said = chat_state_of(message);
  std::string thread, old_thread;
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->rules.is_over()) {
      old_thread = std::exchange(state_->thread, core::random_id());
      state_->rules.begin_again();
    }
    thread = state_->thread;
    if (!said && state_->rules.says_active()) {
      said = ChatState::active;
      message.add_extension(state_element(*said));
    }
  }
  if (chats && !old_thread.empty()) chats->renamed(state_, old_thread, thread);
  message.set_to(state_->participant);
  message.set_type(Message::Type::chat);
  message.set_thread(thread, message.parent_thread());
  if (auto sent = channel->send(message, std::move(listener)); !sent) return sent;
  if (said) {
    const std::lock_guard lock{state_->mutex};
    state_->rules.said(*said);
  }
  if (chats) chats->used(*state_);
  return {};
}

Result<void> Chat::set_state(ChatState state) {
  const auto channel = state_->channel.lock();
  if (!channel) return no_connection();
  Message message{state_->participant, Message::Type::chat};
  message.set_thread(thread());
  message.add_extension(state_element(state));
  message.add_extension(Element{"no-store", "urn:xmpp:hints"});
  if (auto good = message.check(); !good) return good;
  channel->run([channel = channel.get(), message = std::move(message), state, weak = std::weak_ptr{state_}] {
    // Of no interest later, so it does not wait for a connection.
    const auto chat = weak.lock();
    if (!chat || !channel->is_authenticated()) return;
    {
      const std::lock_guard lock{chat->mutex};
      if (!chat->rules.may_say(state)) return;
    }
    if (auto sent = channel->send(message); !sent)
      return channel->complain("no chat state was sent: " + sent.error().message);
    const std::lock_guard lock{chat->mutex};
    chat->rules.said(state);
  });
  return {};
}

ListenerId Chat::add_message_listener(MessageListener listener) {
  const ListenerId id = ++state_->last_id;
  return state_->messages.add(id, std::move(listener)) ? id : 0;
}

ListenerId Chat::add_state_listener(StateListener listener) {
  const ListenerId id = ++state_->last_id;
  return state_->states.add(id, std::move(listener)) ? id : 0;
}

void Chat::remove_listener(ListenerId id) {
  state_->messages.remove(id);
  state_->states.remove(id);
}

void Chat::close() {
  const std::string thread = this->thread();
  if (const auto chats = state_->chats.lock()) chats->forget(state_, thread);
  const bool leave = [&] {
    const std::lock_guard lock{state_->mutex};
    return state_->rules.may_leave();
  }();
  if (leave) static_cast<void>(set_state(ChatState::gone));  // if it can't be said, they will see it by themselves
}

}  // namespace anser::sdk
