// The ids that archives give out (XEP-0313 §6.2, XEP-0359 §6): a record's sequence and its owner, encrypted with a key
// of this installation. Whoever sees one learns nothing, not even which of two came first; whoever makes one up, or
// takes somebody else's, is refused without a look at the disk. Every holder of a message has an id of his own for it.
//
//   id    = 22 characters of base64url: one AES-128 block
//   block = sequence (8 bytes, little-endian) seal (8 bytes)
//   seal  = CBC-MAC of the owner's address and its length, under a second key, cut to 8 bytes
//
// The key must never change: ids live in clients. One core's own; not shared between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/crypto.h"

namespace anser::domain {

class ArchiveIds {
 public:
  static constexpr std::size_t kLength = 22;

  // Any secret bytes; the two keys are derived from them.
  explicit ArchiveIds(std::string_view secret);

  // `owner` is the bare address whose archive it is.
  std::string make(std::string_view owner, std::uint64_t sequence) const;
  // The sequence, if `id` was made for this owner here.
  std::optional<std::uint64_t> open(std::string_view owner, std::string_view id) const;

 private:
  std::uint64_t seal(std::string_view owner) const;

  core::Aes128 block_, mac_;
};

}  // namespace anser::domain
