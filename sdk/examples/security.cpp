// security HOST PORT CERTIFICATES PIN [PROXY PROXYPORT]: whom to believe, and the way there.
#include <sstream>

#include "example.h"

using namespace example;

int main(int count, char** arguments) {
  // [strict]
  auto strict = configuration(arguments);
  strict.tls.truststore_path.clear();  // the system's authorities do not know this server
  sdk::Connection stranger{strict};
  const auto refused = stranger.connect();
  std::cout << name_of(refused.error().code) << '\n';
  // [/strict]

  auto pinned = strict;
  // [pin]
  pinned.tls.pinned = {arguments[4]};  // SHA-256 of the server's certificate
  // [/pin]
  if (count > 6) {
    // [proxy]
    pinned.proxy = sdk::Proxy{.type = sdk::Proxy::Type::http,
                              .host = arguments[5],
                              .port = static_cast<std::uint16_t>(std::stoi(arguments[6]))};
    // [/proxy]
  }
  std::ostringstream written;
  // [debugger]
  pinned.debugger = sdk::debug_to(written);  // or debug_to(std::clog), debug_to_file("anser.log"), or your own function
  // [/debugger]
  {
    sdk::Connection connection{pinned};
    need(connection.connect());
    need(connection.login("romeo", "secret"));
    // [facts]
    const sdk::TlsFacts facts = connection.tls().value();
    std::cout << facts.version << ", " << (facts.verified ? "verified" : "not verified") << ", "
              << facts.channel_binding << '\n';
    // [/facts]
    connection.disconnect();
  }
  const std::string xml = written.str();
  std::cout << (xml.find("<auth") != std::string::npos ? "the login is shown, " : "no login is shown, ")
            << (xml.find("secret") == std::string::npos ? "its secrets are not" : "and its secrets are") << '\n';
}
