// Both sides' numbers of stream management (XEP-0198): how many stanzas we have sent and how many of them the server
// says are done, and how many we got. Pure; owned by one client, asked from <enable/> on. Numbers wrap at 2^32.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace anser::load {

inline constexpr std::string_view kEnableAcks = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>";
inline constexpr std::string_view kAskForAck = "<r xmlns='urn:xmpp:sm:3'/>";

class Acks {
 public:
  void sent(std::string_view bytes);
  // Errc::bad_request when the server's `h` went back, or is ahead of what was sent.
  Result<void> take_answer(std::string_view answer);
  std::uint32_t acknowledged() const { return acknowledged_; }
  std::uint32_t unacknowledged() const { return sent_ - acknowledged_; }

  void received(std::string_view piece);
  std::string answer() const;

 private:
  std::uint32_t sent_ = 0;
  std::uint32_t acknowledged_ = 0;
  std::uint32_t received_ = 0;
};

bool is_ack_request(std::string_view piece);
bool is_ack_answer(std::string_view piece);

}  // namespace anser::load
