// What SCRAM is bound to where a server does not say what it knows (XEP-0440).
#include <gtest/gtest.h>

#include "sdk/src/sasl_client.h"

namespace anser::sdk {
namespace {

const ConnectionConfiguration kConfiguration{"example.org"};
const Credentials kRomeo{.username = "romeo", .password = "secret"};
const std::vector<std::string> kOffered{"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"};
const TlsState kTls13{{{"tls-exporter", "octets"}, {"tls-server-end-point", "hash"}}, "TLSv1.3"};
const TlsState kTls12{{{"tls-unique", "finished"}, {"tls-server-end-point", "hash"}}, "TLSv1.2"};

// The mechanism, and how the first message says that it is bound.
std::string chosen(const TlsState& tls, SaslOffer offer) {
  SaslClient client{kConfiguration, kRomeo, &tls, std::move(offer)};
  const auto first = client.choose();
  if (!first) return first.error().message;
  return client.mechanism() + " " + first->substr(0, first->find(','));
}

TEST(SaslBinding, NothingIsGuessedWithTls13ForAServerMayKnowTlsUniqueAlone) {
  EXPECT_EQ(chosen(kTls13, {.mechanisms = kOffered}), "SCRAM-SHA-256 n");
}

TEST(SaslBinding, WithOlderTlsItIsWhatRfc5802MakesEveryServerKnow) {
  EXPECT_EQ(chosen(kTls12, {.mechanisms = kOffered}), "SCRAM-SHA-256-PLUS p=tls-unique");
}

TEST(SaslBinding, AServerThatSaysWhatItKnowsIsBoundTo) {
  EXPECT_EQ(chosen(kTls13, {.mechanisms = kOffered, .binding_types = {{"tls-exporter"}}}),
            "SCRAM-SHA-256-PLUS p=tls-exporter");
}

TEST(SaslBinding, WithSasl2TheBindingsMayNotBeMissing) {
  EXPECT_EQ(chosen(kTls13, {.sasl2 = true, .mechanisms = kOffered}), "SCRAM-SHA-256-PLUS p=tls-exporter");
}

}  // namespace
}  // namespace anser::sdk
