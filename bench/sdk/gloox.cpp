// sdk-bench-gloox: gloox as its examples use it, a Client whose recv() the program calls, without a log.
#include <fmt/format.h>
#include <gloox/client.h>
#include <gloox/connectionlistener.h>
#include <gloox/message.h>
#include <gloox/messagehandler.h>

#include <memory>
#include <thread>

#include "trial.h"

namespace anser::sdk_bench {
namespace {

constexpr int kWaitMicroseconds = 1'000'000;  // for the socket; recv() returns as soon as it is readable
constexpr std::chrono::milliseconds kIdlePause{2};

// One connection; `on_ready` and `on_body` are called from within recv().
class Session : private gloox::ConnectionListener, private gloox::MessageHandler {
 public:
  Session(const Options& options, std::size_t account)
      : client{gloox::JID{options.account(account) + "/bench"}, options.password, options.port} {
    client.setServer(options.host);
    client.registerConnectionListener(this);
    client.registerMessageHandler(this);
  }

  std::function<void()> on_ready;
  std::function<void(const std::string&)> on_body;
  gloox::Client client;

  // Everything off that the measurement does not ask for.
  void keep_to(const Options& options) {
    client.setTls(options.tls ? gloox::TLSRequired : gloox::TLSDisabled);
    client.setCompression(false);
    client.disableRoster();
    if (options.acks) client.setStreamManagement(true);
  }

  void connect() {
    if (!client.connect(/*block=*/false)) give_up("gloox does not connect");
  }

  void receive(int timeout) {
    const auto error = client.recv(timeout);
    if (error != gloox::ConnNoError) give_up(fmt::format("gloox lost its connection, error {}", int{error}));
  }

 private:
  void onConnect() override { on_ready(); }
  void onDisconnect(gloox::ConnectionError error) override {
    give_up(fmt::format("gloox was disconnected, error {}, authentication {}", int{error}, int{client.authError()}));
  }
  bool onTLSConnect(const gloox::CertInfo&) override { return true; }
  void handleMessage(const gloox::Message& message, gloox::MessageSession*) override {
    if (on_body) on_body(message.body());
  }
};

void measure_echo(const Options& options) {
  Echo echo{options};
  Session session{options, 0};
  session.keep_to(options);
  const auto send = [&] {
    while (echo.may_send()) {
      gloox::Message message{gloox::Message::Chat, session.client.jid(), echo.send()};
      message.setID(echo.id());
      session.client.send(message);
    }
  };
  std::size_t received = 0;
  session.on_ready = send;
  session.on_body = [&](const std::string& body) {
    echo.came_back(body);
    // gloox never asks by itself, and keeps what is not acknowledged.
    if (options.acks && ++received % options.in_flight == 0) session.client.reqStreamManagement();
    send();
  };
  session.connect();
  while (!echo.done()) session.receive(kWaitMicroseconds);
  echo.finish();
}

void measure_idle(const Options& options) {
  Idle idle{options, kMostWithSelect};
  std::vector<std::unique_ptr<Session>> sessions;
  const auto start = [&](std::size_t i) {
    auto session = std::make_unique<Session>(options, i);
    session->keep_to(options);
    session->on_ready = [&] { idle.ready(); };
    session->connect();
    sessions.push_back(std::move(session));
  };
  while (idle.proceed(start)) {
    for (const auto& session : sessions) session->receive(0);
    std::this_thread::sleep_for(kIdlePause);
  }
  idle.finish();
}

void measure_connect(const Options& options) {
  Session session{options, 0};
  session.client.setTls(gloox::TLSRequired);
  Connect connect;
  session.on_ready = [&] { connect.ready(); };
  session.connect();
  while (!connect.done()) session.receive(kWaitMicroseconds);
  connect.finish();
}

}  // namespace
}  // namespace anser::sdk_bench

int main(int argc, char** argv) {
  using namespace anser::sdk_bench;
  return run(argc, argv, {measure_echo, measure_idle, measure_connect});
}
