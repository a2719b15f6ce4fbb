// One connection of the load: a socket, a dialogue until there is a session, and afterwards whole stanzas handed to
// whoever measures. Between two events it keeps only the unfinished tail of what it read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "acks.h"
#include "dialogue.h"
#include "loop.h"
#include "socket.h"

namespace anser::load {

class Client;

// Told what happens to a client. Outlives it.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  virtual void on_ready(Client& client) = 0;  // session bound and greeting taken in, or account made
  virtual void on_stanza(Client& client, std::string_view stanza) = 0;  // any time after binding
  virtual void on_closed(Client& client, const Error& reason) = 0;      // at most once
};

class Client final : public Watched {
 public:
  // `index` is the owner's number for it, and spreads source addresses.
  Client(Loop& loop, const ServerPlan& server, ClientEvents& events, std::size_t index, Identity identity,
         Dialogue::Goal goal = Dialogue::Goal::session);

  void start();
  // Goes out when the loop's batch is done.
  void send(std::string_view bytes);  // whole stanzas
  // With stream management only: asks the server to acknowledge, tells it what came.
  void ask_for_ack();
  void acknowledge();
  // Says goodbye and closes when the server has said it too (or hangs up).
  void finish();
  void close();

  std::size_t index() const { return index_; }
  bool is_open() const { return socket_.is_open(); }
  bool is_ready() const { return ready_; }
  std::size_t queued() const { return socket_.queued(); }
  const Acks& acks() const { return acks_; }  // zeros without stream management
  const Identity& identity() const { return dialogue_.identity(); }

  void on_events(std::uint32_t events) override;
  void flush() override;

 private:
  Result<void> receive();
  Result<void> take_pieces(std::string_view bytes, std::size_t& taken);
  Result<void> on_piece(Found kind, std::string_view piece);
  Result<void> shake_hands();
  void watch_writes(bool wanted);
  void fail_with(const Error& error);

  Loop& loop_;
  const ServerPlan& server_;
  ClientEvents& events_;
  std::size_t index_;
  Dialogue dialogue_;
  Acks acks_;
  Socket socket_;
  std::string tail_;
  bool ready_ = false;
  bool finishing_ = false;
  bool connected_ = false;
  bool flush_asked_ = false;
  bool watching_writes_ = false;
};

}  // namespace anser::load
