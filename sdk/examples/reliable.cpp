// reliable HOST PORT CERTIFICATES: stays when the server goes and comes back, and knows what became of its messages.
// Reads texts for juliet from standard input, one a line.
#include <mutex>

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
  auto made = configuration(arguments);
  // [configuration]
  made.reconnection.base = std::chrono::milliseconds{200};
  made.reconnection.cap = std::chrono::seconds{2};
  made.queue_messages = 100;
  // [/configuration]
  sdk::Connection connection{made};
  // [listener]
  sdk::ConnectionListener listener;
  listener.authenticated = [](bool resumed) { say(resumed ? "in again, the session goes on" : "in"); };
  listener.closed_on_error = [](const sdk::Error&) { say("lost"); };
  listener.reconnecting_in = [](std::chrono::milliseconds) { /* show a clock */ };
  listener.closed = [] { say("closed"); };
  connection.add_connection_listener(listener);
  // [/listener]
  need(connection.connect());
  need(connection.login("romeo", "secret"));

  for (std::string text; std::getline(std::cin, text);) {
    say((connection.is_authenticated() ? "sends: " : "keeps: ") + text);
    // [delivery]
    auto sent = connection.send(sdk::Message{"juliet@localhost", text, sdk::Message::Type::chat},
                                [text](const sdk::Delivery& delivery) {
                                  using Outcome = sdk::Delivery::Outcome;
                                  if (delivery.outcome == Outcome::stored) say("stored: " + text);
                                  if (delivery.outcome == Outcome::delivered) say("delivered: " + text);
                                  if (delivery.outcome == Outcome::unconfirmed) say("who knows: " + text);
                                  if (delivery.outcome == Outcome::failed) say("failed: " + delivery.error.message);
                                });
    if (!sent) say("not sent: " + sent.error().message);
    // [/delivery]
  }
  connection.disconnect();
}
