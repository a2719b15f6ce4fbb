#include "domain/account_table.h"

#include <utility>

#include "base/assert.h"

namespace anser::domain {
namespace {

constexpr std::size_t kFewest = 64;  // slots

}  // namespace

std::size_t AccountTable::place_of(Hash hash, std::string_view bare) const {
  const auto is = [&](const Slot& slot) {
    if (slot.hash != hash) return false;
    slot.account->bring_near();
    return slot.account->bare().full() == bare;
  };
  std::size_t at = hash & mask();
  while (slots_[at].account && !is(slots_[at])) at = (at + 1) & mask();
  return at;
}

Account* AccountTable::find(Hash hash, std::string_view bare) const {
  if (slots_.empty()) return nullptr;
  return slots_[place_of(hash, bare)].account.get();
}

void AccountTable::bring_near(Hash hash) const {
  if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask()]);
}

const Account* AccountTable::guess(Hash hash) const {
  if (slots_.empty()) return nullptr;
  const Slot& slot = slots_[hash & mask()];
  if (!slot.account || slot.hash != hash) return nullptr;
  slot.account->bring_near();
  return slot.account.get();
}

Account& AccountTable::find_or_add(const Jid& bare) {
  if (2 * (size_ + 1) > slots_.size()) grow();
  const Hash hash = hash_of(bare.full());
  Slot& slot = slots_[place_of(hash, bare.full())];
  if (!slot.account) {
    slot.hash = hash;
    slot.account = std::make_unique<Account>(bare);
    ++size_;
  }
  return *slot.account;
}

void AccountTable::erase(const Account& account) {
  const Hash hash = hash_of(account.bare().full());
  std::size_t free = place_of(hash, account.bare().full());
  ANSER_ASSERT(slots_[free].account.get() == &account);
  slots_[free].account.reset();
  --size_;
  // Those behind move up, so that no probe ends at the gap before it reaches them.
  for (std::size_t at = (free + 1) & mask(); slots_[at].account; at = (at + 1) & mask()) {
    const std::size_t from_home = (at - slots_[at].hash) & mask();
    const std::size_t from_gap = (at - free) & mask();
    if (from_home < from_gap) continue;
    slots_[free] = std::exchange(slots_[at], Slot{});
    free = at;
  }
}

void AccountTable::each(const std::function<void(Account&)>& visit) const {
  for (const Slot& slot : slots_) {
    if (slot.account) visit(*slot.account);
  }
}

void AccountTable::grow() {
  std::vector<Slot> old(slots_.empty() ? kFewest : 2 * slots_.size());
  old.swap(slots_);
  for (Slot& slot : old) {
    if (!slot.account) continue;
    std::size_t at = slot.hash & mask();
    while (slots_[at].account) at = (at + 1) & mask();
    slots_[at] = std::move(slot);
  }
}

}  // namespace anser::domain
