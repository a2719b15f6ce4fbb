#include "core/ed25519.h"

#include <gtest/gtest.h>

#include <string>

#include "base/base64.h"

namespace anser::core {
namespace {

// RFC 8037, appendix A.4.
const std::string kPublic = base64url_decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").value();
const std::string kMessage = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const std::string kSignature =
    base64url_decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg").value();
// The same key, as `openssl pkey -pubout` writes it.
const std::string kPem =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

TEST(Ed25519, KnowsItsOwnSignature) {
  EXPECT_TRUE(Ed25519Key::from_bytes(kPublic).value().verify(kMessage, kSignature));
  EXPECT_TRUE(Ed25519Key::from_pem(kPem).value().verify(kMessage, kSignature));
}

TEST(Ed25519, RefusesEveryOther) {
  const Ed25519Key key = Ed25519Key::from_bytes(kPublic).value();
  for (std::size_t i = 0; i < kSignature.size(); ++i) {
    std::string other = kSignature;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(key.verify(kMessage, other)) << i;
  }
  EXPECT_FALSE(key.verify(kMessage + "!", kSignature));
  EXPECT_FALSE(key.verify(kMessage, kSignature.substr(1)));
  EXPECT_FALSE(key.verify(kMessage, kSignature + "0"));
  EXPECT_FALSE(key.verify(kMessage, ""));
}

TEST(Ed25519, IsMadeOfAKeyOnly) {
  EXPECT_FALSE(Ed25519Key::from_bytes(kPublic.substr(1)));
  EXPECT_FALSE(Ed25519Key::from_bytes(""));
  EXPECT_FALSE(Ed25519Key::from_pem(""));
  EXPECT_FALSE(Ed25519Key::from_pem("a secret"));
  // X25519, by `openssl genpkey -algorithm x25519`: a key, but nothing is signed with it.
  const auto other = Ed25519Key::from_pem(
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
      "-----END PUBLIC KEY-----\n");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, "this is a public key, but none of Ed25519");
}

}  // namespace
}  // namespace anser::core
