// What SIGHUP does to the configuration: reads it again and says, in the log, what can and what cannot be taken up.
#pragma once

#include <functional>

#include "app/config.h"

namespace anser::app {

// Each call gives what the server shall run with from now on: the fresh values of keys that SIGHUP takes up, the old
// ones of all others, each of which gets a line in the log. A wrong file is an error and changes nothing. The log's own
// level and format are taken up here. Called by one thread at a time.
std::function<Result<Config>()> make_reload(ConfigChoice choice, Config running);

}  // namespace anser::app
