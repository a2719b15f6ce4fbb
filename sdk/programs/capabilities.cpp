#include "sdk/programs/capabilities.h"

#include <unistd.h>

// First curses.h, then term.h: these need each other so.
#include <curses.h>
// clang-format off
#include <term.h>
// clang-format on

#include <cstdlib>

namespace anser::programs {
namespace {

// The entry of TERM; false: there is none.
bool load(int out) {
  const char* name = std::getenv("TERM");
  int problem = 0;
  return name && *name && setupterm(name, out, &problem) == OK;
}

bool has(const char* capability) {
  const char* value = tigetstr(const_cast<char*>(capability));
  return value && value != reinterpret_cast<char*>(-1);
}

}  // namespace

bool can_edit() {
  return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && load(STDOUT_FILENO) && has("cuu1") && has("ed");
}

bool wants_colours(int out) {
  const char* refused = std::getenv("NO_COLOR");
  if ((refused && *refused) || !isatty(out)) return false;
  return load(out) && tigetnum(const_cast<char*>("colors")) >= 8;
}

}  // namespace anser::programs
