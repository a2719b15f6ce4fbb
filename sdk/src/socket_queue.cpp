#include "sdk/src/socket_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace anser::sdk {

void SocketQueue::push(Entry entry) {
  bytes_ += entry.frame.size();
  entries_.push_back(std::move(entry));
}

const std::string* SocketQueue::next() {
  if (written_ == entries_.size() || written_ == kWindow) return nullptr;
  Entry& entry = entries_[written_++];
  entry.ever_written = true;
  return &entry.frame;
}

std::optional<SocketQueue::Entry> SocketQueue::take(std::string_view event_id) {
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(written_);
  const auto found =
      std::find_if(entries_.begin(), end, [&](const Entry& entry) { return entry.event_id == event_id; });
  if (found == end) return std::nullopt;
  bytes_ -= found->frame.size();
  --written_;
  std::optional<Entry> taken = std::move(*found);
  entries_.erase(found);
  return taken;
}

std::vector<SocketQueue::Entry> SocketQueue::take_all() {
  std::vector<Entry> all{std::make_move_iterator(entries_.begin()), std::make_move_iterator(entries_.end())};
  entries_.clear();
  written_ = bytes_ = 0;
  return all;
}

}  // namespace anser::sdk
