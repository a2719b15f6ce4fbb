// Servers that lie, leave or talk nonsense in the middle of the handshake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "net/tls_client_test_support.h"

namespace anser::net {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

Task<void> shake(Connection& connection, std::shared_ptr<const TlsClient> client, TlsLimits limits,
                 Result<void>& result) {
  auto connecting = connection.connect_tls(std::move(client), limits, "one.example");
  result = co_await std::move(connecting);
  if (!result) {
    EXPECT_EQ(connection.tls(), nullptr);
  }
  connection.close_after_flush();
}

// Passes TLS records on, a number of them; then both ends are cut off. Each way has a thread.
class Cut {
 public:
  Cut(Peer& from_client, Peer& to_server, int from_the_client, int from_the_server)
      : up_{[&from_client, &to_server, from_the_client] { pass_on(from_client, to_server, from_the_client); }},
        down_{[&from_client, &to_server, from_the_server] { pass_on(to_server, from_client, from_the_server); }} {}

 private:
  static void pass_on(Peer& from, Peer& to, int records) {
    for (; records > 0; --records) {
      const std::string header = from.receive_exactly(5);
      if (header.size() < 5) break;
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(header[i]); };
      to.send(header + from.receive_exactly(byte(3) * 256u + byte(4)));
    }
    ::shutdown(from.get(), SHUT_RDWR);
    ::shutdown(to.get(), SHUT_RDWR);
  }

  std::jthread up_, down_;
};

class TlsClientFaults : public TlsClientTest {
 protected:
  void SetUp() override { serve(authority.issue({.names = "DNS:one.example"})); }

  // How the client's handshake ends if so many records pass.
  Result<void> cut(const std::shared_ptr<const TlsClient>& client, int from_the_client, int from_the_server) {
    auto [clients, to_client] = local_pair();
    auto [servers, to_server] = local_pair();
    Connection client_end{loop.core, std::move(clients)}, server_end{loop.core, std::move(servers)};
    Learnt at_server, at_client;
    const Cut between{to_client, to_server, from_the_client, from_the_server};
    loop.run(act_both(loop.core, act_as_server(server_end, server, at_server),
                      act_as_client(client_end, client, "one.example", nullptr, at_client)));
    EXPECT_FALSE(at_client.handshake && at_client.input == "pong");
    return at_client.handshake;
  }

  // The client against a peer that says only this.
  Result<void> against(const std::string& bytes) {
    auto [ours, theirs] = tcp_pair();
    Connection connection{loop.core, std::move(ours)};
    theirs.send(bytes);
    theirs.end_input();
    Result<void> result;
    loop.run(shake(connection, *TlsClient::make(trusting(authority)), {}, result));
    return result;
  }

  // The client against OpenSSL's server that knows nothing newer.
  Result<void> against_tls11() {
    auto [ours, theirs] = local_pair();
    const std::jthread old{[&, &peer = theirs] {
      const SslCtxPtr context{SSL_CTX_new(TLS_server_method())};
      SSL_CTX_set_min_proto_version(context.get(), 0);
      SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
      EXPECT_EQ(SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0"), 1);
      EXPECT_EQ(SSL_CTX_use_certificate_file(context.get(), (directory / "server.pem").c_str(), SSL_FILETYPE_PEM), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context.get(), (directory / "server.key").c_str(), SSL_FILETYPE_PEM), 1);
      const SslPtr ssl{SSL_new(context.get())};
      SSL_set_fd(ssl.get(), peer.get());
      EXPECT_NE(SSL_accept(ssl.get()), 1);
      ERR_clear_error();
      peer.end_input();
    }};
    Connection connection{loop.core, std::move(ours)};
    Result<void> result;
    loop.run(shake(connection, *TlsClient::make(trusting(authority)), {}, result));
    return result;
  }
};

// Whether it is noticed at the next read or at the next write depends on who is faster.
void expect_it_left(const Result<void>& ended) {
  EXPECT_THAT(ended.error().code, AnyOf(Errc::closed, Errc::io));
  EXPECT_THAT(ended.error().message, AnyOf("the peer left during the TLS handshake", "TLS handshake: Broken pipe"));
}

TEST_F(TlsClientFaults, AHandshakeCutAtAnyRecordEndsInWords) {
  for (const bool tls13 : {true, false}) {
    TlsClientOptions options = trusting(authority);
    options.allow_tls13 = tls13;
    const auto client = *TlsClient::make(options);
    constexpr int kAll = 100;
    int cuts_down = 0, cuts_up = 0;
    for (Result<void> ended = cut(client, kAll, 0); !ended; ended = cut(client, kAll, ++cuts_down)) {
      expect_it_left(ended);
      ASSERT_LT(cuts_down, 20);
    }
    for (Result<void> ended = cut(client, 0, kAll); !ended; ended = cut(client, ++cuts_up, kAll)) {
      expect_it_left(ended);
      ASSERT_LT(cuts_up, 20);
    }
    EXPECT_GE(cuts_down, 4);  // hello, certificate and what belongs to it
    EXPECT_GE(cuts_up, tls13 ? 1 : 3);
  }
}

TEST_F(TlsClientFaults, RefusesVersionsThatAreTooOld) {
  const Result<void> refused = against_tls11();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::io);
  EXPECT_THAT(refused.error().message, HasSubstr("the server speaks no version of TLS that is good enough"));

  const std::string hello_of_tls11 = std::string{"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02", 11} +
                                     std::string(32, 'r') + std::string{"\x00\xc0\x13\x00", 4};
  const Result<void> refusing = against(hello_of_tls11);
  ASSERT_FALSE(refusing);
  EXPECT_THAT(refusing.error().message, HasSubstr("the server speaks no version of TLS that is good enough"));
}

TEST_F(TlsClientFaults, SaysWhyTheServerRefused) {
  serve(authority.issue({.names = "DNS:one.example"}), {.alpn = {"xmpp-client"}});
  TlsClientOptions options = trusting(authority);
  options.alpn = {"http/1.1"};

  const Meeting meeting = meet(options);

  ASSERT_FALSE(meeting.client.handshake);
  EXPECT_EQ(meeting.client.handshake.error().code, Errc::io);
  EXPECT_THAT(meeting.client.handshake.error().message,
              HasSubstr("the server refused: tlsv1 alert no application protocol"));
}

TEST_F(TlsClientFaults, ToldGarbageItSaysThatItIsNoTls) {
  for (const std::string& garbage :
       {std::string{"<stream:stream xmlns='jabber:client'>"}, std::string{"HTTP/1.1 400 Bad Request\r\n\r\n"},
        std::string(100, '\0'), std::string(70'000, 'x')}) {
    const Result<void> result = against(garbage);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::io);
    EXPECT_THAT(result.error().message, HasSubstr("what the server says is not TLS"));
  }
}

TEST_F(TlsClientFaults, ToldAlmostTlsItFailsInWords) {
  const std::string hello{"\x16\x03\x03\x00\x04\x02\x00\x00\x00", 9};  // an empty ServerHello
  const std::string long_record = std::string{"\x16\x03\x03\xff\xff", 5} + std::string(70'000, 'x');
  const std::string data_first{"\x17\x03\x03\x00\x01x", 6};
  const std::string certificate_first{"\x16\x03\x03\x00\x04\x0b\x00\x00\x00", 9};
  const std::string endless_message{"\x16\x03\x03\x00\x04\x02\xff\xff\xff", 9};
  for (const std::string& bytes : {hello, long_record, data_first, certificate_first, endless_message}) {
    const Result<void> result = against(bytes);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::io);
    EXPECT_THAT(result.error().message, testing::StartsWith("TLS handshake: "));
    EXPECT_THAT(result.error().message, testing::Not(HasSubstr("unknown reason")));
  }
}

TEST_F(TlsClientFaults, NoticesAServerThatLeaves) {
  for (const std::string& bytes : {std::string{}, std::string{"\x16\x03\x03"}}) {
    const Result<void> result = against(bytes);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::closed);
  }
}

TEST_F(TlsClientFaults, GivesUpOnAServerThatSaysNothing) {
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};
  Result<void> result;

  loop.run(shake(connection, *TlsClient::make(trusting(authority)), {.handshake = std::chrono::seconds{1}}, result));

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
}

TEST_F(TlsClientFaults, TellsTheServerWhyItIsRefused) {
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  Result<void> result;
  std::string told;
  std::jthread stranger{[&, &peer = theirs] {
    const SslCtxPtr context{SSL_CTX_new(TLS_server_method())};
    const Certified other = Authority{"stranger"}.issue({.names = "DNS:one.example"});
    SSL_CTX_use_certificate(context.get(), other.certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), other.key.get());
    const SslPtr ssl{SSL_new(context.get())};
    SSL_set_fd(ssl.get(), peer.get());
    EXPECT_NE(SSL_accept(ssl.get()), 1);
    told = openssl_reason();
    peer.end_input();
  }};

  loop.run(shake(connection, *TlsClient::make(trusting(authority)), {}, result));
  stranger.join();

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::not_authorized);
  EXPECT_THAT(told, HasSubstr("alert unknown ca"));
}

Task<void> renegotiate(Connection& connection, std::shared_ptr<const TlsClient> client, Learnt& learnt) {
  auto connecting = connection.connect_tls(std::move(client), TlsLimits{}, "one.example");
  learnt.handshake = co_await std::move(connecting);
  if (learnt.handshake) co_await read_to_the_end(connection, learnt);
  connection.close_after_flush();
}

TEST_F(TlsClientFaults, DoesNotRenegotiate) {
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  TlsClientOptions options = trusting(authority);
  options.allow_tls13 = false;
  Learnt learnt;
  std::string told;
  std::jthread asking{[&, &peer = theirs] {
    const SslCtxPtr context{SSL_CTX_new(TLS_server_method())};
    SSL_CTX_use_certificate_file(context.get(), (directory / "server.pem").c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context.get(), (directory / "server.key").c_str(), SSL_FILETYPE_PEM);
    const SslPtr ssl{SSL_new(context.get())};
    SSL_set_fd(ssl.get(), peer.get());
    EXPECT_EQ(SSL_accept(ssl.get()), 1);
    SSL_renegotiate(ssl.get());
    SSL_do_handshake(ssl.get());  // asks
    char byte;
    EXPECT_NE(SSL_read(ssl.get(), &byte, 1), 1);  // hears the answer
    told = openssl_reason();
    peer.end_input();
  }};

  loop.run(renegotiate(connection, *TlsClient::make(options), learnt));
  asking.join();

  EXPECT_TRUE(learnt.handshake);
  EXPECT_THAT(told, HasSubstr("no renegotiation"));
}

TEST_F(TlsClientFaults, SurvivesAPeerThatIsGoneWhenItWrites) {
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  theirs.close();  // a write raises SIGPIPE unless told not to
  Result<void> result;

  loop.run(shake(connection, *TlsClient::make(trusting(authority)), {}, result));

  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().code, AnyOf(Errc::io, Errc::closed));
}

}  // namespace
}  // namespace anser::net
