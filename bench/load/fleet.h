// Many clients that log in a few at a time and then stay. The sessions of a run; client i is account PREFIXi.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client.h"

namespace anser::load {

// How a run's accounts are called, and what each says when its session is there.
struct AccountPlan {
  std::string prefix = "u";
  std::size_t first = 0;
  std::string password = "secret";
  std::string greeting = "<presence/>";
  bool to_sessions = false;  // messages go to full addresses, not to the accounts
};

class Fleet final : public ClientEvents {
 public:
  using OnStanza = std::function<void(Client&, std::string_view)>;

  Fleet(Loop& loop, const ServerPlan& server, AccountPlan accounts, Dialogue::Goal goal = Dialogue::Goal::session);

  // Opens sessions until there are `count`, or fails with the first that could not (then the run is void).
  Result<void> open(std::size_t count, Tick deadline);
  // Runs the loop; an error when a session was lost, Errc::timeout when the deadline passed before `done`.
  Result<void> run_until(Tick deadline, std::string_view waiting_for, const std::function<bool()>& done);
  Result<void> run_for(std::chrono::milliseconds time);
  // With stream management: until all that was said so far is acknowledged, both ways. Without it nothing happens.
  Result<void> acknowledge_all(Tick deadline);
  bool all_acknowledged() const;  // of what the clients sent
  void close_all();
  // Ends the run with this error: what waits returns it.
  void give_up(Error error);

  void set_on_stanza(OnStanza on_stanza) { on_stanza_ = std::move(on_stanza); }
  Client& operator[](std::size_t i) { return *clients_[i]; }
  std::size_t size() const { return clients_.size(); }
  std::uint64_t acknowledged() const;  // stanzas of all clients
  const ServerPlan& server() const { return server_; }
  // Where messages for client i go, whether it is there yet or not.
  std::string address_of(std::size_t i) const;
  std::string name_of(std::size_t i) const;

  void on_ready(Client& client) override;
  void on_stanza(Client& client, std::string_view stanza) override;
  void on_closed(Client& client, const Error& reason) override;

 private:
  void start_some(std::size_t count);

  Loop& loop_;
  const ServerPlan& server_;
  AccountPlan accounts_;
  Dialogue::Goal goal_;
  OnStanza on_stanza_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t ready_ = 0;
  std::optional<Error> broken_;
};

}  // namespace anser::load
