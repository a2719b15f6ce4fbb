// Who wants to know what became of a message. It is told `stored`, and stays known for a receipt or an error that comes
// later, as one of the last 4,096. Rules only; on the loop's thread. What it returns is called by the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "anser/connection.h"

namespace anser::sdk {

class Deliveries {
 public:
  static constexpr std::size_t kKept = 4096;  // of those that are stored

  // A second message with the id takes the first one's place.
  void expect(std::string id, std::string to, DeliveryListener listener);
  bool empty() const { return waiting_.empty(); }
  bool expects(std::string_view id) const { return waiting_.contains(std::string{id}); }

  // What is to be called, with what; nothing (an empty function) if nobody waits for it.
  std::function<void()> stored(const std::string& id);
  // From whom the receipt or error came: only the one whom the message went to is believed.
  std::function<void()> delivered(const std::string& id, std::string_view from);
  std::function<void()> bounced(const std::string& id, std::string_view from, Error error);
  std::function<void()> ended(const std::string& id, Delivery::Outcome outcome, Error error);

 private:
  struct Waiting {
    std::string to;
    DeliveryListener listener;
    std::list<std::string>::iterator kept;  // in stored_, once stored
    bool stored = false;
  };

  std::function<void()> tell(const Waiting& waiting, Delivery delivery);
  void forget(std::unordered_map<std::string, Waiting>::iterator at);

  std::unordered_map<std::string, Waiting> waiting_;
  std::list<std::string> stored_;  // oldest first
};

}  // namespace anser::sdk
