// What a stream and its features may use. `Shared` is the program's and the same for every core; `Services` is one
// core's. Both outlive every stream.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "domain/archive_id.h"
#include "domain/router.h"
#include "domain/upload_slots.h"
#include "door/ask.h"
#include "door/gate.h"
#include "door/shared.h"
#include "xmpp/settings.h"

namespace anser::xmpp {

class Features;
class Negotiation;
class Stream;
struct Services;

using door::ask;
using door::Gate;
using door::LoginGuard;
using door::stored;

// What all doors use, and what this one uses besides.
struct Shared : door::Shared {
  std::function<SharedSettings()> settings = {};                    // as of now; any thread
  std::function<std::shared_ptr<const net::TlsServer>()> tls = {};  // null: no certificate, no TLS
  std::function<Services&(net::CoreId)> home = {};
  std::string token_key = {};  // what makes login tokens of what is stored of them; lives outside of the database
  domain::UploadSlots* slots = nullptr;  // null: no files are taken, and nobody is told that they were
};

struct Services {
  Shared& shared;
  net::Core& core;
  domain::Router& router;
  const Features* features = nullptr;                            // set when they are made, before the first stream
  std::unordered_set<Negotiation*> negotiations = {};            // of this core, for the server's stop
  std::unordered_multimap<std::string, Stream*> unbound = {};    // logged in, without a resource yet; by account
  std::unordered_map<std::string_view, Stream*> resumable = {};  // by the id of their session, which has it (XEP-0198)
  std::size_t unfinished = 0;                                    // bytes that its streams keep of unfinished stanzas
  bool stopping = false;                                         // whoever comes now is told so
  domain::ArchiveIds archive_ids{shared.archive_key};
};

}  // namespace anser::xmpp
