// The running server: builds every part from a configuration, wires them, and takes them down again in an order that
// loses nothing. Owns everything; one per process.
#pragma once

#include <functional>

#include "app/config.h"

namespace anser::app {

// Runs until SIGTERM or SIGINT; SIGHUP calls `reload` and takes up what it gives. Returns the exit code: 0, or 1 after
// one clear sentence on standard error.
int serve(const Config& config, const std::function<Result<Config>()>& reload);

}  // namespace anser::app
