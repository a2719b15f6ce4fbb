// The parts of a Socket that only compute: addresses and frames.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anser.pb.h"
#include "sdk/src/socket_frames.h"
#include "sdk/src/socket_queue.h"
#include "sdk/src/socket_url.h"

namespace anser::sdk {
namespace {

TEST(SocketUrl, HasSchemeHostPortAndTarget) {
  const auto plain = parse_socket_url("ws://example.org/ws?a=b");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "example.org");
  EXPECT_EQ(plain->port, 80);
  EXPECT_TRUE(plain->has_default_port());
  EXPECT_EQ(plain->target, "/ws?a=b");

  const auto secure = parse_socket_url("WSS://[2001:db8::1]:5443");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->host, "[2001:db8::1]");
  EXPECT_EQ(secure->port, 5443);
  EXPECT_EQ(secure->target, "/");
  EXPECT_EQ(parse_socket_url("wss://example.org?x")->target, "/?x");
  EXPECT_EQ(parse_socket_url("wss://example.org:/é")->target, "/%C3%A9");
  EXPECT_EQ(parse_socket_url("wss://example.org:/")->port, 443);
}

TEST(SocketUrl, RefusesWhatIsNone) {
  for (const char* url :
       {"", "example.org", "http://example.org", "ws://", "ws:///ws", "ws://romeo:secret@example.org/",
        "ws://example.org/#top", "ws://example.org:0/", "ws://example.org:65536/", "ws://example.org:5x/",
        "ws://example.org/a b", "ws://example.org/a\r\nHost: b"}) {
    const auto parsed = parse_socket_url(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code, Errc::invalid_argument) << url;
    EXPECT_EQ(parsed.error().message.find("secret"), std::string::npos);
  }
}

TEST(SocketUrl, ParametersAreEncoded) {
  std::string target = "/ws";
  add_parameter(target, "user", "romeo");
  add_parameter(target, "password", "a&b=c+d é");
  EXPECT_EQ(target, "/ws?user=romeo&password=a%26b%3Dc%2Bd%20%C3%A9");
}

TEST(SocketFrames, AreWhatTheDocumentShows) {
  SocketMessage message;
  message.event_id = "####";
  message.body = "hello world";
  EXPECT_EQ(frames::encode(message), std::string("\x0b\0\x0a\x04####\x2a\x04text\x32\x0bhello world", 27));
}

TEST(SocketFrames, CarryEveryFieldOfAMessage) {
  SocketMessage message{"juliet", "hello"};
  message.event_id = "1";
  message.type = "image";
  message.thread = "t";
  message.attachment = SocketAttachment{"https://example.org/a", "a.png", 5'000'000'000, "image/png", "00ff"};
  message.replaces = "0";
  message.group = "verona";
  message.ephemeral = true;

  const auto decoded = frames::decode(frames::encode(message));

  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<SocketMessage>(*decoded), message);
}

TEST(SocketFrames, DoNotClaimWhatTheServerSays) {
  SocketMessage message{"juliet", "hello"};
  message.from = "paris@localhost";
  message.created_at = "1597-01-01T00:00:00Z";
  message.archive_id = "1";
  EXPECT_EQ(frames::encode(message), frames::encode(SocketMessage{"juliet", "hello"}));
}

TEST(SocketFrames, RefuseEveryTruncation) {
  proto::Message message;
  message.set_eventid("12345");
  message.set_body("hello");
  const std::string whole = std::string("\x0b\0", 2) + message.SerializeAsString();
  ASSERT_TRUE(frames::decode(whole));
  int refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) refused += !frames::decode(whole.substr(0, size));
  EXPECT_EQ(refused, static_cast<int>(whole.size()) - 2);  // between two fields it is whole: none, and one
}

TEST(SocketFrames, TextThatBreaksXmlIsNotSent) {
  for (const char* text : {"\x01", "\xff", "\xef\xbf\xbe"}) {
    EXPECT_FALSE(frames::check(SocketMessage{"juliet", text}));
    SocketMessage named;
    named.attachment = SocketAttachment{"https://example.org", text};
    EXPECT_FALSE(frames::check(named));
  }
  EXPECT_TRUE(frames::check(SocketMessage{"juliet", "tab\tline\nend 🜁"}));
}

TEST(SocketQueue, WritesNoMoreThanItsWindow) {
  SocketQueue queue{100, 1000};
  for (std::size_t i = 0; i <= SocketQueue::kWindow; ++i) queue.push({std::to_string(i), "x"});
  for (std::size_t i = 0; i < SocketQueue::kWindow; ++i) ASSERT_TRUE(queue.next());
  EXPECT_EQ(queue.next(), nullptr);
  EXPECT_TRUE(queue.take("0"));
  EXPECT_TRUE(queue.next());
  EXPECT_EQ(queue.next(), nullptr);
}

TEST(SocketQueue, KeepsItsBooks) {
  SocketQueue queue{2, 10};
  EXPECT_TRUE(queue.has_room(10));
  EXPECT_FALSE(queue.has_room(11));
  queue.push({"1", "12345"});
  queue.push({"2", "1234"});
  EXPECT_FALSE(queue.has_room(0));
  EXPECT_EQ(queue.bytes(), 9u);
  EXPECT_FALSE(queue.take("1")) << "it was not written";

  EXPECT_EQ(*queue.next(), "12345");
  queue.connection_lost();
  EXPECT_EQ(*queue.next(), "12345");
  EXPECT_TRUE(queue.take("1"));
  EXPECT_FALSE(queue.take("1"));
  EXPECT_EQ(*queue.next(), "1234");
  EXPECT_EQ(queue.next(), nullptr);
  EXPECT_EQ(queue.take_all().size(), 1u);
  EXPECT_EQ(queue.bytes(), 0u);
}

}  // namespace
}  // namespace anser::sdk
