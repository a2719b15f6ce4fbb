#include "core/domain_name.h"

#include <arpa/inet.h>
#include <unicode/bytestream.h>
#include <unicode/idna.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "base/assert.h"
#include "core/jid.h"
#include "core/precis.h"
#include "core/utf8.h"

namespace anser::core {
namespace {

enum : std::uint8_t { kBad = 1, kUpper = 2 };

constexpr std::array<std::uint8_t, 256> make_octets() {
  std::array<std::uint8_t, 256> octets{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool other = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    octets[c] = upper ? kUpper : other ? 0 : kBad;
  }
  return octets;
}
constexpr auto kOctets = make_octets();

// Two hyphens in the third and fourth place are reserved (RFC 5890 §2.3.1): "xn--" and what may come.
bool is_plain_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-') return false;
  return label.size() < 4 || label[2] != '-' || label[3] != '-';
}

// "[::1]", "[fe80::1%25eth0]" (RFC 6874). Addresses get the one spelling of RFC 5952, so that equal ones are equal.
Result<std::string> prepare_ipv6(std::string_view literal) {
  constexpr std::string_view kZoneMark = "%25";
  const auto refuse = [] { return fail(Errc::jid_malformed, "the domain is not an IPv6 address in brackets"); };
  if (literal.back() != ']') return refuse();
  std::string_view address = literal.substr(1, literal.size() - 2), zone;
  const std::size_t mark = address.find(kZoneMark);
  if (mark != address.npos) {
    zone = address.substr(mark + kZoneMark.size());
    address = address.substr(0, mark);
    constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    constexpr std::size_t kMaxZone = 64;
    if (zone.empty() || zone.size() > kMaxZone || zone.find_first_not_of(kUnreserved) != zone.npos) return refuse();
  }
  in6_addr binary{};
  char spelling[INET6_ADDRSTRLEN];
  if (address.size() >= sizeof spelling || inet_pton(AF_INET6, std::string{address}.c_str(), &binary) != 1 ||
      inet_ntop(AF_INET6, &binary, spelling, sizeof spelling) == nullptr) {
    return refuse();
  }
  std::string out = std::string{"["} + spelling;
  if (!zone.empty()) out.append(kZoneMark).append(zone);
  return out += ']';
}

const icu::IDNA& idna() {
  static const std::unique_ptr<const icu::IDNA> instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    constexpr std::uint32_t kOptions = UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                       UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII |
                                       UIDNA_NONTRANSITIONAL_TO_UNICODE;
    std::unique_ptr<const icu::IDNA> made{icu::IDNA::createUTS46Instance(kOptions, status)};
    ANSER_ASSERT(U_SUCCESS(status));
    return made;
  }();
  return *instance;
}

// UTS #46 lets more through than IDNA2008: symbols and emoji. RFC 5892's own classes are the ones that PRECIS took
// over.
bool is_idna2008(std::string_view name) {
  for (std::size_t at = 0; at < name.size();) {
    const char32_t c = next_code_point(name, at);
    if (c < 0x80) continue;
    const CodePoint property = derived_property(c);
    if (property != CodePoint::pvalid && property != CodePoint::contextj && property != CodePoint::contexto)
      return false;
  }
  return true;
}

Result<std::string> prepare_international(std::string_view domain, bool may_end_in_dot) {
  const auto refuse = [](std::uint32_t why) {
    return fail(Errc::jid_malformed, "the domain is not an internationalized name (reason {:#x})", why);
  };
  std::string name, ascii;
  UErrorCode status = U_ZERO_ERROR;
  icu::IDNAInfo info;
  icu::StringByteSink<std::string> name_sink{&name}, ascii_sink{&ascii};
  idna().nameToUnicodeUTF8(icu::StringPiece{domain.data(), static_cast<std::int32_t>(domain.size())}, name_sink, info,
                           status);
  if (U_FAILURE(status) || info.hasErrors()) return refuse(info.getErrors());
  if (may_end_in_dot && name.ends_with('.')) name.pop_back();  // it was one of the other full stops
  if (name.empty() || name.ends_with('.')) return refuse(UIDNA_ERROR_EMPTY_LABEL);
  if (!is_idna2008(name)) return refuse(UIDNA_ERROR_DISALLOWED);

  // DNS's limits hold for what DNS sees; this step finds the labels that are too long.
  icu::IDNAInfo ascii_info;
  idna().nameToASCII_UTF8(name, ascii_sink, ascii_info, status);
  if (U_FAILURE(status) || ascii_info.hasErrors()) return refuse(ascii_info.getErrors());
  if (ascii.size() > kMaxDomainName) return refuse(UIDNA_ERROR_DOMAIN_NAME_TOO_LONG);
  return name;
}

}  // namespace

bool is_plain_domain(std::string_view domain, bool& has_upper) {
  if (domain.empty() || domain.size() > kMaxDomainName) return false;
  std::uint8_t any = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < domain.size(); ++i) {
    if (domain[i] == '.') {
      if (!is_plain_label(domain.substr(start, i - start))) return false;
      start = i + 1;
    } else {
      any |= kOctets[static_cast<unsigned char>(domain[i])];
    }
  }
  has_upper = (any & kUpper) != 0;
  return (any & kBad) == 0 && is_plain_label(domain.substr(start));
}

Result<std::string> prepare_domain(std::string_view domain) {
  if (domain.size() > kMaxJidInput) return fail(Errc::jid_malformed, "the domain is far too long");
  const bool had_dot = domain.ends_with('.');
  if (had_dot) domain.remove_suffix(1);
  if (domain.empty()) return fail(Errc::jid_malformed, "the address has no domain");

  bool has_upper = false;
  if (is_plain_domain(domain, has_upper)) {
    std::string out{domain};
    if (has_upper) std::transform(out.begin(), out.end(), out.begin(), to_ascii_lower);
    return out;
  }
  if (domain.front() == '[') return prepare_ipv6(domain);
  return prepare_international(domain, !had_dot);
}

}  // namespace anser::core
