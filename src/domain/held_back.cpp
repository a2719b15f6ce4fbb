#include "domain/held_back.h"

#include <algorithm>
#include <utility>

namespace anser::domain {
namespace {

// Says the same kind of thing of the same sender (for a copy of one's own words: to the same contact).
bool same_subject(const HeldBack::Entry& held, const Envelope& envelope, const Stamp& stamp) {
  return held.envelope.kind == envelope.kind && held.stamp.copy == stamp.copy && held.envelope.from == envelope.from &&
         (stamp.copy != Copy::sent || held.envelope.to == envelope.to);
}

}  // namespace

// A request to subscribe, an answer to one, and an error are events, not states: each counts.
bool HeldBack::can_wait(const Envelope& envelope) const {
  if (envelope.from == own_) return false;
  if (envelope.kind == Kind::presence) return envelope.type == Type::available || envelope.type == Type::unavailable;
  return envelope.kind == Kind::message && envelope.type != Type::error && envelope.facts.chat_state_only;
}

std::vector<HeldBack::Entry> HeldBack::pass(const Envelope& envelope, const Stamp& stamp) {
  std::vector<Entry> due;
  if (can_wait(envelope) && !stamp.owed) {
    std::erase_if(held_, [&](const Entry& held) { return same_subject(held, envelope, stamp); });
    held_.push_back({envelope, stamp});
    if (held_.size() > limit_) return release();
    return due;
  }
  const auto first_due = std::stable_partition(
      held_.begin(), held_.end(), [&](const Entry& held) { return held.envelope.from.bare() != envelope.from.bare(); });
  due.assign(std::make_move_iterator(first_due), std::make_move_iterator(held_.end()));
  held_.erase(first_due, held_.end());
  due.push_back({envelope, stamp});
  return due;
}

std::vector<HeldBack::Entry> HeldBack::release() { return std::exchange(held_, {}); }

}  // namespace anser::domain
