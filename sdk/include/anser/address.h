// Addresses (RFC 7622) as strings: local@domain/resource.
#pragma once

#include <string>
#include <string_view>

#include "anser/error.h"
#include "anser/export.h"

namespace anser::sdk {

// The address in the form in which it is compared (case folded, composed, IDNA): "Romeo@Example.ORG/x" gives
// "romeo@example.org/x". Errc::invalid_argument if it is none.
ANSER_API Result<std::string> prepare_address(std::string_view address);

// Parts of an address, as they are written. Views of `address`.
ANSER_API std::string_view bare_of(std::string_view address);   // all up to the resource
ANSER_API std::string_view local_of(std::string_view address);  // "" if there is none
ANSER_API std::string_view domain_of(std::string_view address);
ANSER_API std::string_view resource_of(std::string_view address);  // "" if there is none

}  // namespace anser::sdk
