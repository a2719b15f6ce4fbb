// A client's certificate on a token: SoftHSM's, which keeps it in files.
#include "net/tls_pkcs11.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "net/tls_client_test_support.h"

namespace anser::net {
namespace {

using testing::HasSubstr;
using Identity = TlsClientOptions::Pkcs11Identity;

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";

class TlsPkcs11Test : public TlsClientTest {
 protected:
  static void run(const std::string& command) {
    ASSERT_EQ(std::system((command + " >/dev/null 2>&1").c_str()), 0) << command;
  }

  // One token for all tests: a process keeps its module, and the module the folder that it has found at first.
  static void SetUpTestSuite() {
    folder = std::make_unique<TestDirectory>();
    people = std::make_unique<Authority>("people");
    std::filesystem::create_directory(*folder / "tokens");
    std::ofstream{*folder / "softhsm2.conf"} << "directories.tokendir = " << (*folder / "tokens").string()
                                             << "\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", (*folder / "softhsm2.conf").c_str(), 1);
    run("softhsm2-util --init-token --free --label token --pin 1234 --so-pin 4321");
    put_on_token("romeo", "01");
  }
  static void TearDownTestSuite() {
    ::unsetenv("SOFTHSM2_CONF");
    folder.reset();
    people.reset();
  }

  static void put_on_token(const std::string& label, const std::string& id) {
    const Certified person =
        people->issue({.names = "otherName:1.3.6.1.5.5.7.8.5;UTF8:x@one.example", .common_name = label.c_str()});
    const std::string key = *folder / "key.pem", certificate = *folder / "certificate.der";
    std::ofstream{key} << pem_of(person.key.get());
    std::ofstream{certificate} << der_of(person.certificate.get());
    const std::string named = " --label '" + label + "' --id " + id + " --pin 1234";
    run("softhsm2-util --import " + key + " --token token" + named);
    run(std::string{"pkcs11-tool --module "} + kModule + " --token-label token --login --type cert --write-object " +
        certificate + named);
  }

  void SetUp() override {
    write("ca.pem", pem_of({people->certificate()}));
    serve(authority.issue({.names = "DNS:one.example"}),
          {.ask_client_certificate = true, .ca_file = directory / "ca.pem"});
  }
  TlsClientOptions with(const Identity& identity) {
    TlsClientOptions options = trusting(authority);
    options.identity = identity;
    return options;
  }
  // Whom the server sees.
  std::string seen(const TlsClientOptions& options) {
    const Meeting meeting = meet(options);
    if (!meeting.server.peer || !meeting.server.peer->verified) return "nobody";
    const auto* bytes = reinterpret_cast<const unsigned char*>(meeting.server.peer->der.data());
    const X509Ptr x509{d2i_X509(nullptr, &bytes, static_cast<long>(meeting.server.peer->der.size()))};
    std::array<char, 64> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(x509.get()), NID_commonName, name.data(), name.size());
    return name.data();
  }
  std::string seen(const Identity& identity) { return seen(with(identity)); }

  static inline std::unique_ptr<TestDirectory> folder;
  static inline std::unique_ptr<Authority> people;
};

// The order of these tests matters where they share a process: the engine stays once it is there, and so does a login.

TEST_F(TlsPkcs11Test, NamesThePackageIfTheEngineIsMissing) {
  ::setenv("OPENSSL_ENGINES", directory.operator/("nowhere").c_str(), 1);
  const std::string words = refusal(with({kModule, "1234"}), Errc::unsupported);
  ::unsetenv("OPENSSL_ENGINES");

  EXPECT_THAT(words, HasSubstr("libengine-pkcs11-openssl"));
}

TEST_F(TlsPkcs11Test, SaysWhatIsWrong) {
  EXPECT_THAT(refusal(with({"/no/such/module.so", "1234"})),
              HasSubstr("cannot read the PKCS#11 module /no/such/module.so: No such file"));
  EXPECT_THAT(refusal(with({directory / "server.pem"})), HasSubstr("Unable to load PKCS#11 module"));
  EXPECT_THAT(refusal(with({kModule, std::nullopt, "romeo"})), HasSubstr("without a PIN"));
  EXPECT_THAT(refusal(with({kModule, "wrong", "romeo"})), HasSubstr("PIN incorrect"));
  EXPECT_THAT(refusal(with({kModule, "1234", "tybalt"})), HasSubstr("shows no certificate 'tybalt'"));
  EXPECT_THAT(refusal(with({kModule, "1234", "romeo", "tybalt"})), HasSubstr("gives no key 'tybalt'"));
  EXPECT_THAT(refusal(with({directory / "server.pem", "1234"}), Errc::conflict),
              HasSubstr("libsofthsm2.so is in use, and a process can have only one"));
  EXPECT_EQ(seen({kModule, "1234", "romeo"}), "romeo");  // nothing is left of the failures
}

TEST_F(TlsPkcs11Test, ShowsItsCertificateFromAToken) {
  for (const bool tls13 : {true, false}) {
    TlsClientOptions options = with({kModule, "1234"});
    options.allow_tls13 = tls13;
    EXPECT_EQ(seen(options), "romeo");
  }
}

TEST_F(TlsPkcs11Test, ServesTwoClientsAtOnce) {
  const auto one = TlsClient::make(with({kModule, "1234", "romeo"}));
  auto other = TlsClient::make(with({kModule, "1234", "romeo"}));
  ASSERT_TRUE(one && other);
  const auto visit = [&](const auto& client) { return net::meet(loop, server, client, "one.example").server.peer; };

  EXPECT_TRUE(visit(*one) && visit(*other));
  other = fail(Errc::closed, "gone");
  EXPECT_TRUE(visit(*one));
}

TEST_F(TlsPkcs11Test, ChoosesByLabelOrByUri) {
  put_on_token("juliet + 1%", "02");

  EXPECT_EQ(seen({kModule, "1234", "romeo"}), "romeo");
  EXPECT_EQ(seen({kModule, "1234", "juliet + 1%"}), "juliet + 1%");
  EXPECT_EQ(seen({kModule, "1234", "pkcs11:token=token;object=romeo"}), "romeo");
  EXPECT_EQ(seen({kModule, "1234", "pkcs11:object=romeo;type=cert"}), "romeo");
  EXPECT_EQ(seen({kModule, "1234", "pkcs11:id=%02", "pkcs11:id=%02;type=private"}), "juliet + 1%");
  EXPECT_EQ(seen({kModule, std::nullopt, "romeo", "pkcs11:object=romeo;pin-value=1234"}), "romeo");
  EXPECT_THAT(refusal(with({kModule, "1234", "romeo", "juliet + 1%"})),
              HasSubstr("the key is not that of the certificate"));
}

}  // namespace
}  // namespace anser::net
