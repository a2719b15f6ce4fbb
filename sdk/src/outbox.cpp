#include "sdk/src/outbox.h"

#include <utility>

#include "base/assert.h"
#include "sdk/src/fail.h"

namespace anser::sdk {

void Outbox::push(Entry entry) {
  bytes_ += entry.xml.size();
  if (!entry.id.empty()) ++messages_;
  entries_.push_back(std::move(entry));
}

Outbox::Entry Outbox::pop() {
  Entry entry = std::move(entries_[first_++]);
  bytes_ -= entry.xml.size();
  if (!entry.id.empty()) --messages_;
  return entry;
}

Result<std::vector<Outbox::Entry>> Outbox::confirm(std::uint32_t handled) {
  const std::uint32_t count = handled - confirmed_;  // unsigned, so the wrap is free
  if (count > size())
    return fail(Errc::protocol, "the server acknowledges {} stanzas, and {} were sent", count, size());
  std::vector<Entry> done;
  done.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) done.push_back(pop());
  tidy();
  confirmed_ = handled;
  return done;
}

// Room is given back when nothing is left, and what is confirmed makes way before it outweighs the rest.
void Outbox::tidy() {
  if (size() == 0) {
    constexpr std::size_t kKept = 64;
    if (entries_.capacity() > kKept) entries_ = {};
    entries_.clear();
    first_ = 0;
  } else if (first_ > size()) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Outbox::begin(std::uint32_t confirmed) {
  ANSER_ASSERT(size() == 0);
  confirmed_ = confirmed;
}

std::vector<Outbox::Entry> Outbox::lose() {
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
  std::vector<Entry> lost = std::exchange(entries_, {});
  first_ = messages_ = bytes_ = 0;
  confirmed_ = 0;
  return lost;
}

}  // namespace anser::sdk
