// A message inside another (XEP-0297), as carbons and archives send them.
#pragma once

#include <chrono>
#include <optional>

#include "anser/element.h"
#include "anser/message.h"

namespace anser::sdk {

struct Forwarded {
  std::optional<Message> message;  // none: it was taken out of the archive
  std::optional<std::chrono::system_clock::time_point> stamp;
};

// What `wrapper` forwards. Errc::protocol if it forwards nothing, or something else than one message.
Result<Forwarded> read_forwarded(const Element& wrapper);

}  // namespace anser::sdk
