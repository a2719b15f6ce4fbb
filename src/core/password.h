// What we keep of a password: SCRAM's keys (RFC 5802 §3), from which it cannot be had back. One derivation costs
// milliseconds on purpose; a server runs these functions on its workers, never on a core. Pure; any thread.
//
// RFC 5802 prepares passwords with SASLprep; we use its successor OpaqueString (RFC 8265), as RFC 7622 does for
// addresses. Both leave ASCII as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/crypto.h"

namespace anser::core {

inline constexpr std::uint32_t kDefaultIterations = 10'000;
inline constexpr std::uint32_t kMinIterations = 4'096;      // RFC 5802 §5.1, RFC 7677 §3
inline constexpr std::uint32_t kMaxIterations = 2'000'000;  // seconds of work; more is an attack or a mistake
inline constexpr std::size_t kSaltSize = 16;
inline constexpr std::size_t kMaxPassword = 1024;  // octets, before preparation

struct ScramKeys {
  Hash hash = Hash::sha256;
  std::string salt;
  std::uint32_t iterations = 0;
  std::string stored_key, server_key;

  friend bool operator==(const ScramKeys&, const ScramKeys&) = default;
};

// Errc::not_acceptable: no such password can be (empty, too long, refused by OpaqueString), or iterations are out of
// kMinIterations..kMaxIterations, or the salt is empty. The sentence never tells anything of the password.
Result<ScramKeys> derive_keys(Hash hash, std::string_view password, std::string_view salt, std::uint32_t iterations);

// derive_keys with a new random salt: for a new account or password, once for each hash.
Result<ScramKeys> fresh_keys(Hash hash, std::string_view password, std::uint32_t iterations = kDefaultIterations);

// Does the password belong to the keys? One derivation, then a comparison in constant time.
bool verify(const ScramKeys& keys, std::string_view password);

// Keys for an account that does not exist: the same for the same secret and name, like real ones to look at, and no
// password opens them. `username` is the prepared one. Costs no derivation, as looking up real keys does not.
ScramKeys fake_keys(Hash hash, std::string_view server_secret, std::string_view username,
                    std::uint32_t iterations = kDefaultIterations);

// SaltedPassword of RFC 5802 §3: the expensive step, for the client's side. Errors as derive_keys.
Result<std::string> salted_password(Hash hash, std::string_view password, std::string_view salt,
                                    std::uint32_t iterations);

// The keys of a SaltedPassword that somebody else has derived. Costs no derivation.
ScramKeys keys_from_salted(Hash hash, std::string_view salted, std::string_view salt, std::uint32_t iterations);

// How many derivations this process has done: so a test can see that a wrong name costs what a wrong password does.
std::uint64_t derivations();

}  // namespace anser::core
