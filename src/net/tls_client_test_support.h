// Our client and our server on the two ends of one connection, and certificates for both. For tests only.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/connection.h"
#include "net/tls_client.h"
#include "net/tls_test_support.h"

namespace anser::net {

struct Certified {
  X509Ptr certificate;
  KeyPtr key;
};

// Signs certificates.
class Authority {
 public:
  explicit Authority(const char* name = "authority", const Authority* above = nullptr) {
    CertificateWish wish{.names = nullptr, .authority = true, .common_name = name};
    if (above) {
      wish.issuer = above->certificate();
      wish.issuer_key = above->key();
    }
    certificate_ = make_certificate(wish, key_.get());
  }

  Certified issue(CertificateWish wish) const {
    KeyPtr key{EVP_EC_gen("P-256")};
    wish.issuer = certificate_.get();
    wish.issuer_key = key_.get();
    return {make_certificate(wish, key.get()), std::move(key)};
  }
  // A list with `revoked` on it.
  CrlPtr list(const X509* revoked) const {
    CrlPtr crl{X509_CRL_new()};
    X509_CRL_set_version(crl.get(), 1);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(certificate_.get()));
    ASN1_TIME* now = X509_gmtime_adj(nullptr, 0);
    X509_CRL_set1_lastUpdate(crl.get(), now);
    ASN1_TIME* later = X509_gmtime_adj(nullptr, 3600);
    X509_CRL_set1_nextUpdate(crl.get(), later);
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(revoked)));
    X509_REVOKED_set_revocationDate(entry, now);
    X509_CRL_add0_revoked(crl.get(), entry);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    EXPECT_GT(X509_CRL_sign(crl.get(), key_.get(), EVP_sha256()), 0);
    return crl;
  }
  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

 private:
  KeyPtr key_{EVP_EC_gen("P-256")};
  X509Ptr certificate_;
};

inline std::string text_in(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

inline std::string pem_of(const std::vector<X509*>& certificates) {
  const BioPtr bio{BIO_new(BIO_s_mem())};
  for (X509* certificate : certificates) EXPECT_EQ(PEM_write_bio_X509(bio.get(), certificate), 1);
  return text_in(bio);
}

inline std::string pem_of(X509_CRL* list) {
  const BioPtr bio{BIO_new(BIO_s_mem())};
  EXPECT_EQ(PEM_write_bio_X509_CRL(bio.get(), list), 1);
  return text_in(bio);
}

// Encrypted if there is a password.
inline std::string pem_of(EVP_PKEY* key, const char* password = nullptr) {
  const BioPtr bio{BIO_new(BIO_s_mem())};
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, password ? EVP_aes_128_cbc() : nullptr, nullptr, 0, nullptr,
                                          const_cast<char*>(password)),
            1);
  return text_in(bio);
}

inline std::string pkcs12_of(const char* password, EVP_PKEY* key, X509* certificate, const std::vector<X509*>& others) {
  STACK_OF(X509)* stack = sk_X509_new_null();
  for (X509* other : others) sk_X509_push(stack, other);
  PKCS12* store = PKCS12_create(password, "name", key, certificate, stack, 0, 0, 0, 0, 0);
  sk_X509_free(stack);
  EXPECT_NE(store, nullptr);
  const BioPtr bio{BIO_new(BIO_s_mem())};
  EXPECT_EQ(i2d_PKCS12_bio(bio.get(), store), 1);
  PKCS12_free(store);
  return text_in(bio);
}

inline CertificateHash hash_of(X509* certificate) {
  CertificateHash hash;
  EXPECT_EQ(X509_digest(certificate, EVP_sha256(), hash.data(), nullptr), 1);
  return hash;
}

// What one side learnt, copied before the connection goes.
struct Learnt {
  Result<void> handshake = fail(Errc::internal, "nobody tried");
  std::string version{}, cipher{}, sni{}, alpn{};
  bool resumed = false;
  std::optional<PeerCertificate> peer{};
  std::optional<ServerVerdict> verdict{};
  Result<std::string> exporter{}, unique{}, end_point{};
  std::string input{};
  Result<void> end{};
  std::shared_ptr<const TlsSession> session{};
};

inline void learn(const Connection& connection, Learnt& learnt) {
  const TlsFacts& tls = *connection.tls();
  learnt.version = tls.version();
  learnt.cipher = tls.cipher();
  learnt.sni = tls.sni();
  learnt.alpn = tls.alpn();
  learnt.resumed = tls.resumed();
  learnt.peer = tls.peer_certificate();
  if (tls.server_verdict()) learnt.verdict = *tls.server_verdict();
  learnt.exporter = tls.exporter();
  learnt.unique = tls.unique();
  learnt.end_point = tls.server_end_point();
}

inline Task<void> read_to_the_end(Connection& connection, Learnt& learnt) {
  for (;;) {
    const auto some = co_await connection.read();
    if (!some) {
      learnt.end = pass(some);
      co_return;
    }
    learnt.input += *some;
  }
}

// Answers "ping" with "pong".
inline Task<void> act_as_server(Connection& connection, std::shared_ptr<const TlsServer> server, Learnt& learnt) {
  learnt.handshake = co_await connection.accept_tls(std::move(server));
  if (learnt.handshake) {
    learn(connection, learnt);
    learnt.input = co_await read_exactly(connection, 4);
    connection.out() += "pong";
    connection.flush_soon();
    co_await read_to_the_end(connection, learnt);
  }
  connection.close_after_flush();
}

inline Task<void> act_as_client(Connection& connection, std::shared_ptr<const TlsClient> client, std::string service,
                                std::shared_ptr<const TlsSession> session, Learnt& learnt) {
  auto connecting = connection.connect_tls(std::move(client), TlsLimits{}, std::move(service), std::move(session));
  learnt.handshake = co_await std::move(connecting);
  if (learnt.handshake) {
    learn(connection, learnt);
    connection.out() += "ping";
    connection.flush_soon();
    learnt.input = co_await read_exactly(connection, 4);
    learnt.session = connection.tls_session();
  } else {
    EXPECT_EQ(connection.tls(), nullptr);
    EXPECT_EQ(connection.tls_session(), nullptr);
  }
  connection.close_after_flush();
}

struct Meeting {
  Learnt server, client;
};

inline Task<void> count_down(Task<void> task, int& running) {
  co_await std::move(task);
  --running;
}

inline Task<void> act_both(Core& core, Task<void> one, Task<void> other) {
  int running = 2;
  spawn(core.io(), count_down(std::move(one), running));
  spawn(core.io(), count_down(std::move(other), running));
  while (running > 0 || core.closing() > 0) co_await boost::asio::post(core.io(), kAwait);
}

inline Meeting meet(Loop& loop, const std::shared_ptr<const TlsServer>& server,
                    const std::shared_ptr<const TlsClient>& client, const std::string& service,
                    const std::shared_ptr<const TlsSession>& session = nullptr) {
  int sockets[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  Connection servers{loop.core, Handed{File{sockets[0]}, {}}}, clients{loop.core, Handed{File{sockets[1]}, {}}};
  Meeting meeting;
  loop.run(act_both(loop.core, act_as_server(servers, server, meeting.server),
                    act_as_client(clients, client, service, session, meeting.client)));
  return meeting;
}

// A server's certificates and clients with their trust, on files of their own.
class TlsClientTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& bytes) { std::ofstream{directory / name} << bytes; }

  // Serves this certificate; `between` are the authorities up to, and without, the trusted one.
  void serve(const Certified& certified, const TlsServer::Options& options = {},
             const std::vector<X509*>& between = {}) {
    std::string chain = pem_of({certified.certificate.get()});
    if (!between.empty()) chain += pem_of(between);
    write("server.pem", chain);
    write("server.key", pem_of(certified.key.get()));
    const TlsServer::Certificate files{"", directory / "server.pem", directory / "server.key"};
    auto loaded = TlsServer::load({&files, 1}, options);
    ASSERT_TRUE(loaded) << loaded.error().message;
    server = *loaded;
  }

  TlsClientOptions trusting(const Authority& authority) { return {.trusted_pem = pem_of({authority.certificate()})}; }

  Meeting meet(const TlsClientOptions& options, const std::string& service = "one.example") {
    auto client = TlsClient::make(options);
    EXPECT_TRUE(client) << client.error().message;
    return client ? net::meet(loop, server, *client, service) : Meeting{};
  }
  // Empty: the handshake was good.
  std::string objection(const TlsClientOptions& options, const std::string& service = "one.example") {
    const Meeting meeting = meet(options, service);
    if (meeting.client.handshake) return {};
    EXPECT_EQ(meeting.client.handshake.error().code, Errc::not_authorized);
    EXPECT_FALSE(meeting.server.handshake && !meeting.server.input.empty());
    return meeting.client.handshake.error().message;
  }
  static std::string refusal(const TlsClientOptions& options, Errc code = Errc::invalid_config) {
    const auto client = TlsClient::make(options);
    if (client) return {};
    EXPECT_EQ(client.error().code, code);
    return client.error().message;
  }

  TestDirectory directory;
  Loop loop;
  Authority authority;
  std::shared_ptr<const TlsServer> server;
};

}  // namespace anser::net
