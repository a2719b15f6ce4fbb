// The whole door on a core of its own, over storage that answers at once, and a client that speaks WebSocket by hand
// from the test's thread. For tests only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <future>
#include <memory>
#include <thread>

#include "base/base64.h"
#include "codec/websocket_reader.h"
#include "net/test_support.h"
#include "tests/support/fake_domain.h"
#include "xmpp/feature.h"
#include "xmpp/negotiation.h"
#include "xmpp/stream.h"
#include "xmpp/websocket_door.h"

namespace anser::xmpp {

class PromptAccounts final : public domain::Storage {
 public:
  void submit(domain::CoreId, Work work, Done done) override { done(work(accounts)); }
  domain::FakeAccounts accounts;
};

// Commits when the core's turn is over.
class PromptLog final : public domain::MessageLog {
 public:
  Result<void> append(domain::CoreId core, std::uint64_t ticket, domain::LogEntry entry) override {
    go_on();
    return log.append(core, ticket, std::move(entry));
  }
  void on_appended(domain::CoreId core, AppendedHandler handler) override { log.on_appended(core, std::move(handler)); }
  void offline(domain::CoreId core, const core::Jid& owner, std::vector<std::uint64_t> except, std::size_t limit,
               std::size_t bytes, std::function<void(Result<std::vector<domain::LogRecord>>)> done) override {
    go_on();
    log.offline(core, owner, std::move(except), limit, bytes, std::move(done));
  }
  void count_offline(domain::CoreId core, const core::Jid& owner, std::vector<std::uint64_t> except,
                     std::function<void(Result<std::uint64_t>)> done) override {
    go_on();
    log.count_offline(core, owner, std::move(except), std::move(done));
  }
  void fetch(domain::CoreId core, std::vector<std::uint64_t> sequences,
             std::function<void(Result<std::vector<domain::LogRecord>>)> done) override {
    go_on();
    log.fetch(core, std::move(sequences), std::move(done));
  }
  void query_archive(domain::CoreId core, domain::ArchiveQuery query,
                     std::function<void(Result<domain::ArchivePage>)> done) override {
    go_on();
    log.query_archive(core, std::move(query), std::move(done));
  }

 private:
  void go_on() {
    boost::asio::post(net::Core::current()->io(), [this] {
      log.commit();
      while (log.answer()) {
      }
    });
  }
  domain::FakeLog log;
};

// How a client cuts what it says.
enum class Cut : std::uint8_t { whole, fragments, octets };

class WebSocketClient {
 public:
  WebSocketClient(net::Peer peer, Cut cut) : peer_(std::move(peer)), cut_(cut) {
    const timeval patience{.tv_sec = 60, .tv_usec = 0};  // only a test that fails waits so long
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  // The answer's head, and its body if it is no 101.
  std::string request(std::string_view head) {
    peer_.send(head);
    std::string answer;
    while (answer.find("\r\n\r\n") == answer.npos) {
      const std::string more = peer_.receive();
      if (more.empty()) return answer;
      answer += more;
    }
    const auto end = answer.find("\r\n\r\n") + 4;
    if (answer.starts_with("HTTP/1.1 101")) {
      input_ = answer.substr(end);
      answer.resize(end);
    }
    return answer;
  }

  void say(std::string_view text) { say(codec::Opcode::text, text); }
  void say(codec::Opcode opcode, std::string_view text) {
    std::string bytes;
    const bool cut = cut_ == Cut::fragments && !codec::is_control(opcode);
    const std::size_t half = cut ? text.size() / 2 : text.size();
    codec::append_masked_frame(bytes, opcode, text.substr(0, half), kMask, {.fin = !cut});
    if (cut) codec::append_masked_frame(bytes, codec::Opcode::continuation, text.substr(half), kMask, {.fin = true});
    if (cut_ != Cut::octets) return peer_.send(bytes);
    for (const char octet : bytes) peer_.send({&octet, 1});
  }
  void say_bytes(std::string_view bytes) { peer_.send(bytes); }

  // The next message; pings are no messages. After the close frame, or the end: "".
  std::string hear() {
    using Event = codec::WebSocketReader::Event;
    for (;;) {
      std::span<char> rest{input_};
      const Event event = reader_.next(rest);
      const std::string payload{reader_.payload()};
      input_.erase(0, input_.size() - rest.size());
      if (event == Event::text) return payload;
      if (event == Event::close) {
        close_code = reader_.close_code();
        close_reason = reader_.reason();
      }
      if (event == Event::close || event == Event::error) return {};
      if (event != Event::need_more) continue;
      input_ = peer_.receive();
      if (input_.empty()) return {};
    }
  }
  // The whole rest, a line each.
  std::string hear_all() {
    std::string all;
    for (std::string one = hear(); !one.empty(); one = hear()) all += one + "\n";
    return all;
  }
  void leave() { peer_.close(); }

  std::uint16_t close_code = 0;
  std::string close_reason;

 private:
  static constexpr std::uint32_t kMask = 0x37FA213D;
  net::Peer peer_;
  Cut cut_;
  std::string input_;
  codec::WebSocketReader reader_{codec::WebSocketRole::client};
};

class WebSocketDoorTest : public testing::Test {
 protected:
  static constexpr std::string_view kOpen =
      "<open xmlns=\"urn:ietf:params:xml:ns:xmpp-framing\" to=\"example.com\" version=\"1.0\" />";
  static constexpr std::string_view kClose = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";

  WebSocketDoorTest() {
    for (const char* name : {"romeo", "juliet"}) {
      domain::AccountRecord account;
      account.jid = *core::Jid::make(name, "example.com");
      for (const auto hash : {core::Hash::sha256, core::Hash::sha1})
        account.keys.push_back(*core::fresh_keys(hash, "secret", core::kMinIterations));
      storage_.accounts.records.push_back(std::move(account));
      storage_.accounts.states[std::string{name} + "@example.com"].exists = true;
    }
    settings_.websocket.compression = false;
    services_.features = &features_;
    router_.set_iq_service(features_);
    server_.route(std::string{kWebSocketPath},
                  [this](net::HttpExchange& exchange) { return accept_websocket_stream(shared_, exchange); });
    for (const auto path : {kHostMetaPath, kHostMetaJsonPath})
      server_.route(std::string{path},
                    [this](net::HttpExchange& exchange) { return serve_host_meta(shared_, exchange); });
  }
  ~WebSocketDoorTest() override {
    if (started_) end_sessions();
    workers_.stop();
    cores_->stop();
    cores_->join();
    cores_.reset();  // with the streams that still wait on it: they use the rest
  }

  // Settings are made before the first connection.
  void start() {
    if (!std::exchange(started_, true)) cores_->start();
  }
  void on_core(const std::function<void()>& action) {
    std::promise<void> done;
    cores_->post(0, [&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }

  WebSocketClient connect(Cut cut = Cut::whole) {
    start();
    net::Pair pair = net::tcp_pair();
    on_core([&] { server_.accept(cores_->at(0), std::move(pair.ours), false); });
    return {std::move(pair.theirs), cut};
  }
  // To the XMPP port.
  net::Peer connect_tcp() {
    start();
    net::Pair pair = net::tcp_pair();
    on_core([&] { accept_connection(shared_, cores_->at(0), std::move(pair.ours), false); });
    return std::move(pair.theirs);
  }

  static std::string handshake(std::string_view more = "Sec-WebSocket-Protocol: xmpp\r\n") {
    return std::string{
        "GET /xmpp-websocket HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"}
        .append(more)
        .append("\r\n");
  }
  WebSocketClient connect_websocket(Cut cut = Cut::whole) {
    WebSocketClient client = connect(cut);
    EXPECT_THAT(client.request(handshake()), testing::StartsWith("HTTP/1.1 101 "));
    return client;
  }

  static std::string plain(std::string_view name) {
    const std::string message = std::string(1, '\0').append(name).append(1, '\0').append("secret");
    return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + base64_encode(message) + "</auth>";
  }
  // Up to the features that come after login.
  WebSocketClient log_in(std::string_view name, Cut cut = Cut::whole) {
    WebSocketClient client = connect_websocket(cut);
    client.say(kOpen);
    client.hear();
    client.hear();
    client.say(plain(name));
    EXPECT_EQ(client.hear(), "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>");
    client.say(kOpen);
    client.hear();
    client.hear();
    return client;
  }
  WebSocketClient bind(std::string_view name, std::string_view resource, Cut cut = Cut::whole) {
    WebSocketClient client = log_in(name, cut);
    client.say("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" +
               std::string{resource} + "</resource></bind></iq>");
    EXPECT_EQ(client.hear(),
              fmt::format("<iq xmlns='jabber:client' type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-"
                          "bind'><jid>{}@example.com/{}</jid></bind></iq>",
                          name, resource));
    return client;
  }

  std::shared_ptr<const Settings> rules_;
  Settings settings_;
  std::shared_ptr<const net::TlsServer> tls_;
  PromptAccounts storage_;
  PromptLog log_;
  domain::FakePost post_;
  domain::FakeClock clock_;
  domain::Hosts hosts_{{{"example.com", {"im.example.com"}}}, {}};
  LoginGuard guard_{{}};
  std::unique_ptr<net::Cores> cores_ = std::make_unique<net::Cores>(1);
  net::Workers workers_{1, 8};
  Shared shared_ = make_shared();
  domain::Router router_{0, 1, hosts_, storage_, log_, post_, clock_};
  Services services_{shared_, cores_->at(0), router_};
  Features features_{services_};
  net::HttpServer server_{1, [] { return net::HttpServer::Settings{}; }, [this] { return tls_; }};
  bool started_ = false;

 private:
  // A session that could be resumed waits on nothing but itself: no end of a core would free it.
  void end_sessions() {
    for (bool over = false; !over; std::this_thread::yield())
      on_core([&] {
        router_.each_session([](domain::Session& session) { session.close(domain::CloseReason::shutdown); });
        over = router_.session_count() == 0;
      });
  }
  Shared make_shared() {
    Shared shared{{*cores_, workers_, storage_, post_, clock_, hosts_, guard_, "secret"}};
    shared.archive_key = std::string(32, 'k');
    shared.token_key = std::string(32, 't');
    shared.settings = [this] {
      if (!rules_) rules_ = std::make_shared<const Settings>(settings_);
      return rules_;
    };
    shared.tls = [this] { return tls_; };
    shared.home = [this](net::CoreId) -> Services& { return services_; };
    return shared;
  }
};

}  // namespace anser::xmpp
