// Where an account lives. Every bare address belongs to one of 1,024 virtual shards, and a shard to one owner: in one
// process a core, in a cluster a node and its core. The hash is part of what nodes agree on, so it never changes.
#pragma once

#include <cstdint>
#include <string_view>

#include "domain/ports.h"

namespace anser::domain {

inline constexpr std::uint16_t kShards = 1024;

// FNV-1a of the prepared bare address, folded to a shard.
constexpr std::uint16_t shard_of(std::string_view bare) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : bare) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return static_cast<std::uint16_t>((hash ^ (hash >> 32)) % kShards);
}

constexpr CoreId core_of(std::string_view bare, unsigned cores) { return static_cast<CoreId>(shard_of(bare) % cores); }

}  // namespace anser::domain
