// A connection's life against a server that does what the test tells it to.
#include "sdk/src/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <stdexcept>

#include "net/zip.h"
#include "sdk/src/test_server.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Outcome = Delivery::Outcome;

TEST_F(SessionTest, ConnectsLogsInAndSaysGoodbye) {
  Connection connection{server.configuration()};
  log_in(connection);
  EXPECT_EQ(connection.user(), "romeo@example.org/orchard");
  EXPECT_EQ(connection.connection_id(), "s1");
  EXPECT_TRUE(connection.is_connected());
  EXPECT_TRUE(connection.is_authenticated());
  EXPECT_FALSE(connection.is_secure());

  Told<bool> gone;
  connection.disconnect(Presence{Presence::Type::unavailable}, [tell = gone.teller()] { tell(true); });
  EXPECT_THAT(server.hears("</stream:stream>"), HasSubstr("<presence type='unavailable'"));
  server.says("</stream:stream>");
  gone.get();

  EXPECT_FALSE(connection.is_connected());
  EXPECT_EQ(connection.user(), "");
  EXPECT_EQ(connection.send(to_juliet("too late")).error().code, Errc::wrong_state);
}

TEST_F(SessionTest, SendsAndReceivesInOrder) {
  Connection connection{server.configuration()};
  log_in(connection);
  auto heard = connection.collect(filter::message(Message::Type::chat));

  for (int i = 0; i < 3; ++i) ASSERT_TRUE(connection.send(to_juliet(std::to_string(i))));
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(server.hears("</message>"), HasSubstr("<body>" + std::to_string(i) + "</body>"));
  server.says(
      "<message type='chat' from='juliet@example.org/b'><body>a</body></message>"
      "<message type='chat' from='juliet@example.org/b'><body>b</body></message>");

  for (const char* body : {"a", "b"}) {
    const auto stanza = heard.next(kPatience);
    ASSERT_TRUE(stanza);
    EXPECT_EQ(static_cast<const Message&>(*stanza).body(), body);
  }
}

TEST_F(SessionTest, TellsWhatTheServerHasConfirmed) {
  Connection connection{server.configuration()};
  log_in(connection, true);
  EXPECT_TRUE(connection.is_using_stream_management());
  Told<Delivery> told;

  ASSERT_TRUE(connection.send(to_juliet("hello"), told.teller()));
  server.hears("<r xmlns='urn:xmpp:sm:3'/>");
  server.says("<a xmlns='urn:xmpp:sm:3' h='3'/>");  // two questions and the message

  EXPECT_EQ(told.get().outcome, Outcome::stored);
}

TEST_F(SessionTest, AnApplicationMayChangeItsMessageWhenItHearsOfTheOneBefore) {
  Connection connection{server.configuration()};
  log_in(connection, true);
  const std::string id(40, 'i');
  const auto message = std::make_shared<Message>(to_juliet("twice"));
  message->set_id(id);
  Told<Delivery> second;
  // On the loop's thread nothing is copied before it is written.
  connection.add_stanza_listener(filter::message(Message::Type::normal), [&](const Stanza&) {
    const auto change = [message](const Delivery& delivery) {
      if (delivery.outcome != Outcome::unconfirmed) return;
      message->set_id("another");
      message->set_to("somebody.else@example.org");
    };
    ASSERT_TRUE(connection.send(*message, change));
    ASSERT_TRUE(connection.send(*message, second.teller()));
  });

  server.says("<message from='juliet@example.org/b'><body>go</body></message>");
  server.hears("<r xmlns='urn:xmpp:sm:3'/>");
  server.says("<a xmlns='urn:xmpp:sm:3' h='4'/>");  // two questions and the messages

  const Delivery told = second.get();
  EXPECT_EQ(told.outcome, Outcome::stored);
  EXPECT_EQ(told.id, id);
}

TEST_F(SessionTest, ReadsASmallMessageAfterALargeOneAfterAListenerThatThrew) {
  Connection connection{server.configuration()};
  log_in(connection);
  std::vector<std::string> heard;
  Told<bool> all;
  connection.add_stanza_listener(
      filter::message(Message::Type::normal), [&, tell = all.teller()](const Stanza& stanza) {
        const auto& message = static_cast<const Message&>(stanza);
        heard.push_back(message.subject() + "/" + message.thread() + "/" + std::to_string(message.body().size()));
        if (heard.size() == 3) tell(true);
        throw std::runtime_error{"not now"};
      });

  server.says("<message><subject>s</subject><body>" + std::string(6000, 'x') + "</body><thread>t</thread></message>" +
              "<message><body>1</body><thread>u</thread></message><message><subject>v</subject></message>");

  all.get();
  EXPECT_THAT(heard, testing::ElementsAre("s/t/6000", "/u/1", "v//0"));
}

TEST_F(SessionTest, ConfirmsByAPingWhereTheServerHasNoStreamManagement) {
  Connection connection{server.configuration()};
  log_in(connection);
  Told<Delivery> told;

  ASSERT_TRUE(connection.send(to_juliet("hello"), told.teller()));
  const std::string ping = server.hears("</iq>");
  EXPECT_THAT(ping, HasSubstr("urn:xmpp:ping"));
  server.says("<iq type='result' from='example.org' id='" + TestServer::id_of(ping) + "'/>");

  EXPECT_EQ(told.get().outcome, Outcome::stored);
}

TEST_F(SessionTest, ResumesAndSendsAgainWhatWasNotConfirmed) {
  Connection connection{server.configuration()};
  Told<bool> resumed;
  connection.add_connection_listener({.authenticated = [tell = resumed.teller()](bool again) {
    if (again) tell(true);
  }});
  log_in(connection, true);
  Told<Delivery> first, second;
  ASSERT_TRUE(connection.send(to_juliet("first"), first.teller()));
  ASSERT_TRUE(connection.send(to_juliet("second"), second.teller()));
  server.hears("second</body>");

  server.cuts();
  server.accept();
  server.opens_stream();
  server.offers_plain();
  server.lets_in();
  server.says(
      "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>"
      "</stream:features>");
  EXPECT_THAT(server.hears("/>"), HasSubstr("previd='s-1'"));
  server.says("<resumed xmlns='urn:xmpp:sm:3' previd='s-1' h='3'/>");

  EXPECT_TRUE(resumed.get());
  EXPECT_EQ(first.get().outcome, Outcome::stored);
  const std::string again = server.hears("</message>");
  EXPECT_THAT(again, HasSubstr("second"));
  server.says("<a xmlns='urn:xmpp:sm:3' h='4'/>");
  EXPECT_EQ(second.get().outcome, Outcome::stored);
}

TEST_F(SessionTest, TellsWhenASessionIsLostAndGoesOnWithTheNext) {
  Connection connection{server.configuration()};
  log_in(connection, true);
  Told<Delivery> told, later;
  Told<bool> waiting;
  connection.add_connection_listener(
      {.reconnecting_in = [tell = waiting.teller()](std::chrono::milliseconds) { tell(true); }});
  ASSERT_TRUE(connection.send(to_juliet("lost"), told.teller()));
  server.hears("lost</body>");

  server.cuts();
  waiting.get();
  ASSERT_TRUE(connection.send(to_juliet("waits"), later.teller()));
  server.accept();
  server.opens_stream();
  server.offers_plain();
  server.lets_in();
  server.says(
      "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>"
      "</stream:features>");
  server.hears("<resume");
  server.hears("/>");
  server.says("<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
  const std::string id = TestServer::id_of(server.hears("</iq>"));
  server.says("<iq type='result' id='" + id +
              "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>romeo@example.org/orchard</jid></bind></iq>");
  server.hears("<enable");
  server.hears("/>");
  server.says("<enabled xmlns='urn:xmpp:sm:3' id='s-2' resume='true'/>");
  EXPECT_EQ(told.get().outcome, Outcome::unconfirmed);
  server.tells_features();

  EXPECT_THAT(server.hears("</message>"), HasSubstr("waits"));
  server.hears("<r xmlns='urn:xmpp:sm:3'/>");
  server.says("<a xmlns='urn:xmpp:sm:3' h='3'/>");
  EXPECT_EQ(later.get().outcome, Outcome::stored);
}

TEST_F(SessionTest, GivesAMessageOnceThatTheServerGivesTwice) {
  Connection connection{server.configuration()};
  log_in(connection);
  auto heard = connection.collect(filter::message(Message::Type::chat));
  const std::string message =
      "<message type='chat' from='juliet@example.org/b'><body>once</body>"
      "<origin-id xmlns='urn:xmpp:sid:0' id='u-1'/></message>";

  server.says(message + message + "<message type='chat' from='juliet@example.org/b'><body>end</body></message>");

  EXPECT_EQ(static_cast<const Message&>(*heard.next(kPatience)).body(), "once");
  EXPECT_EQ(static_cast<const Message&>(*heard.next(kPatience)).body(), "end");
}

TEST_F(SessionTest, FindsAHalfOpenConnection) {
  auto configuration = server.configuration();
  configuration.limits.ping_after = 1ms;
  configuration.limits.ping_answer = 1ms;
  configuration.reconnection.allowed = false;
  Connection connection{configuration};
  Told<Error> lost;
  connection.add_connection_listener({.closed_on_error = [tell = lost.teller()](const Error& why) { tell(why); }});
  log_in(connection);

  EXPECT_EQ(lost.get().code, Errc::timeout);  // the server says nothing
}

constexpr std::string_view kConflict =
    "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>";

TEST_F(SessionTest, DoesNotComeBackWhenItWasReplaced) {
  Connection connection{server.configuration()};
  Told<Error> lost;
  connection.add_connection_listener({.closed_on_error = [tell = lost.teller()](const Error& why) { tell(why); }});
  log_in(connection);

  server.says(kConflict);

  const Error why = lost.get();
  EXPECT_EQ(why.code, Errc::stream);
  EXPECT_EQ(why.condition, "conflict");
  EXPECT_FALSE(connection.is_connected());
}

// An older stream of its own may have come to the server late, and taken the session.
TEST_F(SessionTest, TakesItsSessionBackFromALateStreamOfItsOwn) {
  Connection connection{server.configuration()};
  Told<bool> resumed;
  connection.add_connection_listener({.authenticated = [tell = resumed.teller()](bool again) {
    if (again) tell(true);
  }});
  log_in(connection, true);

  server.says(kConflict);
  server.is_asked_to_resume();
  server.resumes(2);

  EXPECT_TRUE(resumed.get());
}

TEST_F(SessionTest, BindsNoNewAddressWhenSomebodyElseHasReplacedIt) {
  Connection connection{server.configuration()};
  Told<Error> first, last;
  connection.add_connection_listener(
      {.closed_on_error = [tell = first.teller(), then = last.teller(), told = false](const Error& why) mutable {
        std::exchange(told, true) ? then(why) : tell(why);
      }});
  log_in(connection, true);

  server.says(kConflict);
  EXPECT_EQ(first.get().condition, "conflict");
  server.is_asked_to_resume();
  server.has_no_such_session();

  EXPECT_EQ(last.get().condition, "conflict");
  EXPECT_EQ(server.hears("</stream:stream>"), "</stream:stream>");  // and no <bind/> before it
  EXPECT_FALSE(connection.is_connected());
}

TEST_F(SessionTest, LeavesASessionWhoseCountMakesNoSense) {
  Connection connection{server.configuration()};
  log_in(connection, true);

  server.cuts();
  server.is_asked_to_resume();
  server.resumes(100);

  server.accept();
  server.opens_stream();
  server.offers_plain();
  server.lets_in();
  server.binds(true);  // nobody asks for the old one
}

TEST_F(SessionTest, ALoginThatIsCutGoesOnWhenItsSessionIsResumed) {
  Connection connection{server.configuration()};
  log_in(connection, true);
  Told<bool> in;
  connection.add_connection_listener({.reconnected = [tell = in.teller()] { tell(true); }});
  server.cuts();
  server.is_asked_to_resume();
  server.has_no_such_session();
  const std::string id = TestServer::id_of(server.hears("</iq>"));
  server.says("<iq type='result' id='" + id +
              "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>romeo@example.org/orchard</jid></bind></iq>");
  server.hears("<enable");
  server.hears("/>");
  server.says("<enabled xmlns='urn:xmpp:sm:3' id='s-2' resume='true'/>");
  server.hears("</iq>");  // a question, which is not answered

  server.cuts();
  server.is_asked_to_resume("s-2");
  server.resumes(0, "s-2");
  server.tells_features();

  EXPECT_TRUE(in.get());
  EXPECT_TRUE(connection.is_authenticated());
}

TEST_F(SessionTest, AsksNothingWhileAReconnectionIsUnderNegotiation) {
  Connection connection{server.configuration()};
  Told<bool> resumed;
  connection.add_connection_listener({.authenticated = [tell = resumed.teller()](bool again) {
    if (again) tell(true);
  }});
  log_in(connection, true);
  server.cuts();
  server.accept();
  server.opens_stream();
  server.offers_plain();
  server.hears("</auth>");

  const auto refused = connection.request(IQ{IQ::Type::get, Element{"query", "jabber:iq:version"}}).get();
  server.says("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::wrong_state);
  server.opens_stream();
  server.says("<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>");
  EXPECT_THAT(server.hears("/>"), testing::StartsWith("<resume"));
  server.resumes(2);
  EXPECT_TRUE(resumed.get());
}

TEST_F(SessionTest, HasTheRosterWhenTheLoginIsDone) {
  auto configuration = server.configuration();
  configuration.roster_loaded_at_login = true;
  Connection connection{configuration};
  Told<Result<void>> in;
  connection.connect([&](const Result<void>&) { connection.login("romeo", "secret", "orchard", in.teller()); });
  server.takes_login();
  const std::string request = server.hears("</iq>");
  EXPECT_THAT(request, HasSubstr("jabber:iq:roster"));
  server.says("<iq type='result' id='" + TestServer::id_of(request) +
              "'><query xmlns='jabber:iq:roster'><item jid='juliet@example.org' subscription='both'/></query></iq>");

  ASSERT_TRUE(in.get());
  EXPECT_TRUE(connection.roster().is_loaded());
  EXPECT_TRUE(connection.roster().contains("juliet@example.org"));
}

TEST_F(SessionTest, AnswersPingsAndRefusesWhatItDoesNotKnow) {
  Connection connection{server.configuration()};
  log_in(connection);

  server.says("<iq type='get' id='p1' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
  EXPECT_THAT(server.hears("/>"), HasSubstr("id='p1'"));
  server.says("<iq type='set' id='p2' from='example.org'><x xmlns='unknown'/></iq>");
  const std::string refusal = server.hears("</iq>");
  EXPECT_THAT(refusal, HasSubstr("service-unavailable"));
  EXPECT_THAT(refusal, HasSubstr("id='p2'"));
}

TEST_F(SessionTest, BelievesAnAnswerOnlyFromWhomItAsked) {
  Connection connection{server.configuration()};
  log_in(connection);
  auto answer = connection.request(IQ{IQ::Type::get, Element{"query", "jabber:iq:version"}, "juliet@example.org/b"});
  const std::string id = TestServer::id_of(server.hears("</iq>"));

  server.says("<iq type='result' id='" + id + "' from='tybalt@example.org/x'><query xmlns='jabber:iq:version'/></iq>");
  server.says("<iq type='error' id='" + id +
              "' from='juliet@example.org/b'><error type='cancel'>"
              "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");

  const auto result = answer.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::stanza);
  EXPECT_EQ(result.error().condition, "forbidden");
}

TEST_F(SessionTest, StaysAwayWhenItIsDisconnectedWhileItIsLost) {
  Connection connection{server.configuration()};
  log_in(connection);
  Told<bool> gone;
  ASSERT_TRUE(connection.send(to_juliet("lost"), [&connection, tell = gone.teller()](const Delivery&) {
    connection.disconnect(Presence{Presence::Type::unavailable}, [tell] { tell(true); });
  }));
  server.hears("lost</body>");

  server.cuts();

  EXPECT_TRUE(gone.get());
  EXPECT_FALSE(connection.is_connected());
  EXPECT_EQ(connection.send(to_juliet("too late")).error().code, Errc::wrong_state);
}

TEST_F(SessionTest, MayBeDestroyedByAListenerWhileItWaits) {
  auto connection = std::make_unique<Connection>(server.configuration());
  log_in(*connection);
  Told<bool> destroyed;
  connection->add_connection_listener({.reconnecting_in = [&, tell = destroyed.teller()](std::chrono::milliseconds) {
    connection.reset();
    tell(true);
  }});

  server.cuts();

  EXPECT_TRUE(destroyed.get());
}

TEST_F(SessionTest, RefusesToWaitOnItsOwnThread) {
  Connection connection{server.configuration()};
  Told<Errc> told;
  connection.connect([&connection, tell = told.teller()](const Result<void>&) {
    tell(connection.login("romeo", "secret").error().code);
  });
  server.accept();
  server.opens_stream();
  server.offers_plain();

  EXPECT_EQ(told.get(), Errc::would_block);
}

TEST_F(SessionTest, BoundsWhatWaitsForAConnection) {
  auto configuration = server.configuration();
  configuration.queue_messages = 2;
  Connection connection{configuration};
  log_in(connection, true);

  ASSERT_TRUE(connection.send(to_juliet("1")));
  ASSERT_TRUE(connection.send(to_juliet("2")));
  server.hears("2</body>");
  const auto third = connection.send(to_juliet("3"));

  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::queue_full);
}

TEST_F(SessionTest, AThrowingListenerHarmsNobody) {
  Connection connection{server.configuration()};
  Told<bool> told, failed;
  connection.add_connection_listener({.failed = [tell = failed.teller()](std::exception_ptr) { tell(true); }});
  connection.add_stanza_listener(filter::everything(), [](const Stanza&) { throw std::runtime_error{"mine"}; });
  connection.add_stanza_listener(filter::message(Message::Type::chat),
                                 [tell = told.teller()](const Stanza&) { tell(true); });
  log_in(connection);

  server.says("<message type='chat' from='juliet@example.org/b'><body>x</body></message>");

  EXPECT_TRUE(failed.get());
  EXPECT_TRUE(told.get());
}

TEST_F(SessionTest, MayBeDestroyedByItsOwnListener) {
  auto connection = std::make_unique<Connection>(server.configuration());
  log_in(*connection);
  Told<bool> destroyed;
  connection->add_stanza_listener(filter::message(Message::Type::chat), [&, tell = destroyed.teller()](const Stanza&) {
    connection.reset();
    tell(true);
  });
  server.says(
      "<message type='chat' from='juliet@example.org/b'><body>x</body></message>"
      "<message type='chat' from='juliet@example.org/b'><body>y</body></message>");

  EXPECT_TRUE(destroyed.get());
  EXPECT_TRUE(server.sees_the_end());
}

TEST_F(SessionTest, WorksOnTheApplicationsOwnLoop) {
  boost::asio::io_context io;
  std::thread script{[this] {
    server.takes_login();
    server.hears("</stream:stream>");
    server.says("</stream:stream>");
    server.cuts();
  }};
  bool in = false;
  {
    Connection connection{server.configuration(), io};
    connection.connect([&](const Result<void>& connected) {
      ASSERT_TRUE(connected);
      connection.login("romeo", "secret", "", [&](const Result<void>& done) {
        in = done.has_value();
        connection.disconnect();  // only begins, on this thread
      });
    });

    io.run();  // ends when the connection has
  }
  script.join();
  EXPECT_TRUE(in);
}

}  // namespace
}  // namespace anser::sdk
