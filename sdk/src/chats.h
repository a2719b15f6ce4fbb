// The inside of Chat and ChatManager. A chat's state is shared by its handles and, until it is forgotten, by the book
// of chats. It may outlive both the book and the connection; it holds neither.
//
// Locks: the book's, and each chat's own; never both at a time, and none while a function of the application runs.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "anser/chat.h"
#include "sdk/src/channel.h"
#include "sdk/src/chat_states.h"
#include "sdk/src/listeners.h"

namespace anser::sdk {

struct ANSER_HIDDEN Chat::State {
  State(std::string participant, std::string thread);

  const std::string participant;  // as it was given
  const std::string full, bare;   // prepared; as given if it is no address
  std::weak_ptr<Channel> channel;
  std::weak_ptr<ChatManager::Chats> chats;

  Listeners<MessageListener> messages;
  Listeners<StateListener> states;
  std::atomic<ListenerId> last_id = 0;
  std::atomic<std::uint64_t> used = 0;  // a number that grows with each message of any chat
  std::atomic<bool> heard = false;      // the rules know of the other side: only a state is news to them

  std::mutex mutex;  // guards the next two
  std::string thread;
  ChatStates rules;
};

// Invariant: at most kChats are kept. The newest of those with an address is the one that is found by it.
class ANSER_HIDDEN ChatManager::Chats final : public Extension, public std::enable_shared_from_this<Chats> {
 public:
  using StatePtr = std::shared_ptr<Chat::State>;
  static constexpr std::size_t kChats = 1'024;

  explicit Chats(Channel& channel) : channel_(channel) {}

  // Any thread.
  Chat create(std::string participant, std::string thread, Chat::MessageListener listener);
  StatePtr of_thread(std::string_view thread) const;
  ListenerId add(ChatListener listener);
  void remove(ListenerId id) { listeners_.remove(id); }
  void used(Chat::State& state) {
    state.used.store(uses_.fetch_add(1, std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void renamed(const StatePtr& state, const std::string& old_thread, const std::string& thread);
  void forget(const StatePtr& state, const std::string& thread);
  // Of what the application gave nothing is kept: it may hold a chat, and so itself.
  void clear();

  bool on_message(const Message& message) override;

 private:
  using Index = std::map<std::string, StatePtr, std::less<>>;

  StatePtr keep(std::string participant, std::string thread);
  StatePtr of_address(std::string_view full, std::string_view bare) const;
  bool begun(const StatePtr& state, bool locally);
  // With the lock.
  void erase(Index::iterator kept);
  void find_anew(Index& index, const StatePtr& gone, const std::string Chat::State::*address);

  Channel& channel_;
  Listeners<ChatListener> listeners_;
  std::atomic<ListenerId> last_id_ = 0;
  std::atomic<std::uint64_t> uses_ = 0;

  mutable std::mutex mutex_;  // guards the rest
  Index by_thread_, by_full_, by_bare_;
};

}  // namespace anser::sdk
