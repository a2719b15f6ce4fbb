// How many pieces of bodies a core holds at once until a worker has written them. Who gets no place has not read yet:
// its bytes stay in the kernel, however many uploads there are. A core's own, so nothing is locked.
#pragma once

#include <cstddef>
#include <deque>

#include "door/gate.h"
#include "net/http_server.h"

namespace anser::upload {

class Places {
 public:
  static constexpr std::size_t kPlaces = 32;  // of at most Core::kReadBuffer each

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
  void give_back() {
    --taken_;
    if (waiting_.empty()) return;
    waiting_.front()->open();
    waiting_.pop_front();
  }

 private:
  std::size_t taken_ = 0;
  std::deque<door::Gate*> waiting_;
};

// One that has been taken.
class Place {
 public:
  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { Places::of_core().give_back(); }
};

}  // namespace anser::upload
