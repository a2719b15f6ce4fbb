// What the managers stand on: a connection as they see it. Session is the real one, tests have a fake. And what they
// are to the connection: extensions, which see what comes and goes before the application does.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "anser/connection.h"
#include "net/task.h"
#include "sdk/src/fail.h"

namespace anser::sdk {

class LoopState;

class Channel {
 public:
  virtual ~Channel() = default;

  // From any thread.
  virtual const ConnectionConfiguration& configuration() const = 0;
  virtual bool on_loop() const = 0;
  // On the loop's thread: at once if this is it, else soon and in the order of the calls. Dropped once the connection
  // is destroyed, so whoever waits for an answer is answered by who drops: see `wait_for`.
  virtual void run(std::function<void()> work) = 0;
  // What Connection::send does: looks at the message and queues it, in the order of these calls and those of run().
  // Errc::closed once the connection is destroyed.
  virtual Result<void> send(const Message& message, DeliveryListener listener) = 0;
  // For handles that may outlive the connection, which may also keep it from being freed for the length of a call.
  virtual std::weak_ptr<Channel> weak() = 0;

  // The rest on the loop's thread only.
  // Calls a function of the application, and catches what it throws. May destroy everything: touch nothing afterwards
  // without having asked is_alive().
  virtual void call(const std::function<void()>& application) = 0;
  virtual bool is_alive() const = 0;          // the application still has the connection
  virtual bool is_connected() const = 0;      // a stream
  virtual bool is_authenticated() const = 0;  // and logged in
  virtual bool is_secure() const = 0;
  virtual const std::string& user() const = 0;                           // the full address; "" before login
  virtual bool has_server_feature(std::string_view feature) const = 0;   // of the service's disco#info
  virtual bool has_account_feature(std::string_view feature) const = 0;  // of the own bare address's
  virtual bool has_stream_feature(std::string_view name, std::string_view ns) const = 0;
  // Bind 2 (XEP-0386) has already enabled what this namespace names.
  virtual bool has_bound(std::string_view ns) const { return static_cast<void>(ns), false; }
  virtual Result<void> send(const Stanza& stanza) = 0;  // whatever its kind
  // `done` exactly once, on the loop's thread, never from within this call.
  virtual void request(IQ iq, std::function<void(Result<IQ>)> done, std::chrono::milliseconds limit = {}) = 0;
  // What a reconnection logs in with.
  virtual void set_password(std::string password) = 0;
  virtual void complain(std::string line) = 0;  // to the debugger, about what a peer did that it must not
  // Where connections of its own can be made; null: nowhere (in tests).
  virtual LoopState* loop() { return nullptr; }
  // Runs a task that keeps the channel and ends soon once it is told to: whoever destroys the connection waits for it.
  virtual void start(net::Task<void> /*task*/, boost::asio::cancellation_slot /*slot*/) {}
};

// On the loop's thread. The session asks its extensions in their order: first carbons and archive, which take messages
// for themselves, then receipts and chats, which would take their wrapping for a message.
class Extension {
 public:
  virtual ~Extension() = default;

  // Bound anew: user() is known, the server's features are not yet. What is asked now goes out with the first presence,
  // in one round trip; the login waits for `done`.
  virtual void on_bound(std::function<void()> done) { done(); }
  // Logged in (the server's features are known), or resumed after a gap.
  virtual void on_session(bool resumed) { static_cast<void>(resumed); }
  // The stream is gone; a resumption may follow. `lost`: the session will not go on.
  virtual void on_closed(bool lost) { static_cast<void>(lost); }
  // True: it was meant for this extension alone, nobody else hears of it.
  virtual bool on_message(const Message& message) { return static_cast<void>(message), false; }
  virtual void on_presence(const Presence& presence) { static_cast<void>(presence); }
  // The answer, if the request is for this extension.
  virtual std::optional<IQ> on_request(const IQ& request) { return static_cast<void>(request), std::nullopt; }
};

// Waits for what `start(done)` announces. Errc::would_block on the loop's thread; Errc::closed when `done` was dropped
// uncalled, because the connection is gone.
template <class T, class Start>
Result<T> wait_for(Channel& channel, Start start) {
  if (channel.on_loop())
    return fail(Errc::would_block, "this call waits, and must not be made on the connection's own thread");
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto answer = promise->get_future();
  {
    std::function<void(Result<T>)> done = [promise = std::move(promise)](Result<T> result) {
      promise->set_value(std::move(result));
    };
    start(std::move(done));
  }
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return fail(Errc::closed, "the connection was destroyed");
  }
}

// Makes managers, and knows their insides; for Session and for tests.
struct ManagerAccess {
  template <class Manager>
  struct Delete {
    void operator()(Manager* manager) const { ManagerAccess::destroy(manager); }
  };
  template <class Manager>
  using Owned = std::unique_ptr<Manager, Delete<Manager>>;

  template <class Manager>
  static Owned<Manager> make(Channel& channel) {
    return Owned<Manager>{new Manager(channel)};
  }
  template <class Manager>
  static void destroy(Manager* manager) {
    delete manager;
  }

  static Extension& extension(AccountManager& accounts);
  static Extension& extension(Roster& roster);
  static Extension& extension(ChatManager& chats);
  static Extension& extension(CarbonManager& carbons);
  static Extension& extension(ArchiveManager& archive);
  static Extension& extension(FileTransfers& transfers);
  static void cancel_all(FileTransfers& transfers);
};

}  // namespace anser::sdk
