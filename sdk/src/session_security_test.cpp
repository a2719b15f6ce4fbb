// What a connection has once been it stays: who was secure does not come back in the clear, and who has not shown the
// password does not show it later (XEP-0474 §7).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "core/password.h"
#include "core/scram.h"
#include "net/tls_client_test_support.h"
#include "sdk/src/test_server.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class SessionSecurityTest : public SessionTest {
 protected:
  SessionSecurityTest() {
    configuration.security = SecurityMode::enabled;
    configuration.tls.truststore_pem = net::pem_of({authority_.certificate()});
    SSL_CTX_use_certificate(tls_.get(), certified_.certificate.get());
    SSL_CTX_use_PrivateKey(tls_.get(), certified_.key.get());
  }

  // One attempt at a time, each as the test has it.
  void begin() {
    connection.emplace(configuration);
    connection->add_connection_listener(
        {.authenticated = [tell = in.teller()](bool) { tell(true); },
         .closed_on_error = [lost = lost.teller(), last = last.teller(), first = true](
                                const Error& why) mutable { std::exchange(first, false) ? lost(why) : last(why); }});
    connection->connect([this](const Result<void>& connected) {
      ASSERT_TRUE(connected) << connected.error().message;
      connection->login("romeo", "secret", "orchard",
                        [](const Result<void>& done) { EXPECT_TRUE(done) << done.error().message; });
    });
  }
  void offers(std::string_view features) {
    server.says("<stream:features>" + std::string{features} + "</stream:features>");
  }
  void secures() {
    server.hears("<starttls");
    server.hears("/>");
    server.says("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    server.secures(tls_.get());
    server.opens_stream();
  }
  void takes_scram() {
    const std::string begun = server.hears("</auth>");
    EXPECT_THAT(begun, HasSubstr("mechanism='SCRAM-SHA-256'"));
    core::ScramServer scram{{.mechanism = {.hash = core::Hash::sha256}}};
    ASSERT_TRUE(scram.parse(decoded(begun)));
    const auto keys = core::derive_keys(core::Hash::sha256, "secret", "salt", core::kMinIterations);
    ASSERT_TRUE(keys);
    says_sasl("challenge", scram.challenge(*keys));
    const auto proof = scram.finish(decoded(server.hears("</response>")));
    ASSERT_TRUE(proof);
    says_sasl("success", *proof);
    server.opens_stream();
  }

  static constexpr std::string_view kPlain =
      "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>";
  static constexpr std::string_view kBoth =
      "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
      "<mechanism>SCRAM-SHA-256</mechanism></mechanisms>";
  static constexpr std::string_view kStartTls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

  ConnectionConfiguration configuration = server.configuration();
  std::optional<Connection> connection;
  Told<bool> in;
  Told<Error> lost, last;

 private:
  static std::string decoded(const std::string& element) {
    const auto end = element.rfind("</");
    const auto begin = element.rfind('>', end) + 1;
    return base64_decode(element.substr(begin, end - begin)).value_or("");
  }
  void says_sasl(const std::string& name, const std::string& data) {
    server.says("<" + name + " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + base64_encode(data) + "</" + name + ">");
  }

  net::Authority authority_;
  net::Certified certified_ = authority_.issue({.names = "DNS:example.org"});
  net::SslCtxPtr tls_{SSL_CTX_new(TLS_server_method())};
};

TEST_F(SessionSecurityTest, DoesNotComeBackInTheClear) {
  begin();
  server.accept();
  server.opens_stream();
  offers(kStartTls);
  secures();
  offers(kPlain);
  server.lets_in();
  server.binds();
  server.tells_features();
  ASSERT_TRUE(in.get());
  EXPECT_TRUE(connection->is_secure());
  ASSERT_TRUE(connection->send(to_juliet("known")));
  server.hears("known</body>");

  server.cuts();
  lost.get();
  ASSERT_TRUE(connection->send(to_juliet("waits")));
  server.accept();
  server.opens_stream();
  offers(kPlain);  // somebody has taken <starttls/> out

  EXPECT_EQ(last.get().code, Errc::insecure);
  EXPECT_THAT(server.hears_the_rest(), Not(testing::AnyOf(HasSubstr("<auth"), HasSubstr("waits"))));
  EXPECT_FALSE(connection->is_connected());
}

TEST_F(SessionSecurityTest, IsInTheClearWhereItAlwaysWas) {
  begin();
  for (int attempt = 0; attempt < 2; ++attempt) {
    server.accept();
    server.opens_stream();
    offers(kPlain);
    server.lets_in();
    server.binds();
    server.tells_features();
    if (attempt > 0) break;
    ASSERT_TRUE(in.get());
    server.cuts();
    lost.get();
  }

  ASSERT_TRUE(connection->send(to_juliet("still")));
  EXPECT_THAT(server.hears("</message>"), HasSubstr("still"));
  EXPECT_FALSE(connection->is_secure());
}

TEST_F(SessionSecurityTest, DoesNotShowAPasswordThatWasNotShownBefore) {
  configuration.sasl_mechanisms = {"SCRAM-SHA-256", "PLAIN"};
  begin();
  server.accept();
  server.opens_stream();
  offers(kBoth);
  takes_scram();
  server.binds();
  server.tells_features();
  ASSERT_TRUE(in.get());

  server.cuts();
  lost.get();
  server.accept();
  server.opens_stream();
  offers(kPlain);

  const Error why = last.get();
  EXPECT_EQ(why.code, Errc::insecure);
  EXPECT_THAT(why.message, HasSubstr("had a better mechanism before"));
  EXPECT_THAT(server.hears_the_rest(), Not(HasSubstr("<auth")));
}

TEST_F(SessionSecurityTest, ShowsAPasswordToAServerThatHasNothingBetter) {
  configuration.sasl_mechanisms = {"SCRAM-SHA-256", "PLAIN"};
  begin();
  for (int attempt = 0; attempt < 2; ++attempt) {
    server.accept();
    server.opens_stream();
    offers(kPlain);
    server.lets_in();
    server.binds();
    server.tells_features();
    if (attempt > 0) break;
    ASSERT_TRUE(in.get());
    server.cuts();
    lost.get();
  }

  ASSERT_TRUE(connection->send(to_juliet("still")));
  EXPECT_THAT(server.hears("</message>"), HasSubstr("still"));
}

}  // namespace
}  // namespace anser::sdk
