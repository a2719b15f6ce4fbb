// Certificates: reading a peer's names, and making one of our own.
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/file.h"
#include "net/openssl.h"
#include "net/tls.h"

namespace anser::net {
namespace {

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<&GENERAL_NAMES_free>>;

constexpr long kTenYears = 10L * 365 * 24 * 3600;
constexpr long kClockSkew = 24L * 3600;  // a client's clock may be a little behind ours
constexpr std::size_t kLongestCommonName = 64;

// A name with a NUL in it means one thing to C and another to us: it is no name.
void add_name(std::vector<std::string>& names, const ASN1_STRING* text) {
  const std::string_view value{reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                               static_cast<std::size_t>(ASN1_STRING_length(text))};
  if (!value.empty() && value.find('\0') == std::string_view::npos) names.emplace_back(value);
}

void add_other_name(PeerCertificate& certificate, const OTHERNAME& other) {
  const int name = OBJ_obj2nid(other.type_id), type = ASN1_TYPE_get(other.value);
  if (name == NID_XmppAddr && type == V_ASN1_UTF8STRING) {
    add_name(certificate.xmpp_addrs, other.value->value.utf8string);
  } else if (name == NID_SRVName && type == V_ASN1_IA5STRING) {
    add_name(certificate.srv_names, other.value->value.ia5string);
  }
}

void add_address(PeerCertificate& certificate, const ASN1_OCTET_STRING* octets) {
  using boost::asio::ip::address_v4, boost::asio::ip::address_v6;
  const unsigned char* bytes = ASN1_STRING_get0_data(octets);
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(octets));
  if (address_v4::bytes_type v4; size == v4.size()) {
    std::copy_n(bytes, size, v4.begin());
    certificate.addresses.push_back(address_v4{v4}.to_string());
  } else if (address_v6::bytes_type v6; size == v6.size()) {
    std::copy_n(bytes, size, v6.begin());
    certificate.addresses.push_back(address_v6{v6}.to_string());
  }
}

void read_names(PeerCertificate& certificate, X509* x509) {
  const GeneralNamesPtr names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME& name = *sk_GENERAL_NAME_value(names.get(), i);
    switch (name.type) {
      case GEN_DNS:
        add_name(certificate.dns_names, name.d.dNSName);
        break;
      case GEN_EMAIL:
        add_name(certificate.emails, name.d.rfc822Name);
        break;
      case GEN_IPADD:
        add_address(certificate, name.d.iPAddress);
        break;
      case GEN_OTHERNAME:
        add_other_name(certificate, *name.d.otherName);
        break;
      default:
        break;
    }
  }
}

bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

GENERAL_NAME* text_name(int type, int asn1_type, std::string_view text) {
  ASN1_STRING* value = ASN1_STRING_type_new(asn1_type);
  ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, value);
  return name;
}

GENERAL_NAME* xmpp_name(std::string_view host) {
  ASN1_UTF8STRING* text = ASN1_UTF8STRING_new();
  ASN1_STRING_set(text, host.data(), static_cast<int>(host.size()));
  ASN1_TYPE* value = ASN1_TYPE_new();
  ASN1_TYPE_set(value, V_ASN1_UTF8STRING, text);
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_XmppAddr), value);
  return name;
}

GENERAL_NAME* address_name(const boost::asio::ip::address& address) {
  std::string bytes;
  if (address.is_v4()) {
    for (const auto byte : address.to_v4().to_bytes()) bytes += static_cast<char>(byte);
  } else {
    for (const auto byte : address.to_v6().to_bytes()) bytes += static_cast<char>(byte);
  }
  return text_name(GEN_IPADD, V_ASN1_OCTET_STRING, bytes);
}

GeneralNamesPtr names_of(std::span<const std::string> hosts) {
  GeneralNamesPtr names{GENERAL_NAMES_new()};
  for (const std::string& host : hosts) {
    boost::system::error_code not_an_address;
    const auto address = boost::asio::ip::make_address(host, not_an_address);
    if (!not_an_address) {
      sk_GENERAL_NAME_push(names.get(), address_name(address));
    } else if (is_ascii(host)) {
      sk_GENERAL_NAME_push(names.get(), text_name(GEN_DNS, V_ASN1_IA5STRING, host));
    }
    sk_GENERAL_NAME_push(names.get(), xmpp_name(host));
  }
  return names;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  const bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool set_random_serial(X509* certificate) {
  constexpr int kSerialBits = 127;  // positive, and well under the 20 bytes of RFC 5280
  BIGNUM* number = BN_new();
  const bool done = number && BN_rand(number, kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  return done;
}

X509Ptr signed_by_itself(EVP_PKEY* key, std::span<const std::string> hosts) {
  X509Ptr owned{X509_new()};
  X509* certificate = owned.get();
  const std::string common_name = hosts.front().substr(0, kLongestCommonName);
  X509_NAME* subject = X509_get_subject_name(certificate);
  const GeneralNamesPtr names = names_of(hosts);
  const bool made = X509_set_version(certificate, X509_VERSION_3) == 1 && set_random_serial(certificate) &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate), -kClockSkew) &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate), kTenYears) &&
                    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                               reinterpret_cast<const unsigned char*>(common_name.data()),
                                               static_cast<int>(common_name.size()), -1, 0) == 1 &&
                    X509_set_issuer_name(certificate, subject) == 1 && X509_set_pubkey(certificate, key) == 1 &&
                    X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1 &&
                    add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
                    add_extension(certificate, NID_subject_key_identifier, "hash") &&
                    X509_sign(certificate, key, EVP_sha256()) > 0;
  return made ? std::move(owned) : nullptr;
}

std::string take_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<void> write_new_file(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  const File file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  if (!file) {
    const Errc code = errno == EEXIST ? Errc::conflict : Errc::io;
    return fail(code, "cannot make {}: {}", path.string(), std::strerror(errno));
  }
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(Errc::io, "cannot write {}: {}", path.string(), std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return fail(Errc::io, "cannot write {}: {}", path.string(), std::strerror(errno));
  return {};
}

}  // namespace

Result<PeerCertificate> parse_certificate(std::string_view der) {
  ERR_clear_error();
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const X509Ptr x509{d2i_X509(nullptr, &bytes, static_cast<long>(der.size()))};
  if (!x509) return fail(Errc::bad_request, "not a certificate: {}", openssl_reason());
  PeerCertificate certificate;
  certificate.der = der;
  read_names(certificate, x509.get());
  return certificate;
}

Result<void> make_self_signed(const std::filesystem::path& chain_file, const std::filesystem::path& key_file,
                              std::span<const std::string> hosts) {
  if (hosts.empty() || hosts.front().empty()) return fail(Errc::bad_request, "a certificate needs a host");
  std::error_code ignored;
  if (std::filesystem::exists(chain_file, ignored)) {
    return fail(Errc::conflict, "{} exists already", chain_file.string());
  }
  ERR_clear_error();
  const KeyPtr key{EVP_EC_gen("P-256")};
  const X509Ptr certificate = key ? signed_by_itself(key.get(), hosts) : nullptr;
  const BioPtr key_text{BIO_new(BIO_s_secmem())};
  const BioPtr chain_text{BIO_new(BIO_s_mem())};
  if (!certificate || !key_text || !chain_text ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(chain_text.get(), certificate.get()) != 1) {
    return fail(Errc::internal, "no certificate for {}: {}", hosts.front(), openssl_reason());
  }

  std::string key_pem = take_text(key_text.get());
  const auto key_written = write_new_file(key_file, key_pem, S_IRUSR | S_IWUSR);
  OPENSSL_cleanse(key_pem.data(), key_pem.size());
  if (!key_written) return key_written;
  const auto chain_written = write_new_file(chain_file, take_text(chain_text.get()), 0644);
  if (!chain_written) std::filesystem::remove(key_file, ignored);
  return chain_written;
}

}  // namespace anser::net
