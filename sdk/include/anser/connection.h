// One account's connection to its server, across as many sockets as it takes. The thread rules stand in anser/loop.h.
//
//   sdk::Connection connection{sdk::ConnectionConfiguration{"example.org"}};
//   if (auto connected = connection.connect(); !connected) …
//   if (auto in = connection.login("romeo", "secret"); !in) …
//   connection.send(sdk::Message{"juliet@example.org", "Wilt thou be gone?", sdk::Message::Type::chat});
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
#include <vector>

#include "anser/configuration.h"
#include "anser/delivery.h"
#include "anser/filter.h"
#include "anser/loop.h"

namespace anser::sdk {

class AccountManager;
class ArchiveManager;
class CarbonManager;
class Channel;
class ChatManager;
class FileTransfers;
class Roster;
class Session;

using Done = std::function<void(Result<void>)>;

// What removes a listener again. 0 is none.
using ListenerId = std::uint64_t;

struct TlsFacts {
  std::string version, cipher;  // "TLSv1.3", "TLS_AES_256_GCM_SHA384"
  std::string certificate;      // the server's, DER
  bool verified = false;        // chain and name were checked, or it is pinned
  bool resumed = false;
  std::string channel_binding;  // the type that login used: "tls-exporter"; "": none
};

struct ConnectionListener {
  std::function<void()> connected = {};                  // the stream is there; not logged in
  std::function<void(bool resumed)> authenticated = {};  // logged in; or the session goes on after a gap
  std::function<void()> closed = {};                     // by disconnect()
  std::function<void(const Error&)> closed_on_error = {};
  std::function<void(std::chrono::milliseconds)> reconnecting_in = {};
  std::function<void()> reconnected = {};
  std::function<void(const Error&)> reconnection_failed = {};  // one attempt; the next is announced
  std::function<void(std::exception_ptr)> failed = {};         // one of the application's functions threw
};

// Collects stanzas for whoever waits for them. A handle; it ends with its last copy. Holds 65,536 at most, then the
// oldest go.
class ANSER_API StanzaCollector {
 public:
  StanzaCollector(StanzaCollector&&) noexcept;
  StanzaCollector& operator=(StanzaCollector&&) noexcept;
  ~StanzaCollector();

  std::unique_ptr<Stanza> poll();  // null: nothing there
  // Waits. Null when the time is over or the connection was destroyed; at once on the loop's thread.
  std::unique_ptr<Stanza> next(std::chrono::milliseconds limit);
  void cancel();

 private:
  friend class Connection;
  struct State;
  explicit StanzaCollector(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

class ANSER_API Connection {
 public:
  explicit Connection(ConnectionConfiguration configuration, Loop loop = Loop::shared());
  ~Connection();  // closes at once; for a proper end call disconnect() before
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // Opens the stream, secures it. Errc::unreachable, tls, insecure, protocol, stream, timeout, wrong_state.
  Result<void> connect();
  void connect(Done done);

  // Logs in; the resource instead of the configuration's. Afterwards the session has the roster and has sent presence,
  // if the configuration says so. Errc::authentication, wrong_state, insecure, unsupported, timeout, closed.
  Result<void> login(std::string username, std::string password, std::string resource = {});
  void login(std::string username, std::string password, std::string resource, Done done);
  Result<void> login_anonymously();
  void login_anonymously(Done done);
  // With the certificate of the TLS connection (SASL EXTERNAL). `authzid`: one of its addresses, "" the only one.
  Result<void> login_with_certificate(std::string authzid = {}, std::string resource = {});
  void login_with_certificate(std::string authzid, std::string resource, Done done);

  // Says goodbye: unavailable presence, what is queued, the stream's end. Messages that were not acknowledged are told
  // as unconfirmed, and nothing reconnects. Fine when there is no connection.
  void disconnect();
  void disconnect(const Presence& unavailable);
  void disconnect(const Presence& unavailable, std::function<void()> done);

  const ConnectionConfiguration& configuration() const;
  std::string connection_id() const;  // the stream's (RFC 6120 §4.7.3); "" before
  std::string user() const;           // the full address; "" before login
  std::string service_name() const;
  std::string host() const;  // where the socket leads
  std::uint16_t port() const;
  bool is_connected() const;
  bool is_authenticated() const;
  bool is_anonymous() const;
  bool is_secure() const;
  bool is_using_compression() const;
  bool is_using_stream_management() const;
  std::optional<TlsFacts> tls() const;
  // Whether the server said so in its answer to service discovery (XEP-0030), once logged in.
  bool has_server_feature(std::string_view feature) const;

  // Stanzas go out in the order of the calls. While a lost connection is being restored messages wait, up to the
  // configured queue; presence and IQs are Errc::wrong_state then. Errc::invalid_argument, queue_full, wrong_state.
  Result<void> send(const Message& message);
  Result<void> send(const Message& message, DeliveryListener listener);
  Result<void> send(const Presence& presence);  // without `to` it is kept, and sent again after a new login
  Result<void> send(const IQ& iq);              // one that expects no answer here

  // Sends a get or set and waits for the answer from where it was sent to. An error answer is Errc::stanza. With a
  // limit of 0 the configuration's holds. Any number at a time. As a coroutine: anser/asio.h.
  void request(IQ iq, std::function<void(Result<IQ>)> done, std::chrono::milliseconds limit = {});
  std::future<Result<IQ>> request(IQ iq, std::chrono::milliseconds limit = {});

  // Answers requests with this payload. Without a handler the library answers pings, disco#info and version requests
  // itself and everything else with service-unavailable. One handler a name: a later one replaces it, an empty one
  // removes it.
  using IqHandler = std::function<IQ(const IQ& request)>;
  void set_iq_handler(std::string name, std::string ns, IqHandler handler);
  // What disco#info tells about this client besides what the library does itself.
  void add_feature(std::string feature);

  ListenerId add_connection_listener(ConnectionListener listener);
  ListenerId add_stanza_listener(StanzaFilter filter, std::function<void(const Stanza&)> listener);
  ListenerId add_sending_listener(StanzaFilter filter, std::function<void(const Stanza&)> listener);
  void remove_listener(ListenerId id);
  StanzaCollector collect(StanzaFilter filter);

  // The network has changed or come back: an attempt that waits is made at once, and a connection that stands is
  // tested.
  void network_changed();

  // They live as long as the connection.
  AccountManager& account_manager();
  Roster& roster();
  ChatManager& chat_manager();
  CarbonManager& carbon_manager();
  ArchiveManager& archive_manager();
  FileTransfers& file_transfers();

 private:
  friend struct ConnectionAccess;
  std::shared_ptr<Session> session_;
};

}  // namespace anser::sdk
