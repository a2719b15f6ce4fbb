// The uploads under way: in whose hands each is, how many there are, and what they hold of their owners' quotas. The
// same table for all cores: locked, and nothing waits inside.
//
// An upload is one request's at a time. A newer request for it asks the older one to let go and waits; of two that wait
// the newer gets it. A sweep takes a claim too, so nothing is removed under somebody's hands.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "net/core.h"
#include "net/task.h"

namespace anser::upload {

class Claims {
 private:
  struct Entry;
  struct Waiter;

 public:
  static constexpr std::chrono::seconds kPatience{10};

  struct Limits {
    std::size_t on_core, of_owner;
  };

  // What the holder is told; touched on its core only.
  struct Listener {
    bool unwanted = false;
    std::function<void()> stop = {};
  };

  // Gives the upload back when it goes, on whatever thread.
  class Claim {
   public:
    Claim() = default;
    Claim(Claim&& other) noexcept : claims_(other.claims_), entry_(std::move(other.entry_)) {}
    Claim& operator=(Claim&& other) noexcept {
      std::swap(claims_, other.claims_);
      entry_.swap(other.entry_);
      return *this;
    }
    ~Claim() { release(); }

    explicit operator bool() const { return entry_ != nullptr; }
    void release();
    // On the holder's core.
    void listen(const std::shared_ptr<Listener>& listener);
    // Bytes of the owner's quota that no record holds.
    void hold(std::uint64_t bytes);
    std::uint64_t held() const;
    // The owner is no more: nothing of this may become a file.
    bool condemned() const;
    // The same for who goes on after the claim has moved elsewhere.
    std::function<bool()> condemnation() const;

   private:
    friend class Claims;
    Claim(Claims& claims, std::shared_ptr<Entry> entry) : claims_(&claims), entry_(std::move(entry)) {}
    Claims* claims_ = nullptr;
    std::shared_ptr<Entry> entry_;
  };

  // At once, on that core. Errc::conflict: somebody has it. queue_full: too many, on this core or of this owner ("":
  // nobody's are counted on the core only). closed: nothing is begun any more.
  Result<Claim> take(std::string_view id, std::string_view owner, net::Core& core, Limits limits);
  // For a sweep, which counts nowhere. Errc::conflict.
  Result<Claim> take_to_remove(std::string_view id);
  // As take(), but waits until who has it lets go. Errc::timeout after kPatience; closed when a newer one waits.
  net::Task<Result<Claim>> wait(std::string id, std::string owner, Limits limits);

  std::uint64_t held_by(std::string_view owner) const;
  std::size_t under_way() const;  // sweeps are not counted
  void condemn(std::string_view owner);
  // Everybody is asked to let go, and nobody gets a claim any more.
  void end_all();

 private:
  struct Use {
    std::size_t count = 0;
    std::uint64_t held = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <class Value>
  using Map = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  // All of these with the lock held.
  Result<std::shared_ptr<Entry>> add(std::string_view id, std::string_view owner, net::Core* core, Limits limits);
  void remove(Entry& entry);
  void ask(Entry& entry);
  static void wake(std::shared_ptr<Waiter> waiter);

  void give_back(std::shared_ptr<Entry> entry);
  void set_hold(Entry& entry, std::uint64_t bytes);
  void stop_waiting(const std::string& id, const std::shared_ptr<Waiter>& waiter);

  mutable std::mutex mutex_;
  Map<std::shared_ptr<Entry>> entries_;
  Map<Use> owners_;
  std::unordered_map<const net::Core*, std::size_t> cores_;
  bool ended_ = false;
};

// The contents that are being compared with something new, or removed: never both. Any thread.
class Pins {
 public:
  // False: it is being removed.
  bool pin(std::string_view content);
  void unpin(std::string_view content);
  // False: it is pinned, and stays.
  bool begin_removal(std::string_view content);
  void end_removal(std::string_view content);

 private:
  static constexpr int kRemoval = -1;
  std::mutex mutex_;
  std::unordered_map<std::string, int> pins_;
};

}  // namespace anser::upload
