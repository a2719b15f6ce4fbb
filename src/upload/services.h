// What the handlers of this door may use; the same for every core, outlives every request.
#pragma once

#include <functional>
#include <string>

#include "domain/files.h"
#include "door/shared.h"
#include "upload/settings.h"

namespace anser::upload {

class Vault;

struct Shared : door::Shared {
  std::function<SharedSettings()> settings = {};  // as of now; any thread
  Vault& vault;
  std::string slot_key = {};  // of this installation: signs slots
};

}  // namespace anser::upload
