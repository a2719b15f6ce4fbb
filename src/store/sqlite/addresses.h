// archive.db names bare addresses by small integers. They are given once and never taken back: an address that comes
// again finds what its peers still hold of it. One thread; `forget_unsaved` after every transaction that was rolled
// back.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/sqlite/connection.h"

namespace anser::store {

class Addresses {
 public:
  explicit Addresses(Connection& database) : database_(database) {}

  Result<std::optional<std::int64_t>> find(std::string_view bare);
  Result<std::int64_t> find_or_add(std::string_view bare);
  void forget_unsaved() { known_.clear(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  void remember(std::string_view bare, std::int64_t id);

  Connection& database_;
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> known_;
};

}  // namespace anser::store
