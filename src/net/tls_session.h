// A TLS session that a client may come back with: in one round trip less, and without certificates. It remembers what
// it was good for, and serves only connections of the same TlsClient to the same service while the server's certificate
// lasts. Never changes; any number of connections and threads may share one, though with TLS 1.3 who watches the
// network sees that a ticket is used twice.
#pragma once

#include <memory>
#include <string>

#include "net/openssl.h"
#include "net/tls_client.h"

namespace anser::net {

class TlsSession {
 public:
  TlsSession(SslSessionPtr session, std::weak_ptr<const TlsClient> client, std::string service, ServerVerdict verdict)
      : session_(std::move(session)),
        client_(std::move(client)),
        service_(std::move(service)),
        verdict_(std::move(verdict)) {}

  bool serves(const std::shared_ptr<const TlsClient>& client, const std::string& service) const;
  const ServerVerdict& verdict() const { return verdict_; }
  // A copy, because OpenSSL writes into the session of a running connection.
  SslSessionPtr copy() const { return SslSessionPtr{SSL_SESSION_dup(session_.get())}; }

 private:
  SslSessionPtr session_;
  std::weak_ptr<const TlsClient> client_;  // weak: it knows whether another has come to lie at the same address
  std::string service_;                    // ServiceName::canonical
  ServerVerdict verdict_;
};

}  // namespace anser::net
