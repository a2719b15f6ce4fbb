#include "net/tls.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "net/openssl.h"
#include "net/tls_client_context.h"
#include "net/tls_contexts.h"

namespace anser::net {
namespace {

constexpr std::size_t kLongestHost = 255;
constexpr int kTickets = 1;                      // per handshake; a client that comes back needs one
constexpr long kLargestClientChain = 32 * 1024;  // bytes of certificates

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

int choose_context(SSL* ssl, int*, void* contexts) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* context = static_cast<const TlsServer::Contexts*>(contexts)->find(name);
  if (!context) return SSL_TLSEXT_ERR_NOACK;  // the first certificate, which the client may refuse
  SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

// RFC 7301 section 3.2: a client that wants only protocols we do not speak is told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* theirs,
                    unsigned int theirs_size, void* contexts) {
  const std::string& ours = static_cast<const TlsServer::Contexts*>(contexts)->alpn;
  const int result = SSL_select_next_proto(const_cast<unsigned char**>(chosen), size,
                                           reinterpret_cast<const unsigned char*>(ours.data()),
                                           static_cast<unsigned int>(ours.size()), theirs, theirs_size);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Whom we cannot verify may come in all the same; the verdict stays with the session (SSL_get_verify_result).
int let_everybody_in(int, X509_STORE_CTX*) { return 1; }

int no_password(char*, int, int, void*) { return 0; }

Result<void> load_files(SSL_CTX* context, const TlsServer::Certificate& certificate) {
  SSL_CTX_set_default_passwd_cb(context, &no_password);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.chain_file.c_str()) != 1) {
    return fail(Errc::invalid_config, "no certificate in {}: {}", certificate.chain_file.string(), openssl_reason());
  }
  if (SSL_CTX_use_PrivateKey_file(context, certificate.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail(Errc::invalid_config, "no key for {} in {}: {}", certificate.chain_file.string(),
                certificate.key_file.string(), openssl_reason());
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return fail(Errc::invalid_config, "the key in {} is not that of the certificate in {}",
                certificate.key_file.string(), certificate.chain_file.string());
  }
  return {};
}

Result<void> ask_for_client_certificate(SSL_CTX* context, const TlsServer::Options& options) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, &let_everybody_in);
  SSL_CTX_set_max_cert_list(context, kLargestClientChain);
  if (options.ca_file.empty()) return {};
  if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
    return fail(Errc::invalid_config, "no CA certificates in {}: {}", options.ca_file.string(), openssl_reason());
  }
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.ca_file.c_str()));
  return {};
}

Result<SslCtxPtr> make_context(const TlsServer::Options& options, TlsServer::Contexts* contexts) {
  SslCtxPtr context{SSL_CTX_new(TLS_server_method())};
  if (!context) return fail(Errc::internal, "OpenSSL has no TLS: {}", openssl_reason());
  SSL_CTX* ctx = context.get();

  SSL_CTX_set_min_proto_version(ctx, options.allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  // An end of input without close_notify is how many clients leave; what it ends is delimited by its own protocol.
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ctx, 1);  // one recv for many records; the buffer is released when empty
  if (SSL_CTX_set_cipher_list(ctx, options.ciphers.c_str()) != 1) {
    return fail(Errc::invalid_config, "no usable cipher in '{}'", options.ciphers);
  }
  // Tickets only: sessions are remembered by the clients.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, kTickets);
  constexpr std::string_view kSessionContext = "anser";
  SSL_CTX_set_session_id_context(ctx, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 static_cast<unsigned int>(kSessionContext.size()));

  SSL_CTX_set_tlsext_servername_callback(ctx, &choose_context);
  SSL_CTX_set_tlsext_servername_arg(ctx, contexts);
  if (!contexts->alpn.empty()) SSL_CTX_set_alpn_select_cb(ctx, &choose_protocol, contexts);
  if (options.ask_client_certificate) {
    const auto asked = ask_for_client_certificate(ctx, options);
    if (!asked) return pass(asked);
  }
  return context;
}

std::string_view text(const char* value) { return value ? std::string_view{value} : std::string_view{}; }

}  // namespace

Result<std::string> alpn_list(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      return fail(Errc::invalid_config, "'{}' cannot be the name of a protocol (ALPN)", protocol);
    }
    list += static_cast<char>(protocol.size());
    list += protocol;
  }
  return list;
}

SSL_CTX* TlsServer::Contexts::find(std::string_view host) const {
  if (host.size() > kLongestHost) return nullptr;
  const std::string name = lower(host);
  if (const auto exact = by_host.find(name); exact != by_host.end()) return exact->second;
  const auto dot = name.find('.');
  if (dot == std::string::npos) return nullptr;
  const auto wildcard = by_host.find("*" + name.substr(dot));
  return wildcard == by_host.end() ? nullptr : wildcard->second;
}

TlsServer::TlsServer(std::unique_ptr<Contexts> contexts) : contexts_(std::move(contexts)) {}
TlsServer::~TlsServer() = default;

Result<std::shared_ptr<const TlsServer>> TlsServer::load(std::span<const Certificate> certificates,
                                                         const Options& options) {
  if (certificates.empty()) return fail(Errc::invalid_config, "TLS needs a certificate");
  ERR_clear_error();
  auto contexts = std::make_unique<Contexts>();
  auto protocols = alpn_list(options.alpn);
  if (!protocols) return pass(protocols);
  contexts->alpn = std::move(*protocols);
  for (const Certificate& certificate : certificates) {
    auto context = make_context(options, contexts.get());
    if (!context) return pass(context);
    const auto loaded = load_files(context->get(), certificate);
    if (!loaded) return pass(loaded);
    contexts->by_host.emplace(lower(certificate.host), context->get());
    contexts->all.push_back(std::move(*context));
  }
  return std::shared_ptr<const TlsServer>{new TlsServer{std::move(contexts)}};
}

std::string_view TlsFacts::version() const { return text(SSL_get_version(ssl_)); }
std::string_view TlsFacts::cipher() const { return text(SSL_get_cipher_name(ssl_)); }
std::string_view TlsFacts::sni() const { return text(SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)); }
bool TlsFacts::resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string_view TlsFacts::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::optional<PeerCertificate> TlsFacts::peer_certificate() const {
  const X509Ptr certificate{SSL_get1_peer_certificate(ssl_)};
  if (!certificate) return std::nullopt;
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size <= 0) return std::nullopt;
  auto parsed = parse_certificate({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  if (!parsed) return std::nullopt;
  const ServerVerdict* verdict = server_verdict();
  parsed->verified = verdict ? verdict->verified : SSL_get_verify_result(ssl_) == X509_V_OK;
  return std::move(*parsed);
}

const ServerVerdict* TlsFacts::server_verdict() const {
  const TlsClientSide* side = side_of(ssl_);
  return side ? &side->verdict : nullptr;
}

namespace {

// Without it, two TLS 1.2 sessions can be made to have the same keys, and a binding binds to nothing.
bool binds(SSL* ssl) { return SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support(ssl) == 1; }

}  // namespace

Result<std::string> TlsFacts::exporter(std::string_view label, std::size_t size) const {
  if (!binds(ssl_)) return fail(Errc::unsupported, "TLS 1.2 without extended master secret has no exporter to bind to");
  std::string bytes(size, '\0');
  const unsigned char empty_context = 0;
  if (SSL_export_keying_material(ssl_, reinterpret_cast<unsigned char*>(bytes.data()), size, label.data(), label.size(),
                                 &empty_context, 0, /*use_context=*/1) != 1) {
    return fail(Errc::internal, "TLS exported nothing: {}", openssl_reason());
  }
  return bytes;
}

// The first Finished message of the handshake: the client's in a full one, the server's when a session was resumed.
Result<std::string> TlsFacts::unique() const {
  if (SSL_version(ssl_) != TLS1_2_VERSION || !binds(ssl_)) {
    return fail(Errc::unsupported, "{} has no tls-unique to bind to", version());
  }
  std::array<char, EVP_MAX_MD_SIZE> finished;
  const bool ours = (SSL_is_server(ssl_) == 1) == resumed();
  const std::size_t size = ours ? SSL_get_finished(ssl_, finished.data(), finished.size())
                                : SSL_get_peer_finished(ssl_, finished.data(), finished.size());
  if (size == 0 || size > finished.size()) return fail(Errc::unsupported, "the handshake has no Finished message");
  return std::string{finished.data(), size};
}

Result<std::string> TlsFacts::server_end_point() const {
  const X509* certificate = SSL_is_server(ssl_) == 1 ? SSL_get_certificate(ssl_) : SSL_get0_peer_certificate(ssl_);
  if (!certificate) return fail(Errc::unsupported, "the connection has no server certificate");
  int digest_nid = NID_undef;
  X509_get_signature_info(const_cast<X509*>(certificate), &digest_nid, nullptr, nullptr, nullptr);
  // RFC 5929 section 4.1: SHA-256 instead of MD5 and SHA-1; undefined for signatures that hash nothing of the kind.
  if (digest_nid == NID_md5 || digest_nid == NID_sha1) digest_nid = NID_sha256;
  const EVP_MD* digest = digest_nid == NID_undef ? nullptr : EVP_get_digestbynid(digest_nid);
  if (!digest) return fail(Errc::unsupported, "the certificate's signature names no hash to bind to");
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned int size = 0;
  if (X509_digest(certificate, digest, hash.data(), &size) != 1) {
    return fail(Errc::internal, "no hash of the certificate: {}", openssl_reason());
  }
  return std::string{reinterpret_cast<const char*>(hash.data()), size};
}

}  // namespace anser::net
