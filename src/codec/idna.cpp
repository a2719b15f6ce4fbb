#include "codec/idna.h"

#include <unicode/bytestream.h>
#include <unicode/idna.h>

#include <cstdint>
#include <memory>

#include "base/assert.h"

namespace anser::codec {
namespace {

constexpr std::size_t kLongestInput = 1023;  // of a domain in an address (RFC 7622)
constexpr std::size_t kLongestName = 253;    // RFC 1034 section 3.1, written with dots

const icu::IDNA& idna() {
  static const std::unique_ptr<const icu::IDNA> instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    constexpr std::uint32_t kOptions = UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                       UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII;
    std::unique_ptr<const icu::IDNA> made{icu::IDNA::createUTS46Instance(kOptions, status)};
    ANSER_ASSERT(U_SUCCESS(status));
    return made;
  }();
  return *instance;
}

}  // namespace

Result<std::string> to_a_labels(std::string_view domain) {
  if (domain.size() > kLongestInput) return fail(Errc::bad_request, "a domain name of {} bytes", domain.size());
  std::string ascii;
  UErrorCode status = U_ZERO_ERROR;
  icu::IDNAInfo info;
  icu::StringByteSink<std::string> sink{&ascii};
  idna().nameToASCII_UTF8(icu::StringPiece{domain.data(), static_cast<std::int32_t>(domain.size())}, sink, info,
                          status);
  // The root's empty label is none of the errors; here it goes.
  if (ascii.ends_with('.')) ascii.pop_back();
  if (U_FAILURE(status) || info.hasErrors() || ascii.empty() || ascii.size() > kLongestName) {
    return fail(Errc::bad_request, "not a domain name (reason {:#x})", info.getErrors());
  }
  return ascii;
}

}  // namespace anser::codec
