#include "store/sqlite/addresses.h"

namespace anser::store {
namespace {

constexpr std::size_t kMostKnown = 65'536;  // some 6 MB; then the cache starts anew

}  // namespace

Result<std::optional<std::int64_t>> Addresses::find(std::string_view bare) {
  const auto known = known_.find(bare);
  if (known != known_.end()) return known->second;

  auto select = database_.use("SELECT id FROM address WHERE bare=?");
  const auto row = select.with(bare).step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  remember(bare, select.integer(0));
  return select.integer(0);
}

Result<std::int64_t> Addresses::find_or_add(std::string_view bare) {
  const auto found = find(bare);
  if (!found) return pass(found);
  if (*found) return **found;
  if (auto done = database_.use("INSERT INTO address(bare) VALUES(?)").with(bare).run(); !done) return pass(done);
  const std::int64_t id = database_.last_insert_id();
  remember(bare, id);
  return id;
}

void Addresses::remember(std::string_view bare, std::int64_t id) {
  if (known_.size() >= kMostKnown) known_.clear();
  known_.emplace(bare, id);
}

}  // namespace anser::store
