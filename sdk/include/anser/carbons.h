// What the account's other devices send and receive (XEP-0280). Copies are taken from the own account only.
#pragma once

#include "anser/connection.h"

namespace anser::sdk {

class ANSER_API CarbonManager {
 public:
  enum class Direction : std::uint8_t { sent, received };
  using CarbonListener = std::function<void(Direction direction, const Message& message)>;

  bool is_enabled() const;
  // Login does it if configured and offered. Errc::stanza, wrong_state.
  Result<void> enable();
  void enable(Done done);
  Result<void> disable();
  void disable(Done done);

  // A copy goes to these listeners only, never to stanza listeners or chats.
  ListenerId add_listener(CarbonListener listener);
  void remove_listener(ListenerId id);

 private:
  friend struct ManagerAccess;
  explicit CarbonManager(Channel& channel);
  ~CarbonManager();
  CarbonManager(const CarbonManager&) = delete;

  class Carbons;
  std::unique_ptr<Carbons> carbons_;
};

}  // namespace anser::sdk
