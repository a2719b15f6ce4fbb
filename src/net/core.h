// One event loop on one thread, and what the things that live on it share: a read buffer, a pool of output buffers,
// timers, and the end of the turn. Everything here is used from the core's own thread only (Cores::post comes in from
// elsewhere).
//
// A turn is the run of handlers that are ready together. What they produce is kept until its end: first the mailboxes
// hand their batches over, then each connection that was written to sends everything in one go. Nothing waits for a
// timer, and under load a turn ends after the handlers that were ready when it began.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "net/link.h"
#include "net/poller.h"
#include "net/timers.h"

namespace anser::net {

using CoreId = std::uint16_t;

// Something that has to act at the turn's end; linked, so marking it dirty allocates nothing. Owned by its core's
// thread.
class TurnEnd : private Link {
 public:
  TurnEnd() = default;
  virtual ~TurnEnd() { unlink(); }

 protected:
  void unmark() { unlink(); }

 private:
  friend class Core;
  virtual void at_end_of_turn() = 0;
};

class Core {
 public:
  static constexpr std::size_t kReadBuffer = 64 * 1024;
  static constexpr std::size_t kScratch = 16 * 1024;
  static constexpr std::size_t kPooledBytes = 8 << 20;       // of all pooled buffers; more are freed
  static constexpr std::size_t kPooledCapacity = 16 * 1024;  // larger ones are freed
  static constexpr int kRoundsPerTurn = 8;  // of functions that ask for another turn's end; then the loop breathes

  explicit Core(CoreId id);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  CoreId id() const { return id_; }
  boost::asio::io_context& io() { return *io_; }
  // The core whose thread this is, null elsewhere. On a loop that an application runs there is none: see of().
  static Core* current();
  // The core of a loop; an io_context that somebody else runs, on one thread at a time, becomes one. It then lives as
  // long as the io_context, and keeps it from running out of work only while there are connections or timers.
  static Core& of(boost::asio::io_context& io);

  // One for the whole loop; what is in it is valid until the next suspension.
  std::span<char> read_buffer() { return {read_buffer_.get(), kReadBuffer}; }
  // Where compressed input goes before it is inflated into the read buffer. The same rule.
  std::span<char> scratch() { return {scratch_.get(), kScratch}; }

  // Runs `action` once at the end of this turn, before the connections send.
  void at_turn_end(std::function<void()> action);
  // The same for those who send: after all actions. Marking twice is marking once.
  void mark(TurnEnd& end);

  Timers& timers() { return timers_; }
  Poller& poller() { return poller_; }

  // Empty, with some capacity. Give it back when it is written.
  std::string take_buffer();
  void give_back(std::string buffer);

  // Connections that say goodbye: flushed, closed, not yet gone (each for a bounded time). A program that wants to stop
  // waits until there are none.
  std::size_t closing() const { return closing_; }

  // Runs the loop on this thread until stop(); Cores does it, and tests with one core.
  void run();
  void stop();  // from any thread
  // Destroys what still waits on the loop. Cores calls it for every core before it destroys the first.
  void shut_down();

 private:
  friend class Connection;
  class Loop;
  class Current;
  class Hosted;

  Core(CoreId id, std::unique_ptr<Loop> loop, boost::asio::io_context* io = nullptr);
  void expect_turn_end();
  void looked();
  void end_turn();

  CoreId id_;
  std::unique_ptr<char[]> read_buffer_;
  std::unique_ptr<char[]> scratch_;
  std::vector<std::string> pool_;
  std::size_t pooled_ = 0;  // bytes
  std::vector<std::function<void()>> actions_;
  std::vector<std::function<void()>> running_;  // the actions of this round
  Link marked_;
  bool turn_end_expected_ = false;
  bool ends_with_look_ = false;  // on somebody else's loop: one pass through the loop less
  std::size_t closing_ = 0;
  std::unique_ptr<Loop> loop_;  // null: somebody else's
  boost::asio::io_context* io_;
  Timers timers_;
  Poller poller_;
};

}  // namespace anser::net
