// Where connections live: one thread that reads, writes and calls the application's functions. A Loop is a handle;
// copies are the same loop. One loop serves thousands of connections.
//
// Thread rules of the whole library:
//   - The functions that an application gives to a connection (listeners, results, filters) are called on its loop's
//     thread, one at a time. They must not block, nor run the loop; what they throw is caught and told to
//     ConnectionListener::failed.
//   - Every function of Connection and of its managers may be called from any thread, from those functions too.
//   - A function that waits (connect(), login(), …: the forms without a `done`) must not be called on the loop's
//   thread:
//     it returns Errc::would_block at once. The form with `done` may.
//   - A connection may be destroyed anywhere, from its own listeners too. After its destructor has returned none of its
//     functions is called again, except that one which is running on another thread at that moment ends.
#pragma once

#include <memory>
#include <utility>

#include "anser/export.h"

namespace boost::asio {
class io_context;
}

namespace anser::sdk {

class LoopState;

class ANSER_API Loop {
 public:
  // A loop with a thread of its own, which ends with the last connection and handle of it.
  Loop();
  // The application's io_context, which it runs itself, on one thread at a time, and keeps until all connections on it
  // are destroyed. Nothing happens while it does not run; run() returns when no connection has anything to do.
  Loop(boost::asio::io_context& io);  // implicit on purpose: Connection{configuration, io}
  // The loop of those who name none: one for the process, started with the first connection.
  static Loop shared();

  bool on_its_thread() const;

 private:
  friend struct LoopAccess;
  explicit Loop(std::shared_ptr<LoopState> state) : state_(std::move(state)) {}
  std::shared_ptr<LoopState> state_;
};

}  // namespace anser::sdk
