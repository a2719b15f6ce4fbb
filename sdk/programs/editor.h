// The terminal with line editing, by libedit: history, the usual keys, and characters as people see them.
#pragma once

#include <memory>

#include "sdk/programs/terminal.h"

namespace anser::programs {

// Standard input and output have to be a terminal. One at a time.
std::unique_ptr<Terminal> make_editor(bool colours);

}  // namespace anser::programs
