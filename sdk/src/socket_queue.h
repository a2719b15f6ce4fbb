// Messages that the server has not acknowledged, oldest first, as frames. They are written in this order, and again
// unchanged on each new connection: the server tells repetitions by their event id. Rules only, no I/O. What it returns
// is told by the caller. On the loop's thread.
//
//   [ written on this connection, kWindow at most | not yet ]
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anser/delivery.h"

namespace anser::sdk {

class SocketQueue {
 public:
  // Of what was written, this much may be unacknowledged. After a loss it is all that is repeated, and the server knows
  // no more than the last `limits.retries` (128) messages of the account, those of its other devices too.
  static constexpr std::size_t kWindow = 64;

  struct Entry {
    std::string event_id;
    std::string frame;
    DeliveryListener listener = {};
    bool ever_written = false;  // so it may have arrived
  };

  SocketQueue(std::size_t entries, std::size_t bytes) : most_entries_(entries), most_bytes_(bytes) {}

  bool has_room(std::size_t bytes) const {
    return entries_.size() < most_entries_ && bytes <= most_bytes_ && bytes_ <= most_bytes_ - bytes;
  }
  void push(Entry entry);

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

  // The next frame to write, which then counts as written; null: there is none, or the window is full. Valid until the
  // next call.
  const std::string* next();
  void connection_lost() { written_ = 0; }

  // The oldest one of this id that was written; nothing: nobody waits for that. Two of one id are taken in their order.
  std::optional<Entry> take(std::string_view event_id);
  std::vector<Entry> take_all();

 private:
  const std::size_t most_entries_, most_bytes_;
  std::deque<Entry> entries_;
  std::size_t written_ = 0;  // of this connection
  std::size_t bytes_ = 0;
};

}  // namespace anser::sdk
