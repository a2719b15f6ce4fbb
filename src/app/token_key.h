// The key that turns what accounts.db keeps of login tokens into the tokens themselves (adr 0013). It lives beside the
// databases, in a file of its own that only the server's user may read; who deletes the file ends all tokens.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace anser::app {

// Reads it; makes it where there is none. Errc::invalid_config: there is a file and it is no key.
Result<std::string> token_key(const std::filesystem::path& file);

}  // namespace anser::app
