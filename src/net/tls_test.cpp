#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <thread>

#include "net/connection.h"
#include "net/cores.h"
#include "net/tls_test_support.h"

namespace anser::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kBinding = "EXPORTER-Channel-Binding";

// What the server learnt, copied before the connection goes.
struct Seen {
  Result<void> handshake;
  std::string version, cipher, sni, alpn;
  bool resumed = false;
  std::optional<PeerCertificate> peer;
  Result<std::string> exporter, unique, end_point;
  std::string input;
  Errc end = Errc::internal;
};

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<std::string> one{"one.example"}, two{"two.example"}, many{"*.example.org"};
    ASSERT_TRUE(make_self_signed(directory / "one.pem", directory / "one.key", one));
    ASSERT_TRUE(make_self_signed(directory / "two.pem", directory / "two.key", two));
    ASSERT_TRUE(make_self_signed(directory / "many.pem", directory / "many.key", many));
    load({});
  }

  void load(const TlsServer::Options& options) {
    const std::vector<TlsServer::Certificate> certificates{
        {"one.example", directory / "one.pem", directory / "one.key"},
        {"two.example", directory / "two.pem", directory / "two.key"},
        {"*.example.org", directory / "many.pem", directory / "many.key"}};
    auto loaded = TlsServer::load(certificates, options);
    ASSERT_TRUE(loaded) << loaded.error().message;
    server = *loaded;
  }

  // A whole visit: handshake, "ping" and "pong", the client's `also`, goodbye.
  Seen visit(const OpensslClient::Wish& wish, std::function<void(OpensslClient&)> also = {}) {
    auto [ours, theirs] = tcp_pair();
    Connection connection{loop.core, std::move(ours)};
    std::jthread visitor{[&, &peer = theirs] {
      {
        OpensslClient client{peer, wish};
        connected = client.connect();
        refusal = client.refusal();
        if (connected) {
          client.send("ping");
          answer = client.receive();
          if (also) also(client);
          SSL_shutdown(client.ssl());
        }
      }
      peer.end_input();
    }};
    Seen seen;
    loop.run(serve(connection, server, seen));
    return seen;
  }

  static Task<void> serve(Connection& connection, std::shared_ptr<const TlsServer> server, Seen& seen) {
    EXPECT_EQ(connection.tls(), nullptr);
    seen.handshake = co_await connection.accept_tls(server);
    if (!seen.handshake) {
      connection.close_after_flush();
      co_return;
    }
    const TlsFacts* tls = connection.tls();
    seen.version = tls->version();
    seen.cipher = tls->cipher();
    seen.sni = tls->sni();
    seen.alpn = tls->alpn();
    seen.resumed = tls->resumed();
    seen.peer = tls->peer_certificate();
    seen.exporter = tls->exporter();
    seen.unique = tls->unique();
    seen.end_point = tls->server_end_point();
    const std::string ping = co_await read_exactly(connection, 4);
    EXPECT_EQ(ping, "ping");
    connection.out() += "pong";
    connection.flush_soon();
    for (;;) {
      const auto input = co_await connection.read();
      if (!input) {
        seen.end = input.error().code;
        break;
      }
      seen.input += *input;
    }
  }

  TestDirectory directory;
  Loop loop;
  std::shared_ptr<const TlsServer> server;
  bool connected = false;
  std::string answer;
  std::string refusal;
};

std::string client_export(OpensslClient& client) {
  std::string bytes(32, '\0');
  EXPECT_EQ(
      SSL_export_keying_material(client.ssl(), reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                                 kBinding.data(), kBinding.size(), reinterpret_cast<const unsigned char*>(""), 0, 1),
      1);
  return bytes;
}

TEST_F(TlsTest, SpeaksTls13AndExportsTheSameOnBothSides) {
  std::string exported;
  const Seen seen = visit({}, [&](OpensslClient& client) {
    exported = client_export(client);
    client.send("more");
  });

  ASSERT_TRUE(seen.handshake) << seen.handshake.error().message;
  EXPECT_EQ(answer, "pong");
  EXPECT_EQ(seen.input, "more");
  EXPECT_EQ(seen.end, Errc::closed);
  EXPECT_EQ(seen.version, "TLSv1.3");
  EXPECT_THAT(seen.cipher, HasSubstr("TLS_"));
  EXPECT_EQ(seen.sni, "");
  EXPECT_EQ(seen.alpn, "");
  EXPECT_FALSE(seen.peer);
  EXPECT_EQ(seen.exporter, exported);
  ASSERT_FALSE(seen.unique);
  EXPECT_EQ(seen.unique.error().code, Errc::unsupported);
}

TEST_F(TlsTest, SpeaksTls12WithItsOwnChannelBinding) {
  std::string exported, finished(64, '\0');
  const Seen seen = visit({.version = TLS1_2_VERSION}, [&](OpensslClient& client) {
    exported = client_export(client);
    finished.resize(SSL_get_finished(client.ssl(), finished.data(), finished.size()));
  });

  ASSERT_TRUE(seen.handshake);
  EXPECT_EQ(seen.version, "TLSv1.2");
  EXPECT_THAT(seen.cipher, HasSubstr("ECDHE"));
  EXPECT_EQ(seen.exporter, exported);
  EXPECT_EQ(seen.unique, finished);
}

TEST_F(TlsTest, BindsToNothingWithoutExtendedMasterSecret) {
  const Seen seen = visit({.version = TLS1_2_VERSION, .extended_master_secret = false});

  ASSERT_TRUE(seen.handshake);
  EXPECT_FALSE(seen.exporter);
  EXPECT_FALSE(seen.unique);
  EXPECT_TRUE(seen.end_point);
}

TEST_F(TlsTest, RefusesOlderVersions) {
  const Seen old = visit({.version = TLS1_1_VERSION});
  EXPECT_FALSE(old.handshake);
  EXPECT_FALSE(connected);

  load({.allow_tls12 = false});
  const Seen newer = visit({.version = TLS1_2_VERSION});
  EXPECT_FALSE(newer.handshake);
  EXPECT_EQ(newer.handshake.error().code, Errc::io);
}

TEST_F(TlsTest, SniChoosesTheCertificate) {
  const std::vector<std::pair<std::string, std::string>> expected{{"", "one.pem"},
                                                                  {"one.example", "one.pem"},
                                                                  {"two.example", "two.pem"},
                                                                  {"TWO.example", "two.pem"},
                                                                  {"chat.example.org", "many.pem"},
                                                                  {"a.b.example.org", "one.pem"},
                                                                  {"example.org", "one.pem"},
                                                                  {"stranger.example", "one.pem"}};
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& [sni, file] : expected) {
      const X509Ptr x509 = read_pem(directory / file);
      std::array<unsigned char, 32> hash;
      ASSERT_EQ(X509_digest(x509.get(), EVP_sha256(), hash.data(), nullptr), 1);
      bool the_right_one = false;
      const Seen seen = visit({.version = version, .sni = sni}, [&](OpensslClient& client) {
        const X509Ptr got{SSL_get1_peer_certificate(client.ssl())};
        the_right_one = X509_cmp(got.get(), x509.get()) == 0;
      });

      ASSERT_TRUE(seen.handshake);
      EXPECT_TRUE(the_right_one) << sni;
      EXPECT_EQ(seen.sni, sni);
      EXPECT_EQ(seen.end_point, (std::string{reinterpret_cast<char*>(hash.data()), hash.size()}));
    }
  }
}

TEST_F(TlsTest, AlpnIsAgreedOrTheClientIsRefused) {
  load({.alpn = {"xmpp-client", "other"}});

  EXPECT_EQ(visit({.alpn = "xmpp-client"}).alpn, "xmpp-client");
  EXPECT_EQ(visit({.alpn = "other"}).alpn, "other");
  EXPECT_EQ(visit({}).alpn, "");
  EXPECT_FALSE(visit({.alpn = "http/1.1"}).handshake);
  EXPECT_THAT(refusal, HasSubstr("no application protocol"));  // the alert arrives, though we close at once
}

TEST_F(TlsTest, AClientCertificateIsAWishAndTellsItsNames) {
  const KeyPtr ca_key{EVP_EC_gen("P-256")}, key{EVP_EC_gen("P-256")};
  const X509Ptr ca = make_certificate({.authority = true}, ca_key.get());
  const X509Ptr romeo = make_certificate(
      {.names = "otherName:1.3.6.1.5.5.7.8.5;UTF8:romeo@example.org", .issuer = ca.get(), .issuer_key = ca_key.get()},
      key.get());
  const X509Ptr stranger = make_certificate({.names = "email:stranger@example.org"}, key.get());
  write_pem(directory / "ca.pem", ca.get());
  load({.ask_client_certificate = true, .ca_file = directory / "ca.pem"});

  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Seen nobody = visit({.version = version});
    ASSERT_TRUE(nobody.handshake);
    EXPECT_FALSE(nobody.peer);

    SSL_SESSION* session = nullptr;
    const Seen known = visit({.version = version, .certificate = romeo.get(), .key = key.get()},
                             [&](OpensslClient& client) { session = SSL_get1_session(client.ssl()); });
    ASSERT_TRUE(known.handshake && known.peer);
    EXPECT_TRUE(known.peer->verified);
    EXPECT_THAT(known.peer->xmpp_addrs, ElementsAre("romeo@example.org"));
    EXPECT_EQ(known.peer->der, der_of(romeo.get()));

    const Seen again = visit({.version = version, .session = session});
    SSL_SESSION_free(session);
    ASSERT_TRUE(again.handshake && again.peer);
    EXPECT_TRUE(again.resumed);
    EXPECT_TRUE(again.peer->verified);
    EXPECT_EQ(again.peer->der, known.peer->der);

    SSL_SESSION* strange_session = nullptr;
    const Seen unknown = visit({.version = version, .certificate = stranger.get(), .key = key.get()},
                               [&](OpensslClient& client) { strange_session = SSL_get1_session(client.ssl()); });
    ASSERT_TRUE(unknown.handshake && unknown.peer);
    EXPECT_FALSE(unknown.peer->verified);
    EXPECT_THAT(unknown.peer->emails, ElementsAre("stranger@example.org"));

    const Seen unknown_again = visit({.version = version, .session = strange_session});
    SSL_SESSION_free(strange_session);
    ASSERT_TRUE(unknown_again.peer && unknown_again.resumed);
    EXPECT_FALSE(unknown_again.peer->verified);
  }
}

TEST_F(TlsTest, WithoutACaEveryClientCertificateIsUnverified) {
  const KeyPtr key{EVP_EC_gen("P-256")};
  const X509Ptr anybody = make_certificate({}, key.get());
  load({.ask_client_certificate = true});

  const Seen seen = visit({.certificate = anybody.get(), .key = key.get()});

  ASSERT_TRUE(seen.handshake && seen.peer);
  EXPECT_FALSE(seen.peer->verified);
}

TEST_F(TlsTest, ResumesWithATicket) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_SESSION* session = nullptr;
    const Seen first = visit({.version = version, .sni = "two.example"},
                             [&](OpensslClient& client) { session = SSL_get1_session(client.ssl()); });
    ASSERT_TRUE(first.handshake && session);
    EXPECT_FALSE(first.resumed);

    std::string their_finished(64, '\0');
    const Seen again =
        visit({.version = version, .sni = "two.example", .session = session}, [&](OpensslClient& client) {
          their_finished.resize(SSL_get_peer_finished(client.ssl(), their_finished.data(), their_finished.size()));
        });
    SSL_SESSION_free(session);

    ASSERT_TRUE(again.handshake);
    EXPECT_TRUE(again.resumed);
    if (version == TLS1_3_VERSION) continue;
    EXPECT_EQ(again.unique, their_finished);  // the server's comes first
  }
}

TEST_F(TlsTest, RefusesRenegotiation) {
  bool renegotiated = true;
  const Seen seen = visit({.version = TLS1_2_VERSION}, [&](OpensslClient& client) {
    renegotiated = SSL_renegotiate(client.ssl()) == 1 && SSL_do_handshake(client.ssl()) == 1;
    ERR_clear_error();
  });

  ASSERT_TRUE(seen.handshake);
  EXPECT_FALSE(renegotiated);
  EXPECT_EQ(seen.end, Errc::io);  // the client takes the refusal for a failure
}

TEST_F(TlsTest, SurvivesKeyUpdates) {
  const Seen seen = visit({.version = TLS1_3_VERSION}, [&](OpensslClient& client) {
    for (int i = 0; i < 10; ++i) {
      SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
      client.send("x");
    }
  });

  EXPECT_EQ(seen.input, "xxxxxxxxxx");
}

// Bad input ----------------------------------------------------------------------------------------------------------

Task<void> shake(Connection& connection, std::shared_ptr<const TlsServer> server, TlsLimits limits,
                 Result<void>& result) {
  result = co_await connection.accept_tls(std::move(server), limits);
  EXPECT_EQ(connection.tls(), nullptr);
  connection.close_after_flush();
}

Task<void> until_all_are_gone(Core& core) {
  co_await boost::asio::post(core.io(), kAwait);
  while (core.closing() > 0) co_await boost::asio::post(core.io(), kAwait);
}

TEST_F(TlsTest, RefusesGarbageInsteadOfAHello) {
  const std::vector<std::string> garbages{"<stream:stream>", std::string(70'000, '\x16'), std::string(100, '\0')};
  for (const std::string& garbage : garbages) {
    auto [ours, theirs] = tcp_pair();
    Connection connection{loop.core, std::move(ours)};
    theirs.send(garbage);  // fits the socket's buffers
    theirs.end_input();
    Result<void> result;

    loop.run(shake(connection, server, {}, result));
    loop.run(until_all_are_gone(loop.core));

    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::io);
    EXPECT_TRUE(connection.closed());
  }
}

TEST_F(TlsTest, GivesUpOnAHandshakeThatTakesTooLong) {
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};
  theirs.send("\x16\x03\x01");  // the beginning of a hello
  Result<void> result;

  loop.run(shake(connection, server, {.handshake = std::chrono::seconds{1}}, result));

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
}

TEST_F(TlsTest, NoticesAClientThatLeavesInTheHandshake) {
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};
  theirs.send("\x16\x03\x01");
  theirs.end_input();
  Result<void> result;

  loop.run(shake(connection, server, {}, result));

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::closed);
}

Task<void> leave(Core& core, Peer& peer) {
  for (int i = 0; i < 3; ++i) co_await boost::asio::post(core.io(), kAwait);  // the server waits by now
  peer.send("\x16\x03\x01");
  peer.end_input();
}

Task<void> shake_and_be_left(Connection& connection, std::shared_ptr<const TlsServer> server, Peer& peer,
                             Result<void>& result) {
  spawn(connection.core().io(), leave(connection.core(), peer));
  auto shaking = shake(connection, std::move(server), {}, result);
  co_await std::move(shaking);
}

TEST_F(TlsTest, NoticesAClientWhoseLastBytesComeTogetherWithItsEnd) {
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  Result<void> result;

  loop.run(shake_and_be_left(connection, server, theirs, result));

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::closed);
}

Task<void> shake_only(Connection& connection, std::shared_ptr<const TlsServer> server, Result<void>& result) {
  result = co_await connection.accept_tls(std::move(server));
  connection.close_after_flush();
}

TEST_F(TlsTest, SendsWhatWasQueuedInTheClearFirst) {
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};
  connection.out() += "<proceed/>";
  std::string clear;
  bool encrypted = false;
  std::jthread visitor{[&, &peer = theirs] {
    clear = peer.receive_exactly(10);
    OpensslClient client{peer, {}};
    encrypted = client.connect();
    SSL_shutdown(client.ssl());
    peer.end_input();
  }};
  Result<void> result;

  loop.run(shake_only(connection, server, result));
  visitor.join();

  EXPECT_EQ(clear, "<proceed/>");
  EXPECT_TRUE(encrypted);
}

// Load, goodbye, hand-over -------------------------------------------------------------------------------------------

Task<void> send_much_and_close(Connection& connection, std::shared_ptr<const TlsServer> server,
                               const std::string& much) {
  const auto shaken = co_await connection.accept_tls(server);
  EXPECT_TRUE(shaken);
  connection.out() += much;
  connection.close_after_flush();
}

TEST_F(TlsTest, FlushesAndSaysGoodbye) {
  auto [ours, theirs] = tcp_pair();
  Connection connection{loop.core, std::move(ours)};
  const std::string much(5'000'000, 'x');
  std::string received;
  bool goodbye = false;
  std::jthread visitor{[&, &peer = theirs] {
    OpensslClient client{peer, {}};
    client.connect();
    for (std::string some = client.receive(); !some.empty(); some = client.receive()) received += some;
    goodbye = (SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0;
    peer.end_input();
  }};

  loop.run(send_much_and_close(connection, server, much));
  loop.run(until_all_are_gone(loop.core));
  visitor.join();

  EXPECT_EQ(received.size(), much.size());
  EXPECT_TRUE(goodbye);
}

Task<void> serve_the_moved(std::unique_ptr<Connection> connection, std::atomic<bool>& done) {
  const std::string input = co_await read_exactly(*connection, 30'000);
  EXPECT_EQ(input.size(), 30'000u);
  EXPECT_EQ(connection->tls()->version(), "TLSv1.3");
  connection->out() += "moved";
  const auto drained = co_await connection->drained();
  EXPECT_TRUE(drained);
  done = true;
  done.notify_one();
}

Task<void> shake_and_move(Cores& cores, std::unique_ptr<Connection> connection, std::shared_ptr<const TlsServer> server,
                          std::atomic<bool>& done) {
  const auto shaken = co_await connection->accept_tls(server);
  EXPECT_TRUE(shaken);
  const auto input = co_await connection->read();
  EXPECT_TRUE(input);
  const auto moved = std::make_shared<Handed>(connection->hand_over(*input));
  auto adopt = [&cores, &done, moved] {
    spawn(cores.at(1).io(), serve_the_moved(std::make_unique<Connection>(cores.at(1), std::move(*moved)), done));
  };
  cores.post(1, adopt);
}

TEST_F(TlsTest, MovesToAnotherCoreWithWhatOpensslHasRead) {
  std::atomic<bool> done = false;
  auto [ours, theirs] = tcp_pair();
  Cores cores{2};
  cores.start();
  const auto handed = std::make_shared<Handed>(std::move(ours));
  cores.post(0, [&] {
    spawn(cores.at(0).io(),
          shake_and_move(cores, std::make_unique<Connection>(cores.at(0), std::move(*handed)), server, done));
  });

  OpensslClient client{theirs, {}};
  ASSERT_TRUE(client.connect());
  for (int i = 0; i < 30; ++i) client.send(std::string(1000, 'x'));

  EXPECT_EQ(client.receive(), "moved");
  done.wait(false);
}

TEST_F(TlsTest, ReloadingLeavesRunningConnectionsAlone) {
  const Seen seen = visit({}, [&](OpensslClient& client) {
    client.send("still ");
    client.send("here");
  });
  server.reset();
  EXPECT_EQ(seen.input, "still here");

  load({});
  EXPECT_TRUE(visit({.sni = "two.example"}).handshake);
}

}  // namespace
}  // namespace anser::net
