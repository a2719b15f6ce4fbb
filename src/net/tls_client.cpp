#include "net/tls_client.h"

#include <utility>

#include "net/tls_client_context.h"
#include "net/tls_contexts.h"
#include "net/tls_session.h"
#include "net/tls_stores.h"

namespace anser::net {
namespace {

using StoreType = TlsClientOptions::StoreType;

void free_certificates(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, &X509_free); }
using CertificatesPtr = std::unique_ptr<STACK_OF(X509), FreeWith<&free_certificates>>;

constexpr long kLargestServerChain = 64 * 1024;  // bytes of certificates

// ------------------------------------------------------------------------------------------------------------- trust

Result<void> trust(X509_STORE* store, X509* certificate, std::string_view where) {
  if (X509_STORE_add_cert(store, certificate) == 1) return {};
  return fail(Errc::invalid_config, "a certificate in {} cannot be trusted: {}", where, openssl_reason());
}

Result<void> trust_pem(X509_STORE* store, std::string_view text, std::string_view where) {
  const auto bundle = read_pem_bundle(text, where);
  if (!bundle) return pass(bundle);
  for (const X509Ptr& certificate : bundle->certificates) {
    const auto trusted = trust(store, certificate.get(), where);
    if (!trusted) return trusted;
  }
  for (const CrlPtr& list : bundle->revoked) {
    if (X509_STORE_add_crl(store, list.get()) != 1 ||
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1) {
      return fail(Errc::invalid_config, "a revocation list in {} cannot be used: {}", where, openssl_reason());
    }
  }
  return {};
}

Result<void> trust_pkcs12(X509_STORE* store, std::string_view bytes, const std::string& password,
                          std::string_view where) {
  const auto contents = read_pkcs12(bytes, password, where);
  if (!contents) return pass(contents);
  if (!contents->certificate && contents->certificates.empty()) {
    return fail(Errc::invalid_config, "no certificate in {}", where);
  }
  if (contents->certificate) {
    const auto trusted = trust(store, contents->certificate.get(), where);
    if (!trusted) return trusted;
  }
  for (const X509Ptr& certificate : contents->certificates) {
    const auto trusted = trust(store, certificate.get(), where);
    if (!trusted) return trusted;
  }
  return {};
}

Result<void> set_trust(SSL_CTX* ctx, const TlsClientOptions& options) {
  X509_STORE* store = SSL_CTX_get_cert_store(ctx);
  const bool own = options.trust_store || !options.trusted_pem.empty();
  if (!own || options.trust_system_too) {
    if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
      return fail(Errc::invalid_config, "the system's certificates cannot be read: {}", openssl_reason());
    }
  }
  // In an own store a server's certificate, or an authority that another one has signed, is meant as it stands.
  if (own) X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  if (!options.trusted_pem.empty()) {
    const auto trusted = trust_pem(store, options.trusted_pem, "the trusted certificates");
    if (!trusted) return trusted;
  }
  if (!options.trust_store) return {};
  const auto bytes = read_store(options.trust_store->file);
  if (!bytes) return pass(bytes);
  const std::string where = options.trust_store->file.string();
  if (options.trust_store->type == StoreType::pem) return trust_pem(store, *bytes, where);
  return trust_pkcs12(store, *bytes, options.trust_store->password, where);
}

// ---------------------------------------------------------------------------------------------------------- identity

Result<void> use(SSL_CTX* ctx, X509* leaf, EVP_PKEY* key, std::vector<X509Ptr> others, std::string_view where) {
  const CertificatesPtr chain{sk_X509_new_null()};
  for (X509Ptr& other : others) {
    if (sk_X509_push(chain.get(), other.get()) > 0) static_cast<void>(other.release());
  }
  ERR_clear_error();
  if (SSL_CTX_use_cert_and_key(ctx, leaf, key, chain.get(), /*override=*/1) == 1) return {};
  const std::string reason = openssl_reason();
  if (X509_check_private_key(leaf, key) != 1) {
    ERR_clear_error();
    return fail(Errc::invalid_config, "the key is not that of the certificate in {}", where);
  }
  return fail(Errc::invalid_config, "the certificate in {} cannot be used: {}", where, reason);
}

struct Identify {
  TlsClient::Context& context;

  Result<void> operator()(const std::monostate&) const { return {}; }

  Result<void> operator()(const TlsClientOptions::PemIdentity& identity) const {
    const auto chain_text = read_store(identity.chain_file);
    if (!chain_text) return pass(chain_text);
    auto chain = read_pem_bundle(*chain_text, identity.chain_file.string());
    if (!chain) return pass(chain);
    auto key_text = read_store(identity.key_file);
    if (!key_text) return pass(key_text);
    const auto key = read_pem_key(*key_text, identity.key_password, identity.key_file.string());
    OPENSSL_cleanse(key_text->data(), key_text->size());
    if (!key) return pass(key);
    const X509Ptr leaf = std::move(chain->certificates.front());
    chain->certificates.erase(chain->certificates.begin());
    return use(context.ctx.get(), leaf.get(), key->get(), std::move(chain->certificates), identity.chain_file.string());
  }

  Result<void> operator()(const TlsClientOptions::Pkcs12Identity& identity) const {
    const auto bytes = read_store(identity.file);
    if (!bytes) return pass(bytes);
    auto contents = read_pkcs12(*bytes, identity.password, identity.file.string());
    if (!contents) return pass(contents);
    if (!contents->key || !contents->certificate) {
      return fail(Errc::invalid_config, "no key with its certificate in {}", identity.file.string());
    }
    return use(context.ctx.get(), contents->certificate.get(), contents->key.get(), std::move(contents->certificates),
               identity.file.string());
  }

  Result<void> operator()(const TlsClientOptions::Pkcs11Identity& identity) const {
    auto token = Pkcs11::load(identity.module);
    if (!token) return pass(token);
    context.token = std::move(*token);
    const auto found = context.token->find(identity);
    if (!found) return pass(found);
    return use(context.ctx.get(), found->certificate.get(), found->key.get(), {},
               "the token behind " + identity.module.string());
  }
};

// ----------------------------------------------------------------------------------------------------------- context

Result<SslCtxPtr> make_context(const TlsClientOptions& options) {
  SslCtxPtr context{SSL_CTX_new(TLS_client_method())};
  if (!context) return fail(Errc::internal, "OpenSSL has no TLS: {}", openssl_reason());
  SSL_CTX* ctx = context.get();
  if (!options.allow_tls12 && !options.allow_tls13) return fail(Errc::invalid_config, "no version of TLS is allowed");
  SSL_CTX_set_min_proto_version(ctx, options.allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(ctx, options.allow_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // As on the server's side, see tls.cpp.
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);  // who wants to come back asks for its session
  SSL_CTX_set_max_cert_list(ctx, kLargestServerChain);
  if (SSL_CTX_set_cipher_list(ctx, options.ciphers.c_str()) != 1) {
    return fail(Errc::invalid_config, "no usable cipher in '{}'", options.ciphers);
  }
  const auto protocols = alpn_list(options.alpn);
  if (!protocols) return pass(protocols);
  if (!protocols->empty() && SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(protocols->data()),
                                                     static_cast<unsigned int>(protocols->size())) != 0) {
    return fail(Errc::internal, "no ALPN: {}", openssl_reason());
  }
  return context;
}

}  // namespace

TlsClient::TlsClient(std::unique_ptr<const Context> context) : context_(std::move(context)) {}
TlsClient::~TlsClient() = default;

Result<std::shared_ptr<const TlsClient>> TlsClient::make(const TlsClientOptions& options) {
  ERR_clear_error();
  auto ctx = make_context(options);
  if (!ctx) return pass(ctx);
  auto context = std::make_unique<Context>();
  context->ctx = std::move(*ctx);
  context->pinned = options.pinned;
  context->verify = options.verify;
  context->srv_service = options.srv_service;
  SSL_CTX_set_verify(context->ctx.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context->ctx.get(), &verify_server, context.get());

  const auto trusted = set_trust(context->ctx.get(), options);
  if (!trusted) return pass(trusted);
  const auto identified = std::visit(Identify{*context}, options.identity);
  if (!identified) return pass(identified);
  return std::shared_ptr<const TlsClient>{new TlsClient{std::move(context)}};
}

bool TlsSession::serves(const std::shared_ptr<const TlsClient>& client, const std::string& service) const {
  const X509* certificate = SSL_SESSION_get0_peer(session_.get());
  return client_.lock() == client && service_ == service && certificate &&
         X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

}  // namespace anser::net
