#include "core/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace anser::core {
namespace {

const EVP_MD* algorithm(Hash hash) {
  switch (hash) {
    case Hash::sha1:
      return EVP_sha1();
    case Hash::sha256:
      return EVP_sha256();
    case Hash::sha512:
      return EVP_sha512();
  }
  ANSER_ASSERT(!"a hash that we do not know");
  return nullptr;
}

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::string digest(Hash hash, std::string_view data) {
  std::string out(digest_size(hash), '\0');
  ANSER_ASSERT(EVP_Digest(data.data(), data.size(), bytes_of(out), nullptr, algorithm(hash), nullptr) == 1);
  return out;
}

std::string hmac(Hash hash, std::string_view key, std::string_view data) {
  std::string out(digest_size(hash), '\0');
  // A null key means "the key of last time" to OpenSSL; an empty view may well hold one.
  const char* key_bytes = key.empty() ? "" : key.data();
  ANSER_ASSERT(HMAC(algorithm(hash), key_bytes, static_cast<int>(key.size()),
                    reinterpret_cast<const unsigned char*>(data.data()), data.size(), bytes_of(out), nullptr));
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace anser::core
