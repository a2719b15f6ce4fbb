// The keys that JSON web tokens are checked with, read from the files that the configuration names.
#pragma once

#include <memory>

#include "app/config.h"
#include "door/web_tokens.h"

namespace anser::app {

// Null when none is configured. Errc::invalid_config: a file cannot be read, or holds no such key; its name is said,
// never what stands in it.
Result<std::shared_ptr<const door::WebTokens>> load_web_tokens(const Config& config);

}  // namespace anser::app
