// A connection whose server lies, stalls, or cuts the line.
#include "sdk/src/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "net/zip.h"
#include "sdk/src/test_server.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Every dialogue is cut at each step: the call fails in words, and a new connection works.
TEST_F(SessionTest, SurvivesACutAtEachStepOfTheLogin) {
  using Step = std::function<void()>;
  const std::vector<Step> steps{[&] { server.accept(); },
                                [&] { server.opens_stream(); },
                                [&] { server.offers_plain(); },
                                [&] { server.hears("</auth>"); },
                                [&] {
                                  server.says("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
                                  server.opens_stream();
                                },
                                [&] { server.binds(true); }};
  for (std::size_t cut = 1; cut <= steps.size(); ++cut) {
    Connection connection{server.configuration()};
    Told<Result<void>> over;
    connection.connect([&](const Result<void>& connected) {
      if (!connected) return over.teller()(connected);
      connection.login("romeo", "secret", "", over.teller());
    });
    for (std::size_t i = 0; i < cut; ++i) steps[i]();
    server.cuts();

    const auto outcome = over.get();
    ASSERT_FALSE(outcome) << cut;
    EXPECT_NE(outcome.error().message, "") << cut;
    EXPECT_FALSE(connection.is_authenticated());
    Told<bool> gone;
    connection.disconnect(Presence{Presence::Type::unavailable}, [tell = gone.teller()] { tell(true); });
    EXPECT_TRUE(gone.get());
  }
}

TEST_F(SessionTest, GivesUpOnAZlibBomb) {
  auto configuration = server.configuration();
  configuration.compression_enabled = true;
  Connection connection{configuration};
  Told<Result<void>> over;
  connection.connect([&](const Result<void>& connected) {
    ASSERT_TRUE(connected);
    connection.login("romeo", "secret", "", over.teller());
  });
  server.accept();
  server.opens_stream();
  server.offers_plain();
  server.lets_in();
  server.says(
      "<stream:features><compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
      "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
  server.hears("</compress>");
  server.says("<compressed xmlns='http://jabber.org/protocol/compress'/>");

  std::string bomb;
  const auto zip = net::Zip::make({});
  (*zip)->deflate(std::string(64 * 1024 * 1024, ' '), bomb);
  server.says(bomb);

  const auto outcome = over.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::protocol);
  EXPECT_NE(outcome.error().message, "");
}

TEST_F(SessionTest, AStreamThatStopsInsideAStanzaIsFound) {
  auto configuration = server.configuration();
  configuration.limits.ping_after = 1ms;
  configuration.limits.ping_answer = 1ms;
  configuration.reconnection.allowed = false;
  Connection connection{configuration};
  Told<Error> lost;
  connection.add_connection_listener({.closed_on_error = [tell = lost.teller()](const Error& why) { tell(why); }});
  log_in(connection);

  server.says("<message from='juliet@example.org/b'><body>parting is such");

  EXPECT_EQ(lost.get().code, Errc::timeout);
}

TEST_F(SessionTest, RefusesAServerThatHasNoTlsWhenItIsRequired) {
  auto configuration = server.configuration();
  configuration.security = SecurityMode::required;
  Connection connection{configuration};
  Told<Result<void>> over;
  connection.connect(over.teller());
  server.accept();
  server.opens_stream();
  server.offers_plain();  // somebody has taken <starttls/> out

  const auto outcome = over.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::insecure);
}

TEST_F(SessionTest, SaysWhyNobodyWasReached) {
  auto configuration = server.configuration();
  configuration.port = 1;
  Connection connection{configuration};

  const auto outcome = connection.connect();

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::unreachable);
  EXPECT_THAT(outcome.error().message, HasSubstr("127.0.0.1"));
}

TEST_F(SessionTest, TakesTheApplicationsOwnSocket) {
  auto configuration = server.configuration();
  std::string asked;
  configuration.host = "server.example";
  configuration.socket_factory = [&](const std::string& host, std::uint16_t port) -> Result<int> {
    asked = host;
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(::connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return made;
  };
  Connection connection{configuration};
  log_in(connection);

  EXPECT_EQ(asked, "server.example");
  EXPECT_TRUE(connection.is_authenticated());
}

TEST_F(SessionTest, AThrowingSocketFactoryIsAnError) {
  auto configuration = server.configuration();
  configuration.socket_factory = [](const std::string&, std::uint16_t) -> Result<int> {
    throw std::runtime_error{"no"};
  };
  Connection connection{configuration};

  const auto outcome = connection.connect();

  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("no"));
}

TEST_F(SessionTest, GivesUpWhenXmlHasNoEnd) {
  auto configuration = server.configuration();
  configuration.stanza_bytes = 10'000;
  configuration.reconnection.allowed = false;
  Connection connection{configuration};
  Told<Error> lost;
  connection.add_connection_listener({.closed_on_error = [tell = lost.teller()](const Error& why) { tell(why); }});
  log_in(connection);

  server.says("<message><body>" + std::string(20'000, 'x'));

  EXPECT_EQ(lost.get().code, Errc::protocol);
}

}  // namespace
}  // namespace anser::sdk
