// A connection whose server lies, stalls, or cuts the line.
#include "sdk/src/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "net/zip.h"
#include "sdk/src/test_server.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

int socket_to(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  EXPECT_EQ(::connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return made;
}

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
    return socket_to(port);
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

// ---- a factory of the application's that blocks ---------------------------------------------------------------------

// Gives the socket that leads to the server, but not before it is let go.
class BlockingFactory {
 public:
  SocketFactory factory() {
    return [this](const std::string&, std::uint16_t port) -> Result<int> {
      entered_.set_value();
      EXPECT_EQ(may_go_.get_future().wait_for(kPatience), std::future_status::ready);
      const int made = socket_to(port);
      returned_ = true;
      return made;
    };
  }
  void is_entered() { ASSERT_EQ(entered_.get_future().wait_for(kPatience), std::future_status::ready); }
  void lets_go() { may_go_.set_value(); }
  bool has_returned() const { return returned_; }

 private:
  std::promise<void> entered_, may_go_;
  std::atomic<bool> returned_ = false;
};

TEST_F(SessionTest, ClosesWhatAFactoryGivesAfterTheGoodbye) {
  BlockingFactory blocking;
  auto configuration = server.configuration();
  configuration.socket_factory = blocking.factory();
  Connection connection{configuration};
  Told<Result<void>> opened;
  Told<bool> closed;
  connection.connect(opened.teller());
  blocking.is_entered();

  connection.disconnect(Presence{Presence::Type::unavailable}, [tell = closed.teller()] { tell(true); });
  blocking.lets_go();

  const auto outcome = opened.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::closed);
  EXPECT_TRUE(closed.get());
  server.accept();
  EXPECT_EQ(server.hears_the_rest(), "");  // and the end
}

TEST_F(SessionTest, IsDestroyedOnlyWhenItsFactoryHasReturned) {
  BlockingFactory blocking;
  auto configuration = server.configuration();
  configuration.socket_factory = blocking.factory();
  auto connection = std::make_unique<Connection>(configuration);
  std::atomic<bool> called = false;
  std::promise<void> forgotten;  // by the connection, which has begun to go
  const auto forget = [&](void*) { forgotten.set_value(); };
  connection->connect([&, held = std::shared_ptr<void>{nullptr, forget}](const Result<void>&) { called = true; });
  blocking.is_entered();

  bool had_returned = false;
  std::thread elsewhere{[&] {
    connection.reset();
    had_returned = blocking.has_returned();  // what the factory uses may go with the connection
  }};
  ASSERT_EQ(forgotten.get_future().wait_for(kPatience), std::future_status::ready);
  blocking.lets_go();
  elsewhere.join();

  EXPECT_TRUE(had_returned);
  EXPECT_FALSE(called);
  server.accept();
  EXPECT_EQ(server.hears_the_rest(), "");
}

// ---- a server that does not read ------------------------------------------------------------------------------------

TEST_F(SessionTest, LeavesAServerThatAsksAndDoesNotRead) {
  auto configuration = server.configuration();
  configuration.queue_bytes = 100'000;
  configuration.reconnection.allowed = false;
  Connection connection{configuration};
  Told<Error> lost;
  std::atomic<bool> over = false;
  connection.add_connection_listener({.closed_on_error = [&, tell = lost.teller()](const Error& why) {
    over = true;
    tell(why);
  }});
  log_in(connection);

  // Each answer is as long as its question. The most that two sockets take without anybody reading is some megabytes.
  const std::string question =
      "<iq type='get' from='example.org' id='" + std::string(10'000, 'x') + "'><ping xmlns='urn:xmpp:ping'/></iq>";
  constexpr int kMost = 10'000;
  for (int i = 0; i < kMost && !over; ++i) server.says(question);

  const Error why = lost.get();
  EXPECT_EQ(why.code, Errc::timeout);
  EXPECT_THAT(why.message, HasSubstr("does not read"));
}

TEST_F(SessionTest, BoundsTheBytesThatWaitForAnAcknowledgement) {
  auto configuration = server.configuration();
  configuration.queue_bytes = 10'000;
  Connection connection{configuration};
  log_in(connection, true);

  ASSERT_TRUE(connection.send(to_juliet(std::string(6'000, '1'))));
  ASSERT_TRUE(connection.send(to_juliet(std::string(6'000, '2'))));
  server.hears("2</body>");
  const auto third = connection.send(to_juliet("3"));
  server.says(
      "<a xmlns='urn:xmpp:sm:3' h='4'/><iq type='get' id='p' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
  server.hears("id='p'");  // so the acknowledgement has been read

  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::queue_full);
  EXPECT_TRUE(connection.send(to_juliet("4")));
}

// Without stream management, and nobody waits to hear what becomes of them: they wait for the socket only.
TEST_F(SessionTest, BoundsTheBytesThatWaitForTheSocket) {
  auto configuration = server.configuration();
  configuration.queue_bytes = 100'000;
  Connection connection{configuration};
  Told<std::pair<int, Errc>> full;
  Told<bool> fits;
  connection.add_stanza_listener(filter::message(Message::Type::chat), [&](const Stanza& stanza) {
    if (static_cast<const Message&>(stanza).body() == "try")
      return fits.teller()(connection.send(to_juliet("there is room again")).has_value());
    for (int sent = 0; sent < 1'000; ++sent) {
      const auto outcome = connection.send(to_juliet(std::string(10'000, 'x')));
      if (!outcome) return full.teller()({sent, outcome.error().code});
    }
  });
  log_in(connection);

  server.says("<message type='chat' from='juliet@example.org/b'><body>go</body></message>");

  const auto [sent, why] = full.get();
  EXPECT_EQ(why, Errc::queue_full);
  EXPECT_EQ(sent, 10);
  for (int i = 0; i < sent; ++i) server.hears("</message>");
  server.says("<message type='chat' from='juliet@example.org/b'><body>try</body></message>");
  EXPECT_TRUE(fits.get());
}

TEST_F(SessionTest, BoundsTheBytesOnTheirWayFromOtherThreads) {
  auto configuration = server.configuration();
  configuration.queue_bytes = 10'000;
  Connection connection{configuration};
  Told<bool> busy;
  std::promise<void> may_go;
  connection.add_stanza_listener(filter::message(Message::Type::chat), [&, tell = busy.teller()](const Stanza&) {
    tell(true);
    EXPECT_EQ(may_go.get_future().wait_for(kPatience), std::future_status::ready);
  });
  log_in(connection);
  server.says("<message type='chat' from='juliet@example.org/b'><body>hold</body></message>");
  busy.get();

  EXPECT_TRUE(connection.send(to_juliet(std::string(6'000, '1'))));
  EXPECT_TRUE(connection.send(to_juliet(std::string(6'000, '2'))));
  const auto third = connection.send(to_juliet(std::string(6'000, '3')));
  may_go.set_value();

  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::queue_full);
  EXPECT_THAT(server.hears("1</body>"), HasSubstr("111"));  // what was taken is sent
  EXPECT_THAT(server.hears("2</body>"), HasSubstr("222"));
}

// ---- stanzas before the login is complete ---------------------------------------------------------------------------

class EarlyStanzas : public SessionTest {
 protected:
  // Bound, and the client's first questions are open.
  void bind() {
    configuration.reconnection.allowed = false;
    connection.emplace(configuration);
    connection->add_stanza_listener(filter::kind(Stanza::Kind::message), [this](const Stanza& stanza) {
      heard.push_back(static_cast<const Message&>(stanza).body());
    });
    connection->connect([&](const Result<void>& connected) {
      ASSERT_TRUE(connected);
      connection->login("romeo", "secret", "orchard", in.teller());
    });
    server.accept();
    server.opens_stream();
    server.offers_plain();
    server.lets_in();
    server.binds();
  }
  void is_refused() {
    const auto outcome = in.get();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::protocol);
    EXPECT_THAT(outcome.error().message, HasSubstr("does not answer, but sends stanzas"));
  }

  ConnectionConfiguration configuration = server.configuration();
  std::vector<std::string> heard;  // on the loop's thread
  std::optional<Connection> connection;
  Told<Result<void>> in;
};

TEST_F(EarlyStanzas, AreToldAfterTheLoginInTheirOrder) {
  bind();

  for (const std::string body : {"1", "2", "3"})
    server.says("<message from='juliet@example.org/b'><body>" + body + "</body></message>");
  server.tells_features();
  ASSERT_TRUE(in.get());
  server.says("<iq type='get' id='p' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
  server.hears("id='p'");  // so the listener has been called

  EXPECT_THAT(heard, testing::ElementsAre("1", "2", "3"));
}

TEST_F(EarlyStanzas, AreBoundedInNumber) {
  bind();

  std::string many;
  for (int i = 0; i < 10'001; ++i) many += "<message/>";
  server.says(many);

  is_refused();
}

TEST_F(EarlyStanzas, AreBoundedInBytes) {
  configuration.queue_bytes = 10'000;
  bind();

  const std::string long_one = "<message><body>" + std::string(6'000, 'x') + "</body></message>";
  server.says(long_one + long_one);

  is_refused();
}

TEST_F(EarlyStanzas, AreBoundedInBytesWhereverTheseStand) {
  configuration.queue_bytes = 10'000;
  bind();

  const std::string long_one = "<presence id='" + std::string(6'000, 'x') + "'/>";
  server.says(long_one + long_one);

  is_refused();
}

}  // namespace
}  // namespace anser::sdk
