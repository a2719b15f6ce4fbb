// What signing in may be told by the configuration, whichever the door. A reload replaces the whole value.
#pragma once

#include <cstdint>
#include <memory>

#include "door/web_tokens.h"

namespace anser::door {

struct SignInSettings {
  bool plain_without_tls = false;                // passwords and tokens may cross a connection without TLS: doors ask
  std::uint32_t scram_iterations = 10000;        // what accounts that do not exist seem to have
  std::shared_ptr<const WebTokens> tokens = {};  // null: no keys, tokens are refused
};

using SharedSignInSettings = std::shared_ptr<const SignInSettings>;

}  // namespace anser::door
