// What bytes should come to, as their sender says, and whether they do: tus' Upload-Checksum, and Content-Digest and
// Repr-Digest of RFC 9530. Pure; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "core/crypto.h"

namespace anser::upload {

class Checksum {
 public:
  void add(std::string_view bytes);
  // Once, when all has been added.
  bool matches();

 private:
  friend Result<Checksum> tus_checksum(std::string_view field);
  friend Result<std::optional<Checksum>> digest_in(std::string_view field);
  struct Crc {
    std::uint32_t value = 0;
  };
  using Sum = std::variant<Crc, core::Hasher>;
  Checksum(Sum sum, std::string expected) : sum_(std::move(sum)), expected_(std::move(expected)) {}

  Sum sum_;
  std::string expected_;
};

// "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=". Errc::bad_request: an algorithm that is not announced, or no such checksum.
inline constexpr std::string_view kTusAlgorithms = "sha1,sha256,crc32";
Result<Checksum> tus_checksum(std::string_view field);

// "sha-256=:…:, sha-512=:…:": the strongest of them. None: the sender uses others, which do not count (RFC 9530 §2).
// Errc::bad_request: it is no Dictionary, or a digest has the wrong length.
Result<std::optional<Checksum>> digest_in(std::string_view field);

}  // namespace anser::upload
