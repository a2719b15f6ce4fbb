// `anser chat`: a terminal client.
#pragma once

#include "sdk/programs/account.h"

namespace anser::programs {

// The command with its options; what it ends with goes to `exit`.
void add_chat_command(CLI::App& program, const Console& console, int& exit);

int chat(const AccountOptions& options, const Console& console);

}  // namespace anser::programs
