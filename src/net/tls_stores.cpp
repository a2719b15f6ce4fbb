#include "net/tls_stores.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/file.h"

namespace anser::net {
namespace {

constexpr std::size_t kLargestStore = 16 * 1024 * 1024;  // a system's whole bundle has a quarter of a megabyte
constexpr std::size_t kMostCertificates = 10'000;

using Pkcs12Ptr = std::unique_ptr<PKCS12, FreeWith<&PKCS12_free>>;

BioPtr reader(std::string_view bytes) { return BioPtr{BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))}; }

struct PemBlock {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;

  PemBlock() = default;
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  ~PemBlock() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
  }

  // False at the end and for what is not PEM; the error queue tells which.
  bool read(BIO* bio) { return PEM_read_bio(bio, &name, &header, &bytes, &size) == 1; }
  bool is(std::string_view what) const { return what == name; }
};

int give_password(char* into, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.size() > static_cast<std::size_t>(size)) return -1;
  std::copy(text.begin(), text.end(), into);
  return static_cast<int>(text.size());
}

// OpenSSL 3 leaves what was usual before 2010 to a provider that few have loaded.
bool is_outdated() {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  return reason == ERR_R_UNSUPPORTED || reason == EVP_R_UNSUPPORTED_ALGORITHM;
}

}  // namespace

Result<std::string> read_store(const std::filesystem::path& file) {
  const File opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string bytes;
  std::array<char, 16 * 1024> piece;
  for (ssize_t got = 1; got != 0 && bytes.size() <= kLargestStore;) {
    got = opened ? ::read(opened.get(), piece.data(), piece.size()) : -1;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Errc::invalid_config, "cannot read {}: {}", file.string(), std::strerror(errno));
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
  OPENSSL_cleanse(piece.data(), piece.size());  // it may have been a key
  if (bytes.empty()) return fail(Errc::invalid_config, "{} is empty", file.string());
  if (bytes.size() > kLargestStore) {
    return fail(Errc::invalid_config, "{} is larger than {} MB", file.string(), kLargestStore / 1024 / 1024);
  }
  return bytes;
}

Result<PemBundle> read_pem_bundle(std::string_view text, std::string_view where) {
  ERR_clear_error();
  const BioPtr bio = reader(text);
  PemBundle bundle;
  for (;;) {
    PemBlock block;
    if (!block.read(bio.get())) break;
    const unsigned char* bytes = block.bytes;
    if (block.is(PEM_STRING_X509) || block.is(PEM_STRING_X509_OLD)) {
      bundle.certificates.emplace_back(d2i_X509(nullptr, &bytes, block.size));
      if (!bundle.certificates.back()) {
        return fail(Errc::invalid_config, "certificate {} in {} is damaged: {}", bundle.certificates.size(), where,
                    openssl_reason());
      }
    } else if (block.is(PEM_STRING_X509_CRL)) {
      bundle.revoked.emplace_back(d2i_X509_CRL(nullptr, &bytes, block.size));
      if (!bundle.revoked.back()) {
        return fail(Errc::invalid_config, "a revocation list in {} is damaged: {}", where, openssl_reason());
      }
    }
    if (bundle.certificates.size() + bundle.revoked.size() > kMostCertificates) {
      return fail(Errc::invalid_config, "more than {} certificates in {}", kMostCertificates, where);
    }
  }
  const bool at_its_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (!at_its_end) return fail(Errc::invalid_config, "{} is not whole PEM: {}", where, reason);
  if (bundle.certificates.empty()) return fail(Errc::invalid_config, "no certificate (PEM) in {}", where);
  return bundle;
}

Result<KeyPtr> read_pem_key(std::string_view text, const std::string& password, std::string_view where) {
  ERR_clear_error();
  const BioPtr bio = reader(text);
  KeyPtr key{
      PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_password, const_cast<std::string*>(&password))};  // NOLINT
  if (key) return key;
  const std::string reason = openssl_reason();
  if (text.find("ENCRYPTED") == text.npos) return fail(Errc::invalid_config, "no key (PEM) in {}: {}", where, reason);
  if (password.empty()) return fail(Errc::invalid_config, "the key in {} needs a password", where);
  return fail(Errc::invalid_config, "the password does not open the key in {}", where);
}

Result<Pkcs12Contents> read_pkcs12(std::string_view bytes, const std::string& password, std::string_view where) {
  ERR_clear_error();
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  const Pkcs12Ptr store{d2i_PKCS12(nullptr, &from, static_cast<long>(bytes.size()))};
  if (!store) return fail(Errc::invalid_config, "{} is not PKCS#12: {}", where, openssl_reason());
  const auto opens = [&](const char* with, int size) { return PKCS12_verify_mac(store.get(), with, size) == 1; };
  if (PKCS12_mac_present(store.get()) == 1 && !opens(password.data(), static_cast<int>(password.size())) &&
      !(password.empty() && opens(nullptr, 0))) {
    ERR_clear_error();
    if (password.empty()) return fail(Errc::invalid_config, "{} needs a password", where);
    return fail(Errc::invalid_config, "the password does not open {}", where);
  }

  ERR_clear_error();
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* others = nullptr;
  if (PKCS12_parse(store.get(), password.c_str(), &key, &certificate, &others) != 1) {
    if (is_outdated()) {
      ERR_clear_error();
      return fail(Errc::invalid_config,
                  "{} is encrypted in a way that OpenSSL 3 no longer reads; 'openssl pkcs12 -legacy' can read it and "
                  "'openssl pkcs12 -export' write it anew",
                  where);
    }
    return fail(Errc::invalid_config, "{} cannot be read: {}", where, openssl_reason());
  }
  Pkcs12Contents contents{KeyPtr{key}, X509Ptr{certificate}, {}};
  for (X509* other = sk_X509_shift(others); other; other = sk_X509_shift(others)) {
    contents.certificates.emplace_back(other);
  }
  sk_X509_free(others);
  if (contents.certificates.size() > kMostCertificates) {
    return fail(Errc::invalid_config, "more than {} certificates in {}", kMostCertificates, where);
  }
  return contents;
}

}  // namespace anser::net
