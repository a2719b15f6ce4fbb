// Sends messages over a connection and knows what became of each. At most 256 are under way: then input waits. Lives on
// the program's thread; what the library tells comes through an inbox.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "anser/connection.h"
#include "sdk/programs/inbox.h"
#include "sdk/programs/lines.h"
#include "sdk/programs/send.h"

namespace anser::programs {

class Sender {
 public:
  static constexpr std::size_t kUnderWay = 256;
  static constexpr std::size_t kTextBytes = 1024 * 1024;  // of one message; the server's limit is usually lower

  Sender(const SendOptions& options, std::string to, sdk::Connection& connection, const Console& console);
  ~Sender();

  void send_one(const std::string& text);
  void send_lines(int in);

  // Prints the last sentence; whether all went well.
  bool finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Settled {
    std::uint64_t number;
    sdk::Delivery delivery;
  };
  struct Trouble {
    sdk::Error error;
  };
  struct Event {
    std::optional<Settled> settled = {};
    std::optional<Trouble> trouble = {};
  };

  // False: there is no room for it now.
  bool send(std::uint64_t number, const std::string& text);
  bool full() const { return under_way_.size() >= kUnderWay; }
  // Until something happens, or input is there; in < 0: no input is wanted.
  void wait(int in);
  void take(const Settled& settled);
  void complain(std::uint64_t number, const std::string& sentence);
  void give_up();

  const SendOptions& options_;
  const std::string to_;
  sdk::Connection& connection_;
  const Console& console_;
  Inbox<Event> inbox_;
  sdk::ListenerId listener_ = 0;
  std::map<std::uint64_t, bool> under_way_;  // by number; whether the server has it already
  std::size_t sent_ = 0, failed_ = 0;
  std::string trouble_;  // why the connection was last lost
  Clock::time_point progress_;
  bool many_ = false;  // sentences name the line
  bool given_up_ = false;
  bool readable_ = false;  // there was input when wait() returned
};

}  // namespace anser::programs
