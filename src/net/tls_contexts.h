// What a TlsServer keeps: OpenSSL's contexts, alike but for their certificate. For tls.cpp and tls_channel.cpp.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/openssl.h"
#include "net/tls.h"

namespace anser::net {

struct TlsServer::Contexts {
  std::vector<SslCtxPtr> all;
  std::unordered_map<std::string, SSL_CTX*> by_host;  // lower case; *.example.org as it is
  std::string alpn;                                   // in the wire's form

  SSL_CTX* first() const { return all.front().get(); }
  SSL_CTX* find(std::string_view host) const;
};

// Protocols in the wire's form. Errc::invalid_config if one has no such.
Result<std::string> alpn_list(const std::vector<std::string>& protocols);

}  // namespace anser::net
