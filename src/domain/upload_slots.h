// Where a file may be sent, asked for by somebody who has logged in by any door (XEP-0363).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "core/jid.h"

namespace anser::domain {

struct SlotRequest {
  core::Jid owner;   // bare
  std::string name;  // as the client says
  std::uint64_t size = 0;
  std::string type;      // a media type, or ""
  Time expire_before{};  // the file may be removed then (XEP-0363 §7, ephemeral); {}: as usual
};

struct Slot {
  std::string put, get;  // addresses
};

// Any thread; `done` is called on the core that asked, never before request() has returned.
//   Errc::policy_violation   larger than max_file_size()
//   Errc::not_acceptable     no name, or no size
//   Errc::resource_limit     the owner's quota, or too many slots of late: later it may go
//   Errc::unavailable        uploads are switched off
class UploadSlots {
 public:
  virtual ~UploadSlots() = default;
  virtual std::uint64_t max_file_size() const = 0;       // bytes
  virtual std::chrono::seconds keeps_for() const = 0;    // a file, unless it expires before; 0: for ever
  virtual std::chrono::seconds retry_after() const = 0;  // when to come again after resource_limit
  virtual void request(SlotRequest request, std::function<void(Result<Slot>)> done) = 0;
};

}  // namespace anser::domain
