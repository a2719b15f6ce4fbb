// Asks for a password at the terminal without showing it. The terminal is /dev/tty, so that standard input and output
// stay free; it is left as it was found, also when the question is broken off with Control-C.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace anser::app {

// One line. Errc::unavailable: there is no terminal. Errc::closed: broken off. Errc::bad_request: too long.
Result<std::string> ask_password(std::string_view question);

// The same at an open terminal, for tests.
Result<std::string> ask_password_at(int terminal, std::string_view question);

}  // namespace anser::app
