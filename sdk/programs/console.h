// What a program is given by whoever starts it. Tests put their own here.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "anser/error.h"

namespace anser::programs {

struct Console {
  std::ostream& out;
  std::ostream& err;
  // Asks at the terminal without showing the answer. Errc::unsupported: there is no terminal.
  std::function<sdk::Result<std::string>(std::string_view question)> ask;
  int in = 0;  // the descriptor that text is read from
};

// Exit codes of the whole program.
inline constexpr int kDone = 0, kFailed = 1, kUsage = 2;

}  // namespace anser::programs
