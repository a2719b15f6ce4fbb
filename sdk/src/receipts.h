// Delivery receipts (XEP-0184): asks for them, gives them, and tells the session's book of deliveries of those that
// come. Lives on the loop, as long as the session; there is no public class.
//
// Whoever gets a receipt learns that somebody is there (§8), so only contacts that may see our presence and the
// account's own devices get one. Carbons and archive results carry their message inside and are never looked into.
#pragma once

#include <functional>
#include <string>

#include "anser/roster.h"
#include "sdk/src/channel.h"

namespace anser::sdk {

class Receipts final : public Extension {
 public:
  // The message with this id arrived at a device of this bare address, or so it says. Any id, from anybody, any number
  // of times: the book knows what it sent to whom.
  using Arrived = std::function<void(const std::string& id, const std::string& from_bare)>;

  // The roster must live as long.
  Receipts(Channel& channel, const Roster& roster, Arrived arrived);

  bool on_message(const Message& message) override;
  // Before it is written.
  void on_sending(Message& message);

 private:
  bool may_know(const std::string& bare) const;
  void answer(const Message& message);

  Channel& channel_;
  const Roster& roster_;
  Arrived arrived_;
};

}  // namespace anser::sdk
