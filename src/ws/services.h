// What the door's sessions use. `Shared` is the program's and the same for every core; `Services` is one core's. Both
// outlive every session.
#pragma once

#include <functional>
#include <string>

#include "domain/archive_id.h"
#include "domain/router.h"
#include "door/shared.h"
#include "net/core.h"
#include "ws/settings.h"
#include "ws/shared_frames.h"

namespace anser::ws {

struct Services;

struct Shared : door::Shared {
  std::function<SharedSettings()> settings = {};  // as of now; any thread
  std::function<Services&(net::CoreId)> home = {};
};

struct Services {
  Shared& shared;
  net::Core& core;
  domain::Router& router;
  bool stopping = false;       // whoever comes now is told so
  std::size_t unfinished = 0;  // bytes that its sessions keep of unfinished messages
  domain::ArchiveIds archive_ids{shared.archive_key};
  SharedFrames shared_frames = {};  // of the last messages to groups
  std::string heartbeat = {};       // the last one that came, and its answer: most are the same
  std::string heartbeat_echo = {};
};

}  // namespace anser::ws
