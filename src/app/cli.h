// The command line: `anser serve|user|config|chat|send|version`. Exit codes: 0 done; 1 it could not be done, with one
// clear sentence (or one line for each mistake in the configuration) on standard error; 2 it was called wrongly.
#pragma once

#include <functional>

#include "app/config.h"
#include "app/user_command.h"

namespace anser::app {

// app/server.h's serve(), given from outside so that tests need no server.
using Serve = std::function<int(const Config&, const std::function<Result<Config>()>& reload)>;

int run_command(int argc, const char* const* argv, const Serve& serve, const Console& console);

}  // namespace anser::app
