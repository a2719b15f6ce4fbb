// One account over a WebSocket (docs/wire/websocket.md), across as many connections as it takes: what a mobile app
// does, in C++. The thread rules stand in anser/loop.h.
//
//   sdk::SocketConfiguration configuration{"wss://example.org:5443/ws"};
//   configuration.credentials = {.user = "romeo", .password = "secret"};
//   sdk::Socket socket{configuration};
//   socket.on_message([](const sdk::SocketMessage& message) { … });
//   socket.open();
//   socket.send({"juliet", "Wilt thou be gone?"});
//
// There is one connection at any time, or one attempt to make it, or the wait for the next. What is sent meanwhile
// waits in a bounded queue and is repeated, unchanged, until the server has acknowledged it: it arrives, and once.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anser/configuration.h"
#include "anser/delivery.h"
#include "anser/loop.h"
#include "anser/socket_message.h"

namespace anser::sdk {

class SocketSession;

enum class SocketStatus : std::uint8_t {
  connecting,  // an attempt is under way
  connected,   // the handshake is done and the account signed in
  failed,      // the last attempt or connection failed; the next one follows, unless on_close() has said that none will
  closed,      // never opened, or closed by close() or in order by the server
};

enum class SocketProtocol : std::uint8_t {
  protobuf,  // subprotocol anser.protobuf: everything
  bare,      // no subprotocol: messages, acknowledgements and heartbeats, as old servers of this format have them
  raw,       // no subprotocol, any server: frames as they are, send_text(), send_binary() and on_frame()
};

// Either a name and its password, or a token.
struct SocketCredentials {
  enum class Place : std::uint8_t { header, query, first_frame };

  std::string user = {}, password = {};
  std::string token = {};
  Place place = Place::header;
};

struct SocketConfiguration {
  SocketConfiguration() = default;
  explicit SocketConfiguration(std::string url) : url(std::move(url)) {}

  std::string url = {};  // ws://host:port/path?query, or wss://
  SocketProtocol protocol = SocketProtocol::protobuf;
  SocketCredentials credentials = {};
  // Passwords, tokens, and fields named Authorization and Cookie go over ws:// only to this machine, unless this is
  // set.
  bool plain_in_the_clear = false;
  // More fields of the handshake; not those that it writes itself: Host, Upgrade, Connection, Sec-WebSocket-…, and with
  // credentials Authorization.
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool compression_enabled = false;  // permessage-deflate, when the server agrees

  TlsConfiguration tls = {};
  std::optional<Proxy> proxy = {};
  SocketFactory socket_factory = {};
  std::vector<std::string> dns_servers = {};  // "192.0.2.53:53"; empty: the system's

  std::chrono::milliseconds heartbeat_interval{30'000};  // 0: none
  // After a heartbeat something must come, whatever it is, or the connection counts as lost: half-open ones are found.
  std::chrono::milliseconds heartbeat_answer{15'000};
  std::string heartbeat = R"({"module":"HEART_CHECK","message":"heartbeat"})";  // a text frame

  std::chrono::milliseconds connect_limit{15'000};  // look-up, socket, TLS, handshake, and signing in
  std::chrono::milliseconds close_limit{2'000};     // for the server's close frame
  std::chrono::milliseconds request_limit{10'000};  // for the answer to history(), contacts(), subscribe() …
  // Of an attempt that failed, the first one too, or a connection that was lost. `attempts` in a row at most, counted
  // anew after a connection that has held for `settled`.
  Reconnection reconnection = {.attempts = 60};

  // Who acknowledges a message that came: the library, when on_message() has returned, or the application with
  // acknowledge(). Whoever does, the server keeps what is not acknowledged; with SocketProtocol::bare only from a
  // connection's first acknowledgement on, so what was on its way before that is lost with the connection.
  bool acknowledge = true;
  std::size_t queue_messages = 1'000;             // that wait for a connection, or for their acknowledgement
  std::size_t queue_bytes = 16 * 1024 * 1024;     // the next send() is Errc::queue_full; so much again of other frames
  std::size_t sent_bytes = 256 * 1024;            // a larger message is Errc::invalid_argument: servers refuse it
  std::size_t received_bytes = 16 * 1024 * 1024;  // a larger message ends the connection
};

struct SocketClose {
  // RFC 6455 §7.4 and docs/wire/websocket.md; 1005: with a close frame that has no code; 1006: without a close frame.
  std::uint16_t code = 0;
  std::string reason = {};
  bool final = true;  // it will not come back by itself
};

class ANSER_API Socket {
 public:
  explicit Socket(SocketConfiguration configuration, Loop loop = Loop::shared());
  // Closes at once; for a proper end call close() before. It waits until nothing is left, but not on the loop's thread,
  // nor when the application runs the loop: there a function of the application that runs at this moment may still be
  // running when the destructor returns (no other begins), and the connection ends, and the functions are destroyed,
  // when the loop goes on. Let it, before the io_context goes.
  ~Socket();
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;

  // One function each, told on the loop's thread; a later one takes the earlier one's place, an empty one removes it.
  // They belong to the socket, not to a connection: set them before open(), once. What they throw goes to
  // on_exception().
  void on_open(std::function<void()> handler);  // after each time that it is connected
  // Without this one nothing is acknowledged: the server keeps it for a later connection, or ends this one when too
  // much waits. Set it before open(): what is acknowledged covers what came before it.
  void on_message(std::function<void(const SocketMessage&)> handler);
  // An attempt failed, a connection was lost, or the server refused something that is no message and no request.
  void on_error(std::function<void(const Error&)> handler);
  // A connection that was open is over, or it is final.
  void on_close(std::function<void(const SocketClose&)> handler);
  void on_retry(std::function<void(int attempt, std::chrono::milliseconds after)> handler);  // the next is planned
  void on_presence(std::function<void(const SocketPresence&)> handler);
  void on_typing(std::function<void(const SocketTyping&)> handler);
  void on_receipt(std::function<void(const SocketReceipt&)> handler);
  // Once contacts() has asked: all of them after each reconnection, and those that have changed.
  void on_contacts(std::function<void(const std::vector<SocketContact>&, bool all)> handler);
  void on_frame(std::function<void(std::string_view data, bool text)> handler);  // with SocketProtocol::raw
  void on_exception(std::function<void(std::exception_ptr)> handler);

  // Begins. Nothing while it is open or coming back. `done` hears once: it is open, or it is final. After an end for
  // its credentials (4401, HTTP's 401: a token that has expired) what waits is kept for the next open(), or close().
  void open(std::function<void(Result<void>)> done = {});
  // Final: no timer, no attempt, no queue is left; what waits is told so. Codes are 1000 and 3000 to 4999.
  void close(std::uint16_t code = 1000, std::string reason = {});
  // The network has changed or come back: an attempt that waits is made at once, a connection that stands is tested.
  void network_changed();
  // From the next attempt on: for tokens that expire. After such an end, then open().
  void set_credentials(SocketCredentials credentials);

  const SocketConfiguration& configuration() const;
  // As the loop's thread has it: from another thread, right after open(), it may be what it was before.
  SocketStatus status() const;
  // Of the last connection or attempt that ended; 0 and "" before.
  std::uint16_t close_code() const;
  std::string close_reason() const;
  std::optional<Error> last_error() const;
  std::string address() const;  // full, of this session, as the server said it; "" before
  std::size_t waiting() const;  // messages without acknowledgement

  // Queues a message; gives its event_id. The listener hears `stored` when the server has it, `failed` when it refused
  // it or it was never sent, `unconfirmed` when the end came after it was sent and before it was acknowledged.
  // Errc::invalid_argument, queue_full; wrong_state before open() and after the end.
  Result<std::string> send(SocketMessage message, DeliveryListener listener = {});
  // This message and all that came before it on the connection, when `acknowledge` is off. What was not acknowledged
  // comes again after a reconnection; the server ends a connection on which too much waits for that.
  void acknowledge(std::string event_id);

  // What means something only now: Errc::wrong_state without a connection, invalid_argument (also a frame of more than
  // 16 KB, which the server would not take), unsupported; queue_full when `queue_bytes` of it wait to be written.
  Result<void> send_presence(SocketPresence presence);  // without `to` it is sent again after a reconnection
  Result<void> send_typing(SocketTyping typing);
  Result<void> send_receipt(SocketReceipt receipt);
  Result<void> send_text(std::string text);  // with SocketProtocol::raw, as the next
  Result<void> send_binary(std::string data);

  // Questions. A refusal is Errc::stanza with the server's code as its condition; without a connection wrong_state;
  // invalid_argument and queue_full as above; timeout; closed when the connection is lost first. A future must not be
  // waited for on the loop's thread, which brings the answer: there it would wait for ever. As coroutines:
  // anser/asio.h.
  void history(SocketHistoryQuery query, std::function<void(Result<SocketHistoryPage>)> done);
  std::future<Result<SocketHistoryPage>> history(SocketHistoryQuery query);
  void contacts(std::function<void(Result<std::vector<SocketContact>>)> done);
  std::future<Result<std::vector<SocketContact>>> contacts();
  void set_contact(SocketContact contact, std::function<void(Result<void>)> done);  // adds or changes it
  void remove_contact(std::string address, std::function<void(Result<void>)> done);
  // Groups are asked for again after each reconnection, until they are left or refused. Without a connection the
  // question waits for one.
  void subscribe(std::string group, std::function<void(Result<void>)> done = {});
  void unsubscribe(std::string group, std::function<void(Result<void>)> done = {});

 private:
  std::shared_ptr<SocketSession> session_;
};

}  // namespace anser::sdk
