// What became of a message that was sent.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "anser/error.h"

namespace anser::sdk {

// What became of a message. It is told `stored`, then perhaps `delivered`, or `failed` when it comes back after all; or
// one of the others, and then nothing more.
struct Delivery {
  enum class Outcome : std::uint8_t {
    stored,       // the server has it (XEP-0198; a Socket's AckMessage)
    delivered,    // a receipt of the other side came (XEP-0184); not told by a Socket, see on_receipt
    unconfirmed,  // the session ended before the server confirmed it: it may have arrived, once
    failed,       // it was not sent, or came back; `error` says why
  };

  Outcome outcome = Outcome::failed;
  std::string id;
  Error error = {};  // with `failed` and `unconfirmed`
};
using DeliveryListener = std::function<void(const Delivery&)>;

}  // namespace anser::sdk
