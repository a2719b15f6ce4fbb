// The server's side of TLS (1.2 and 1.3): a certificate per host chosen by SNI, ALPN, tickets, client certificates as a
// wish. A TlsServer never changes; to reload, load another and give it to new connections. Shared read-only by all
// cores; each connection keeps the one it began with.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace anser::net {

// What both sides offer of TLS 1.2, in OpenSSL's notation: forward secrecy and AEAD. TLS 1.3 has nothing else.
inline constexpr std::string_view kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

class TlsServer {
 public:
  struct Certificate {
    std::string host;  // as in SNI, or *.example.org for one label; the first certificate is also for everybody else
    std::filesystem::path chain_file;  // PEM, leaf first
    std::filesystem::path key_file;    // PEM
  };

  struct Options {
    bool ask_client_certificate = false;  // optional for the client, and one that we cannot verify is no error
    std::filesystem::path ca_file{};      // who may sign client certificates; empty: nobody, all are unverified
    bool allow_tls12 = true;
    std::string ciphers{kTls12Ciphers};
    std::vector<std::string> alpn{};  // ours in order of preference; empty: not negotiated
  };

  // Errc::invalid_config with the file's name when one can't be read, is not PEM, or key and certificate do not match.
  static Result<std::shared_ptr<const TlsServer>> load(std::span<const Certificate> certificates,
                                                       const Options& options);
  ~TlsServer();

  struct Contexts;

 private:
  friend class TlsChannel;
  explicit TlsServer(std::unique_ptr<Contexts> contexts);
  std::unique_ptr<Contexts> contexts_;
};

// How long a handshake may take, from the first byte to the last.
struct TlsLimits {
  std::chrono::seconds handshake{10};
};

// Who the peer says it is. Names are as in the certificate; only subjectAltName counts (RFC 9525), never the subject.
struct PeerCertificate {
  std::string der{};
  // A client's: signed by our client CA and in its time. A server's: see ServerVerdict.
  bool verified = false;
  std::vector<std::string> xmpp_addrs{};  // id-on-xmppAddr, RFC 6120 section 13.7.1.4
  std::vector<std::string> dns_names{};
  std::vector<std::string> srv_names{};  // id-on-dnsSRV, RFC 4985: _xmpp-client.example.org
  std::vector<std::string> addresses{};  // 192.0.2.1, 2001:db8::1
  std::vector<std::string> emails{};
};

// What a client has found about its server's certificate. A resumed session has the verdict of its first handshake.
struct ServerVerdict {
  bool verified = false;  // trusted, in its time and for the name that was asked for; or pinned
  bool pinned = false;
  bool enforced = true;     // false: verification is switched off, and anybody would have been let in
  std::string objection{};  // a sentence; empty if verified
};

// Questions to a connection's TLS; answered from OpenSSL when asked, so an idle connection keeps none of it.
class TlsFacts {
 public:
  explicit TlsFacts(ssl_st* ssl) : ssl_(ssl) {}

  std::string_view version() const;  // "TLSv1.3"
  std::string_view cipher() const;   // "TLS_AES_256_GCM_SHA384"
  std::string_view sni() const;      // what the client sent; empty: nothing
  std::string_view alpn() const;     // empty: none agreed
  bool resumed() const;
  std::optional<PeerCertificate> peer_certificate() const;
  const ServerVerdict* server_verdict() const;  // null: this is the server's side

  // Channel bindings. Errc::unsupported where the connection has none: tls-unique with TLS 1.3 (RFC 9266), and both it
  // and the exporter with TLS 1.2 without extended master secret (RFC 7627).
  Result<std::string> exporter(std::string_view label = "EXPORTER-Channel-Binding", std::size_t size = 32) const;
  Result<std::string> unique() const;            // RFC 5929 section 3
  Result<std::string> server_end_point() const;  // RFC 5929 section 4

 private:
  ssl_st* ssl_;  // the connection's
};

// Parses DER. Errc::bad_request if it is no certificate.
Result<PeerCertificate> parse_certificate(std::string_view der);

// A P-256 certificate for `hosts` (names and IP addresses; dNSName or iPAddress, and xmppAddr) that signs itself, valid
// for ten years; the key is readable by its owner only. Errc::conflict if one of the files exists, io if not writable.
Result<void> make_self_signed(const std::filesystem::path& chain_file, const std::filesystem::path& key_file,
                              std::span<const std::string> hosts);

}  // namespace anser::net
