// What a TlsClient keeps, and what its connections add. For tls_client*.cpp, tls_verification.cpp and tls_channel.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/openssl.h"
#include "net/service_name.h"
#include "net/tls_client.h"
#include "net/tls_pkcs11.h"

namespace anser::net {

struct TlsClient::Context {
  std::unique_ptr<const Pkcs11> token;  // outlives the key in `ctx`
  SslCtxPtr ctx;
  std::vector<CertificateHash> pinned;
  bool verify = true;
  std::string srv_service;
};

// One connection's; its SSL knows it, see side_of().
struct TlsClientSide {
  std::shared_ptr<const TlsClient> client;
  ServiceName name;
  ServerVerdict verdict{};
  ServerVerdict offered{};  // of the session that the server may resume; until the handshake is over
  bool refused = false;     // because of the verdict
};

// Null for a server's connection.
TlsClientSide* side_of(const SSL* ssl);
void set_side(SSL* ssl, TlsClientSide* side);

// For SSL_CTX_set_cert_verify_callback, with the TlsClient::Context. In tls_verification.cpp.
int verify_server(X509_STORE_CTX* store, void* context);

// What OpenSSL calls a failed handshake, in words that tell a user where to look. Empties the error queue.
std::string client_reason();

}  // namespace anser::net
