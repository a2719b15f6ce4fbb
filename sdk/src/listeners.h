// Functions of the application that hear of something. Added and removed on any thread, told on the loop's. One that
// was removed is not told again, not even of what is being told to the others at that moment; one that was added
// meanwhile hears of the next.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "sdk/src/channel.h"

namespace anser::sdk {

template <class Listener>
class Listeners {
 public:
  static constexpr std::size_t kLimit = 10'000;  // beyond it is an application that forgets to remove them

  // False: there are too many.
  bool add(ListenerId id, Listener listener) {
    auto held = std::make_shared<Held>(id, std::move(listener));
    std::shared_ptr<const All> replaced;  // destroyed without the lock, as below
    const std::lock_guard lock{mutex_};
    All all = held_ ? *held_ : All{};
    if (all.size() >= kLimit) return false;
    all.push_back(std::move(held));
    replaced = std::exchange(held_, std::make_shared<const All>(std::move(all)));
    any_ = true;
    return true;
  }

  void remove(ListenerId id) {
    std::shared_ptr<const All> replaced;  // destroyed without the lock: what listeners captured is the application's
    const std::lock_guard lock{mutex_};
    if (!held_) return;
    All all = *held_;
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& held) { return held->id == id; });
    if (found == all.end()) return;
    (*found)->removed = true;
    all.erase(found);
    any_ = !all.empty();
    replaced = std::exchange(held_, std::make_shared<const All>(std::move(all)));
  }

  void clear() {
    const std::shared_ptr<const All> removed = [&] {
      const std::lock_guard lock{mutex_};
      any_ = false;
      return std::exchange(held_, nullptr);
    }();
    if (!removed) return;
    for (const auto& held : *removed) held->removed = true;
  }

  bool any() const { return any_; }

  // `tell(listener)` for each of them. False: one of them destroyed the connection, the rest are not told.
  template <class Tell>
  bool tell(Channel& channel, const Tell& tell) const {
    if (!any_) return channel.is_alive();
    const std::shared_ptr<const All> all = [&] {
      const std::lock_guard lock{mutex_};
      return held_;
    }();
    if (!all) return channel.is_alive();
    for (const auto& held : *all) {
      if (!channel.is_alive()) return false;
      if (!held->removed) channel.call([&] { tell(held->listener); });
    }
    return channel.is_alive();
  }

 private:
  struct Held {
    Held(ListenerId id, Listener listener) : id(id), listener(std::move(listener)) {}

    ListenerId id;
    Listener listener;
    std::atomic<bool> removed = false;
  };

  using All = std::vector<std::shared_ptr<Held>>;

  mutable std::mutex mutex_;
  std::shared_ptr<const All> held_;  // never changed, only replaced: telling needs no copy
  std::atomic<bool> any_ = false;
};

}  // namespace anser::sdk
