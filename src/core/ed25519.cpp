#include "core/ed25519.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/assert.h"

namespace anser::core {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

struct Ed25519Key::Handle {
  Key key;
};

Result<Ed25519Key> Ed25519Key::from_pem(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> source{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                         &BIO_free};
  ANSER_ASSERT(source);
  Key key{PEM_read_bio_PUBKEY(source.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
  ERR_clear_error();
  if (!key) return fail(Errc::invalid_config, "this is no public key in PEM");
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
    return fail(Errc::invalid_config, "this is a public key, but none of Ed25519");
  return Ed25519Key{std::make_shared<const Handle>(Handle{std::move(key)})};
}

Result<Ed25519Key> Ed25519Key::from_bytes(std::string_view bytes) {
  Key key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes), bytes.size()), &EVP_PKEY_free};
  ERR_clear_error();
  if (!key) return fail(Errc::invalid_config, "a public key of Ed25519 has {} bytes", kBytes);
  return Ed25519Key{std::make_shared<const Handle>(Handle{std::move(key)})};
}

bool Ed25519Key::verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureBytes) return false;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  ANSER_ASSERT(context);
  // OpenSSL takes the key for writable because it counts its owners.
  const bool right =
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, handle_->key.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
  ERR_clear_error();
  return right;
}

}  // namespace anser::core
