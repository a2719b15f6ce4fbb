// A certificate and key on a PKCS#11 token, through OpenSSL's engine for it. Everything of OpenSSL's ENGINE interface
// is in tls_pkcs11.cpp: version 3 calls it deprecated, but Debian 12 has no provider that could take its place.
//
// The engine does not survive to be unloaded and loaded again, and holds on to the module that it has taken a key from.
// So both stay once they are there, and the clients of a process share them, as they share the login to a token, which
// by PKCS#11 is the process's. Who needs several modules gives p11-kit's proxy for them.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "net/openssl.h"
#include "net/tls_client.h"

namespace anser::net {

// A share in the loaded module. Must outlive the keys that it gave. Any thread may have one.
class Pkcs11 {
 public:
  struct Found {
    X509Ptr certificate;
    KeyPtr key;
  };

  // Errc::unsupported without the engine, conflict if another module is loaded, invalid_config if there is no such
  // file.
  static Result<std::unique_ptr<const Pkcs11>> load(const std::filesystem::path& module);
  ~Pkcs11();
  Pkcs11(const Pkcs11&) = delete;
  Pkcs11& operator=(const Pkcs11&) = delete;

  Result<Found> find(const TlsClientOptions::Pkcs11Identity& identity) const;

 private:
  Pkcs11() = default;
};

}  // namespace anser::net
