#include "app/reload.h"

#include <utility>

#include "app/logging.h"
#include "base/log.h"

namespace anser::app {

std::function<Result<Config>()> make_reload(ConfigChoice choice, Config running) {
  return [choice = std::move(choice), running = std::move(running)]() mutable -> Result<Config> {
    const auto fresh = load_config(choice);
    if (!fresh) return pass(fresh);
    Reloaded reloaded = take_up(running, fresh->config);
    for (const std::string& path : reloaded.needs_restart) {
      log::warn("app", "{} has changed, which takes effect at the next start", path);
    }
    running = std::move(reloaded.config);
    set_logging(running.log);
    return running;
  };
}

}  // namespace anser::app
