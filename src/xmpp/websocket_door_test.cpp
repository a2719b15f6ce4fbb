// RFC 7395's dialogues with the real door, each also with its messages in two fragments and octet by octet.
#include "xmpp/websocket_door.h"

#include <atomic>
#include <future>
#include <memory>

#include "tests/support/websocket_door_fixture.h"

namespace anser::xmpp {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class Dialogue : public WebSocketDoorTest, public testing::WithParamInterface<Cut> {};
INSTANTIATE_TEST_SUITE_P(Messages, Dialogue, testing::Values(Cut::whole, Cut::fragments, Cut::octets));

// ---- the handshake (§3.1) -------------------------------------------------------------------------------------------

TEST_F(WebSocketDoorTest, TakesTheHandshakeOfTheStandard) {
  WebSocketClient client = connect();

  const std::string answer =
      client.request(handshake("Origin: http://example.com\r\nSec-WebSocket-Protocol: xmpp\r\n"));

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(answer, HasSubstr("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  EXPECT_THAT(answer, HasSubstr("rotocol: xmpp\r\n"));
}

TEST_F(WebSocketDoorTest, ChoosesItsProtocolAmongOthers) {
  EXPECT_THAT(connect().request(handshake("Sec-WebSocket-Protocol: chat, xmpp\r\n")), HasSubstr("rotocol: xmpp\r\n"));
}

TEST_F(WebSocketDoorTest, RefusesAClientThatDoesNotOfferXmpp) {
  for (const char* offer : {"", "Sec-WebSocket-Protocol: chat\r\n", "Sec-WebSocket-Protocol: XMPP\r\n"}) {
    const std::string answer = connect().request(handshake(offer));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(answer, HasSubstr("the subprotocol here is xmpp"));
  }
}

TEST_F(WebSocketDoorTest, RefusesPagesOfOtherOriginsUnlessTheyAreNamed) {
  settings_.websocket.origins = {"https://chat.example"};
  constexpr std::string_view kXmpp = "Sec-WebSocket-Protocol: xmpp\r\n";

  EXPECT_THAT(connect().request(handshake(std::string{kXmpp} + "Origin: https://evil.example\r\n")),
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(connect().request(handshake(std::string{kXmpp} + "Origin: https://chat.example\r\n")),
              StartsWith("HTTP/1.1 101 "));
}

// ---- the stream (§3.4, 3.5, 3.6) ------------------------------------------------------------------------------------

TEST_P(Dialogue, OpensAStreamAsInTheExample) {
  WebSocketClient client = connect_websocket(GetParam());

  client.say(kOpen);

  EXPECT_THAT(client.hear(), MatchesRegex("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='[^']+' "
                                          "from='example.com' version='1.0' xml:lang='en'/>"));
  const std::string features = client.hear();
  EXPECT_THAT(features, StartsWith("<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms "));
  EXPECT_THAT(features, Not(HasSubstr("starttls")));
  EXPECT_TRUE(xml::parse_element(features, ""));

  client.say(kClose);
  EXPECT_EQ(client.hear(), kClose);
  EXPECT_EQ(client.hear(), "");
  EXPECT_EQ(client.close_code, 1000);
}

TEST_P(Dialogue, LogsInBindsAndTalks) {
  WebSocketClient romeo = connect_websocket(GetParam());
  romeo.say(kOpen);
  romeo.hear();
  romeo.hear();
  romeo.say(plain("romeo"));
  ASSERT_EQ(romeo.hear(), "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>");

  romeo.say(kOpen);  // §3.7
  EXPECT_THAT(romeo.hear(), StartsWith("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='"));
  EXPECT_THAT(romeo.hear(), StartsWith("<stream:features xmlns:stream='http://etherx.jabber.org/streams'><bind "));
  romeo.say(
      "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
      "<resource>orchard</resource></bind></iq>");
  EXPECT_THAT(romeo.hear(), HasSubstr("<jid>romeo@example.com/orchard</jid>"));

  romeo.say("<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
  EXPECT_EQ(romeo.hear(),
            "<iq xmlns='jabber:client' from='romeo@example.com' to='romeo@example.com/orchard' "
            "type='result' id='p'/>");
  romeo.say("<iq xmlns='jabber:client' type='get' id='u'><what xmlns='urn:unknown'/></iq>");
  EXPECT_THAT(romeo.hear(), AllOf(StartsWith("<iq xmlns='jabber:client' "), HasSubstr("service-unavailable")));

  WebSocketClient juliet = bind("juliet", "balcony", GetParam());
  romeo.say(
      "<message xmlns='jabber:client' xml:lang='en' to='juliet@example.com/balcony' type='chat'>"
      "<body>Every WebSocket message is parsable by itself.</body></message>");
  EXPECT_THAT(juliet.hear(), AllOf(StartsWith("<message xmlns='jabber:client' from='romeo@example.com/orchard' "),
                                   HasSubstr("xml:lang='en'"),
                                   HasSubstr("<body>Every WebSocket message is parsable by itself.</body>")));

  romeo.say(kClose);
  EXPECT_EQ(romeo.hear(), kClose);
  EXPECT_EQ(romeo.hear(), "");
  EXPECT_EQ(romeo.close_code, 1000);
}

TEST_P(Dialogue, TheServersOwnRequestsAreInTheirNamespace) {
  WebSocketClient client = bind("romeo", "orchard", GetParam());
  client.say("<iq xmlns='jabber:client' type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
  client.hear();

  client.say(
      "<iq xmlns='jabber:client' type='set' id='s'><query xmlns='jabber:iq:roster'>"
      "<item jid='juliet@example.com'/></query></iq>");

  const std::string both = client.hear() + client.hear();
  EXPECT_THAT(both, HasSubstr("<iq xmlns='jabber:client' type='set' to='romeo@example.com/orchard' id='push-1'>"));
  EXPECT_THAT(both, HasSubstr("<iq xmlns='jabber:client' from='romeo@example.com' "));
}

TEST_P(Dialogue, BindsWhileItLogsInBySasl2) {
  WebSocketClient client = connect_websocket(GetParam());
  client.say(kOpen);
  client.hear();
  EXPECT_THAT(client.hear(), HasSubstr("<authentication xmlns='urn:xmpp:sasl:2'>"));

  client.say("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>" +
             base64_encode(std::string_view{"\0romeo\0secret", 13}) +
             "</initial-response><bind xmlns='urn:xmpp:bind:0'><tag>web</tag><enable xmlns='urn:xmpp:sm:3' "
             "resume='true'/></bind></authenticate>");

  EXPECT_THAT(client.hear(), AllOf(StartsWith("<success xmlns='urn:xmpp:sasl:2'>"), HasSubstr("<enabled "),
                                   testing::EndsWith("</success>")));
  EXPECT_THAT(client.hear(), StartsWith("<stream:features xmlns:stream="));
  client.say("<r xmlns='urn:xmpp:sm:3'/>");
  EXPECT_EQ(client.hear(), "<a xmlns='urn:xmpp:sm:3' h='0'/>");
}

// Another core takes less than this one sends: nothing is read until it does, and then everything is there. The second
// request has come with the first, so no socket says that there is more.
TEST_F(WebSocketDoorTest, AStreamThatAFullMailboxHoldsBackGoesOnAfterwards) {
  const auto congested = std::make_shared<std::atomic<bool>>(false);
  const auto held = std::make_shared<std::promise<void>>();
  shared_.congested = [congested, held, looks = 0]() mutable {
    if (*congested && ++looks == 3) held->set_value();
    return congested->load();
  };
  WebSocketClient romeo = bind("romeo", "orchard");
  std::string both;
  for (const char* id : {"1", "2"}) {
    codec::append_masked_frame(
        both, codec::Opcode::text,
        fmt::format("<iq xmlns='jabber:client' type='get' id='{}'><ping xmlns='urn:xmpp:ping'/></iq>", id), 0x37FA213D);
  }

  *congested = true;
  romeo.say_bytes(both);
  held->get_future().wait();
  *congested = false;

  EXPECT_THAT(romeo.hear(), HasSubstr("id='1'"));
  EXPECT_THAT(romeo.hear(), HasSubstr("id='2'"));
}

// ---- what is wrong --------------------------------------------------------------------------------------------------

struct Wrong {
  const char* said;
  const char* condition;
};

TEST_P(Dialogue, AnswersAWrongOpenByOpenThenErrorThenClose) {
  for (const auto& [said, condition] : {
           Wrong{"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='verona.example' version='1.0'/>",
                 "host-unknown"},
           Wrong{"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' version='1.0'/>", "improper-addressing"},
           Wrong{"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.com' version='0.9'/>",
                 "unsupported-version"},
           Wrong{
               "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.com' from='a@b.example' version='1.0'/>",
               "invalid-from"},
           Wrong{"<open to='example.com' version='1.0'/>", "invalid-namespace"},
           Wrong{"<open xmlns='jabber:client' to='example.com' version='1.0'/>", "invalid-namespace"},
           Wrong{"<close xmlns='jabber:client'/>", "invalid-namespace"},
           Wrong{"<other xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.com' version='1.0'/>", "bad-format"},
           Wrong{"<iq xmlns='jabber:client' type='get' id='1'/>", "invalid-namespace"},
           Wrong{"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                 "to='example.com' version='1.0'>",
                 "not-well-formed"},
           Wrong{"<open", "not-well-formed"},
           Wrong{" ", "bad-format"},
           Wrong{"", "bad-format"},
       }) {
    WebSocketClient client = connect_websocket(GetParam());
    client.say(said);
    EXPECT_THAT(client.hear(), StartsWith("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='")) << said;
    EXPECT_THAT(client.hear(),
                StartsWith(fmt::format("<stream:error xmlns:stream='http://etherx.jabber.org/streams'><{} "
                                       "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>",
                                       condition)))
        << said;
    EXPECT_EQ(client.hear(), kClose) << said;
    EXPECT_EQ(client.hear(), "") << said;
    EXPECT_EQ(client.close_code, 1000) << said;
  }
}

TEST_P(Dialogue, AMessageHasOneElement) {
  for (const auto& [said, condition] : {
           Wrong{"<presence xmlns='jabber:client'/><presence xmlns='jabber:client'/>", "not-well-formed"},
           Wrong{"<message xmlns='jabber:client'><body>half", "not-well-formed"},
           Wrong{"</message>", "not-well-formed"},
           Wrong{"\n<presence xmlns='jabber:client'/>", "bad-format"},
           Wrong{" ", "bad-format"},
           Wrong{"", "bad-format"},
           Wrong{"<presence/>", "unsupported-stanza-type"},  // in no namespace
           Wrong{"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.com'/>", "unsupported-stanza-type"},
           Wrong{"<close/>", "invalid-namespace"},
           Wrong{"<!-- -->", "restricted-xml"},
       }) {
    WebSocketClient client = bind("romeo", "orchard", GetParam());
    client.say(said);
    EXPECT_THAT(client.hear(), StartsWith(fmt::format("<stream:error xmlns:stream='http://etherx.jabber.org/streams'>"
                                                      "<{} ",
                                                      condition)))
        << said;
    EXPECT_EQ(client.hear(), kClose) << said;
    EXPECT_EQ(client.hear(), "") << said;
  }
}

TEST_P(Dialogue, ADeclarationAndALineEndDoNoHarm) {
  WebSocketClient client = bind("romeo", "orchard", GetParam());

  client.say("<?xml version='1.0'?>\n<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>\n");

  EXPECT_THAT(client.hear(), HasSubstr("type='result' id='p'"));
}

TEST_P(Dialogue, OctetsAreRefusedBeforeAndAfterLogin) {
  for (const bool logged_in : {false, true}) {
    WebSocketClient client = logged_in ? bind("romeo", "orchard", GetParam()) : connect_websocket(GetParam());
    client.say(codec::Opcode::binary, logged_in ? "<presence xmlns='jabber:client'/>" : kOpen);
    const std::string all = client.hear_all();
    EXPECT_THAT(all, HasSubstr("<bad-format "));
    EXPECT_THAT(all, testing::EndsWith(std::string{kClose} + "\n"));
    EXPECT_EQ(client.close_code, 1003);
  }
}

TEST_P(Dialogue, CloseMayComeInsteadOfOpen) {
  WebSocketClient never = connect_websocket(GetParam());
  never.say(kClose);
  EXPECT_EQ(never.hear(), kClose);
  EXPECT_EQ(never.hear(), "");
  EXPECT_EQ(never.close_code, 1000);

  WebSocketClient again = connect_websocket(GetParam());
  again.say(kOpen);
  again.hear();
  again.hear();
  again.say(plain("romeo"));
  again.hear();
  again.say("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing' see-other-uri='wss://other.example/'/>");
  EXPECT_EQ(again.hear(), kClose);
}

TEST_F(WebSocketDoorTest, InvalidTextIsRefusedByTheWebSocket) {
  WebSocketClient client = bind("romeo", "orchard");

  client.say("<message xmlns='jabber:client'><body>\xFF</body></message>");

  EXPECT_EQ(client.hear(), "");
  EXPECT_EQ(client.close_code, 1007);
}

TEST_F(WebSocketDoorTest, AMessageMayGrowAfterLogin) {
  settings_.limits_before_login.stanza_bytes = 2000;
  settings_.limits.stanza_bytes = 5000;
  const auto message = [](std::size_t size) {
    return "<message xmlns='jabber:client' to='romeo@example.com/orchard'><body>" + std::string(size, 'x') +
           "</body></message>";
  };

  WebSocketClient stranger = connect_websocket();
  stranger.say(message(3000));
  EXPECT_EQ(stranger.hear(), "");
  EXPECT_EQ(stranger.close_code, 1009);

  WebSocketClient romeo = bind("romeo", "orchard");
  romeo.say(message(3000));
  EXPECT_THAT(romeo.hear(), HasSubstr(std::string(3000, 'x')));
  romeo.say(message(6000));
  EXPECT_EQ(romeo.hear(), "");
  EXPECT_EQ(romeo.close_code, 1009);
}

TEST_F(WebSocketDoorTest, NeitherTlsNorZlibBeginsInMessages) {
  settings_.compression = true;
  WebSocketClient client = log_in("romeo");
  client.say("<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>");
  EXPECT_EQ(client.hear(), "<failure xmlns='http://jabber.org/protocol/compress'><setup-failed/></failure>");

  WebSocketClient other = connect_websocket();
  other.say(kOpen);
  EXPECT_THAT(other.hear() + other.hear(), Not(HasSubstr("compression")));
  other.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  EXPECT_EQ(other.hear_all(), "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n" + std::string{kClose} + "\n");
}

// ---- sessions -------------------------------------------------------------------------------------------------------

std::string id_of(const std::string& enabled) {
  const auto begin = enabled.find("id='") + 4;
  return enabled.substr(begin, enabled.find('\'', begin) - begin);
}

std::string resume(const std::string& id, unsigned handled) {
  return fmt::format("<resume xmlns='urn:xmpp:sm:3' previd='{}' h='{}'/>", id, handled);
}

constexpr std::string_view kEnable = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>";

TEST_P(Dialogue, ASessionWhoseSocketGoesWithoutCloseWaitsForItsClient) {
  for (const bool politely : {false, true}) {
    WebSocketClient lost = bind("romeo", "orchard", GetParam());
    lost.say(kEnable);
    const std::string id = id_of(lost.hear());
    if (politely) {  // a close frame, but the stream has not ended (§3.6)
      lost.say(codec::Opcode::close, "");
      lost.hear();
    } else {
      lost.leave();
    }
    WebSocketClient juliet = bind("juliet", "balcony");
    juliet.say(
        "<message xmlns='jabber:client' to='romeo@example.com/orchard' type='chat'><body>art thou gone?</body>"
        "</message>");

    WebSocketClient found = log_in("romeo", GetParam());
    found.say(resume(id, 0));

    const std::string answer = found.hear();
    EXPECT_EQ(answer, fmt::format("<resumed xmlns='urn:xmpp:sm:3' previd='{}' h='0'/>", id));
    EXPECT_THAT(found.hear(), AllOf(StartsWith("<message xmlns='jabber:client' "), HasSubstr("art thou gone?")));
    found.say(kClose);
    EXPECT_THAT(found.hear_all(), HasSubstr(kClose));
  }
}

// What a TCP stream says, up to something.
std::string hear_until(net::Peer& peer, std::string_view end) {
  std::string all;
  while (all.find(end) == all.npos) {
    const std::string more = peer.receive();
    if (more.empty()) break;
    all += more;
  }
  return all;
}

class EitherWay : public WebSocketDoorTest {
 protected:
  static constexpr std::string_view kHeader =
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.com' "
      "version='1.0'>";
  EitherWay() { settings_.plain_without_tls = true; }

  net::Peer log_in_tcp() {
    net::Peer peer = connect_tcp();
    peer.send(kHeader);
    hear_until(peer, "</stream:features>");
    peer.send(plain("romeo"));
    hear_until(peer, "</success>");
    peer.send(kHeader);
    hear_until(peer, "</stream:features>");
    return peer;
  }
};

TEST_F(EitherWay, ASessionMovesFromTcpToWebSocket) {
  net::Peer before = log_in_tcp();
  before.send(
      "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>orchard</resource>"
      "</bind></iq>");
  hear_until(before, "</iq>");
  before.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
  hear_until(before, "id='r'");
  before.send(kEnable);
  const std::string id = id_of(hear_until(before, "/>"));
  // A push that the session gives to whichever connection it then has.
  before.send("<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='juliet@example.com'/></query></iq>");
  hear_until(before, "push-1");

  WebSocketClient after = log_in("romeo");
  after.say(resume(id, 0));

  EXPECT_THAT(after.hear(), StartsWith("<resumed "));
  const std::string again = after.hear() + after.hear();
  EXPECT_THAT(again, HasSubstr("<iq xmlns='jabber:client' type='set' to='romeo@example.com/orchard' id='push-1'>"));
  EXPECT_THAT(hear_until(before, "</stream:stream>"),
              AllOf(HasSubstr("<stream:error><conflict "), Not(HasSubstr("<close"))));
}

TEST_F(EitherWay, ASessionMovesFromWebSocketToTcp) {
  WebSocketClient before = bind("romeo", "orchard");
  before.say(kEnable);
  const std::string id = id_of(before.hear());
  before.say(
      "<message xmlns='jabber:client' to='romeo@example.com/orchard' type='chat'><body>to myself</body></message>");
  EXPECT_THAT(before.hear(), HasSubstr("to myself"));

  net::Peer after = log_in_tcp();
  after.send(resume(id, 0));

  EXPECT_THAT(hear_until(after, "</message>"), AllOf(HasSubstr("<resumed "), HasSubstr("h='1'"), HasSubstr("to myself"),
                                                     Not(HasSubstr("xmlns='jabber:client'"))));
  EXPECT_THAT(before.hear_all(), AllOf(HasSubstr("<conflict "), testing::EndsWith(std::string{kClose} + "\n")));
}

TEST_F(WebSocketDoorTest, TheServersStopIsSaidInBothProtocols) {
  WebSocketClient stranger = connect_websocket();
  stranger.say(kOpen);
  stranger.hear();
  stranger.hear();
  WebSocketClient romeo = bind("romeo", "orchard");

  on_core([this] {
    for (auto* negotiation : std::unordered_set<Negotiation*>(services_.negotiations)) negotiation->shut_down();
    router_.each_session([](domain::Session& session) { session.close(domain::CloseReason::shutdown); });
  });

  for (auto* client : {&stranger, &romeo}) {
    EXPECT_THAT(client->hear_all(),
                AllOf(HasSubstr("<system-shutdown "), testing::EndsWith(std::string{kClose} + "\n")));
    EXPECT_EQ(client->close_code, 1001);
  }
}

}  // namespace
}  // namespace anser::xmpp
