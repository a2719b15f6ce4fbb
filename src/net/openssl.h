// OpenSSL's objects, owned; and what it says when something fails. For the .cpp files of this layer.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace anser::net {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using SslPtr = std::unique_ptr<SSL, FreeWith<&SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, FreeWith<&SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, FreeWith<&X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, FreeWith<&X509_CRL_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, FreeWith<&BIO_free_all>>;

// The oldest entry of this thread's error queue, which names the cause; the queue is empty afterwards.
inline std::string openssl_reason() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason ? reason : "unknown reason";
}

}  // namespace anser::net
