// One account's connection across as many sockets as it takes: the real Channel. It lives on its loop's thread; what
// may be called from elsewhere says so. One attempt (a coroutine that dials, negotiates and reads) and one timer of
// each kind at any time. Kept by its Connection and by its attempt.
//
//   session.cpp         its life: what is asked of it, loss, reconnection, the end
//   session_login.cpp   from the stream to a session that is ready, and what is known of both
//   session_stream.cpp  an attempt: sockets, negotiation, the reading loop
//   session_out.cpp     what is sent, and its acknowledgement
//   session_in.cpp      what arrives, and who hears of it
#pragma once

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "anser/account_manager.h"
#include "anser/archive.h"
#include "anser/carbons.h"
#include "anser/chat.h"
#include "anser/file_transfer.h"
#include "anser/roster.h"
#include "net/connection.h"
#include "net/tls_client.h"
#include "sdk/src/backoff.h"
#include "sdk/src/channel.h"
#include "sdk/src/client_info.h"
#include "sdk/src/debugger.h"
#include "sdk/src/deliveries.h"
#include "sdk/src/duplicates.h"
#include "sdk/src/gone.h"
#include "sdk/src/listeners.h"
#include "sdk/src/loop_state.h"
#include "sdk/src/negotiation.h"
#include "sdk/src/outbox.h"
#include "sdk/src/reach.h"
#include "sdk/src/receipts.h"
#include "sdk/src/requests.h"
#include "xml/reader.h"

namespace anser::sdk {

class Session final : public Channel, public std::enable_shared_from_this<Session> {
 public:
  // What may be asked about a connection from any thread.
  struct Facts {
    std::string stream_id, user, host;
    std::uint16_t port = 0;
    bool connected = false, authenticated = false, anonymous = false, compressed = false, managed = false;
    std::optional<TlsFacts> tls;
    Features server_features;
  };

  Session(ConnectionConfiguration configuration, std::shared_ptr<LoopState> loop);
  ~Session() override;

  // From any thread.
  void connect(Done done);
  void login(Credentials credentials, Done done);
  void disconnect(Presence unavailable, std::function<void()> done);
  void network_changed();
  Facts facts() const;
  Result<void> submit(const Stanza& stanza, DeliveryListener listener);
  void ask(IQ iq, Requests::Done done, std::chrono::milliseconds limit);
  // The connection is being destroyed: nothing of the application is called any more, everything ends. Waits for that,
  // unless it is called on the loop's thread or the application runs the loop.
  void abandon();

  ListenerId add(ConnectionListener listener);
  ListenerId add(StanzaFilter filter, std::function<void(const Stanza&)> listener, bool sending);
  void remove(ListenerId id);
  ClientInfo& client_info() { return client_info_; }

  AccountManager& account_manager() { return *account_manager_; }
  Roster& roster() { return *roster_; }
  ChatManager& chat_manager() { return *chat_manager_; }
  CarbonManager& carbon_manager() { return *carbon_manager_; }
  ArchiveManager& archive_manager() { return *archive_manager_; }
  FileTransfers& file_transfers() { return *file_transfers_; }

  // Channel.
  const ConnectionConfiguration& configuration() const override { return configuration_; }
  bool on_loop() const override { return loop_->on_its_thread(); }
  void run(std::function<void()> work) override;
  void call(const std::function<void()>& application) override;
  bool is_alive() const override { return alive_.load(std::memory_order_relaxed); }
  bool is_connected() const override;
  // From the bound address on: what the login itself asks is asked by who is logged in.
  bool is_authenticated() const override {
    return state_ == State::authenticated || (state_ == State::logging_in && negotiated_);
  }
  bool is_secure() const override { return link_ && link_->tls(); }
  const std::string& user() const override { return user_; }
  bool has_server_feature(std::string_view feature) const override;
  bool has_account_feature(std::string_view feature) const override;
  bool has_stream_feature(std::string_view name, std::string_view ns) const override;
  Result<void> send(const Stanza& stanza) override;
  Result<void> send(const Message& message, DeliveryListener listener) override;
  std::weak_ptr<Channel> weak() override { return weak_from_this(); }
  bool has_bound(std::string_view ns) const override;
  void request(IQ iq, Requests::Done done, std::chrono::milliseconds limit) override;
  void set_password(std::string password) override { credentials_.password = std::move(password); }
  void complain(std::string line) override { debug_.note(line); }
  LoopState* loop() override { return loop_.get(); }
  void start(net::Task<void> task, boost::asio::cancellation_slot slot) override;

 private:
  enum class State : std::uint8_t {
    idle,        // never connected, or closed
    connecting,  // an attempt, up to `connected`
    connected,   // a stream; not logged in
    logging_in,  // up to the features of the server
    authenticated,
    waiting,  // for the next attempt
    closing,  // disconnect() has been called
  };
  struct StanzaListener {
    StanzaFilter filter;
    std::function<void(const Stanza&)> listener;
  };
  struct Held {
    Outbox::Entry entry;
    bool tracked;
  };
  // A session of XEP-0198.
  struct Managed {
    Management terms;
    std::string address;
    std::uint32_t handled = 0;  // of the server's stanzas
  };

  // session.cpp, session_login.cpp
  void start_attempt();
  void ended(Error why);
  void end_session(const Error& why);
  bool comes_back(const Error& why);
  void wait_and_retry(const Error& why);
  void finish(const Error& why, bool by_us);
  void enter(State state);
  void limit_to(std::chrono::milliseconds time, std::string_view what);
  void give_up(Error why);
  void begin_login();
  void on_connected();
  void on_logged_in();
  void learn_features(bool account);
  void login_step_done(std::uint64_t login);
  void session_is_ready(bool resumed);
  void deliver_early();
  void settle(Done& done, Result<void> result);
  void say_goodbye();
  void look_if_said();
  void on_goodbye_late();
  void keep_negotiated();
  void update_facts();

  // session_stream.cpp
  static net::Task<void> attempt(std::shared_ptr<Session> self);
  net::Task<Error> live();
  net::Task<Error> converse(net::Connection& link);
  net::Task<Result<void>> secure(net::Connection& link);
  net::Task<Result<std::shared_ptr<const net::TlsClient>>> make_tls();
  Next feed(xml::StreamReader::Event event);
  net::Task<std::optional<Error>> carry_out(Next next, net::Connection& link, bool left_over);
  std::optional<Error> take(xml::StreamReader::Event event);
  Error why_it_ended(const anser::Error& below);

  // session_out.cpp
  void write(std::string_view xml);
  void write_again();
  void write_held();
  void count_waiting();
  static constexpr std::size_t kIdBytes = 32;
  std::string_view next_id(std::span<char, kIdBytes> room);
  std::string next_id();
  Result<void> may_send(Stanza::Kind kind) const;
  Result<void> room_for_message() const;
  Result<void> send_now(const Stanza& stanza, DeliveryListener listener);
  void send_message(const Message& message, DeliveryListener listener);
  void put(std::string_view xml, std::string_view id, bool tracked);
  void want_confirmation(bool soon);
  void ask_for_confirmation();
  void confirmed(std::vector<Outbox::Entry> entries);
  void forsake(std::vector<Outbox::Entry> entries, Delivery::Outcome outcome, const Error& why);
  std::optional<Error> on_management(const xml::Stanza& element);
  void look_if_alive();
  void ask_if_alive();

  // session_in.cpp
  std::optional<Error> on_element(const xml::Stanza& element);
  void on_stanza(const Stanza& stanza);
  void on_message(const Message& message);
  void on_iq(const IQ& iq);
  void answer(IQ iq);
  static std::string_view sender_of(const Message& message);
  bool is_duplicate(const Message& message);
  bool tell_listeners(const Listeners<StanzaListener>& listeners, const Stanza& stanza);

  const ConnectionConfiguration configuration_;
  const std::shared_ptr<LoopState> loop_;
  net::Core& core_;
  const DebugView debug_;
  std::atomic<bool> alive_ = true;

  State state_ = State::idle;
  bool attempting_ = false;
  std::atomic<bool> returning_ = false;  // the attempt is a reconnection
  std::optional<Error> ending_;          // why we end the attempt, if it is us
  boost::asio::cancellation_signal cancel_;
  net::Connection* link_ = nullptr;         // the attempt's
  bool negotiated_ = false;                 // the stream is the session's; before, only the negotiation may write to it
  std::optional<Negotiation> negotiation_;  // until the session is ready
  Negotiated stream_facts_;                 // what is left of it
  Features stream_features_;                // their names, as stream_feature() writes them
  xml::StreamReader reader_;
  std::shared_ptr<const net::TlsClient> tls_client_;
  std::shared_ptr<const net::TlsSession> tls_session_;
  std::optional<Reached> elsewhere_;  // where the server has sent us
  Reached reached_;
  std::vector<std::unique_ptr<Stanza>> early_;  // arrived while logging in
  std::size_t early_bytes_ = 0;

  Credentials credentials_;
  bool has_credentials_ = false;
  bool was_secure_ = false;  // so it comes back secure, or not at all
  std::string user_, service_;
  Features server_features_, account_features_;
  bool login_goes_on_ = false;        // bound, and not all of the first questions are answered; across a resumption too
  int login_steps_ = 0;               // what it still waits for
  std::uint64_t login_ = 0;           // which one: answers to an older one do not count
  std::optional<Presence> presence_;  // the last without an address
  Backoff backoff_;

  std::optional<Managed> managed_;
  std::optional<Error> conflict_;  // the server said that another stream has taken our place: perhaps our own
  Outbox outbox_;
  std::vector<Held> held_;  // messages that wait for a session
  std::size_t held_bytes_ = 0;
  Deliveries deliveries_;
  Duplicates duplicates_;
  bool confirmation_asked_ = false;
  std::optional<std::uint32_t> barrier_;                               // what the answer to the ping under way confirms
  std::atomic<std::size_t> posted_ = 0, posted_bytes_ = 0;             // messages on their way from other threads
  std::atomic<std::size_t> waiting_messages_ = 0, waiting_bytes_ = 0;  // of outbox and held
  std::atomic<State> public_state_ = State::idle;
  std::string id_prefix_;
  std::uint64_t last_id_ = 0;
  std::chrono::steady_clock::time_point last_input_;
  std::optional<std::chrono::steady_clock::time_point> asked_;  // whether the server is there

  Requests requests_;
  Done connect_done_, login_done_;
  std::vector<std::function<void()>> disconnect_done_;
  bool stream_closed_ = false;  // our </stream:stream> is written

  net::Alarm limit_, retry_, idle_, confirm_soon_, goodbye_;
  std::string limited_;  // what the limit is for

  std::atomic<ListenerId> last_listener_ = 0;
  Listeners<ConnectionListener> connection_listeners_;
  Listeners<StanzaListener> stanza_listeners_, sending_listeners_;

  ManagerAccess::Owned<AccountManager> account_manager_;
  ManagerAccess::Owned<Roster> roster_;
  ManagerAccess::Owned<ChatManager> chat_manager_;
  ManagerAccess::Owned<CarbonManager> carbon_manager_;
  ManagerAccess::Owned<ArchiveManager> archive_manager_;
  ManagerAccess::Owned<FileTransfers> file_transfers_;
  Receipts receipts_;
  ClientInfo client_info_;
  std::vector<Extension*> extensions_;

  mutable std::mutex facts_mutex_;
  Facts facts_;
  const std::shared_ptr<Gone> gone_ = std::make_shared<Gone>();
};

}  // namespace anser::sdk
