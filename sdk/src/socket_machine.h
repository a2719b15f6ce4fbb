// The rules of a Socket: which attempt, which timer, which frame, and who hears of it, without a socket, a clock or a
// thread of its own. It is told what happens and asks its host for what shall be done; the host is SocketSession, in
// tests a fake one. On the loop's thread.
//
//            open()                handshake, AuthResult
//     idle ----------> attempting ------------------------> open
//      ^                   ^  |                              |
//      | given up, final   |  | failed                       | lost
//      +------------------ waiting <-------------------------+
//      ^
//      +---- closing <---- close(), from everywhere: until the connection is gone
//
// The queue is empty in `idle`, unless it was the credentials: then it waits for open() or close().
//
// Invariants: one attempt at a time, from start() to its one ended(); a timer of each kind at most, and none once idle.
// Functions of the application are called last, when the state is whole, one after the other and never one within
// another: they may call anything here, and destroy everything.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "anser/socket.h"
#include "sdk/src/backoff.h"
#include "sdk/src/duplicates.h"
#include "sdk/src/socket_frames.h"
#include "sdk/src/socket_queue.h"

namespace anser::sdk {

enum class SocketTimer : std::uint8_t {
  limit,      // for an attempt
  retry,      // until the next attempt
  heartbeat,  // until the next heartbeat
  answer,     // for something to come after one
  goodbye,    // for the server's close frame
  request,    // for the oldest answer that is due
};
inline constexpr std::size_t kSocketTimers = 6;

// Why an attempt or a connection ended.
struct SocketEnd {
  Error error;
  std::uint16_t code = 1006;
  std::string reason = {};
  unsigned status = 0;  // of HTTP, when the server refused the handshake
  std::chrono::milliseconds retry_after{0};
};

class SocketHost {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~SocketHost() = default;

  // Begins an attempt, later, never from within this call. It is answered with opened() perhaps, then ended(), once.
  virtual void start(std::uint64_t attempt) = 0;
  // Ends the attempt: with a close frame if there is a WebSocket, else at once. ended() follows.
  virtual void give_up(std::uint16_t code, std::string_view reason) = 0;
  // Says goodbye; the connection lives on until the server says it too.
  virtual void say_goodbye(std::uint16_t code, std::string_view reason) = 0;
  virtual void write(std::string_view payload, bool text) = 0;
  virtual bool congested() const = 0;
  virtual bool has_room(std::size_t bytes) const = 0;  // for what does not wait in the queue
  virtual std::uint64_t bytes_in() const = 0;          // of the connection

  virtual void arm(SocketTimer timer, std::chrono::milliseconds after) = 0;
  virtual void disarm(SocketTimer timer) = 0;
  virtual Clock::time_point now() const = 0;

  // Calls a function of the application and catches what it throws. May destroy everything.
  virtual void call(const std::function<void()>& application) = 0;
  virtual bool is_alive() const = 0;
  virtual void facts_changed() = 0;
  virtual void waiting_changed(std::size_t messages, std::size_t bytes) = 0;
};

// The application's functions. Shared, because one may be replaced while it runs.
struct SocketHandlers {
  template <class... Arguments>
  using Handler = std::shared_ptr<const std::function<void(Arguments...)>>;

  Handler<> open;
  Handler<const SocketMessage&> message;
  Handler<const Error&> error;
  Handler<const SocketClose&> close;
  Handler<int, std::chrono::milliseconds> retry;
  Handler<const SocketPresence&> presence;
  Handler<const SocketTyping&> typing;
  Handler<const SocketReceipt&> receipt;
  Handler<const std::vector<SocketContact>&, bool> contacts;
  Handler<std::string_view, bool> frame;
};

// What answers a request; nothing for `Done`.
using SocketReply = std::variant<std::monostate, SocketHistoryPage, std::vector<SocketContact>>;

class SocketMachine {
 public:
  static constexpr std::size_t kRequests = 1'000;  // unanswered ones
  static constexpr std::size_t kGroups = 100;      // as the server's limit
  static constexpr std::size_t kWaiters = 1'000;   // for open() and for groups, each

  using Done = std::function<void(Result<void>)>;
  using Frame = std::function<std::string(std::string id)>;
  using Answered = std::function<void(Result<SocketReply>)>;

  // What may be asked about it from any thread.
  struct Facts {
    SocketStatus status = SocketStatus::closed;
    std::uint16_t close_code = 0;
    std::string close_reason;
    std::optional<Error> last_error;
    std::string address;
    bool running = false;  // open, or coming back
  };

  SocketMachine(const SocketConfiguration& configuration, SocketHost& host, Backoff::Draw draw);

  // From the application.
  void open(Done done);
  void close(std::uint16_t code, std::string reason);
  void network_changed();
  void set_credentials(SocketCredentials credentials) { credentials_ = std::move(credentials); }
  void send(SocketQueue::Entry entry);
  void acknowledge(const std::string& event_id);
  void send(const SocketPresence& presence);
  void write_now(std::string_view frame, bool text);  // what is lost without a connection
  // The frame is the request under its id. If it may not be said at all, why.
  void request(const Result<void>& may, const Frame& frame, Answered done);
  void ask_contacts(std::function<void(Result<std::vector<SocketContact>>)> done);
  void subscribe(const std::string& group, Done done);
  void unsubscribe(const std::string& group, Done done);
  // The socket is being destroyed: nothing is told any more.
  void forget_all();

  // From the host.
  void opened(std::uint64_t attempt);
  void received(std::uint64_t attempt, std::string_view payload, bool text);
  void writable();
  void ended(std::uint64_t attempt, SocketEnd end);
  void rang(SocketTimer timer);

  const Facts& facts() const { return facts_; }
  const SocketCredentials& credentials() const { return in_use_; }  // the attempt's
  bool wants_auth_result() const;
  SocketHandlers handlers;

 private:
  enum class State : std::uint8_t { idle, attempting, signing_in, open, waiting, closing };
  struct Pending {
    std::uint64_t number;
    Answered done;
    SocketHost::Clock::time_point due;
  };

  static Error no_connection() { return {Errc::wrong_state, "the socket is not connected"}; }

  void begin();
  void start_attempt();
  void enter(State state, SocketStatus status);
  void became_open();
  void pump();
  void beat();
  void give_up(Error why, std::uint16_t code, std::uint16_t said);
  void release_queue(const Error& why);
  void release(const Error& why, SocketStatus status);
  bool comes_back(const SocketEnd& end) const;
  void disarm_all();
  void settle(SocketQueue::Entry entry, Delivery::Outcome outcome, Error error);
  void count_waiting();
  void note(std::uint16_t code, std::string reason);

  // ---- socket_machine_requests.cpp ----
  void ask(const Frame& frame, Answered done);
  void answer(const std::string& request, Result<SocketReply> reply);
  void expire_requests();
  void fail_requests(const Error& why);
  void resubscribe(const std::string& group);
  void on_subscribed(const std::string& group, const Result<SocketReply>& reply);

  void on(frames::Ack ack);
  void on(SocketMessage message);
  void on(frames::AuthResult result);
  void on(frames::Refusal refusal);
  void on(SocketPresence presence);
  void on(frames::Roster roster);
  void on(SocketTyping typing);
  void on(SocketReceipt receipt);
  void on(frames::Page page);
  void on(frames::Done done);
  void on(frames::Unknown) {}

  // The application hears of it when what happens now has been dealt with: from the handler that is there then.
  void later(std::function<void()> call) { news_.push_back(std::move(call)); }
  void tell(Done done, Result<void> result);
  template <class... Arguments, class... Values>
  void tell(SocketHandlers::Handler<Arguments...> SocketHandlers::*which, Values... values) {
    later([this, which, ... values = std::move(values)] {
      if (const auto handler = handlers.*which) host_.call([&] { (*handler)(values...); });
    });
  }
  void drain();

  const SocketConfiguration& configuration_;
  SocketHost& host_;
  const Backoff::Draw draw_;
  SocketCredentials credentials_;  // for the next attempt
  SocketCredentials in_use_;       // by this one: whoever checks and whoever says them means the same
  Facts facts_;
  State state_ = State::idle;
  bool running_ = false;             // an attempt has been started and has not ended
  bool again_ = false;               // open() came while closing
  std::uint64_t attempt_ = 0;        // the last one's number
  std::optional<SocketEnd> ending_;  // why we end the attempt, if it is us
  std::optional<Error> refused_;     // by AuthResult: the close code follows
  Backoff backoff_;
  SocketQueue queue_;
  Duplicates duplicates_;
  std::uint64_t heard_ = 0;  // bytes that had come when the heartbeat went out
  bool asked_ = false;       // and nothing has come since

  std::uint64_t last_request_ = 0;
  std::deque<Pending> pending_;                      // by number, hence by `due`
  std::map<std::string, std::vector<Done>> groups_;  // that we take part in, and who waits for that
  std::optional<SocketPresence> presence_;           // our own
  bool wants_contacts_ = false;
  std::vector<Done> open_done_;

  std::deque<std::function<void()>> news_;
  bool draining_ = false;
};

}  // namespace anser::sdk
