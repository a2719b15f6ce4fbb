// What went wrong, in this protocol's words: docs/wire/websocket.md, error codes and close codes.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "domain/session.h"

namespace anser::ws {

namespace close_code {
inline constexpr std::uint16_t kGoingAway = 1001, kUnsupported = 1003, kInvalid = 1007, kInternal = 1011;
inline constexpr std::uint16_t kNotAuthorized = 4401, kTimeout = 4408, kReplaced = 4409, kTooMany = 4429;
}  // namespace close_code

std::string_view word_of(Errc code);

struct Closing {
  std::uint16_t code;
  std::string_view reason;
};
Closing closing_of(domain::CloseReason reason);
// Of a sign-in or a session that was not opened.
std::uint16_t close_code_of(Errc code);

}  // namespace anser::ws
