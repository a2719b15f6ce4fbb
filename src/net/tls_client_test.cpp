// Whom our client lets in, and whom not.
#include "net/tls_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tls_client_test_support.h"

namespace anser::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using StoreType = TlsClientOptions::StoreType;

TEST_F(TlsClientTest, TellsWhoTheServerIsAndHowItSpeaks) {
  const Certified one = authority.issue({.names = "DNS:one.example"});
  serve(one, {.alpn = {"xmpp-client"}});
  TlsClientOptions options = trusting(authority);
  options.alpn = {"xmpp-client"};

  const Meeting meeting = meet(options);

  ASSERT_TRUE(meeting.client.handshake) << meeting.client.handshake.error().message;
  ASSERT_TRUE(meeting.server.handshake);
  EXPECT_EQ(meeting.client.version, "TLSv1.3");
  EXPECT_EQ(meeting.client.cipher, meeting.server.cipher);
  EXPECT_EQ(meeting.client.alpn, "xmpp-client");
  EXPECT_EQ(meeting.server.sni, "one.example");
  EXPECT_EQ(meeting.client.input, "pong");
  EXPECT_EQ(meeting.server.end.error().code, Errc::closed);
  ASSERT_TRUE(meeting.client.peer && meeting.client.verdict);
  EXPECT_EQ(meeting.client.peer->der, der_of(one.certificate.get()));
  EXPECT_THAT(meeting.client.peer->dns_names, ElementsAre("one.example"));
  EXPECT_TRUE(meeting.client.peer->verified);
  EXPECT_TRUE(meeting.client.verdict->verified);
  EXPECT_TRUE(meeting.client.verdict->enforced);
  EXPECT_FALSE(meeting.client.verdict->pinned);
  EXPECT_FALSE(meeting.server.verdict);
}

TEST_F(TlsClientTest, SpeaksTls12IfItMust) {
  serve(authority.issue({.names = "DNS:one.example"}));
  TlsClientOptions options = trusting(authority);
  options.allow_tls13 = false;

  const Meeting meeting = meet(options);

  ASSERT_TRUE(meeting.client.handshake);
  EXPECT_EQ(meeting.client.version, "TLSv1.2");
  EXPECT_THAT(meeting.client.cipher, HasSubstr("ECDHE"));
}

TEST_F(TlsClientTest, SendsInternationalNamesInAsciiAndAddressesNotAtAll) {
  serve(authority.issue({.names = "DNS:xn--bcher-kva.example,IP:::1"}));

  const Meeting named = meet(trusting(authority), "b\u00fccher.example");
  EXPECT_TRUE(named.client.handshake);
  EXPECT_EQ(named.server.sni, "xn--bcher-kva.example");

  const Meeting address = meet(trusting(authority), "::1");
  EXPECT_TRUE(address.client.handshake);
  EXPECT_EQ(address.server.sni, "");
}

// Names --------------------------------------------------------------------------------------------------------------

TEST_F(TlsClientTest, RefusesACertificateForSomebodyElseAndNamesBoth) {
  serve(authority.issue({.names = "DNS:a.example,DNS:b.example", .common_name = "c.example"}));

  EXPECT_EQ(objection(trusting(authority), "c.example"),
            "TLS handshake: the certificate is for a.example, b.example, not for c.example");
  EXPECT_THAT(objection(trusting(authority), "192.0.2.1"), HasSubstr("not for 192.0.2.1"));
  EXPECT_THAT(objection(trusting(authority), "b.example"), IsEmpty());
}

TEST_F(TlsClientTest, NeverTakesTheCommonNameForAName) {
  serve(authority.issue({.names = nullptr, .common_name = "one.example"}));

  EXPECT_THAT(objection(trusting(authority)), HasSubstr("the certificate is for no service, not for one.example"));
}

TEST_F(TlsClientTest, TakesWildcardsSrvNamesAndXmppAddresses) {
  serve(authority.issue({.names = "DNS:*.example.org,otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-client.srv.example,"
                                  "otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-server.other.example,"
                                  "otherName:1.3.6.1.5.5.7.8.5;UTF8:xmpp.example"}));

  for (const char* name : {"chat.example.org", "srv.example", "xmpp.example"}) {
    EXPECT_THAT(objection(trusting(authority), name), IsEmpty());
  }
  for (const char* name : {"a.chat.example.org", "example.org", "other.example"}) {
    EXPECT_THAT(objection(trusting(authority), name), HasSubstr("not for"));
  }
  TlsClientOptions of_a_server = trusting(authority);
  of_a_server.srv_service = "_xmpp-server";
  EXPECT_THAT(objection(of_a_server, "other.example"), IsEmpty());
}

TEST_F(TlsClientTest, DoesNotConnectToWhatCannotBeAServer) {
  serve(authority.issue({.names = "DNS:one.example"}));

  const Meeting meeting = meet(trusting(authority), "romeo@one.example");

  ASSERT_FALSE(meeting.client.handshake);
  EXPECT_EQ(meeting.client.handshake.error().code, Errc::bad_request);
}

// The chain ----------------------------------------------------------------------------------------------------------

TEST_F(TlsClientTest, RefusesACertificateOutOfItsTime) {
  serve(authority.issue({.names = "DNS:one.example", .from = -90'000, .until = -80'000}));
  EXPECT_THAT(objection(trusting(authority)), HasSubstr("the certificate of one.example expired on 20"));

  serve(authority.issue({.names = "DNS:one.example", .from = 80'000, .until = 90'000}));
  EXPECT_THAT(objection(trusting(authority)), HasSubstr("the certificate of one.example is not valid before 20"));
}

TEST_F(TlsClientTest, RefusesAnAuthorityThatNobodyTrusts) {
  const Authority stranger{"stranger"};
  serve(stranger.issue({.names = "DNS:one.example"}));
  EXPECT_THAT(objection(trusting(authority)),
              HasSubstr("the certificate of one.example comes from 'CN=stranger', which is not trusted"));
  EXPECT_THAT(objection({}), HasSubstr("not trusted"));  // the system's store

  serve(stranger.issue({.names = "DNS:one.example"}), {}, {stranger.certificate()});
  EXPECT_THAT(objection(trusting(authority)), HasSubstr("comes from 'CN=stranger', which is not trusted"));
}

TEST_F(TlsClientTest, FollowsAChain) {
  const Authority between{"between", &authority};
  serve(between.issue({.names = "DNS:one.example"}), {}, {between.certificate()});
  EXPECT_THAT(objection(trusting(authority)), IsEmpty());
  EXPECT_THAT(objection(trusting(between)), IsEmpty());  // trusted as it stands, though another has signed it

  serve(between.issue({.names = "DNS:one.example"}));
  EXPECT_THAT(objection(trusting(authority)), HasSubstr("comes from 'CN=between', which is not trusted"));
}

TEST_F(TlsClientTest, RefusesACertificateThatIsNotForServers) {
  serve(authority.issue({.names = "DNS:one.example", .usage = "clientAuth"}));

  EXPECT_THAT(objection(trusting(authority)), HasSubstr("is not meant for this use"));
}

TEST_F(TlsClientTest, RefusesWhatItsRevocationListNames) {
  const Certified one = authority.issue({.names = "DNS:one.example"});
  const Authority other{"other"};
  TlsClientOptions options = trusting(authority);
  options.trusted_pem += pem_of({other.certificate()}) + pem_of(authority.list(one.certificate.get()).get());

  serve(one);
  EXPECT_THAT(objection(options), HasSubstr("the certificate of one.example has been revoked"));
  serve(other.issue({.names = "DNS:one.example"}));  // whose authority has no list
  EXPECT_THAT(objection(options), IsEmpty());
}

TEST_F(TlsClientTest, TrustsACertificateThatSignsItselfOnlyIfTold) {
  const std::vector<std::string> hosts{"one.example"};
  ASSERT_TRUE(make_self_signed(directory / "self.pem", directory / "self.key", hosts));
  const TlsServer::Certificate files{"", directory / "self.pem", directory / "self.key"};
  server = *TlsServer::load({&files, 1}, {});

  EXPECT_THAT(objection(trusting(authority)),
              HasSubstr("the certificate of one.example signs itself and is not among the trusted ones"));
  EXPECT_THAT(objection({.trust_store = {{directory / "self.pem"}}}), IsEmpty());
  EXPECT_THAT(objection({.trust_store = {{directory / "self.pem"}}}, "two.example"),
              HasSubstr("is for one.example, not for two.example"));
}

// Where trust comes from ---------------------------------------------------------------------------------------------

TEST_F(TlsClientTest, TrustsAStoreOfPkcs12WithItsPassword) {
  serve(authority.issue({.names = "DNS:one.example"}));
  write("trust.p12", pkcs12_of("secret", nullptr, nullptr, {authority.certificate()}));
  const auto with = [&](const char* password) {
    return TlsClientOptions{.trust_store = {{directory / "trust.p12", StoreType::pkcs12, password}}};
  };

  EXPECT_THAT(objection(with("secret")), IsEmpty());
  EXPECT_THAT(refusal(with("wrong")), HasSubstr("the password does not open"));
  EXPECT_THAT(refusal(with("wrong")), HasSubstr("trust.p12"));
  EXPECT_THAT(refusal(with("wrong")), testing::Not(HasSubstr("wrong")));
  EXPECT_THAT(refusal(with("")), HasSubstr("needs a password"));
}

TEST_F(TlsClientTest, OwnTrustReplacesTheSystemsUnlessAskedOtherwise) {
  const Authority system{"system"};
  write("system.pem", pem_of({system.certificate()}));
  const struct Environment {
    explicit Environment(const std::string& file) { ::setenv("SSL_CERT_FILE", file.c_str(), 1); }
    ~Environment() { ::unsetenv("SSL_CERT_FILE"); }
  } environment{directory / "system.pem"};
  TlsClientOptions both = trusting(authority);
  both.trust_system_too = true;
  TlsClientOptions store_and_text = trusting(authority);
  store_and_text.trust_store = {directory / "system.pem"};

  serve(system.issue({.names = "DNS:one.example"}));
  EXPECT_THAT(objection({}), IsEmpty());
  EXPECT_THAT(objection(trusting(authority)), HasSubstr("not trusted"));
  EXPECT_THAT(objection(both), IsEmpty());
  EXPECT_THAT(objection(store_and_text), IsEmpty());
  serve(authority.issue({.names = "DNS:one.example"}));
  EXPECT_THAT(objection({}), HasSubstr("not trusted"));
  EXPECT_THAT(objection(both), IsEmpty());
  EXPECT_THAT(objection(store_and_text), IsEmpty());
}

TEST_F(TlsClientTest, AcceptsAPinnedCertificateWhateverElseThereIsToSay) {
  const Authority stranger{"stranger"};
  const Certified bad = stranger.issue({.names = "DNS:other.example", .from = -90'000, .until = -80'000});
  const Certified good = authority.issue({.names = "DNS:one.example"});
  TlsClientOptions options = trusting(authority);
  options.pinned = {hash_of(authority.certificate()), hash_of(bad.certificate.get())};

  serve(bad);
  const Meeting pinned = meet(options);
  ASSERT_TRUE(pinned.client.handshake) << pinned.client.handshake.error().message;
  EXPECT_TRUE(pinned.client.verdict->pinned);
  EXPECT_TRUE(pinned.client.verdict->verified);
  EXPECT_TRUE(pinned.client.peer->verified);

  serve(good);
  const Meeting verified = meet(options);
  ASSERT_TRUE(verified.client.handshake);
  EXPECT_FALSE(verified.client.verdict->pinned);

  serve(stranger.issue({.names = "DNS:one.example"}));
  EXPECT_THAT(objection(options), HasSubstr("not trusted"));
}

TEST_F(TlsClientTest, LetsEverybodyInIfAskedAndSaysSo) {
  TlsClientOptions options = trusting(authority);
  options.verify = false;

  serve(authority.issue({.names = "DNS:other.example"}));
  const Meeting bad = meet(options);
  ASSERT_TRUE(bad.client.handshake);
  EXPECT_FALSE(bad.client.verdict->enforced);
  EXPECT_FALSE(bad.client.verdict->verified);
  EXPECT_FALSE(bad.client.peer->verified);
  EXPECT_EQ(bad.client.verdict->objection, "the certificate is for other.example, not for one.example");

  serve(authority.issue({.names = "DNS:one.example"}));
  const Meeting good = meet(options);
  ASSERT_TRUE(good.client.handshake);
  EXPECT_FALSE(good.client.verdict->enforced);
  EXPECT_TRUE(good.client.verdict->verified);
}

// The client's own certificate ---------------------------------------------------------------------------------------

TEST_F(TlsClientTest, ShowsItsCertificateFromPem) {
  const Authority between{"between", &authority};
  const Certified romeo = between.issue({.names = "otherName:1.3.6.1.5.5.7.8.5;UTF8:romeo@one.example"});
  write("ca.pem", pem_of({authority.certificate()}));
  serve(authority.issue({.names = "DNS:one.example"}),
        {.ask_client_certificate = true, .ca_file = directory / "ca.pem"});
  write("romeo.pem", pem_of({romeo.certificate.get(), between.certificate()}));
  write("romeo.key", pem_of(romeo.key.get()));
  write("secret.key", pem_of(romeo.key.get(), "secret"));

  TlsClientOptions options = trusting(authority);
  for (const bool tls13 : {true, false}) {
    options.allow_tls13 = tls13;
    for (const auto& [key, password] : {std::pair{"romeo.key", ""}, std::pair{"secret.key", "secret"}}) {
      options.identity = TlsClientOptions::PemIdentity{directory / "romeo.pem", directory / key, password};
      const Meeting meeting = meet(options);

      ASSERT_TRUE(meeting.server.peer);
      EXPECT_TRUE(meeting.server.peer->verified);  // so the chain came along
      EXPECT_THAT(meeting.server.peer->xmpp_addrs, ElementsAre("romeo@one.example"));
      EXPECT_EQ(meeting.client.input, "pong");
    }
  }
}

TEST_F(TlsClientTest, ShowsItsCertificateFromPkcs12) {
  const Authority between{"between", &authority};
  const Certified romeo = between.issue({.names = "otherName:1.3.6.1.5.5.7.8.5;UTF8:romeo@one.example"});
  write("ca.pem", pem_of({authority.certificate()}));
  serve(authority.issue({.names = "DNS:one.example"}),
        {.ask_client_certificate = true, .ca_file = directory / "ca.pem"});
  TlsClientOptions options = trusting(authority);
  for (const char* password : {"secret", ""}) {
    write("romeo.p12", pkcs12_of(password, romeo.key.get(), romeo.certificate.get(), {between.certificate()}));
    options.identity = TlsClientOptions::Pkcs12Identity{directory / "romeo.p12", password};

    const Meeting meeting = meet(options);

    ASSERT_TRUE(meeting.server.peer);
    EXPECT_TRUE(meeting.server.peer->verified);
    EXPECT_EQ(meeting.server.peer->der, der_of(romeo.certificate.get()));
  }
  options.identity = TlsClientOptions::Pkcs12Identity{directory / "romeo.p12", "wrong"};
  EXPECT_THAT(refusal(options), HasSubstr("the password does not open"));
}

TEST_F(TlsClientTest, ShowsNoCertificateUnasked) {
  serve(authority.issue({.names = "DNS:one.example"}), {.ask_client_certificate = true});

  const Meeting meeting = meet(trusting(authority));

  ASSERT_TRUE(meeting.server.handshake);
  EXPECT_FALSE(meeting.server.peer);
}

// Wrong options ------------------------------------------------------------------------------------------------------

TEST_F(TlsClientTest, SaysWhichFileIsWrong) {
  const Certified romeo = authority.issue({}), other = authority.issue({});
  write("romeo.pem", pem_of({romeo.certificate.get()}));
  write("romeo.key", pem_of(romeo.key.get()));
  write("secret.key", pem_of(romeo.key.get(), "secret"));
  write("other.key", pem_of(other.key.get()));
  write("trust.p12", pkcs12_of("secret", nullptr, nullptr, {authority.certificate()}));
  write("romeo.p12", pkcs12_of("secret", romeo.key.get(), romeo.certificate.get(), {}));
  write("empty", "");
  write("broken.pem", pem_of({romeo.certificate.get()}).substr(0, 300));
  write("damaged.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  write("large", std::string(17 * 1024 * 1024, 'x'));
  const auto store = [&](const char* file, StoreType type = StoreType::pem) {
    return refusal({.trust_store = {{directory / file, type, "secret"}}});
  };
  const auto pem = [&](const char* chain, const char* key, const char* password = "") {
    return refusal({.identity = TlsClientOptions::PemIdentity{directory / chain, directory / key, password}});
  };
  const auto pkcs12 = [&](const char* file) {
    return refusal({.identity = TlsClientOptions::Pkcs12Identity{directory / file, "secret"}});
  };

  EXPECT_THAT(store("missing.pem"), HasSubstr("missing.pem: No such file"));
  EXPECT_THAT(store("."), HasSubstr("Is a directory"));
  EXPECT_THAT(store("empty"), HasSubstr("is empty"));
  EXPECT_THAT(store("large"), HasSubstr("larger than 16 MB"));
  EXPECT_THAT(store("romeo.key"), HasSubstr("no certificate (PEM) in"));
  EXPECT_THAT(store("trust.p12"), HasSubstr("no certificate (PEM) in"));
  EXPECT_THAT(store("broken.pem"), HasSubstr("broken.pem is not whole PEM"));
  EXPECT_THAT(store("damaged.pem"), HasSubstr("damaged.pem is damaged"));
  EXPECT_THAT(store("romeo.pem", StoreType::pkcs12), HasSubstr("romeo.pem is not PKCS#12"));
  EXPECT_THAT(refusal({.trusted_pem = "nonsense"}), HasSubstr("the trusted certificates"));

  EXPECT_THAT(pem("missing.pem", "romeo.key"), HasSubstr("missing.pem"));
  EXPECT_THAT(pem("romeo.pem", "missing.key"), HasSubstr("missing.key"));
  EXPECT_THAT(pem("romeo.pem", "romeo.pem"), HasSubstr("no key (PEM) in"));
  EXPECT_THAT(pem("romeo.pem", "other.key"), HasSubstr("the key is not that of the certificate"));
  EXPECT_THAT(pem("romeo.pem", "secret.key"), HasSubstr("secret.key needs a password"));
  EXPECT_THAT(pem("romeo.pem", "secret.key", "wrong"), HasSubstr("the password does not open the key"));
  EXPECT_THAT(pem("romeo.pem", "secret.key", "secret"), IsEmpty());
  EXPECT_THAT(pkcs12("missing.p12"), HasSubstr("missing.p12"));
  EXPECT_THAT(pkcs12("trust.p12"), HasSubstr("no key with its certificate"));
  EXPECT_THAT(pkcs12("romeo.pem"), HasSubstr("is not PKCS#12"));
  EXPECT_THAT(pkcs12("romeo.p12"), IsEmpty());

  EXPECT_THAT(refusal({.alpn = {""}}), HasSubstr("ALPN"));
  EXPECT_THAT(refusal({.ciphers = "NO-SUCH"}), HasSubstr("NO-SUCH"));
  EXPECT_THAT(refusal({.allow_tls12 = false, .allow_tls13 = false}), HasSubstr("no version"));
}

TEST_F(TlsClientTest, SaysHowToReadAPkcs12ThatIsTooOld) {
  const Certified romeo = authority.issue({});
  write("romeo.pem", pem_of({romeo.certificate.get()}) + pem_of(romeo.key.get()));
  const std::string file = directory / "old.p12", from = directory / "romeo.pem";
  const std::string command = "openssl pkcs12 -export -legacy -passout pass:secret -in " + from + " -out " + file;
  ASSERT_EQ(std::system(command.c_str()), 0);

  EXPECT_THAT(refusal({.identity = TlsClientOptions::Pkcs12Identity{file, "secret"}}), HasSubstr("-legacy"));
}

}  // namespace
}  // namespace anser::net
