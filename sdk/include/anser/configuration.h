// How a connection reaches its server and what it may do there. A plain value; a connection takes a copy.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anser/error.h"
#include "anser/export.h"

namespace anser::sdk {

// STARTTLS or direct TLS (XEP-0368): without it there is no connection; it is used when offered; it is never used.
enum class SecurityMode : std::uint8_t { required, enabled, disabled };

// Whom the client believes, and how it shows who it is.
struct TlsConfiguration {
  // Off: any certificate is taken. For tests; TlsFacts::verified tells.
  bool verify = true;
  // An own store instead of the system's: a file of PEM certificates or a PKCS#12 file ("PEM" and "PKCS12"; "" looks at
  // the file's content), or certificates in PEM.
  std::string truststore_path = {}, truststore_type = {}, truststore_password = {};
  std::string truststore_pem = {};
  // SHA-256 digests of certificates in hex, colons allowed: a server that shows one of them is taken as it is.
  std::vector<std::string> pinned = {};
  // The client's own certificate (SASL EXTERNAL, XEP-0178): PEM files, or one PKCS#12 file, or a key in a PKCS#11
  // module.
  std::string certificate_path = {}, key_path = {}, key_password = {};
  std::string pkcs12_path = {}, pkcs12_password = {};
  std::string pkcs11_library = {};      // the module: /usr/lib/softhsm/libsofthsm2.so
  std::string pkcs11_certificate = {};  // a pkcs11: URI (RFC 7512); "": the first
  std::string pkcs11_key = {};
  std::string pkcs11_pin = {};
};

struct Proxy {
  enum class Type : std::uint8_t { socks5, http };  // RFC 1928; CONNECT (RFC 9110 §9.3.6)

  Type type = Type::socks5;
  std::string host;
  std::uint16_t port = 1080;
  std::string username = {}, password = {};
};

// Both directions of the stream as XML, whole elements; secrets are replaced by "…". On the loop's thread.
enum class Direction : std::uint8_t { sent, received };
using Debugger = std::function<void(Direction direction, std::string_view xml)>;
// Writes a line per element, with the time. The stream must live as long as the connection.
ANSER_API Debugger debug_to(std::ostream& stream);
// Appends to the file. Errc::io if it can't be opened.
ANSER_API Result<Debugger> debug_to_file(const std::string& path);

// Makes a connected stream socket to the host and returns its descriptor, which the connection then owns. Called on a
// worker thread; may block, and while it does the logins of other connections on the loop, and who destroys this one,
// wait for it.
using SocketFactory = std::function<Result<int>(const std::string& host, std::uint16_t port)>;

// A connection that was lost comes back by itself: after a random part of min(cap, base * 2^n) (full jitter), one
// attempt at a time, n counted from the last session that lasted `settled`. Not after disconnect(), nor when the server
// said that it was replaced (conflict) or does not take the credentials any more.
struct Reconnection {
  bool allowed = true;
  std::chrono::milliseconds base{500};
  std::chrono::milliseconds cap{30'000};
  int attempts = 0;  // then the connection is closed for good; 0: no end
  std::chrono::milliseconds settled{10'000};
};

struct TimeLimits {
  std::chrono::milliseconds connect{15'000};  // look-up, sockets, TLS and the stream's features
  std::chrono::milliseconds login{30'000};
  std::chrono::milliseconds request{10'000};    // an answer to an IQ, unless the request names its own
  std::chrono::milliseconds disconnect{2'000};  // for the server's </stream:stream>
  // After so much silence the server is asked whether it is there (XEP-0198 <r/> or XEP-0199), and after `ping_answer`
  // more the connection counts as lost: half-open ones are found. 0: never asked.
  std::chrono::milliseconds ping_after{60'000};
  std::chrono::milliseconds ping_answer{15'000};
};

struct ConnectionConfiguration {
  ConnectionConfiguration() = default;
  // The service alone: its servers are found by SRV records (direct TLS first, XEP-0368), else it is the host, port
  // 5222.
  explicit ConnectionConfiguration(std::string service_name) : service_name(std::move(service_name)) {}
  // A host and port, and the service's name if it is another one. Port 5223 does not mean direct TLS; `direct_tls`
  // does.
  ConnectionConfiguration(std::string host, std::uint16_t port, std::string service_name = {})
      : service_name(service_name.empty() ? host : std::move(service_name)), host(std::move(host)), port(port) {}

  std::string service_name;  // the domain of the accounts, and the name that the certificate must have
  std::string host = {};     // "": SRV records of the service
  std::uint16_t port = 5222;
  bool direct_tls = false;                    // with `host` only
  std::vector<std::string> dns_servers = {};  // "192.0.2.53:53"; empty: the system's

  SecurityMode security = SecurityMode::required;
  TlsConfiguration tls = {};
  std::optional<Proxy> proxy = {};
  SocketFactory socket_factory = {};

  bool compression_enabled = false;  // XEP-0138, when the server offers it; see its §6 on what TLS and zlib give away
  bool sasl_enabled = true;          // off: jabber:iq:auth (XEP-0078), as very old servers want it
  // Strongest first: the first that the server offers too. Empty: all that the library has. PLAIN only where the
  // connection is secure, unless `plain_in_the_clear`.
  std::vector<std::string> sasl_mechanisms = {};
  bool plain_in_the_clear = false;

  std::string resource = {};  // "": the server's choice; login() may name another
  std::string language = {};  // of the stream
  bool send_presence = true;  // an available presence right after login
  bool roster_loaded_at_login = true;
  std::string roster_cache = {};  // a file for the roster and its version (RFC 6121 §2.6); "": in memory only
  bool carbons_enabled = true;    // XEP-0280, when the server offers them
  bool request_receipts = false;  // XEP-0184: chat messages with a body ask for one
  bool send_receipts = true;      // and asked by a contact we answer

  bool stream_management = true;  // XEP-0198, when the server offers it
  bool resumption = true;
  Reconnection reconnection = {};
  std::size_t queue_messages = 1'000;          // that wait for a connection, or for its acknowledgement
  std::size_t queue_bytes = 16 * 1024 * 1024;  // of their XML; the next send() is Errc::queue_full
  std::size_t stanza_bytes = 1024 * 1024;      // a longer stanza of the server ends the connection
  TimeLimits limits = {};

  Debugger debugger = {};
};

}  // namespace anser::sdk
