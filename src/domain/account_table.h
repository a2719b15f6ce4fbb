// The accounts that a core has in memory, by bare address. Flat: a look-up among many accounts that have been silent
// for long reads one slot and the account itself, not a chain of nodes, for most of what a message costs then is
// memory. Owns the accounts; they never move. Used by one core.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "domain/account.h"

namespace anser::domain {

class AccountTable {
 public:
  using Hash = std::size_t;  // of a bare address

  static Hash hash_of(std::string_view bare) { return std::hash<std::string_view>{}(bare); }
  Account* find(std::string_view bare) const { return find(hash_of(bare), bare); }
  Account* find(Hash hash, std::string_view bare) const;
  // A look-up by steps, for several at once: the slot is fetched into the cache; who is in it and very likely meant is
  // fetched; null if nobody is.
  void bring_near(Hash hash) const;
  const Account* guess(Hash hash) const;
  Account& find_or_add(const Jid& bare);
  void erase(const Account& account);  // it must be in the table
  std::size_t size() const { return size_; }
  // In no order; `visit` must not add or erase.
  void each(const std::function<void(Account&)>& visit) const;

 private:
  struct Slot {
    Hash hash = 0;
    std::unique_ptr<Account> account;
  };

  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t place_of(Hash hash, std::string_view bare) const;  // where it is, or the free slot to put it
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most half of them taken; linear probing
  std::size_t size_ = 0;
};

}  // namespace anser::domain
