// What every door may use of the program, the same for all cores; each door adds its own by inheriting. Outlives every
// connection. The members that are functions may be called on any thread.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "domain/hosts.h"
#include "domain/mail.h"
#include "domain/ports.h"
#include "door/login_guard.h"
#include "door/sign_in_settings.h"
#include "net/cores.h"
#include "net/workers.h"

namespace anser::door {

struct Shared {
  net::Cores& cores;
  net::Workers& workers;
  domain::Storage& storage;
  domain::Post& post;
  const Clock& clock;
  const domain::Hosts& hosts;
  LoginGuard& guard;
  std::string secret = {};  // of this installation: salts of accounts that do not exist come from it
  Time started = {};
  std::function<SharedSignInSettings()> sign_in = {};  // as of now
  std::string archive_key = {};                        // of this installation, for ever: archive ids are made with it
  std::function<bool()> congested = {};  // more is under way from this core to another than that one takes; may be none
};

}  // namespace anser::door
