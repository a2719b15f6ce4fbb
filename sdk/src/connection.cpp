#include "anser/connection.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "sdk/src/promised.h"
#include "sdk/src/session.h"

namespace anser::sdk {

// ---- collectors -----------------------------------------------------------------------------------------------------

struct ANSER_HIDDEN StanzaCollector::State {
  static constexpr std::size_t kLimit = 65'536;

  std::mutex mutex;
  std::condition_variable filled;
  std::deque<std::unique_ptr<Stanza>> stanzas;
  bool over = false;
  std::weak_ptr<Session> session;
  ListenerId listener = 0;

  void add(const Stanza& stanza) {
    std::unique_ptr<Stanza> copy;
    switch (stanza.kind()) {
      case Stanza::Kind::message:
        copy = std::make_unique<Message>(static_cast<const Message&>(stanza));
        break;
      case Stanza::Kind::presence:
        copy = std::make_unique<Presence>(static_cast<const Presence&>(stanza));
        break;
      case Stanza::Kind::iq:
        copy = std::make_unique<IQ>(static_cast<const IQ&>(stanza));
        break;
    }
    const std::lock_guard lock{mutex};
    if (over) return;
    if (stanzas.size() >= kLimit) stanzas.pop_front();
    stanzas.push_back(std::move(copy));
    filled.notify_one();
  }
  std::unique_ptr<Stanza> take() {
    if (stanzas.empty()) return nullptr;
    auto first = std::move(stanzas.front());
    stanzas.pop_front();
    return first;
  }
};

StanzaCollector::StanzaCollector(std::shared_ptr<State> state) : state_(std::move(state)) {}
StanzaCollector::StanzaCollector(StanzaCollector&&) noexcept = default;
StanzaCollector& StanzaCollector::operator=(StanzaCollector&& other) noexcept {
  if (this != &other) {
    cancel();
    state_ = std::move(other.state_);
  }
  return *this;
}
StanzaCollector::~StanzaCollector() { cancel(); }

std::unique_ptr<Stanza> StanzaCollector::poll() {
  const std::lock_guard lock{state_->mutex};
  return state_->take();
}

std::unique_ptr<Stanza> StanzaCollector::next(std::chrono::milliseconds limit) {
  const auto session = state_->session.lock();
  const bool may_wait = session && !session->on_loop();
  std::unique_lock lock{state_->mutex};
  if (may_wait) state_->filled.wait_for(lock, limit, [this] { return state_->over || !state_->stanzas.empty(); });
  return state_->take();
}

void StanzaCollector::cancel() {
  if (!state_) return;
  if (const auto session = state_->session.lock()) session->remove(state_->listener);
  const std::lock_guard lock{state_->mutex};
  state_->over = true;
  state_->filled.notify_all();
}

// ---- the connection -------------------------------------------------------------------------------------------------

Connection::Connection(ConnectionConfiguration configuration, Loop loop)
    : session_(std::make_shared<Session>(std::move(configuration), LoopAccess::state(loop))) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&& other) noexcept {
  if (this != &other) {
    if (session_) session_->abandon();
    session_ = std::move(other.session_);
  }
  return *this;
}
Connection::~Connection() {
  if (session_) session_->abandon();
}

Result<void> Connection::connect() {
  return wait_for<void>(*session_, [this](Done done) { session_->connect(std::move(done)); });
}
void Connection::connect(Done done) { session_->connect(std::move(done)); }

Result<void> Connection::login(std::string username, std::string password, std::string resource) {
  return wait_for<void>(*session_, [&](Done done) {
    login(std::move(username), std::move(password), std::move(resource), std::move(done));
  });
}
void Connection::login(std::string username, std::string password, std::string resource, Done done) {
  Credentials credentials;
  credentials.username = std::move(username);
  credentials.password = std::move(password);
  credentials.resource = std::move(resource);
  session_->login(std::move(credentials), std::move(done));
}

Result<void> Connection::login_anonymously() {
  return wait_for<void>(*session_, [this](Done done) { login_anonymously(std::move(done)); });
}
void Connection::login_anonymously(Done done) {
  Credentials credentials;
  credentials.kind = Credentials::Kind::anonymous;
  session_->login(std::move(credentials), std::move(done));
}

Result<void> Connection::login_with_certificate(std::string authzid, std::string resource) {
  return wait_for<void>(
      *session_, [&](Done done) { login_with_certificate(std::move(authzid), std::move(resource), std::move(done)); });
}
void Connection::login_with_certificate(std::string authzid, std::string resource, Done done) {
  Credentials credentials;
  credentials.kind = Credentials::Kind::certificate;
  credentials.authzid = std::move(authzid);
  credentials.resource = std::move(resource);
  session_->login(std::move(credentials), std::move(done));
}

void Connection::disconnect() { disconnect(Presence{Presence::Type::unavailable}); }
void Connection::disconnect(const Presence& unavailable) {
  // On the loop's thread it only begins: waiting there is not possible.
  if (session_->on_loop()) return session_->disconnect(unavailable, {});
  static_cast<void>(wait_for<void>(
      *session_, [&](Done done) { session_->disconnect(unavailable, [done = std::move(done)] { done({}); }); }));
}
void Connection::disconnect(const Presence& unavailable, std::function<void()> done) {
  session_->disconnect(unavailable, std::move(done));
}

const ConnectionConfiguration& Connection::configuration() const { return session_->configuration(); }
std::string Connection::connection_id() const { return session_->facts().stream_id; }
std::string Connection::user() const { return session_->facts().user; }
std::string Connection::service_name() const { return session_->configuration().service_name; }
std::string Connection::host() const { return session_->facts().host; }
std::uint16_t Connection::port() const { return session_->facts().port; }
bool Connection::is_connected() const { return session_->facts().connected; }
bool Connection::is_authenticated() const { return session_->facts().authenticated; }
bool Connection::is_anonymous() const { return session_->facts().anonymous; }
bool Connection::is_secure() const { return session_->facts().tls.has_value(); }
bool Connection::is_using_compression() const { return session_->facts().compressed; }
bool Connection::is_using_stream_management() const { return session_->facts().managed; }
std::optional<TlsFacts> Connection::tls() const { return session_->facts().tls; }
bool Connection::has_server_feature(std::string_view feature) const {
  const auto facts = session_->facts();
  const auto& features = facts.server_features;
  return features && std::binary_search(features->begin(), features->end(), feature);
}

Result<void> Connection::send(const Message& message) { return session_->submit(message, nullptr); }
Result<void> Connection::send(const Message& message, DeliveryListener listener) {
  return session_->submit(message, std::move(listener));
}
Result<void> Connection::send(const Presence& presence) { return session_->submit(presence, nullptr); }
Result<void> Connection::send(const IQ& iq) { return session_->submit(iq, nullptr); }

void Connection::request(IQ iq, std::function<void(Result<IQ>)> done, std::chrono::milliseconds limit) {
  session_->ask(std::move(iq), std::move(done), limit);
}

std::future<Result<IQ>> Connection::request(IQ iq, std::chrono::milliseconds limit) {
  return promised<IQ>([&](auto done) { session_->ask(std::move(iq), std::move(done), limit); });
}

void Connection::set_iq_handler(std::string name, std::string ns, IqHandler handler) {
  session_->client_info().set_handler(std::move(name), std::move(ns), std::move(handler));
}
void Connection::add_feature(std::string feature) { session_->client_info().add_feature(std::move(feature)); }

ListenerId Connection::add_connection_listener(ConnectionListener listener) {
  return session_->add(std::move(listener));
}
ListenerId Connection::add_stanza_listener(StanzaFilter filter, std::function<void(const Stanza&)> listener) {
  return session_->add(std::move(filter), std::move(listener), false);
}
ListenerId Connection::add_sending_listener(StanzaFilter filter, std::function<void(const Stanza&)> listener) {
  return session_->add(std::move(filter), std::move(listener), true);
}
void Connection::remove_listener(ListenerId id) { session_->remove(id); }

StanzaCollector Connection::collect(StanzaFilter filter) {
  auto state = std::make_shared<StanzaCollector::State>();
  state->session = session_;
  // When the session drops its listeners nothing will come any more, and whoever waits is told.
  const std::shared_ptr<void> end{nullptr, [state](void*) {
                                    const std::lock_guard lock{state->mutex};
                                    state->over = true;
                                    state->filled.notify_all();
                                  }};
  state->listener = session_->add(
      std::move(filter), [state, end](const Stanza& stanza) { state->add(stanza); }, false);
  return StanzaCollector{std::move(state)};
}

void Connection::network_changed() { session_->network_changed(); }

AccountManager& Connection::account_manager() { return session_->account_manager(); }
Roster& Connection::roster() { return session_->roster(); }
ChatManager& Connection::chat_manager() { return session_->chat_manager(); }
CarbonManager& Connection::carbon_manager() { return session_->carbon_manager(); }
ArchiveManager& Connection::archive_manager() { return session_->archive_manager(); }
FileTransfers& Connection::file_transfers() { return session_->file_transfers(); }

}  // namespace anser::sdk
