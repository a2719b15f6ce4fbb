// Certificates and keys out of files: PEM and PKCS#12. Errors name the file and what is wrong with it, never a
// password.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/openssl.h"

namespace anser::net {

struct PemBundle {
  std::vector<X509Ptr> certificates;  // at least one
  std::vector<CrlPtr> revoked;
};

// `where` is for error messages: a file's name.
Result<PemBundle> read_pem_bundle(std::string_view text, std::string_view where);
Result<KeyPtr> read_pem_key(std::string_view text, const std::string& password, std::string_view where);

struct Pkcs12Contents {
  KeyPtr key;                         // null if there is none
  X509Ptr certificate;                // the key's
  std::vector<X509Ptr> certificates;  // the others
};
Result<Pkcs12Contents> read_pkcs12(std::string_view bytes, const std::string& password, std::string_view where);

// Errc::invalid_config if it is not there, or longer than any store.
Result<std::string> read_store(const std::filesystem::path& file);

}  // namespace anser::net
