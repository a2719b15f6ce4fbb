// A stream of bytes to one peer: a socket, with TLS and zlib between when agreed. The first stop of a message's path.
//
// It belongs to one core at a time and never moves in memory; to change cores it is taken apart into a Handed and put
// together again over there. Idle it holds no buffer: read() waits for readiness, then receives into the loop's buffer;
// output is collected in a pooled buffer and sent once at the turn's end. One read() at a time; whoever reads owns the
// connection and outlives its read(). After abort() or close_after_flush() a pending read() returns, Errc::closed.
//
// Not bounded here: what is appended to out(). The owner looks at congested() and keeps its backlog elsewhere.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/admission.h"
#include "net/compression.h"
#include "net/core.h"
#include "net/file.h"
#include "net/poller.h"
#include "net/task.h"
#include "net/tls.h"

namespace anser::net {

class TlsChannel;
class TlsClient;
class TlsSession;
class WebSocket;
class Zip;

// A connection between two cores, or fresh from the listener: a value, and whoever holds it owns the socket.
struct Handed {
  Handed();
  Handed(File socket, boost::asio::ip::tcp::endpoint peer, Admission admission = {});
  Handed(Handed&&) noexcept;
  Handed& operator=(Handed&&) noexcept;
  ~Handed();

  File socket;
  boost::asio::ip::tcp::endpoint peer;
  Admission admission;
  std::unique_ptr<TlsChannel> tls;
  std::unique_ptr<Zip> zip;
  std::unique_ptr<WebSocket> websocket;
  std::unique_ptr<std::string> unread;  // the first read() gives it
  std::string unsent;                   // what the socket has not taken, as it goes on the wire below TLS
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

class Connection final : private Timer, private TurnEnd, private Watched {
 public:
  static constexpr std::size_t kHighWater = 64 * 1024;
  static constexpr std::size_t kLowWater = 16 * 1024;
  static constexpr std::chrono::seconds kDrainLimit{30};  // drained()
  static constexpr std::chrono::seconds kGoodbyeLimit{
      5};                                   // close_after_flush(), from the call until the socket is gone
  static constexpr int kReadsAtOnce = 4;    // full buffers in a row, then the others have their turn
  static constexpr int kRefillsAtOnce = 8;  // of kHighWater each: more than one read of kReadsAtOnce brings in

  Connection(Core& core, Handed handed);
  ~Connection();

  // The next input, never empty; valid until the next co_await (so not through `within`: there is limit()).
  // Errc::closed at its end, io when the network failed, timeout when the limit passed, policy_violation for a
  // compression bomb, bad_request for what is not zlib.
  Task<Result<std::string_view>> read();
  // read() in two steps, for who waits often and long: what is there now, if anything, without a coroutine of its own,
  // and the wait for more. `take` is empty when there is nothing yet: then wait. Bytes may be received into `into`, if
  // the caller has a place of its own for them, where they stay.
  std::optional<Result<std::string_view>> take(std::span<char> into = {});
  Task<void> wait();
  // No piece is larger, at most Core::kReadBuffer: for who may have to keep what it has read.
  void read_at_most(std::size_t bytes) { read_size_ = static_cast<std::uint32_t>(bytes); }
  // The same for who is no coroutine, which saves its frame: calls `there` once, from the loop, when take() may have
  // something (or the end). `there` begins with a pointer to what will be touched, and may own it.
  template <class Handler>
  void when_readable(Handler there) {
    if (need_not_wait())
      boost::asio::post(core_.io(), std::move(there));  // others have their turn
    else
      when(wanted_, std::move(there));
  }
  // Calls `there` once, after resume(), or when the connection has ended or the limit has passed: for who does not want
  // to read now.
  template <class Handler>
  void park(Handler there) {
    if (closed_)
      boost::asio::post(core_.io(), std::move(there));
    else
      when(0, std::move(there));
  }
  void resume() { wake(); }

  // Append here, then flush_soon(): everything appended in a turn leaves in one send at its end.
  std::string& out();
  void flush_soon() { core_.mark(*this); }
  // For bytes that many connections get: sent at once and without a copy when nothing is before them, else appended.
  void send_shared(std::string_view bytes);
  // Bytes appended and not yet taken by the kernel.
  std::size_t queued() const { return output_ ? output_->appended.size() + (output_->wire.size() - output_->sent) : 0; }
  // kHighWater or more waits: keep what else there is in a backlog, on_writable() asks for it.
  bool congested() const { return queued() >= kHighWater; }
  // Called when kLowWater or less waits after the connection had been congested, so at the end of this turn already if
  // the socket takes everything. May append, flush and close, must not destroy.
  void on_writable(std::function<void()> refill) {
    refill_ = std::make_unique<const std::function<void()>>(std::move(refill));
  }
  // Everything is written: Errc::timeout after kDrainLimit, closed or io when it never will be.
  Task<Result<void>> drained();

  // The server's handshake over this socket, after what is queued has left in the clear. Errc::timeout after the limit;
  // io with OpenSSL's reason when it fails, and then there is nothing left to do but close_after_flush() (the peer
  // still gets the alert) or abort(). What a client sent in the clear behind its wish for TLS has come with an earlier
  // read(): refuse it there. Nobody may be reading meanwhile.
  // `host` chooses the certificate for a client that sends no SNI; a view that must live as long as the handshake.
  Task<Result<void>> accept_tls(std::shared_ptr<const TlsServer> server, TlsLimits limits = {},
                                std::string_view host = {});
  // The client's, alike. `service` is the domain that the server must be. Errc::not_authorized, and a sentence, if its
  // certificate is not good; bad_request if the service cannot be a server's name. What a server sent in the clear
  // behind its consent has come with an earlier read(): refuse it there. A session makes it shorter if the server
  // agrees; it is taken or not, and that is no error.
  Task<Result<void>> connect_tls(std::shared_ptr<const TlsClient> client, TlsLimits limits, std::string service,
                                 std::shared_ptr<const TlsSession> session = nullptr);
  // What to come back with; null if this is no client's TLS, or its server has offered no session (yet: with TLS 1.3 it
  // comes with the first input). Ask when the connection has been used.
  std::shared_ptr<const TlsSession> tls_session() const;
  const TlsFacts* tls() const;  // null: in the clear

  // zlib both ways (XEP-0138) from the next byte on; what was appended before leaves uncompressed.
  Result<void> start_compression(const CompressionLimits& limits);
  bool compressed() const { return zip_ != nullptr; }

  // Messages instead of bytes, from the next byte on (RFC 6455): read() and take() give one whole message each, and
  // answer pings. A close frame is answered, and is Errc::closed with its reason; what breaks the protocol is answered
  // with a close frame, and is policy_violation (too big) or bad_request. The connection is closed then.
  void start_websocket(std::unique_ptr<WebSocket> websocket);
  WebSocket* websocket() { return websocket_.get(); }                 // null: bytes
  std::uint16_t peer_close_code() const { return peer_close_code_; }  // 0: no close frame has come
  // What was appended to out() since it had this size is one text message. Without a WebSocket it is nothing special.
  void end_message(std::size_t start);
  // Says goodbye with a code (RFC 6455 §7.4) and ends as close_after_flush() does.
  void close_websocket(std::uint16_t code, std::string_view reason);

  // Flushes what is queued, says goodbye (WebSocket, TLS and TCP) and closes, in the background and within
  // kGoodbyeLimit. The connection is closed for its owner at once and may be destroyed.
  void close_after_flush();
  // Closes at once; what is queued is lost.
  void abort();
  bool closed() const { return closed_; }
  bool late() const { return late_; }  // the limit has passed

  // A deadline: from then on read() fails with Errc::timeout, a pending one too. 0 lifts it. Moving it away is cheap.
  void limit(std::chrono::seconds after);
  // As if the limit had passed: for who ends a read() that somebody else waits in.
  void expire() { on_time(); }

  std::string peer() const;  // "192.0.2.1:40404", for people
  boost::asio::ip::address peer_address() const { return peer_.address(); }
  bool is_loopback() const { return peer_.address().is_loopback(); }
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }
  // The peer has logged in: it no longer counts against its address's limit for strangers.
  void admitted() { admission_.admitted(); }

  Core& core() { return core_; }
  using Watched::held_by;

  // Takes it apart for another core; nobody may be reading. `unread` is input that read() gave and nobody consumed. The
  // limit stays behind. Better drained() first, so that nothing waits for the other core to take over.
  Handed hand_over(std::string_view unread = {});

 private:
  struct Output {
    std::string appended;  // in the clear
    std::string wire;      // compressed if agreed, on its way into the socket (or into TLS)
    std::size_t sent = 0;  // of wire
  };
  struct Written {
    std::size_t size;  // 0: the socket is full
    bool lost;         // nobody takes anything any more
  };

  static constexpr std::uint64_t kGoodbyeInput = 64
                                                 << 20;  // read and thrown away after our goodbye, so that it is heard

  static Task<void> see_off(Core& core, Handed handed);

  void on_time() override;
  void at_end_of_turn() override;
  void output_possible() override { write(); }
  void input_may_be_there();
  bool need_not_wait();

  std::optional<Result<std::string_view>> take_bytes(std::span<char> into = {});
  std::optional<Result<std::string_view>> take_message();
  Result<std::string_view> receive(std::span<char> into);
  Result<std::string_view> receive_unread();
  Result<std::string_view> receive_inflated();
  Result<std::string_view> receive_plain(std::span<char> buffer);
  Result<std::string_view> receive_decrypted(std::span<char> buffer);

  void write();
  void write_queued();
  void prepare_wire();
  void drop_output();
  Written write_some(std::string_view bytes);
  void lose_output();
  bool refill_if_owed();
  void recycle(std::string& buffer);
  Task<Result<void>> drained_within(std::chrono::milliseconds limit);
  Task<Result<void>> shake_hands(std::unique_ptr<TlsChannel> channel, std::chrono::milliseconds limit);
  Task<Result<void>> finish_handshake(std::chrono::milliseconds limit);

  void close_now();
  void let_go();

  // What a send reads comes first, in one cache line.
  Core& core_;
  File socket_;
  bool closed_ = false;
  bool output_lost_ = false;  // the peer is gone; reading goes on until it says so too
  bool handshaking_ = false;
  bool late_ = false;  // the limit has passed
  std::unique_ptr<TlsChannel> tls_;
  std::unique_ptr<Zip> zip_;
  std::unique_ptr<Output> output_;  // only while something waits to be sent
  std::uint64_t bytes_out_ = 0;
  std::unique_ptr<WebSocket> websocket_;
  std::unique_ptr<std::string> unread_;
  std::unique_ptr<const std::function<void()>> refill_;
  boost::asio::ip::tcp::endpoint peer_;
  std::uint16_t wanted_ = kInput;  // what read() waits for
  std::uint8_t reads_in_a_row_ = 0;
  bool more_ = false;  // input is probably there: do not wait
  Admission admission_;
  std::uint64_t bytes_in_ = 0;
  std::uint32_t read_size_ = Core::kReadBuffer;
  std::uint16_t peer_close_code_ = 0;
  bool waited_ = false;       // and woke: look whether it is
  bool owes_refill_ = false;  // was congested
};

}  // namespace anser::net
