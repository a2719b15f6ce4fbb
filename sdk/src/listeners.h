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
    const std::lock_guard lock{mutex_};
    if (held_.size() >= kLimit) return false;
    held_.push_back(std::make_shared<Held>(id, std::move(listener)));
    return true;
  }

  void remove(ListenerId id) {
    std::shared_ptr<Held> removed;  // destroyed without the lock: what it captured is the application's
    const std::lock_guard lock{mutex_};
    const auto found = std::find_if(held_.begin(), held_.end(), [&](const auto& held) { return held->id == id; });
    if (found == held_.end()) return;
    removed = std::move(*found);
    held_.erase(found);
    removed->removed = true;
  }

  void clear() {
    const std::vector<std::shared_ptr<Held>> removed = [&] {
      const std::lock_guard lock{mutex_};
      return std::exchange(held_, {});
    }();
    for (const auto& held : removed) held->removed = true;
  }

  // `tell(listener)` for each of them. False: one of them destroyed the connection, the rest are not told.
  template <class Tell>
  bool tell(Channel& channel, const Tell& tell) const {
    const std::vector<std::shared_ptr<Held>> all = [&] {
      const std::lock_guard lock{mutex_};
      return held_;
    }();
    for (const auto& held : all) {
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

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Held>> held_;
};

}  // namespace anser::sdk
