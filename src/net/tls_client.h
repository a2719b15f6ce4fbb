// The client's side of TLS (1.2 and 1.3): whom it trusts, which certificate it shows, and sessions to come back with.
// A TlsClient never changes and is shared read-only by all threads; each connection keeps the one it began with.
//
// How a server is verified: OpenSSL checks the chain, its time and its purpose; then the name by net/service_name.h.
// There is no call back for an application's second thoughts: who knows a certificate better than its chain pins it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "net/tls.h"

namespace anser::net {

// The SHA-256 hash of a certificate's DER.
using CertificateHash = std::array<std::uint8_t, 32>;

struct TlsClientOptions {
  enum class StoreType { pem, pkcs12 };

  // Certificates that somebody else keeps: authorities, or servers' own. One of PEM may hold revocation lists too; then
  // what these authorities have signed must not be on them. Lists are never fetched.
  struct TrustStore {
    std::filesystem::path file;
    StoreType type = StoreType::pem;
    std::string password{};  // of PKCS#12
  };

  struct PemIdentity {
    std::filesystem::path chain_file;  // leaf first
    std::filesystem::path key_file;
    std::string key_password{};
  };
  struct Pkcs12Identity {
    std::filesystem::path file;  // the key, its certificate and the chain
    std::string password{};
  };
  // A certificate and key that stay on a token. OpenSSL reaches it through an engine that has its own Debian package,
  // libengine-pkcs11-openssl; it takes one module, which the clients of a process share. A signature blocks
  // its thread for as long as the token takes.
  struct Pkcs11Identity {
    std::filesystem::path module;
    std::optional<std::string> pin{};
    // Each a label, or a URI of RFC 7512. Without any the token's only certificate; the key is named as the
    // certificate.
    std::string certificate{};
    std::string key{};
  };
  using Identity = std::variant<std::monostate, PemIdentity, Pkcs12Identity, Pkcs11Identity>;

  // Trusted: what the system trusts, unless an own store or text (PEM) is given; then only these, or both if asked.
  std::optional<TrustStore> trust_store{};
  std::string trusted_pem{};
  bool trust_system_too = false;
  // These server certificates are accepted whatever else there is to say about them; others are verified as ever.
  std::vector<CertificateHash> pinned{};
  // False lets everybody in. Everything is checked all the same, and TlsFacts tell what was found.
  bool verify = true;
  std::string srv_service = "_xmpp-client";  // of the names by RFC 4985

  Identity identity{};
  std::vector<std::string> alpn{};  // in order of preference; empty: not offered
  bool allow_tls12 = true;
  bool allow_tls13 = true;  // off for a server that breaks with it, or for tls-unique
  std::string ciphers{kTls12Ciphers};
};

class TlsSession;

class TlsClient {
 public:
  // Reads files, and talks to the token if there is one, so it may block. Errc::invalid_config names the file and what
  // is wrong with it: not there, not of its type, wrong password, a key that is not the certificate's.
  // Errc::unsupported if PKCS#11 is wanted and its engine is not installed.
  static Result<std::shared_ptr<const TlsClient>> make(const TlsClientOptions& options);
  ~TlsClient();

  struct Context;

 private:
  friend class TlsChannel;
  explicit TlsClient(std::unique_ptr<const Context> context);
  std::unique_ptr<const Context> context_;
};

}  // namespace anser::net
