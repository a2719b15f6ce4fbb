#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace anser {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "anser: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace anser
