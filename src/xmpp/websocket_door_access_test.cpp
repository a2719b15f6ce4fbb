// Who may come in by the WebSocket door without our own TLS, and where clients are told that it is (XEP-0156).
#include "net/tls_test_support.h"
#include "tests/support/websocket_door_fixture.h"

namespace anser::xmpp {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// ---- who may log in without our own TLS -----------------------------------------------------------------------------

class BehindProxies : public WebSocketDoorTest {
 protected:
  BehindProxies() {
    const auto chain = directory_ / "c.crt", key = directory_ / "c.key";
    const std::vector<std::string> names{"example.com"};
    EXPECT_TRUE(net::make_self_signed(chain, key, names));
    const std::vector<net::TlsServer::Certificate> certificates{{"example.com", chain, key}};
    auto tls = net::TlsServer::load(certificates, {});
    EXPECT_TRUE(tls);
    tls_ = std::move(*tls);
  }
  std::string first_words(std::string_view fields) {
    WebSocketClient client = connect();
    EXPECT_THAT(client.request(handshake("Sec-WebSocket-Protocol: xmpp\r\n" + std::string{fields})),
                StartsWith("HTTP/1.1 101 "));
    client.say(kOpen);
    std::string words = client.hear();
    return words.append(client.hear());
  }

  net::TestDirectory directory_;
};

constexpr const char* kTold = "<mechanism>PLAIN</mechanism>";
constexpr const char* kRefused = "<policy-violation ";

TEST_F(BehindProxies, ThisMachineNeedsNoTls) {
  EXPECT_THAT(first_words(""), AllOf(HasSubstr(kTold), HasSubstr("iq-register"), Not(HasSubstr("starttls"))));
}

TEST_F(BehindProxies, WhoComesThroughAnUnknownProxyDoes) {
  EXPECT_THAT(first_words("X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Proto: https\r\n"),
              AllOf(HasSubstr(kRefused), HasSubstr("TLS comes first here"), Not(HasSubstr(kTold))));
}

TEST_F(BehindProxies, UnlessTheOperatorAllowsIt) {
  settings_.websocket_passwords_without_tls = true;

  EXPECT_THAT(first_words("X-Forwarded-For: 203.0.113.5\r\n"),
              AllOf(HasSubstr(kTold), HasSubstr("urn:xmpp:sasl:2"), Not(HasSubstr("iq-register"))));
}

TEST_F(BehindProxies, OurProxyHasTakenTlsOff) {
  settings_.proxies = net::HttpProxies::parse({"127.0.0.1"}).value();

  EXPECT_THAT(first_words("X-Forwarded-For: 203.0.113.5\r\n"), AllOf(HasSubstr(kTold), Not(HasSubstr("iq-register"))));
  EXPECT_THAT(first_words("X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Proto: http\r\n"), HasSubstr(kRefused));
  EXPECT_THAT(first_words("X-Forwarded-For: 203.0.113.5\r\nOrigin: https://example.com\r\n"), HasSubstr(kTold));
}

TEST_F(BehindProxies, TheGuardCountsTheClientAndNotTheProxy) {
  settings_.proxies = net::HttpProxies::parse({"127.0.0.1"}).value();
  WebSocketClient client = connect();
  client.request(handshake("Sec-WebSocket-Protocol: xmpp\r\nX-Forwarded-For: 203.0.113.5\r\n"));
  client.say(kOpen);
  client.hear();
  client.hear();
  client.say(plain("romeo"));
  client.hear();
  client.say(kOpen);
  client.hear();
  client.hear();
  client.say("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
  client.hear();

  std::string from;
  on_core([&] { router_.each_session([&](domain::Session& session) { from = session.peer(); }); });
  EXPECT_THAT(from, StartsWith("203.0.113.5:"));
}

TEST(Rules, AreTheSettingsWhereThereIsNoDifference) {
  const auto settings = std::make_shared<const Settings>();
  const auto far = boost::asio::ip::make_address("203.0.113.5"), here = boost::asio::ip::make_address("::1");
  auto open = std::make_shared<Settings>();
  open->registration = Registration::open;

  EXPECT_EQ(rules_for(settings, {here, true, false}, true), settings);
  EXPECT_EQ(rules_for(open, {far, false, false}, false), open);
  EXPECT_EQ(rules_for(open, {far, true, true}, true), open);

  EXPECT_EQ(rules_for(settings, {here, true, true}, true)->registration, Registration::closed);  // HTTPS from a proxy
  EXPECT_TRUE(rules_for(settings, {far, false, false}, false)->tls_required);
  EXPECT_FALSE(rules_for(settings, {far, true, true}, false)->tls_required);
}

// ---- XEP-0156 -------------------------------------------------------------------------------------------------------

std::string get(std::string_view path, std::string_view host = "example.com", std::string_view method = "GET") {
  return fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", method, path, host);
}

TEST_F(WebSocketDoorTest, SaysInXmlWhereTheStreamIs) {
  const std::string answer = connect().request(get(kHostMetaPath, "example.com:5280"));

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("content-type: application/xrd+xml\r\n"));
  EXPECT_THAT(answer, HasSubstr("access-control-allow-origin: *\r\n"));
  EXPECT_THAT(answer, HasSubstr("<?xml version='1.0' encoding='utf-8'?>\n"
                                "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>"
                                "<Link rel='urn:xmpp:alt-connections:websocket' "
                                "href='ws://example.com:5280/xmpp-websocket'/></XRD>\n"));
}

TEST_F(WebSocketDoorTest, SaysInJsonWhereTheStreamIs) {
  settings_.https_port = 5443;

  const std::string answer = connect().request(get(kHostMetaJsonPath, "im.example.com:5280"));

  EXPECT_THAT(answer, HasSubstr("content-type: application/json\r\n"));
  EXPECT_THAT(answer, HasSubstr("access-control-allow-origin: *\r\n"));
  EXPECT_THAT(answer, HasSubstr("{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:websocket\","
                                "\"href\":\"wss://im.example.com:5443/xmpp-websocket\"}]}\n"));
}

TEST_F(WebSocketDoorTest, ItsFilesCanOnlyBeRead) {
  for (const auto path : {kHostMetaPath, kHostMetaJsonPath}) {
    EXPECT_THAT(connect().request(get(path, "example.com", "HEAD")),
                AllOf(StartsWith("HTTP/1.1 200 "), testing::EndsWith("\r\n\r\n")));
    EXPECT_THAT(connect().request(get(path, "example.com", "OPTIONS")),
                AllOf(StartsWith("HTTP/1.1 204 "), HasSubstr("access-control-allow-origin: *\r\n"),
                      HasSubstr("access-control-allow-methods: GET, HEAD\r\n")));
    EXPECT_THAT(connect().request(get(path, "example.com", "DELETE")),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("allow: GET, HEAD, OPTIONS\r\n")));
  }
}

TEST(WebSocketUrl, IsWhereTheClientCanGo) {
  const domain::Hosts hosts{{{"montague.example", {}}}, {}};
  const auto url = [&](const char* host, bool tls, std::uint16_t https_port = 0) {
    Settings settings;
    settings.https_port = https_port;
    net::HttpRequest request;
    if (host) request.fields.emplace_back("host", host);
    return websocket_url(settings, hosts, request, {boost::asio::ip::make_address("203.0.113.5"), tls, false});
  };

  EXPECT_EQ(url("chat.example", true), "wss://chat.example/xmpp-websocket");
  EXPECT_EQ(url("chat.example:8443", true, 5443), "wss://chat.example:8443/xmpp-websocket");
  EXPECT_EQ(url("chat.example:5280", false, 5443), "wss://chat.example:5443/xmpp-websocket");
  EXPECT_EQ(url("chat.example:5280", false), "ws://chat.example:5280/xmpp-websocket");
  EXPECT_EQ(url("[::1]:5280", false), "ws://[::1]:5280/xmpp-websocket");
  EXPECT_EQ(url("192.0.2.7", false, 5443), "wss://192.0.2.7:5443/xmpp-websocket");
  for (const char* strange : {"a'b", "chat.example:80'", "chat.example:", "chat.example:123456", "[::1", "", " "}) {
    EXPECT_EQ(url(strange, false, 5443), "wss://montague.example:5443/xmpp-websocket") << strange;
  }
  EXPECT_EQ(url(nullptr, false), "ws://montague.example/xmpp-websocket");
}

TEST(WebSocketUrl, IsTheOperatorsIfThereIsOne) {
  Settings settings;
  settings.websocket_url = "wss://edge.example/chat";
  const domain::Hosts hosts{{{"montague.example", {}}}, {}};

  EXPECT_EQ(websocket_url(settings, hosts, {}, {}), "wss://edge.example/chat");
}

}  // namespace
}  // namespace anser::xmpp
