#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "net/openssl.h"
#include "net/tls.h"
#include "net/tls_test_support.h"

namespace anser::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SelfSigned, NamesItsHostsAndBelongsToItsOwner) {
  const TestDirectory directory;
  const std::vector<std::string> hosts{"localhost", "chat.example.org", "192.168.8.32", "::1", "b\u00fccher.example"};

  ASSERT_TRUE(make_self_signed(directory / "cert.pem", directory / "key.pem", hosts));

  const X509Ptr x509 = read_pem(directory / "cert.pem");
  const auto certificate = parse_certificate(der_of(x509.get()));
  ASSERT_TRUE(certificate);
  EXPECT_THAT(certificate->dns_names, ElementsAre("localhost", "chat.example.org"));
  EXPECT_THAT(certificate->xmpp_addrs, testing::ElementsAreArray(hosts));
  EXPECT_EQ(X509_check_ip_asc(x509.get(), "192.168.8.32", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(x509.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_host(x509.get(), "chat.example.org", 0, 0, nullptr), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(x509.get())), 256);
  int days = 0;
  ASSERT_EQ(ASN1_TIME_diff(&days, nullptr, nullptr, X509_get0_notAfter(x509.get())), 1);
  EXPECT_GT(days, 3640);

  struct stat status {};
  ASSERT_EQ(::stat((directory / "key.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(SelfSigned, OverwritesNothing) {
  const TestDirectory directory;
  const std::vector<std::string> hosts{"localhost"};
  std::ofstream{directory / "key.pem"} << "precious";

  const auto made = make_self_signed(directory / "cert.pem", directory / "key.pem", hosts);

  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::conflict);
  EXPECT_THAT(made.error().message, HasSubstr("key.pem"));
  EXPECT_FALSE(std::filesystem::exists(directory / "cert.pem"));

  const auto nowhere = make_self_signed(directory / "no/cert.pem", directory / "no/key.pem", hosts);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Errc::io);
  EXPECT_FALSE(make_self_signed(directory / "a.pem", directory / "b.pem", {}));
}

TEST(Certificate, GivesAllItsNamesButNoneWithANul) {
  const KeyPtr key{EVP_EC_gen("P-256")};
  const X509Ptr x509 = make_certificate(
      {.names = "DNS:example.org,email:romeo@example.org,otherName:1.3.6.1.5.5.7.8.5;UTF8:romeo@example.org,"
                "otherName:1.3.6.1.5.5.7.8.5;UTF8:r@example.org,otherName:1.2.3.4;UTF8:not an address,URI:http://x/"},
      key.get());

  const auto certificate = parse_certificate(der_of(x509.get()));

  ASSERT_TRUE(certificate);
  EXPECT_THAT(certificate->dns_names, ElementsAre("example.org"));
  EXPECT_THAT(certificate->emails, ElementsAre("romeo@example.org"));
  EXPECT_THAT(certificate->xmpp_addrs, ElementsAre("romeo@example.org", "r@example.org"));
  EXPECT_FALSE(certificate->verified);

  std::string der = der_of(x509.get());
  const auto name = der.find("r@example.org");
  der[name + 1] = '\0';  // the signature is not looked at here
  EXPECT_THAT(parse_certificate(der)->xmpp_addrs, ElementsAre("romeo@example.org"));
}

TEST(Certificate, RefusesWhatIsNone) {
  EXPECT_FALSE(parse_certificate(""));
  EXPECT_FALSE(parse_certificate("-----BEGIN CERTIFICATE-----"));
}

TEST(TlsServer, SaysWhichFileIsWrong) {
  const TestDirectory directory;
  const std::vector<std::string> hosts{"localhost"};
  ASSERT_TRUE(make_self_signed(directory / "cert.pem", directory / "key.pem", hosts));
  ASSERT_TRUE(make_self_signed(directory / "cert2.pem", directory / "key2.pem", hosts));
  std::ofstream{directory / "broken.pem"} << "-----BEGIN CERTIFICATE-----\nnonsense\n";
  const auto load = [&](const char* chain, const char* key, TlsServer::Options options = {}) {
    const TlsServer::Certificate certificate{"localhost", directory / chain, directory / key};
    const auto loaded = TlsServer::load({&certificate, 1}, options);
    if (loaded) return std::string{"loaded"};
    EXPECT_EQ(loaded.error().code, Errc::invalid_config);
    return loaded.error().message;
  };

  EXPECT_EQ(load("cert.pem", "key.pem"), "loaded");
  EXPECT_THAT(load("missing.pem", "key.pem"), HasSubstr("missing.pem"));
  EXPECT_THAT(load("broken.pem", "key.pem"), HasSubstr("broken.pem"));
  EXPECT_THAT(load("cert.pem", "missing.pem"), HasSubstr("missing.pem"));
  EXPECT_THAT(load("cert.pem", "key2.pem"), HasSubstr("key2.pem"));
  EXPECT_THAT(load("cert.pem", "key.pem", {.ciphers = "NO-SUCH"}), HasSubstr("NO-SUCH"));
  EXPECT_THAT(load("cert.pem", "key.pem", {.ask_client_certificate = true, .ca_file = directory / "ca.pem"}),
              HasSubstr("ca.pem"));
  EXPECT_FALSE(TlsServer::load({}, {}));
}

}  // namespace
}  // namespace anser::net
