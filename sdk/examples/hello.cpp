// hello HOST PORT CERTIFICATES NAME PASSWORD TO TEXT: logs in and sends one message.
// [program]
#include <iostream>
#include <string>

#include "anser/anser.h"

namespace sdk = anser::sdk;

int main(int, char** arguments) {
  sdk::ConnectionConfiguration configuration(arguments[1], std::stoi(arguments[2]));
  configuration.tls.truststore_path = arguments[3];
  configuration.resource = "balcony";

  sdk::Connection connection{configuration};
  sdk::Result<void> done = connection.connect();
  if (done) done = connection.login(arguments[4], arguments[5]);
  if (done) done = connection.send(sdk::Message{arguments[6], arguments[7], sdk::Message::Type::chat});
  if (!done) {
    std::cerr << done.error().message << '\n';
    return 1;
  }
  std::cout << connection.user() << " has written\n";
  connection.disconnect();
}
// [/program]
