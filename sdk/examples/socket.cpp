// socket URL CERTIFICATES: an app over a WebSocket, which stays when the server goes and comes back. Reads texts for
// juliet from standard input, one a line.
#include <mutex>

#include "anser/socket.h"
#include "example.h"

using namespace example;

namespace {

std::mutex lines;
void say(const std::string& line) {
  const std::lock_guard lock{lines};
  std::cout << line << std::endl;
}

}  // namespace

int main(int, char** arguments) {
  Awaited<bool> closed;
  // [socket]
  sdk::SocketConfiguration configuration{arguments[1]};  // "wss://localhost:5443/ws"
  configuration.tls.truststore_path = arguments[2];
  configuration.credentials = {.user = "romeo", .password = "secret"};
  configuration.heartbeat_interval = std::chrono::seconds{20};
  configuration.reconnection.base = std::chrono::milliseconds{200};
  configuration.reconnection.cap = std::chrono::seconds{2};

  sdk::Socket socket{configuration};
  socket.on_open([&] { say("open: " + socket.address().substr(0, socket.address().find('/'))); });
  socket.on_message([](const sdk::SocketMessage& message) { say("heard: " + message.body); });
  socket.on_error([](const sdk::Error&) { /* it comes back by itself */ });
  socket.on_close([](const sdk::SocketClose& close) { say(close.final ? "closed" : "lost"); });
  socket.open();
  // [/socket]

  for (std::string text; std::getline(std::cin, text);) {
    // [send]
    auto sent = socket.send({"juliet", text}, [text](const sdk::Delivery& delivery) {
      using Outcome = sdk::Delivery::Outcome;
      if (delivery.outcome == Outcome::stored) say("stored: " + text);
      if (delivery.outcome == Outcome::unconfirmed) say("who knows: " + text);
      if (delivery.outcome == Outcome::failed) say("failed: " + delivery.error.message);
    });
    if (!sent) say("not sent: " + sent.error().message);
    // [/send]
  }
  // [history]
  sdk::Result<sdk::SocketHistoryPage> page = socket.history({.with = "juliet@localhost", .latest = true}).get();
  for (const sdk::SocketMessage& kept : need(page).messages) say("history: " + kept.body);
  // [/history]
  socket.on_close([&](const sdk::SocketClose&) {
    say("closed");
    closed.set(true);
  });
  socket.close();
  closed.get();
}
