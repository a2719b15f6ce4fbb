#include "sdk/src/legal.h"

#include "core/jid.h"
#include "sdk/src/fail.h"
#include "xml/chars.h"
#include "xml/escape.h"
#include "xml/name.h"

namespace anser::sdk {

bool is_legal_name(std::string_view name) {
  const char* p = name.data();
  const char* const end = p + name.size();
  for (bool first = true; p != end; first = false) {
    if (xml::is_ascii(*p)) {
      const auto wanted = first ? xml::byte_class::kNameStart : xml::byte_class::kName;
      if (!(xml::class_of(*p) & wanted)) return false;
      ++p;
      continue;
    }
    const int bytes = xml::character_bytes(p, end);
    if (bytes <= 0) return false;
    const char32_t code = xml::decode(p);
    if (!(first ? xml::is_name_start(code) : xml::is_name_character(code))) return false;
    p += bytes;
  }
  return !name.empty();
}

bool is_legal_namespace(std::string_view ns) {
  return ns != xml::kXmlNs && ns != xml::kXmlnsNs && xml::is_legal_text(ns);
}

Result<void> check_text(std::string_view what, std::string_view text) {
  if (xml::is_legal_text(text)) return {};
  return fail(Errc::invalid_argument,
              "{} holds what XML cannot carry: a control character, or bytes that are not UTF-8", what);
}

Result<void> check_address(std::string_view what, std::string_view address) {
  if (address.empty() || core::is_plain_jid(address)) return {};
  const auto jid = core::Jid::parse(address);
  if (jid) return {};
  return fail(Errc::invalid_argument, "{} is not an address: {}", what, jid.error().message);
}

}  // namespace anser::sdk
