#include "sdk/src/chats.h"

#include <algorithm>
#include <utility>

#include "anser/address.h"
#include "core/jid.h"
#include "core/random.h"
#include "sdk/src/senders.h"

namespace anser::sdk {
namespace {

std::string prepared_or_as_given(const std::string& address) {
  auto prepared = prepared_or_empty(address);
  return prepared.empty() ? address : prepared;
}

// What speaks of other messages and is none itself: receipts, markers, chat states, and what servers add.
bool is_notice(const Stanza::Extension& extension) {
  constexpr std::string_view kNotices[] = {kChatStatesNs,    "urn:xmpp:chat-markers:0", "urn:xmpp:hints",
                                           "urn:xmpp:delay", "jabber:x:delay",          "urn:xmpp:sid:0"};
  if (extension.ns == "urn:xmpp:receipts") return extension.name == "received";
  return std::find(std::begin(kNotices), std::end(kNotices), extension.ns) != std::end(kNotices);
}

bool is_content(const Message& message) {
  if (message.has_body() || !message.subjects().empty()) return true;
  const auto& extensions = message.raw_extensions();
  return extensions.empty() || !std::all_of(extensions.begin(), extensions.end(), is_notice);
}

}  // namespace

Chat::State::State(std::string participant, std::string thread)
    : participant(std::move(participant)),
      full(prepared_or_as_given(this->participant)),
      bare(bare_of(full)),
      thread(thread.empty() ? core::random_id() : std::move(thread)) {}

ListenerId ChatManager::Chats::add(ChatListener listener) {
  const ListenerId id = ++last_id_;
  return listeners_.add(id, std::move(listener)) ? id : 0;
}

Chat ChatManager::Chats::create(std::string participant, std::string thread, Chat::MessageListener listener) {
  const auto state = keep(std::move(participant), std::move(thread));
  Chat chat{state};
  if (listener) chat.add_message_listener(std::move(listener));
  channel_.run([this, state] { begun(state, true); });
  return chat;
}

bool ChatManager::Chats::begun(const StatePtr& state, bool locally) {
  return listeners_.tell(channel_, [&](const ChatListener& listener) {
    Chat chat{state};
    listener(chat, locally);
  });
}

ChatManager::Chats::StatePtr ChatManager::Chats::keep(std::string participant, std::string thread) {
  auto state = std::make_shared<Chat::State>(std::move(participant), std::move(thread));
  state->channel = channel_.weak();
  state->chats = weak_from_this();
  StatePtr replaced, forgotten;  // freed without the lock: their listeners are the application's
  const std::lock_guard lock{mutex_};
  if (const auto same = by_thread_.find(state->thread); same != by_thread_.end()) {
    replaced = same->second;
    erase(same);
  }
  if (by_thread_.size() >= kChats) {
    const auto silent = std::min_element(by_thread_.begin(), by_thread_.end(),
                                         [](const auto& a, const auto& b) { return a.second->used < b.second->used; });
    forgotten = silent->second;
    erase(silent);
  }
  used(*state);
  by_thread_.emplace(state->thread, state);
  by_full_.insert_or_assign(state->full, state);
  by_bare_.insert_or_assign(state->bare, state);
  return state;
}

void ChatManager::Chats::erase(Index::iterator kept) {
  const auto state = kept->second;
  by_thread_.erase(kept);
  find_anew(by_full_, state, &Chat::State::full);
  find_anew(by_bare_, state, &Chat::State::bare);
}

// Another chat with this address may be found by it now.
void ChatManager::Chats::find_anew(Index& index, const StatePtr& gone, const std::string Chat::State::*address) {
  const auto found = index.find((*gone).*address);
  if (found == index.end() || found->second != gone) return;
  StatePtr latest;
  for (const auto& [thread, kept] : by_thread_) {
    if ((*kept).*address != found->first) continue;
    if (!latest || kept->used > latest->used) latest = kept;
  }
  if (latest) {
    found->second = latest;
  } else {
    index.erase(found);
  }
}

ChatManager::Chats::StatePtr ChatManager::Chats::of_thread(std::string_view thread) const {
  if (thread.empty()) return nullptr;
  const std::lock_guard lock{mutex_};
  const auto found = by_thread_.find(thread);
  return found == by_thread_.end() ? nullptr : found->second;
}

ChatManager::Chats::StatePtr ChatManager::Chats::of_address(std::string_view full, std::string_view bare) const {
  const std::lock_guard lock{mutex_};
  if (const auto found = by_full_.find(full); found != by_full_.end()) return found->second;
  const auto found = by_bare_.find(bare);
  return found == by_bare_.end() ? nullptr : found->second;
}

void ChatManager::Chats::renamed(const StatePtr& state, const std::string& old_thread, const std::string& thread) {
  const std::lock_guard lock{mutex_};
  const auto found = by_thread_.find(old_thread);
  if (found == by_thread_.end() || found->second != state) return;
  used(*state);
  by_thread_.insert_or_assign(thread, state);
  by_thread_.erase(found);
}

void ChatManager::Chats::forget(const StatePtr& state, const std::string& thread) {
  const std::lock_guard lock{mutex_};
  const auto found = by_thread_.find(thread);
  if (found != by_thread_.end() && found->second == state) erase(found);
}

void ChatManager::Chats::clear() {
  listeners_.clear();
  const auto all = [&] {
    const std::lock_guard lock{mutex_};
    by_full_.clear();
    by_bare_.clear();
    return std::exchange(by_thread_, {});
  }();
  for (const auto& [thread, kept] : all) {
    kept->messages.clear();
    kept->states.clear();
  }
}

bool ChatManager::Chats::on_message(const Message& message) {
  const bool error = message.type() == Message::Type::error;
  if (message.type() == Message::Type::groupchat || message.type() == Message::Type::headline) return false;
  core::Jid prepared;  // unless it came so, as it mostly does
  std::string_view from = message.from();
  if (!core::is_plain_jid(from)) {
    auto jid = core::Jid::parse(from);
    if (!jid) return false;
    prepared = std::move(*jid);
    from = prepared.full();
  }
  const bool content = is_content(message);
  StatePtr state = of_thread(message.thread());
  if (!state && !error) state = of_address(from, bare_of(from));
  if (!state) {
    if (error || !content) return false;
    constexpr std::size_t kLongest = 1023;  // of a thread; a stranger chooses it, and it is kept
    const std::string& thread = message.thread();
    state = keep(std::string{from}, thread.size() <= kLongest ? thread : std::string{});
    if (!begun(state, false)) return false;
  }
  const auto said = error ? std::nullopt : chat_state_of(message);
  if (!error && (said || (content && !state->heard))) {
    const std::lock_guard lock{state->mutex};
    state->rules.heard(said, content);
    state->heard = true;
  }
  used(*state);
  if (!state->messages.any() && !state->states.any()) return false;
  Chat chat{state};
  if (error || content) {
    const bool alive = state->messages.tell(channel_, [&](const auto& listener) { listener(chat, message); });
    if (!alive) return false;
  }
  // What somebody did when the message was kept for us is long over.
  if (said && !message.delay()) state->states.tell(channel_, [&](const auto& listener) { listener(chat, *said); });
  return false;
}

}  // namespace anser::sdk
