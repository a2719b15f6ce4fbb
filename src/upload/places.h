// Where the pieces of bodies are read into, and stay until a worker has written them; so nothing is copied on the way.
// A core has a few. Who gets none has not read yet: its bytes stay in the kernel, however many uploads there are.
#pragma once

#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "door/gate.h"
#include "net/http_server.h"

namespace anser::upload {

// A core's own, so nothing is locked. What waits or has a place when the loop ends is destroyed later, and in any
// order.
class Places {
 public:
  static constexpr std::size_t kPlaces = 6;
  static constexpr std::size_t kBytes = 1024 * 1024;  // of a place, touched as far as there is something to read

  static const std::shared_ptr<Places>& of_core() {
    thread_local const auto places = std::make_shared<Places>();
    return places;
  }

  // Waits until something of the body is there, and then for a place.
  net::Task<void> take(net::HttpExchange& exchange) {
    auto readying = exchange.ready();
    co_await std::move(readying);
    if (taken_ < kPlaces) {
      ++taken_;
      co_return;
    }
    Turn turn;
    auto waiting = turn.gate.wait();
    co_await std::move(waiting);  // for a place that somebody leaves to it
  }

 private:
  friend class Place;
  using Memory = std::unique_ptr<char[]>;
  struct Turn {
    Turn() { places->waiting_.push_back(this); }
    ~Turn() {
      if (waits) std::erase(places->waiting_, this);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    const std::shared_ptr<Places> places = of_core();
    door::Gate gate;
    bool waits = true;
  };
  static constexpr std::size_t kKept = 2;  // for the next

  Memory memory() {
    if (kept_.empty()) return std::make_unique_for_overwrite<char[]>(kBytes);
    Memory memory = std::move(kept_.back());
    kept_.pop_back();
    return memory;
  }
  void give_back(Memory memory) {
    if (kept_.size() < kKept) kept_.push_back(std::move(memory));
    if (waiting_.empty()) {
      --taken_;
      return;
    }
    Turn& next = *waiting_.front();
    waiting_.pop_front();
    next.waits = false;
    next.gate.open();
  }

  std::size_t taken_ = 0;
  std::deque<Turn*> waiting_;
  std::vector<Memory> kept_;
};

// One that has been taken, and what has been read into it.
class Place {
 public:
  Place() : places_(Places::of_core()), memory_(places_->memory()) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { places_->give_back(std::move(memory_)); }

  // Takes what is there of the body, until it is full, never more than `limit` and never waiting: whoever has a place
  // must not wait for a client. False at the body's end. Errc::policy_violation beyond the limit, or as
  // HttpExchange::read(); what came before is here all the same.
  Result<bool> fill(net::HttpExchange& exchange, std::uint64_t limit) {
    while (size_ < Places::kBytes) {
      const auto piece = exchange.take({memory_.get() + size_, Places::kBytes - size_});
      if (!piece) return true;
      if (!*piece) return pass(*piece);
      if ((*piece)->empty()) return false;
      if ((*piece)->size() > limit - size_) return fail(Errc::policy_violation, "more than {} bytes", limit);
      add(**piece);
    }
    return true;
  }
  std::string_view bytes() const { return {memory_.get(), size_}; }

 private:
  // What was read before the handler came is elsewhere, and what stands between chunks is left out.
  void add(std::string_view piece) {
    ANSER_ASSERT(piece.size() <= Places::kBytes - size_);
    char* const end = memory_.get() + size_;
    if (piece.data() != end) std::memmove(end, piece.data(), piece.size());
    size_ += piece.size();
  }

  const std::shared_ptr<Places> places_;
  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0;
};

}  // namespace anser::upload
