// A certificate and key on a PKCS#11 token, through OpenSSL's engine for it. Everything of OpenSSL's ENGINE interface
// is in tls_pkcs11.cpp: version 3 calls it deprecated, but Debian 12 has no provider that could take its place.
#pragma once

#include <memory>

#include "base/result.h"
#include "net/openssl.h"
#include "net/tls_client.h"

namespace anser::net {

// The loaded module. Must outlive the keys that it gave.
class Pkcs11 {
 public:
  struct Found {
    X509Ptr certificate;
    KeyPtr key;
  };

  static Result<std::unique_ptr<Pkcs11>> load(const TlsClientOptions::Pkcs11Identity& identity);
  ~Pkcs11();
  Pkcs11(const Pkcs11&) = delete;
  Pkcs11& operator=(const Pkcs11&) = delete;

  Result<Found> find(const TlsClientOptions::Pkcs11Identity& identity) const;

 private:
  Pkcs11() = default;
  void* engine_ = nullptr;    // ENGINE*
  void* dialogue_ = nullptr;  // UI_METHOD*
  bool started_ = false;
};

}  // namespace anser::net
