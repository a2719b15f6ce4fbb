#include "sdk/src/outbox.h"

#include <iterator>
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
  Entry entry = std::move(entries_.front());
  entries_.pop_front();
  bytes_ -= entry.xml.size();
  if (!entry.id.empty()) --messages_;
  return entry;
}

Result<std::vector<Outbox::Entry>> Outbox::confirm(std::uint32_t handled) {
  const std::uint32_t count = handled - confirmed_;  // unsigned, so the wrap is free
  if (count > entries_.size())
    return fail(Errc::protocol, "the server acknowledges {} stanzas, and {} were sent", count, entries_.size());
  std::vector<Entry> done;
  done.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) done.push_back(pop());
  confirmed_ = handled;
  return done;
}

void Outbox::begin(std::uint32_t confirmed) {
  ANSER_ASSERT(entries_.empty());
  confirmed_ = confirmed;
}

std::vector<Outbox::Entry> Outbox::lose() {
  std::vector<Entry> lost{std::make_move_iterator(entries_.begin()), std::make_move_iterator(entries_.end())};
  entries_.clear();
  messages_ = bytes_ = 0;
  confirmed_ = 0;
  return lost;
}

}  // namespace anser::sdk
