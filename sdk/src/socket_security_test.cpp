// A wss Socket and the certificate of its server: without a good one nothing is said, not even the request, in which
// the credentials stand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "net/tls_client_test_support.h"
#include "sdk/src/socket_session.h"
#include "sdk/src/test_socket_server.h"

namespace anser::sdk {
namespace {

using testing::HasSubstr;

class SocketSecurityTest : public testing::Test {
 protected:
  SocketSecurityTest() {
    configuration.url = "wss://127.0.0.1:" + std::to_string(server.port()) + "/ws";
    configuration.reconnection.allowed = false;
    shows(authority.issue({.names = "IP:127.0.0.1"}));
  }

  void trusts(const net::Authority& whom) { configuration.tls.truststore_pem = net::pem_of({whom.certificate()}); }
  void shows(const net::Certified& certified) {
    SSL_CTX_use_certificate(tls.get(), certified.certificate.get());
    SSL_CTX_use_PrivateKey(tls.get(), certified.key.get());
  }
  // How the attempt ends that breaks the handshake off.
  Error refusal() {
    Socket socket{configuration};
    Told<Result<void>> over;
    socket.open(over.teller());
    server.accept();
    server.fails_to_secure(tls.get());
    EXPECT_EQ(server.hears_the_rest(), "");
    const auto outcome = over.get();
    EXPECT_EQ(socket.status(), SocketStatus::failed);
    EXPECT_FALSE(outcome);
    return outcome ? Error{} : outcome.error();
  }

  TestSocketServer server;
  SocketConfiguration configuration = server.socket_configuration();
  net::Authority authority;
  net::SslCtxPtr tls{SSL_CTX_new(TLS_server_method())};
};

TEST_F(SocketSecurityTest, TalksToAServerWithAGoodCertificate) {
  trusts(authority);
  Socket socket{configuration};
  Told<Result<void>> open;
  socket.open(open.teller());

  server.accept();
  server.secures(tls.get());
  const std::string request = server.hears("\r\n\r\n");
  server.says(server.agreement(request));
  server.sends(server.auth_result());

  EXPECT_EQ(server.field_of(request, "Authorization"), "Basic cm9tZW86c2VjcmV0");
  EXPECT_TRUE(open.get());
  EXPECT_EQ(socket.status(), SocketStatus::connected);
}

TEST_F(SocketSecurityTest, RefusesACertificateThatNobodyItTrustsHasSigned) {
  trusts(net::Authority{});

  const Error why = refusal();

  EXPECT_EQ(why.code, Errc::tls) << why.message;
  EXPECT_THAT(why.message, HasSubstr("certificate"));
}

TEST_F(SocketSecurityTest, RefusesTheCertificateOfAnotherServer) {
  trusts(authority);
  shows(authority.issue({.names = "IP:192.0.2.1,DNS:localhost"}));

  const Error why = refusal();

  EXPECT_EQ(why.code, Errc::tls) << why.message;
  EXPECT_THAT(why.message, HasSubstr("certificate"));
}

}  // namespace
}  // namespace anser::sdk
