#include "core/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <atomic>

#include "base/assert.h"
#include "core/precis.h"
#include "core/random.h"

namespace anser::core {
namespace {

std::atomic<std::uint64_t> derivations_done{0};

// "Hi()" of RFC 5802 §2.2, which is PBKDF2 with one block of output.
std::string hi(Hash hash, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const EVP_MD* algorithm = hash == Hash::sha1 ? EVP_sha1() : hash == Hash::sha256 ? EVP_sha256() : EVP_sha512();
  std::string out(digest_size(hash), '\0');
  ANSER_ASSERT(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                 reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                                 static_cast<int>(iterations), algorithm, static_cast<int>(out.size()),
                                 reinterpret_cast<unsigned char*>(out.data())) == 1);
  return out;
}

}  // namespace

ScramKeys keys_from_salted(Hash hash, std::string_view salted, std::string_view salt, std::uint32_t iterations) {
  return {.hash = hash,
          .salt = std::string{salt},
          .iterations = iterations,
          .stored_key = digest(hash, hmac(hash, salted, "Client Key")),
          .server_key = hmac(hash, salted, "Server Key")};
}

Result<std::string> salted_password(Hash hash, std::string_view password, std::string_view salt,
                                    std::uint32_t iterations) {
  if (iterations < kMinIterations || iterations > kMaxIterations) {
    return fail(Errc::not_acceptable, "{} iterations are outside {} to {}", iterations, kMinIterations, kMaxIterations);
  }
  if (salt.empty()) return fail(Errc::not_acceptable, "the salt is empty");
  if (password.size() > kMaxPassword) {
    return fail(Errc::not_acceptable, "the password is longer than {} octets", kMaxPassword);
  }
  Result<std::string> prepared = opaque_string(password);
  if (!prepared)
    return fail(Errc::not_acceptable, "the password is empty or has characters that passwords cannot have");

  std::string salted = hi(hash, *prepared, salt, iterations);
  OPENSSL_cleanse(prepared->data(), prepared->size());
  derivations_done.fetch_add(1, std::memory_order_relaxed);
  return salted;
}

Result<ScramKeys> derive_keys(Hash hash, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const Result<std::string> salted = salted_password(hash, password, salt, iterations);
  if (!salted) return pass(salted);
  return keys_from_salted(hash, *salted, salt, iterations);
}

Result<ScramKeys> fresh_keys(Hash hash, std::string_view password, std::uint32_t iterations) {
  return derive_keys(hash, password, random_bytes(kSaltSize), iterations);
}

bool verify(const ScramKeys& keys, std::string_view password) {
  const Result<ScramKeys> derived = derive_keys(keys.hash, password, keys.salt, keys.iterations);
  return derived && constant_time_equal(derived->stored_key, keys.stored_key);
}

ScramKeys fake_keys(Hash hash, std::string_view server_secret, std::string_view username, std::uint32_t iterations) {
  // One secret, three unrelated values: what is signed begins with what it is for. The hash is among it, because real
  // accounts have a salt for each hash.
  const auto derive = [&](Hash with, std::string_view purpose) {
    return hmac(with, server_secret, fmt::format("{} {} {}", purpose, static_cast<int>(hash), username));
  };
  return {.hash = hash,
          .salt = derive(Hash::sha256, "fake salt").substr(0, kSaltSize),
          .iterations = iterations,
          .stored_key = derive(hash, "fake stored key"),
          .server_key = derive(hash, "fake server key")};
}

std::uint64_t derivations() { return derivations_done.load(std::memory_order_relaxed); }

}  // namespace anser::core
