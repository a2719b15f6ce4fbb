// What an application may do while its connection is lost: from whatever it is called with, and from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "anser/roster.h"
#include "sdk/src/test_server.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Presence gone() { return Presence{Presence::Type::unavailable}; }

// ---- connect() from what is called ----------------------------------------------------------------------------------

using Again = std::function<void()>;

// Somewhere in the application that hears of a loss, and connects anew there.
struct Place {
  std::string name;
  bool comes_back;  // by itself, if it is let
  std::function<void(Connection&, TestServer&, Again)> listen;
};

void as_delivery(Connection& connection, TestServer& server, Again again) {
  ASSERT_TRUE(connection.send(to_juliet("lost"), [again](const Delivery&) { again(); }));
  server.hears("lost</body>");
}
void as_answer(Connection& connection, TestServer& server, Again again) {
  const IQ question{IQ::Type::get, Element{"query", "jabber:iq:version"}, "juliet@example.org/b"};
  connection.request(question, [again](const Result<IQ>&) { again(); });
  server.hears("</iq>");
}
void as_loss(Connection& connection, TestServer&, Again again) {
  connection.add_connection_listener({.closed_on_error = [again](const Error&) { again(); }});
}
void as_wait(Connection& connection, TestServer&, Again again) {
  connection.add_connection_listener({.reconnecting_in = [again](std::chrono::milliseconds) { again(); }});
}
void as_presence(Connection& connection, TestServer& server, Again again) {
  Told<bool> came;
  connection.roster().add_listener({.presence_changed = [again, came = came.teller()](const Presence& presence) {
    presence.is_available() ? came(true) : again();
  }});
  server.says(
      "<iq type='set' id='push'><query xmlns='jabber:iq:roster'><item jid='juliet@example.org' subscription='both'/>"
      "</query></iq><presence from='juliet@example.org/balcony'/>");
  came.get();
}

class ConnectAnew : public SessionTest, public testing::WithParamInterface<Place> {};

TEST_P(ConnectAnew, WorksFromWhateverHearsOfTheLoss) {
  auto configuration = server.configuration();
  configuration.reconnection.allowed = GetParam().comes_back;
  configuration.reconnection.cap = 1ms;
  Connection connection{configuration};
  log_in(connection);
  Told<Result<void>> connected, in;
  GetParam().listen(connection, server, [&, called = false]() mutable {
    if (std::exchange(called, true)) return;  // disconnect() below tells of a loss, too
    connection.disconnect(gone(), [] {});
    connection.connect(connected.teller());
  });

  server.cuts();
  server.accept();
  server.opens_stream();
  server.offers_plain();
  const auto opened = connected.get();
  ASSERT_TRUE(opened) << opened.error().message;
  connection.login("romeo", "secret", "orchard", in.teller());
  server.lets_in();
  server.binds();
  server.tells_features();

  EXPECT_TRUE(in.get());
  EXPECT_TRUE(connection.is_authenticated());
  EXPECT_TRUE(connection.send(to_juliet("I am back")));
  EXPECT_THAT(server.hears("</message>"), HasSubstr("I am back"));
  EXPECT_FALSE(server.is_called()) << "the reconnection went on besides";
}

INSTANTIATE_TEST_SUITE_P(Places, ConnectAnew,
                         testing::Values(Place{"Delivery", true, as_delivery}, Place{"Answer", true, as_answer},
                                         Place{"Loss", true, as_loss}, Place{"Wait", true, as_wait},
                                         Place{"Presence", true, as_presence},
                                         Place{"LastDelivery", false, as_delivery},
                                         Place{"LastAnswer", false, as_answer}, Place{"LastLoss", false, as_loss},
                                         Place{"LastPresence", false, as_presence}),
                         [](const auto& place) { return place.param.name; });

TEST_F(SessionTest, MayConnectAnewFromTheAnswerThatItFailed) {
  Connection connection{server.configuration()};
  Told<Result<void>> first, second;
  connection.connect([&](const Result<void>& connected) {
    connection.connect(second.teller());
    first.teller()(connected);
  });

  server.accept();
  server.cuts();
  EXPECT_FALSE(first.get());
  server.accept();
  server.opens_stream();
  server.offers_plain();

  EXPECT_TRUE(second.get());
}

TEST_F(SessionTest, RefusesToConnectWhileItComesBackByItself) {
  Connection connection{server.configuration()};
  Told<Result<void>> refused;
  Told<bool> back;
  connection.add_connection_listener(
      {.reconnecting_in = [&](std::chrono::milliseconds) { connection.connect(refused.teller()); },
       .reconnected = [tell = back.teller()] { tell(true); }});
  log_in(connection);

  server.cuts();
  server.takes_login();

  const auto outcome = refused.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::wrong_state);
  EXPECT_TRUE(back.get());
}

TEST_F(SessionTest, AnnouncesNoReturnWhenTheLossMadeItLeave) {
  Connection connection{server.configuration()};
  std::atomic<bool> announced = false;
  Told<bool> left;
  connection.add_connection_listener(
      {.closed_on_error = [&](const Error&) { connection.disconnect(gone(), [&] { left.teller()(true); }); },
       .reconnecting_in = [&](std::chrono::milliseconds) { announced = true; }});
  log_in(connection);

  server.cuts();
  left.get();
  connection.disconnect();  // waits for the loop, so all has been told

  EXPECT_FALSE(announced);
}

// ---- network_changed() ----------------------------------------------------------------------------------------------

// Full jitter draws from a range of weeks, so waiting it out would be noticed.
TEST_F(SessionTest, ComesBackAtOnceWhenTheNetworkDoes) {
  auto configuration = server.configuration();
  configuration.reconnection.base = configuration.reconnection.cap = 24h * 14;
  Connection connection{configuration};
  Told<bool> waits, back;
  connection.add_connection_listener(
      {.reconnecting_in = [tell = waits.teller()](std::chrono::milliseconds) { tell(true); },
       .reconnected = [tell = back.teller()] { tell(true); }});
  log_in(connection);
  server.cuts();
  waits.get();

  connection.network_changed();
  connection.network_changed();  // there is one attempt at a time
  server.takes_login();

  EXPECT_TRUE(back.get());
  EXPECT_FALSE(server.is_called());
}

TEST_F(SessionTest, TestsTheConnectionWhenTheNetworkChanges) {
  auto configuration = server.configuration();
  configuration.limits.ping_after = 0ms;  // never asked otherwise
  configuration.limits.ping_answer = 1ms;
  configuration.reconnection.allowed = false;
  Connection connection{configuration};
  Told<Error> lost;
  connection.add_connection_listener({.closed_on_error = [tell = lost.teller()](const Error& why) { tell(why); }});
  log_in(connection, true);

  connection.network_changed();

  EXPECT_THAT(server.hears("<r xmlns='urn:xmpp:sm:3'/>"), HasSubstr("<r "));
  EXPECT_EQ(lost.get().code, Errc::timeout);  // the server has no answer
}

TEST_F(SessionTest, KeepsTheConnectionThatAnswersWhenTheNetworkChanges) {
  auto configuration = server.configuration();
  configuration.limits.ping_after = 0ms;
  Connection connection{configuration};
  log_in(connection);

  connection.network_changed();
  const std::string ping = server.hears("</iq>");
  server.says("<iq type='result' from='example.org' id='" + TestServer::id_of(ping) + "'/>");

  EXPECT_THAT(ping, HasSubstr("urn:xmpp:ping"));
  ASSERT_TRUE(connection.send(to_juliet("still here")));
  EXPECT_THAT(server.hears("</message>"), HasSubstr("still here"));
}

TEST_F(SessionTest, TakesNoNoticeOfTheNetworkWhenItIsClosed) {
  Connection connection{server.configuration()};

  connection.network_changed();
  connection.disconnect();  // waits for the loop

  EXPECT_FALSE(server.is_called());
  EXPECT_FALSE(connection.is_connected());
}

}  // namespace
}  // namespace anser::sdk
