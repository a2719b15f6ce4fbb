// Certificates of every kind, and an OpenSSL client that blocks. For tests only.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "net/openssl.h"
#include "net/test_support.h"
#include "net/tls.h"

namespace anser::net {

// A directory of its own, gone afterwards.
class TestDirectory {
 public:
  TestDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "anser-net-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string der_of(X509* x509) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(x509, &bytes);
  std::string der{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
  OPENSSL_free(bytes);
  return der;
}

inline X509Ptr read_pem(const std::filesystem::path& path) {
  const BioPtr file{BIO_new_file(path.c_str(), "r")};
  return X509Ptr{PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)};
}

inline void write_pem(const std::filesystem::path& path, X509* x509) {
  const BioPtr file{BIO_new_file(path.c_str(), "w")};
  ASSERT_EQ(PEM_write_bio_X509(file.get(), x509), 1);
}

struct CertificateWish {
  const char* names = "DNS:localhost";  // as in an OpenSSL configuration; null: none
  bool authority = false;
  X509* issuer = nullptr;  // null: itself
  EVP_PKEY* issuer_key = nullptr;
  const char* common_name = nullptr;  // null: one of ours
  long from = -60;                    // seconds from now
  long until = 3600;
  const char* usage = nullptr;  // extended
};

inline X509Ptr make_certificate(const CertificateWish& wish, EVP_PKEY* key) {
  X509Ptr x509{X509_new()};
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), wish.authority ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), wish.from);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), wish.until);
  const char* common_name = wish.common_name ? wish.common_name : wish.authority ? "authority" : "somebody";
  const auto* name = reinterpret_cast<const unsigned char*>(common_name);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509.get()), "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509* issuer = wish.issuer ? wish.issuer : x509.get();
  X509_set_issuer_name(x509.get(), X509_get_subject_name(issuer));
  X509_set_pubkey(x509.get(), key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x509.get(), nullptr, nullptr, 0);
  const auto add = [&](int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    EXPECT_NE(extension, nullptr) << value;
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  };
  add(NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (wish.names) add(NID_subject_alt_name, wish.names);
  if (wish.usage) add(NID_ext_key_usage, wish.usage);
  EXPECT_GT(X509_sign(x509.get(), wish.issuer_key ? wish.issuer_key : key, EVP_sha256()), 0);
  return x509;
}

// The client's side, on a blocking socket and a thread of the test's.
class OpensslClient {
 public:
  struct Wish {
    int version = 0;  // 0: the newest
    std::string sni{};
    std::string alpn{};  // one protocol
    X509* certificate = nullptr;
    EVP_PKEY* key = nullptr;
    SSL_SESSION* session = nullptr;
    bool extended_master_secret = true;
  };

  OpensslClient(Peer& peer, const Wish& wish) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX* context = context_.get();
    if (wish.version) {
      SSL_CTX_set_min_proto_version(context, wish.version);
      SSL_CTX_set_max_proto_version(context, wish.version);
    }
    if (wish.certificate) {
      SSL_CTX_use_certificate(context, wish.certificate);
      SSL_CTX_use_PrivateKey(context, wish.key);
    }
    if (!wish.extended_master_secret) SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), peer.get());
    if (!wish.sni.empty()) SSL_set_tlsext_host_name(ssl_.get(), wish.sni.c_str());
    if (!wish.alpn.empty()) {
      const std::string protocol = static_cast<char>(wish.alpn.size()) + wish.alpn;
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocol.data()),
                          static_cast<unsigned>(protocol.size()));
    }
    if (wish.session) SSL_set_session(ssl_.get(), wish.session);
  }

  bool connect() {
    const bool connected = SSL_connect(ssl_.get()) == 1;
    if (!connected) refusal_ = openssl_reason();
    return connected;
  }
  // Why connect() failed.
  const std::string& refusal() const { return refusal_; }
  bool send(std::string_view text) {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }
  // Empty at the end.
  std::string receive() {
    std::string buffer(16384, '\0');
    const int got = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
    ERR_clear_error();
    buffer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return buffer;
  }
  SSL* ssl() { return ssl_.get(); }

 private:
  SslCtxPtr context_;
  SslPtr ssl_;
  std::string refusal_;
};

}  // namespace anser::net
