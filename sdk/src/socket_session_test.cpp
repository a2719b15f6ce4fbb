// A Socket over real connections: what the machine decides is carried out, and a server may do what it likes.
#include "sdk/src/socket_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>

#include "sdk/src/test_socket_server.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using codec::Opcode;
using testing::HasSubstr;
using testing::Not;

class SocketSessionTest : public testing::Test {
 protected:
  // How the first attempt of a socket that does not come back ends.
  Error failure(SocketConfiguration configuration, const std::function<void()>& meanwhile) {
    configuration.reconnection.allowed = false;
    Socket socket{std::move(configuration)};
    Told<Result<void>> over;
    socket.open(over.teller());
    meanwhile();
    const auto outcome = over.get();
    EXPECT_FALSE(outcome);
    EXPECT_EQ(socket.status(), SocketStatus::failed);
    return outcome ? Error{} : outcome.error();
  }
  Error failure(const std::function<void()>& meanwhile) { return failure(server.socket_configuration(), meanwhile); }

  TestSocketServer server;
};

TEST_F(SocketSessionTest, TalksAndSaysGoodbye) {
  Socket socket{server.socket_configuration()};
  Told<std::string> heard;
  Told<bool> open;
  socket.on_open([tell = open.teller()] { tell(true); });
  socket.on_message([tell = heard.teller()](const SocketMessage& message) { tell(message.body); });
  socket.open();
  const std::string request = server.takes_request();
  EXPECT_THAT(request, testing::StartsWith("GET /ws?acknowledges=1 HTTP/1.1\r\n"));
  EXPECT_EQ(server.field_of(request, "Authorization"), "Basic cm9tZW86c2VjcmV0");
  EXPECT_EQ(server.field_of(request, "Host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(server.field_of(request, "Sec-WebSocket-Protocol"), "anser.protobuf");
  server.says(server.agreement(request));
  server.sends(server.auth_result());
  EXPECT_TRUE(open.get());
  EXPECT_EQ(socket.status(), SocketStatus::connected);
  EXPECT_EQ(socket.address(), "romeo@localhost/app");

  Told<Delivery> delivered;
  const auto id = socket.send({"juliet", "Wilt thou be gone?"}, delivered.teller());
  ASSERT_TRUE(id);
  const auto sent = server.hears_message();
  EXPECT_EQ(sent.body(), "Wilt thou be gone?");
  EXPECT_EQ(sent.eventid(), *id);
  server.sends(server.ack(*id));
  EXPECT_EQ(delivered.get().outcome, Delivery::Outcome::stored);

  server.sends(server.message("7", "It is not yet near day."));
  EXPECT_EQ(heard.get(), "It is not yet near day.");
  EXPECT_EQ(server.hears_frame().second, server.ack("7"));

  Told<SocketClose> closed;
  socket.on_close(closed.teller());
  socket.close(1000, "good night");
  EXPECT_TRUE(closed.get().final);
  EXPECT_EQ(server.hears_frame(), std::pair(Opcode::close, std::string("\x03\xe8good night")));
  server.sends_close(1000);
  EXPECT_TRUE(server.sees_the_end());
  EXPECT_EQ(socket.close_code(), 1000);
  EXPECT_EQ(socket.close_reason(), "good night");
}

TEST_F(SocketSessionTest, ComesBackAfterACutAtEachStepAndLosesNothing) {
  Socket socket{server.socket_configuration()};
  std::atomic<int> opened = 0;
  socket.on_open([&] { ++opened; });
  Told<Delivery> delivered;
  socket.open();
  const auto id = socket.send({"juliet", "hello"}, delivered.teller());
  ASSERT_TRUE(id);

  server.accept();
  server.cuts();  // before the request was read
  server.takes_request();
  server.cuts();  // without an answer
  const std::string request = server.takes_request();
  server.says(server.agreement(request).substr(0, 60));
  server.cuts();  // within it
  server.agrees();
  server.cuts();  // before the login
  EXPECT_EQ(opened, 0);
  server.lets_in();
  EXPECT_EQ(server.hears_message().eventid(), *id);
  server.cuts();  // before the acknowledgement
  server.lets_in();
  EXPECT_EQ(server.hears_message().eventid(), *id);
  server.sends(server.ack(*id));

  EXPECT_EQ(delivered.get().outcome, Delivery::Outcome::stored);
  EXPECT_EQ(opened, 2);
  EXPECT_EQ(socket.waiting(), 0u);
}

TEST_F(SocketSessionTest, TheServersCodeAndReasonCanBeReadAfterwards) {
  Socket socket{server.socket_configuration()};
  Told<SocketClose> closed;
  socket.on_close(closed.teller());
  socket.open();
  server.lets_in();

  server.sends_close(4409, "replaced");

  const SocketClose close = closed.get();
  EXPECT_EQ(close.code, 4409);
  EXPECT_TRUE(close.final);
  EXPECT_EQ(socket.close_code(), 4409);
  EXPECT_EQ(socket.close_reason(), "replaced");
  EXPECT_EQ(socket.status(), SocketStatus::failed);
  EXPECT_EQ(socket.last_error()->code, Errc::stream);
  EXPECT_EQ(socket.send({"juliet", "late"}).error().code, Errc::wrong_state);
}

TEST_F(SocketSessionTest, AHandshakeWithoutAnAnswerIsATimeout) {
  auto configuration = server.socket_configuration();
  configuration.connect_limit = 1ms;
  EXPECT_EQ(failure(configuration, [&] { server.accept(); }).code, Errc::timeout);
}

TEST_F(SocketSessionTest, ALoginWithoutAnAnswerIsATimeout) {
  auto configuration = server.socket_configuration();
  configuration.connect_limit = 1s;
  EXPECT_EQ(failure(configuration, [&] { server.agrees(); }).code, Errc::timeout);
}

TEST_F(SocketSessionTest, SilenceAfterAHeartbeatIsATimeout) {
  auto configuration = server.socket_configuration();
  configuration.reconnection.allowed = false;
  configuration.heartbeat_interval = 1ms;
  configuration.heartbeat_answer = 1ms;
  Socket socket{configuration};
  Told<Error> lost;
  socket.on_error(lost.teller());
  socket.open();
  server.lets_in();
  EXPECT_EQ(server.hears_frame(), std::pair(Opcode::text, configuration.heartbeat));

  EXPECT_EQ(lost.get().code, Errc::timeout);
}

TEST_F(SocketSessionTest, WhatIsNoWebSocketIsSaidInWords) {
  EXPECT_EQ(failure([&] {
              server.takes_request();
              server.says("SSH-2.0-OpenSSH_9.2\r\n");
            }).code,
            Errc::protocol);
  EXPECT_THAT(failure([&] {
                server.takes_request();
                server.says(server.agreement("\r\nSec-WebSocket-Key: another\r\n"));
              }).message,
              HasSubstr("Sec-WebSocket-Accept"));
  EXPECT_THAT(failure([&] {
                server.takes_request();
                server.says("HTTP/1.1 200 OK\r\n");
                for (int i = 0; i < 2000; ++i) server.says("x-more: and more\r\n");
              }).message,
              HasSubstr("more than"));
  const Error refused = failure([&] {
    server.takes_request();
    server.says("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_EQ(refused.code, Errc::authentication);
  EXPECT_EQ(failure([&] {
              const std::string request = server.takes_request();
              server.says(
                  server.agreement("\r\nSec-WebSocket-Key: " + server.field_of(request, "Sec-WebSocket-Key") + "\r\n"));
            }).code,
            Errc::unsupported);  // no subprotocol was chosen
}

TEST_F(SocketSessionTest, ComesBackToAServerThatCouldNotWait) {
  Socket socket{server.socket_configuration()};
  Told<Error> failed;
  Told<Result<void>> open;
  socket.on_error(failed.teller());
  socket.open(open.teller());
  server.takes_request();
  server.says("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(failed.get().code, Errc::unreachable);

  server.lets_in();

  EXPECT_TRUE(open.get());
}

TEST_F(SocketSessionTest, ARedirectionIsNotFollowed) {
  const Error error = failure([&] {
    server.takes_request();
    server.says("HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1/\r\n\r\n");
  });
  EXPECT_EQ(error.code, Errc::unsupported);
  EXPECT_THAT(error.message, HasSubstr("not followed"));
}

TEST_F(SocketSessionTest, FramesThatBreakTheRulesEndTheConnectionWithTheRightCode) {
  const std::pair<std::string, std::string> cases[] = {
      {std::string("\xc2\x00", 2), "\x03\xea"},                          // a reserved bit: 1002
      {std::string("\x82\x80\0\0\0\0", 6), "\x03\xea"},                  // a mask from a server: 1002
      {std::string("\x81\x02\xc3\x28", 4), "\x03\xef"},                  // text that is not UTF-8: 1007
      {std::string("\x82\x7f\0\0\0\0\x7f\xff\xff\xff", 10), "\x03\xf1"}  // 2 GB are announced: 1009
  };
  for (const auto& [bytes, code] : cases) {
    auto configuration = server.socket_configuration();
    configuration.reconnection.allowed = false;
    Socket socket{configuration};
    Told<Error> lost;
    socket.on_error(lost.teller());
    socket.open();
    server.lets_in();
    server.says(bytes);
    EXPECT_EQ(server.hears_frame().second.substr(0, 2), code);
    EXPECT_EQ(lost.get().code, Errc::protocol);
  }
}

TEST_F(SocketSessionTest, EndlessFragmentsMeetTheirLimit) {
  auto configuration = server.socket_configuration();
  configuration.received_bytes = 100'000;
  configuration.reconnection.allowed = false;
  Socket socket{configuration};
  Told<Error> lost;
  socket.on_error(lost.teller());
  socket.open();
  server.lets_in();
  std::string first, more;
  codec::append_frame(first, Opcode::binary, std::string(1000, 'x'), {.fin = false});
  codec::append_frame(more, Opcode::continuation, std::string(1000, 'x'), {.fin = false});
  server.says(first);
  for (int i = 0; i < 150; ++i) server.says(more);

  EXPECT_EQ(lost.get().code, Errc::protocol);
}

TEST_F(SocketSessionTest, CredentialsGoInTheClearOnlyToThisMachine) {
  auto configuration = server.socket_configuration();
  configuration.proxy = Proxy{Proxy::Type::http, "127.0.0.1", server.port()};
  configuration.url = "ws://example.org/ws";
  const Error error = failure(configuration, [&] {
    server.takes_request();
    server.says("HTTP/1.1 200 OK\r\n\r\n");
  });
  EXPECT_EQ(error.code, Errc::insecure);

  configuration.plain_in_the_clear = true;
  failure(configuration, [&] {
    server.takes_request();
    server.says("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_THAT(server.hears("\r\n\r\n"), HasSubstr("\r\nHost: example.org\r\n"));
    server.cuts();
  });
}

TEST_F(SocketSessionTest, FieldsWithSecretsAreCredentialsToo) {
  auto configuration = server.socket_configuration();
  configuration.credentials = {};
  configuration.proxy = Proxy{Proxy::Type::http, "127.0.0.1", server.port()};
  configuration.url = "ws://example.org/ws";
  for (const char* name : {"authorization", "Cookie"}) {
    configuration.headers = {{name, "secret"}};
    const Error error = failure(configuration, [&] {
      server.takes_request();
      server.says("HTTP/1.1 200 OK\r\n\r\n");
    });
    EXPECT_EQ(error.code, Errc::insecure) << name;
  }
  configuration.headers = {{"X-Device", "7"}};
  failure(configuration, [&] {
    server.takes_request();
    server.says("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_THAT(server.hears("\r\n\r\n"), HasSubstr("\r\nX-Device: 7\r\n"));
    server.cuts();
  });
}

TEST_F(SocketSessionTest, CredentialsStandWhereTheyAreWanted) {
  auto configuration = server.socket_configuration();
  configuration.credentials = {.token = "a.b-c"};
  failure(configuration, [&] {
    EXPECT_EQ(server.field_of(server.takes_request(), "Authorization"), "Bearer a.b-c");
    server.cuts();
  });
  configuration.credentials = {.user = "romeo", .password = "a&b c", .place = SocketCredentials::Place::query};
  configuration.url += "?device=7";
  failure(configuration, [&] {
    const std::string request = server.takes_request();
    EXPECT_THAT(request, HasSubstr("GET /ws?device=7&user=romeo&password=a%26b%20c&acknowledges=1 HTTP/1.1\r\n"));
    EXPECT_THAT(request, Not(HasSubstr("Authorization")));
    server.cuts();
  });
  configuration.credentials.place = SocketCredentials::Place::first_frame;
  failure(configuration, [&] {
    EXPECT_THAT(server.takes_request(), Not(HasSubstr("a%26b")));
    server.cuts();
  });
}

TEST_F(SocketSessionTest, TheServerIsToldOfAcknowledgementsWhoeverSendsThem) {
  auto configuration = server.socket_configuration();
  configuration.acknowledge = false;
  failure(configuration, [&] {
    EXPECT_THAT(server.takes_request(), testing::StartsWith("GET /ws?acknowledges=1 HTTP/1.1\r\n"));
    server.cuts();
  });
}

TEST_F(SocketSessionTest, WhatMayNotStandInARequestIsRefused) {
  auto configuration = server.socket_configuration();
  configuration.headers = {{"X-Evil", "a\r\nHost: b"}};
  EXPECT_EQ(failure(configuration, [&] { server.accept(); }).code, Errc::invalid_argument);
  for (const char* name : {"Host", "AUTHORIZATION"}) {
    configuration.headers = {{name, "x"}};
    EXPECT_EQ(failure(configuration, [&] { server.accept(); }).code, Errc::invalid_argument) << name;
  }
  configuration = server.socket_configuration();
  configuration.url = "http://localhost/ws";
  EXPECT_EQ(failure(configuration, [] {}).code, Errc::invalid_argument);
}

TEST_F(SocketSessionTest, CompressesWhenBothWantIt) {
  auto configuration = server.socket_configuration();
  configuration.compression_enabled = true;
  Socket socket{configuration};
  socket.open();
  const std::string request = server.takes_request();
  EXPECT_THAT(server.field_of(request, "Sec-WebSocket-Extensions"), HasSubstr("permessage-deflate"));
  server.says(server.agreement(
      request,
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"));
  server.sends(server.auth_result());
  ASSERT_TRUE(socket.send({"juliet", std::string(50'000, 'x')}));

  const auto [opcode, payload] = server.hears_frame();
  EXPECT_EQ(opcode, Opcode::binary);
  EXPECT_LT(payload.size(), 1000u);
}

TEST_F(SocketSessionTest, TheQueueIsBoundedForWhoeverAsks) {
  auto configuration = server.socket_configuration();
  configuration.queue_messages = 3;
  configuration.sent_bytes = 1000;
  Socket socket{configuration};
  EXPECT_EQ(socket.send({"juliet", "before open"}).error().code, Errc::wrong_state);
  socket.open();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(socket.send({"juliet", "hello"}));
  EXPECT_EQ(socket.send({"juliet", "one too many"}).error().code, Errc::queue_full);
  EXPECT_EQ(socket.send({"juliet", std::string(1000, 'x')}).error().code, Errc::invalid_argument);
  EXPECT_EQ(socket.send({"juliet", "\x01"}).error().code, Errc::invalid_argument);
  EXPECT_EQ(socket.send_typing({}).error().code, Errc::wrong_state);
  EXPECT_EQ(socket.send_text("raw").error().code, Errc::unsupported);
}

TEST_F(SocketSessionTest, QuestionsAreAnsweredThroughFutures) {
  Socket socket{server.socket_configuration()};
  Told<Result<void>> open;
  socket.open(open.teller());
  server.lets_in();
  ASSERT_TRUE(open.get());
  auto asked = socket.history({.with = "juliet@localhost", .limit = 2});
  proto::HistoryRequest request;
  ASSERT_TRUE(request.ParseFromString(server.hears_frame().second.substr(2)));
  EXPECT_EQ(request.with(), "juliet@localhost");
  proto::HistoryPage page;
  page.set_request(request.request());
  page.add_messages()->set_body("one");
  page.set_complete(true);
  server.sends(server.frame(21, page));

  const auto answer = asked.get();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->messages.at(0).body, "one");
  EXPECT_TRUE(answer->complete);
}

TEST_F(SocketSessionTest, AFutureEndsWithTheSocket) {
  std::optional<Socket> socket{server.socket_configuration()};
  Told<Result<void>> open;
  socket->open(open.teller());
  server.lets_in();
  ASSERT_TRUE(open.get());
  auto asked = socket->contacts();
  server.hears_frame();

  socket.reset();

  EXPECT_EQ(asked.get().error().code, Errc::closed);
  EXPECT_TRUE(server.sees_the_end());
}

TEST_F(SocketSessionTest, MayBeDestroyedInEachOfItsHandlers) {
  for (const std::string when : {"open", "message", "close", "delivery"}) {
    auto socket = std::make_unique<Socket>(server.socket_configuration());
    Told<bool> gone;
    const auto destroy = [&socket, tell = gone.teller()] {
      socket.reset();
      tell(true);
    };
    if (when == "open") socket->on_open(destroy);
    if (when == "message") socket->on_message([=](const SocketMessage&) { destroy(); });
    if (when == "close") socket->on_close([=](const SocketClose&) { destroy(); });
    socket->open();
    if (when == "delivery") {
      ASSERT_TRUE(socket->send({"juliet", "x"}, [=](const Delivery&) { destroy(); }));
    }
    server.lets_in();
    if (when == "message") server.sends(server.message("1", "x"));
    if (when == "close") server.cuts();
    if (when == "delivery") server.sends(server.ack(server.hears_message().eventid()));
    EXPECT_TRUE(gone.get()) << when;
  }
}

TEST_F(SocketSessionTest, RunsOnTheApplicationsLoopWhichThenHasNothingLeftToDo) {
  boost::asio::io_context io;
  Socket socket{server.socket_configuration(), io};
  socket.on_open([&] { socket.close(); });
  socket.open();
  std::thread peer{[&] {
    server.lets_in();
    server.hears_frame();
    server.sends_close(1000);
    server.sees_the_end();
    server.cuts();
  }};

  io.run();  // returns, because no timer and no socket is left

  peer.join();
  EXPECT_EQ(socket.status(), SocketStatus::closed);
}

TEST_F(SocketSessionTest, SpeaksTheBareFormOfTheSeed) {
  auto configuration = server.socket_configuration();
  configuration.protocol = SocketProtocol::bare;
  Socket socket{configuration};
  Told<Result<void>> open;
  socket.open(open.teller());
  const std::string request = server.takes_request();
  EXPECT_THAT(request, testing::StartsWith("GET /ws HTTP/1.1\r\n"));
  EXPECT_EQ(server.field_of(request, "Sec-WebSocket-Protocol"), "");
  server.says(server.agreement(request));
  ASSERT_TRUE(open.get());
  SocketMessage message;
  message.event_id = "####";
  message.body = "hello world";
  ASSERT_TRUE(socket.send(message));

  EXPECT_EQ(server.hears_frame(),
            std::pair(Opcode::binary, std::string("\x0b\0\x0a\x04####\x2a\x04text\x32\x0bhello world", 27)));
}

TEST_F(SocketSessionTest, FramesThatTheServerDoesNotReadAreBounded) {
  auto configuration = server.socket_configuration();
  configuration.protocol = SocketProtocol::raw;
  configuration.queue_bytes = 1'000'000;
  Socket socket{configuration};
  Told<Result<void>> open;
  Told<std::string> heard;
  socket.on_frame([tell = heard.teller()](std::string_view data, bool) { tell(std::string{data}); });
  socket.open(open.teller());
  server.agrees();
  ASSERT_TRUE(open.get());
  const std::string frame(100'000, 'x');
  Result<void> sent;
  int frames = 0;
  while (frames < 10'000 && (sent = socket.send_binary(frame))) ++frames;
  ASSERT_FALSE(sent) << "a gigabyte waits";
  EXPECT_EQ(sent.error().code, Errc::queue_full);

  for (int i = 0; i < frames; ++i) ASSERT_EQ(server.hears_frame().second.size(), frame.size());
  server.sends("all of it");
  EXPECT_EQ(heard.get(), "all of it");
  EXPECT_TRUE(socket.send_binary(frame));
}

TEST_F(SocketSessionTest, OtherFramesThanMessagesAreSmall) {
  Socket socket{server.socket_configuration()};
  Told<Result<void>> open;
  socket.open(open.teller());
  server.lets_in();
  ASSERT_TRUE(open.get());
  SocketPresence away;
  away.status = std::string(16 * 1024, 'x');
  EXPECT_EQ(socket.send_presence(away).error().code, Errc::invalid_argument);
  away.status.resize(16 * 1024 - 100);
  EXPECT_TRUE(socket.send_presence(away));
  EXPECT_EQ(server.hears_frame().second.substr(0, 2), std::string("\x0f\0", 2));
}

TEST_F(SocketSessionTest, RawFramesGoToAnyServer) {
  auto configuration = server.socket_configuration();
  configuration.protocol = SocketProtocol::raw;
  Socket socket{configuration};
  Told<std::string> heard;
  socket.on_frame([tell = heard.teller()](std::string_view data, bool text) {
    tell((text ? "text " : "binary ") + std::string{data});
  });
  Told<Result<void>> open;
  socket.open(open.teller());
  server.agrees();
  ASSERT_TRUE(open.get());
  ASSERT_TRUE(socket.send_text("hi"));
  EXPECT_EQ(server.hears_frame(), std::pair(Opcode::text, std::string{"hi"}));
  server.sends("yo", Opcode::text);
  EXPECT_EQ(heard.get(), "text yo");
  EXPECT_EQ(socket.send_text("\xff").error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace anser::sdk
