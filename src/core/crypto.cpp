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

struct Sha256::Context {
  using Handle = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
  Handle handle{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  auto* handle = context_->handle.get();
  ANSER_ASSERT(handle && EVP_DigestInit_ex(handle, EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;

void Sha256::add(std::string_view part) {
  ANSER_ASSERT(EVP_DigestUpdate(context_->handle.get(), part.data(), part.size()) == 1);
}

std::array<unsigned char, 32> Sha256::finish() {
  std::array<unsigned char, 32> out;
  auto* handle = context_->handle.get();
  ANSER_ASSERT(EVP_DigestFinal_ex(handle, out.data(), nullptr) == 1);
  ANSER_ASSERT(EVP_DigestInit_ex(handle, nullptr, nullptr) == 1);  // the same algorithm, from the start
  return out;
}

struct Hasher::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> handle{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  std::size_t size = 0;
};

Hasher::Hasher(Hash hash) : context_(std::make_unique<Context>()) {
  context_->size = digest_size(hash);
  auto* handle = context_->handle.get();
  ANSER_ASSERT(handle && EVP_DigestInit_ex(handle, algorithm(hash), nullptr) == 1);
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::add(std::string_view part) {
  ANSER_ASSERT(EVP_DigestUpdate(context_->handle.get(), part.data(), part.size()) == 1);
}

std::string Hasher::finish() {
  std::string out(context_->size, '\0');
  ANSER_ASSERT(EVP_DigestFinal_ex(context_->handle.get(), bytes_of(out), nullptr) == 1);
  return out;
}

struct Aes128::Contexts {
  using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
  Context forth{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
  Context back{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
};

Aes128::Aes128(std::string_view key) : contexts_(std::make_unique<Contexts>()) {
  ANSER_ASSERT(key.size() == Block{}.size());
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  auto *forth = contexts_->forth.get(), *back = contexts_->back.get();
  ANSER_ASSERT(forth && EVP_EncryptInit_ex(forth, EVP_aes_128_ecb(), nullptr, bytes, nullptr) == 1);
  ANSER_ASSERT(back && EVP_DecryptInit_ex(back, EVP_aes_128_ecb(), nullptr, bytes, nullptr) == 1);
  EVP_CIPHER_CTX_set_padding(forth, 0);
  EVP_CIPHER_CTX_set_padding(back, 0);
}

Aes128::~Aes128() = default;
Aes128::Aes128(Aes128&&) noexcept = default;

Aes128::Block Aes128::encrypt(const Block& plain) const {
  Block hidden;
  int size = 0;
  ANSER_ASSERT(EVP_EncryptUpdate(contexts_->forth.get(), hidden.data(), &size, plain.data(), sizeof plain) == 1);
  ANSER_ASSERT(size == sizeof hidden);
  return hidden;
}

Aes128::Block Aes128::decrypt(const Block& hidden) const {
  Block plain;
  int size = 0;
  ANSER_ASSERT(EVP_DecryptUpdate(contexts_->back.get(), plain.data(), &size, hidden.data(), sizeof hidden) == 1);
  ANSER_ASSERT(size == sizeof plain);
  return plain;
}

}  // namespace anser::core
