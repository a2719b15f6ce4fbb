// What a client thinks of its server's certificate, in words for the person who has to do something about it.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/assert.h"
#include "net/tls_client_context.h"

namespace anser::net {
namespace {

int index_of_side() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  ANSER_ASSERT(index >= 0);
  return index;
}

// An authority without a list has revoked nothing that we know of.
int overlook_missing_lists(int good, X509_STORE_CTX* store) {
  if (good || X509_STORE_CTX_get_error(store) != X509_V_ERR_UNABLE_TO_GET_CRL) return good;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

bool is_pinned(const TlsClient::Context& context, const X509* certificate) {
  CertificateHash hash;
  unsigned int size = 0;
  return !context.pinned.empty() && X509_digest(certificate, EVP_sha256(), hash.data(), &size) == 1 &&
         std::find(context.pinned.begin(), context.pinned.end(), hash) != context.pinned.end();
}

std::optional<PeerCertificate> names_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return std::nullopt;
  auto parsed = parse_certificate({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  if (!parsed) return std::nullopt;
  return std::move(*parsed);
}

std::string day(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

// One line of ASCII, whatever the certificate has in it.
std::string text_of(const X509_NAME* name) {
  constexpr std::size_t kEnough = 200;
  const BioPtr bio{BIO_new(BIO_s_mem())};
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, std::min(kEnough, static_cast<std::size_t>(std::max(size, 0L)))};
}

// "the certificate of example.org", "the authority CN=x behind the certificate of example.org"
std::string whose(X509_STORE_CTX* store, const std::string& name) {
  const X509* culprit = X509_STORE_CTX_get_current_cert(store);
  if (X509_STORE_CTX_get_error_depth(store) == 0 || !culprit) return fmt::format("the certificate of {}", name);
  return fmt::format("the authority '{}' behind the certificate of {}", text_of(X509_get_subject_name(culprit)), name);
}

std::string objection_of(X509_STORE_CTX* store, int error, const std::string& name) {
  const X509* culprit = X509_STORE_CTX_get_current_cert(store);
  if (!culprit) culprit = X509_STORE_CTX_get0_cert(store);
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("{} expired on {}", whose(store, name), day(X509_get0_notAfter(culprit)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("{} is not valid before {}", whose(store, name), day(X509_get0_notBefore(culprit)));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format("the certificate of {} signs itself and is not among the trusted ones", name);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format("the certificate of {} comes from '{}', which is not trusted", name,
                         text_of(X509_get_issuer_name(culprit)));
    case X509_V_ERR_CERT_REVOKED:
      return fmt::format("{} has been revoked", whose(store, name));
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return fmt::format("the revocation list for {} is too old", whose(store, name));
    case X509_V_ERR_INVALID_PURPOSE:
      return fmt::format("{} is not meant for this use", whose(store, name));
    default:
      return fmt::format("{} is not good: {}", whose(store, name), X509_verify_cert_error_string(error));
  }
}

int accept(X509_STORE_CTX* store) {
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

}  // namespace

TlsClientSide* side_of(const SSL* ssl) { return static_cast<TlsClientSide*>(SSL_get_ex_data(ssl, index_of_side())); }

void set_side(SSL* ssl, TlsClientSide* side) { SSL_set_ex_data(ssl, index_of_side(), side); }

int verify_server(X509_STORE_CTX* store, void* its_context) {
  const auto& context = *static_cast<const TlsClient::Context*>(its_context);
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsClientSide* side = side_of(ssl);
  ANSER_ASSERT(side != nullptr);
  side->verdict = {.enforced = context.verify};

  X509* leaf = X509_STORE_CTX_get0_cert(store);
  if (is_pinned(context, leaf)) {
    side->verdict.verified = side->verdict.pinned = true;
    return accept(store);
  }
  X509_STORE_CTX_set_verify_cb(store, &overlook_missing_lists);
  const bool trusted = X509_verify_cert(store) == 1;
  const int error = X509_STORE_CTX_get_error(store);
  if (!trusted) {
    side->verdict.objection = objection_of(store, error, side->name.given());
    if (error == X509_V_OK) X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
  } else {
    const auto names = names_of(leaf);
    if (names && side->name.matches(*names)) {
      side->verdict.verified = true;
      return accept(store);
    }
    side->verdict.objection = fmt::format("the certificate is for {}, not for {}",
                                          names ? names_for_people(*names) : "nobody", side->name.given());
    X509_STORE_CTX_set_error(store,
                             side->name.is_address() ? X509_V_ERR_IP_ADDRESS_MISMATCH : X509_V_ERR_HOSTNAME_MISMATCH);
  }
  side->refused = context.verify;
  return context.verify ? 0 : 1;
}

std::string client_reason() {
  constexpr int kAlerts = SSL_AD_REASON_OFFSET;
  const unsigned long code = ERR_peek_error();
  const int reason = ERR_GET_REASON(code);
  const std::string text = openssl_reason();
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return text;
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return "what the server says is not TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "the server speaks no version of TLS that is good enough (" + text + ")";
    default:
      return reason > kAlerts ? "the server refused: " + text : text;
  }
}

}  // namespace anser::net
