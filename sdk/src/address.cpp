#include "anser/address.h"

#include "core/jid.h"
#include "sdk/src/fail.h"

namespace anser::sdk {

Result<std::string> prepare_address(std::string_view address) {
  const auto jid = core::Jid::parse(address);
  if (!jid) return pass_as(Errc::invalid_argument, jid.error());
  return jid->full();
}

// RFC 7622 §3.2: the first '/' begins the resource, the first '@' before it ends the local part.
std::string_view bare_of(std::string_view address) { return address.substr(0, address.find('/')); }

std::string_view local_of(std::string_view address) {
  const std::size_t at = bare_of(address).find('@');
  return at == std::string_view::npos ? std::string_view() : address.substr(0, at);
}

std::string_view domain_of(std::string_view address) {
  const std::string_view bare = bare_of(address);
  const std::size_t at = bare.find('@');
  return at == std::string_view::npos ? bare : bare.substr(at + 1);
}

std::string_view resource_of(std::string_view address) {
  const std::size_t slash = address.find('/');
  return slash == std::string_view::npos ? std::string_view() : address.substr(slash + 1);
}

}  // namespace anser::sdk
