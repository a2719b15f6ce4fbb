// A broken invariant stops the process, in release builds too: carrying on would risk what was promised to be safe.
#pragma once

namespace anser {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define ANSER_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::anser::assertion_failed(#condition, __FILE__, __LINE__))
