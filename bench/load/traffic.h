// Numbered messages between partners: client 2k and client 2k+1 write to each other. Every delivery is checked for its
// number, so a lost, repeated or reordered message ends the run; and every one can give a latency.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fleet.h"
#include "meter.h"

namespace anser::load {

inline constexpr std::string_view kBodyStart = "<body>";

// A message whose number can be changed in place, in its id and at the start of its body.
class NumberedMessage {
 public:
  NumberedMessage(std::string_view to, std::size_t body_bytes);
  std::string_view numbered(std::uint32_t number);

 private:
  std::string text_;
  std::size_t id_at_ = 0;
  std::size_t body_at_ = 0;
};

// The number of a message that arrived. Errc::bad_request for a bounce or for somebody else's message.
Result<std::uint32_t> number_of(std::string_view message);
bool is_message(std::string_view stanza);

// Lives as long as the fleet it listens to.
class Traffic {
 public:
  Traffic(Fleet& fleet, std::size_t body_bytes, std::size_t in_flight_each);

  // Call after the fleet has grown.
  void cover_fleet();
  // With stream management the client asks for an acknowledgement behind as many messages as it may have in flight.
  void send(std::size_t from);
  // Called with the sender's index for each message that its partner got.
  void set_on_delivered(std::function<void(std::size_t)> on_delivered) { on_delivered_ = std::move(on_delivered); }

  // Runs for `time`, or longer with a server so slow that fewer than `least` messages arrived by then.
  Result<void> run_window(std::chrono::milliseconds time, std::uint64_t least);
  // Whatever is still under way must arrive too, and be acknowledged: a server that drops under load is not fast.
  Result<void> drain();

  std::uint64_t delivered() const { return delivered_; }
  std::uint32_t sent_by(std::size_t client) const { return lanes_[client].sent; }
  std::uint64_t in_flight() const { return sent_ - delivered_; }
  Latencies& latencies() { return latencies_; }
  void sample_latencies(bool on) { sampling_ = on; }

 private:
  struct Lane {  // what one client sends
    NumberedMessage message;
    std::uint32_t sent = 0;
    std::uint32_t arrived = 0;
    std::vector<Tick> sent_at;  // ring, by number
  };

  void on_stanza(Client& client, std::string_view stanza);

  Fleet& fleet_;
  std::size_t body_bytes_;
  std::size_t ask_every_;
  std::size_t ring_ = 1;
  std::vector<Lane> lanes_;
  std::function<void(std::size_t)> on_delivered_;
  std::uint64_t sent_ = 0;
  std::uint64_t delivered_ = 0;
  bool sampling_ = false;
  Latencies latencies_;
};

}  // namespace anser::load
