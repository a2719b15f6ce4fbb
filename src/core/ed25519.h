// Signatures with Ed25519 (RFC 8032): checking them, with somebody's public key. A value that is cheap to copy;
// immutable, any thread.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"

namespace anser::core {

class Ed25519Key {
 public:
  static constexpr std::size_t kBytes = 32, kSignatureBytes = 64;

  // Errc::invalid_config: not a public key of Ed25519 in PEM (SubjectPublicKeyInfo), or not 32 bytes of one.
  static Result<Ed25519Key> from_pem(std::string_view pem);
  static Result<Ed25519Key> from_bytes(std::string_view bytes);

  bool verify(std::string_view message, std::string_view signature) const;

 private:
  struct Handle;
  explicit Ed25519Key(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}

  std::shared_ptr<const Handle> handle_;
};

}  // namespace anser::core
