// One WebSocket of the load, and many of them: they connect some at a time, get in as their dialect says, and then hand
// on what each frame means. Between two events a client keeps only the unfinished tail of what it read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "loop.h"
#include "socket.h"
#include "ws_dialect.h"

namespace anser::load {

class WsFleet;

class WsClient final : public Watched {
 public:
  WsClient(WsFleet& fleet, std::size_t index);

  void start();
  void send(std::string_view frame);  // goes out when the loop's batch is done
  std::size_t index() const { return index_; }
  bool is_ready() const { return ready_; }

  void on_events(std::uint32_t events) override;
  void flush() override;

 private:
  Result<void> shake_hands();
  Result<void> receive();
  Result<std::size_t> take(std::string_view bytes);  // how much of it
  Result<void> take_frame(const WsFrame& frame);
  void watch_writes(bool wanted);
  void fail_with(const Error& error);

  WsFleet& fleet_;
  std::size_t index_;
  Socket socket_;
  std::string tail_;
  bool connected_ = false;
  bool upgraded_ = false;
  bool ready_ = false;
  bool flush_asked_ = false;
  bool watching_writes_ = false;
};

// The clients of a run; client i is account PREFIXi. The first that is lost, or that the server refuses something, ends
// the run.
class WsFleet {
 public:
  using OnMeaning = std::function<void(WsClient&, const WsMeaning&)>;

  WsFleet(Loop& loop, const RunPlan& run, const WsPlan& plan) : loop_(loop), run_(run), plan_(plan) {}

  Result<void> open(std::size_t count);
  // Runs the loop; Errc::timeout when the run's time is over before `done`.
  Result<void> run_until(std::string_view waiting_for, const std::function<bool()>& done);
  Result<void> run_for(std::chrono::milliseconds time);
  void give_up(Error error);

  void set_on_meaning(OnMeaning on_meaning) { on_meaning_ = std::move(on_meaning); }
  WsClient& operator[](std::size_t i) { return *clients_[i]; }
  std::size_t size() const { return clients_.size(); }
  std::string name_of(std::size_t i) const {
    return fmt::format("{}{}", run_.accounts.prefix, run_.accounts.first + i);
  }

 private:
  friend class WsClient;
  void start_some(std::size_t count);

  Loop& loop_;
  const RunPlan& run_;
  const WsPlan& plan_;
  OnMeaning on_meaning_;
  std::vector<std::unique_ptr<WsClient>> clients_;
  std::size_t ready_ = 0;
  std::optional<Error> broken_;
};

}  // namespace anser::load
