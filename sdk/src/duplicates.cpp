#include "sdk/src/duplicates.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace anser::sdk {

bool Duplicates::add(std::string_view scope, std::string_view id) {
  const std::hash<std::string_view> hash;
  // The second hash is over text whose place the first one moves, so ("ab", "c") is not ("a", "bc").
  const std::uint64_t key = std::max<std::uint64_t>(hash(scope) * 0x9E3779B97F4A7C15u + hash(id), 1);
  if (young_.has(key) || old_.has(key)) return false;
  if (young_.size() == kGeneration) old_ = std::exchange(young_, {});
  young_.add(key);
  return true;
}

bool Duplicates::Table::has(std::uint64_t key) const {
  if (slots_.empty()) return false;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = key & mask; slots_[at] != 0; at = (at + 1) & mask) {
    if (slots_[at] == key) return true;
  }
  return false;
}

void Duplicates::Table::add(std::uint64_t key) {
  constexpr std::size_t kFirst = 64;
  if (2 * (used_ + 1) > slots_.size()) {
    const auto before = std::exchange(slots_, std::vector<std::uint64_t>(std::max(kFirst, 2 * slots_.size())));
    used_ = 0;
    for (const std::uint64_t kept : before) {
      if (kept != 0) add(kept);
    }
  }
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = key & mask;
  while (slots_[at] != 0) at = (at + 1) & mask;
  slots_[at] = key;
  ++used_;
}

}  // namespace anser::sdk
