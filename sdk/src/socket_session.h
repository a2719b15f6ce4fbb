// A Socket's connections: carries out what SocketMachine decides, with real sockets, timers and threads. It lives on
// its loop's thread; what may be called from elsewhere says so. One attempt (a coroutine that dials, shakes hands and
// reads) at any time. Kept by its Socket and by its attempt.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "anser/socket.h"
#include "net/connection.h"
#include "net/tls_client.h"
#include "net/websocket_client.h"
#include "sdk/src/gone.h"
#include "sdk/src/loop_state.h"
#include "sdk/src/socket_machine.h"
#include "sdk/src/socket_url.h"

namespace anser::sdk {

class SocketSession final : private SocketHost, public std::enable_shared_from_this<SocketSession> {
 public:
  SocketSession(SocketConfiguration configuration, std::shared_ptr<LoopState> loop);
  ~SocketSession() override;

  // From any thread.
  const SocketConfiguration& configuration() const { return configuration_; }
  bool on_loop() const { return loop_->on_its_thread(); }
  // On the loop's thread: at once if this is it, else soon and in the order of the calls. Dropped once the socket is
  // destroyed.
  void run(std::function<void(SocketMachine&)> work);
  SocketMachine::Facts facts() const;
  std::size_t waiting() const { return waiting_messages_; }
  void open(SocketMachine::Done done);
  Result<std::string> send(SocketMessage message, DeliveryListener listener);
  // What does not wait for a connection: `work` writes a frame of so many bytes.
  Result<void> send_now(std::size_t bytes, std::function<void(SocketMachine&)> work);
  void set_exception_handler(std::function<void(std::exception_ptr)> handler);
  // The socket is being destroyed: nothing of the application is called any more, everything ends. Waits for that,
  // unless it is called on the loop's thread or the application runs the loop.
  void abandon();

 private:
  // SocketHost
  void start(std::uint64_t attempt) override;
  void give_up(std::uint16_t code, std::string_view reason) override;
  void say_goodbye(std::uint16_t code, std::string_view reason) override;
  void write(std::string_view payload, bool text) override;
  bool congested() const override { return link_ && link_->congested(); }
  bool has_room(std::size_t bytes) const override {
    return !congested() || link_->queued() + bytes <= configuration_.queue_bytes;
  }
  std::uint64_t bytes_in() const override { return link_ ? link_->bytes_in() : 0; }
  void arm(SocketTimer timer, std::chrono::milliseconds after) override;
  void disarm(SocketTimer timer) override;
  Clock::time_point now() const override { return Clock::now(); }
  void call(const std::function<void()>& application) override;
  bool is_alive() const override { return alive_.load(std::memory_order_relaxed); }
  void facts_changed() override;
  void waiting_changed(std::size_t messages, std::size_t bytes) override;

  static net::Task<void> attempt(std::shared_ptr<SocketSession> self, std::uint64_t number);
  net::Task<SocketEnd> live(std::uint64_t number);
  net::Task<SocketEnd> converse(std::uint64_t number, std::optional<net::Connection>& link, std::string host);
  net::Task<Result<std::shared_ptr<const net::TlsClient>>> make_tls();
  net::Task<std::optional<SocketEnd>> shake_hands(std::optional<net::Connection>& link, net::WebSocketOpening opening);
  Result<net::WebSocketOpening> opening(const std::string& host) const;
  bool has_field(std::string_view name) const;
  bool may_say_credentials(const net::Connection& link) const;
  SocketEnd why_it_ended(const anser::Error& below, const net::Connection& link) const;
  void count_link() { link_bytes_ = congested() ? link_->queued() : 0; }
  net::Alarm& alarm(SocketTimer timer) { return alarms_[static_cast<std::size_t>(timer)]; }
  std::function<void()> ring(SocketTimer timer);

  const SocketConfiguration configuration_;
  const std::shared_ptr<LoopState> loop_;
  net::Core& core_;
  const Result<SocketUrl> url_;
  const ConnectionConfiguration way_;  // there, in the terms of reach.h
  const std::string id_prefix_;
  std::atomic<std::uint64_t> last_id_ = 0;
  std::atomic<bool> alive_ = true;
  std::atomic<int> opening_ = 0;                                     // calls of open() on their way from other threads
  std::atomic<bool> wanted_ = false;                                 // it is open or coming back
  std::atomic<std::size_t> posted_messages_ = 0, posted_bytes_ = 0;  // on their way from other threads
  std::atomic<std::size_t> waiting_messages_ = 0, waiting_bytes_ = 0;
  std::atomic<std::size_t> posted_now_ = 0;  // bytes of send_now(), on their way from other threads
  std::atomic<std::size_t> link_bytes_ = 0;  // that a congested connection has not taken; else 0

  SocketMachine machine_;
  std::shared_ptr<const std::function<void(std::exception_ptr)>> on_exception_;
  boost::asio::cancellation_signal cancel_;
  net::Connection* link_ = nullptr;    // the attempt's
  bool stopped_ = false;               // the attempt shall end
  std::optional<SocketEnd> overflow_;  // the server does not read
  std::shared_ptr<const net::TlsClient> tls_client_;
  std::shared_ptr<const net::TlsSession> tls_session_;
  std::array<net::Alarm, kSocketTimers> alarms_;

  mutable std::mutex facts_mutex_;
  SocketMachine::Facts facts_;
  const std::shared_ptr<Gone> gone_ = std::make_shared<Gone>();
};

}  // namespace anser::sdk
