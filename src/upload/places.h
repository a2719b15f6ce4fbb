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

// A core's own, so nothing is locked.
class Places {
 public:
  static constexpr std::size_t kPlaces = 16;
  static constexpr std::size_t kBytes = 256 * 1024;  // of a place: so a worker is asked seldom

  static Places& of_core() {
    thread_local Places places;
    return places;
  }

  // Waits until something of the body is there, and then for a place.
  net::Task<void> take(net::HttpExchange& exchange) {
    auto readying = exchange.ready();
    co_await std::move(readying);
    while (taken_ >= kPlaces) {
      door::Gate gate;
      waiting_.push_back(&gate);
      auto waiting = gate.wait();
      co_await std::move(waiting);
    }
    ++taken_;
  }

 private:
  friend class Place;
  using Memory = std::unique_ptr<char[]>;
  static constexpr std::size_t kKept = 4;  // for the next

  Memory memory() {
    if (kept_.empty()) return std::make_unique_for_overwrite<char[]>(kBytes);
    Memory memory = std::move(kept_.back());
    kept_.pop_back();
    return memory;
  }
  void give_back(Memory memory) {
    if (kept_.size() < kKept) kept_.push_back(std::move(memory));
    --taken_;
    if (waiting_.empty()) return;
    waiting_.front()->open();
    waiting_.pop_front();
  }

  std::size_t taken_ = 0;
  std::deque<door::Gate*> waiting_;
  std::vector<Memory> kept_;
};

// One that has been taken, and what has been read into it.
class Place {
 public:
  Place() : memory_(Places::of_core().memory()) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { Places::of_core().give_back(std::move(memory_)); }

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

  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0;
};

}  // namespace anser::upload
