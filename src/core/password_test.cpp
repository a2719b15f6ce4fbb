#include "core/password.h"

#include <gmock/gmock.h>

#include "base/base64.h"

namespace anser::core {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSalt = "sixteen of salt!";

TEST(Password, DerivesTheKeysOfRfc5802) {
  const auto keys = derive_keys(Hash::sha1, "pencil", base64_decode("QSXCR+Q6sek8bf92").value(), 4096);

  ASSERT_TRUE(keys);
  // From the example's proof and signature, worked out independently with Python's hashlib.
  EXPECT_EQ(hex(keys->stored_key), "e9d94660c39d65c38fbad91c358f14da0eef2bd6");
  EXPECT_EQ(hex(keys->server_key), "0fe09258b3ac852ba502cc62ba903eaacdbf7d31");
  EXPECT_EQ(keys->iterations, 4096u);
}

TEST(Password, OpensWithItselfAndNothingElse) {
  for (const Hash hash : {Hash::sha1, Hash::sha256, Hash::sha512}) {
    const auto keys = fresh_keys(hash, "wherefore art thou", kMinIterations);

    ASSERT_TRUE(keys);
    EXPECT_EQ(keys->stored_key.size(), digest_size(hash));
    EXPECT_TRUE(verify(*keys, "wherefore art thou"));
    EXPECT_FALSE(verify(*keys, "Wherefore art thou"));
    EXPECT_FALSE(verify(*keys, "wherefore art tho"));
    EXPECT_FALSE(verify(*keys, ""));
  }
}

TEST(Password, IsPreparedSoThatKeyboardsDoNotMatter) {
  const auto keys = derive_keys(Hash::sha1, "caf\u00e9 \u00fcber", kSalt, kMinIterations);

  ASSERT_TRUE(keys);
  EXPECT_TRUE(verify(*keys, "cafe\u0301\u00a0u\u0308ber"));  // decomposed, with a no-break space
}

TEST(Password, FreshKeysHaveSaltOfTheirOwn) {
  const auto one = fresh_keys(Hash::sha256, "pencil", kMinIterations);
  const auto two = fresh_keys(Hash::sha256, "pencil", kMinIterations);

  EXPECT_EQ(one->salt.size(), kSaltSize);
  EXPECT_NE(one->salt, two->salt);
  EXPECT_NE(one->stored_key, two->stored_key);
  EXPECT_EQ(fresh_keys(Hash::sha256, "pencil")->iterations, kDefaultIterations);
}

TEST(Password, RefusesWhatCannotBeOneWithoutRepeatingIt) {
  for (const std::string& password : {std::string{}, std::string{"tab\there"}, std::string{"\xff secret"},
                                      std::string{"secret\u0378"}, std::string(kMaxPassword + 1, 's')}) {
    const auto keys = derive_keys(Hash::sha1, password, kSalt, kMinIterations);
    ASSERT_FALSE(keys);
    EXPECT_EQ(keys.error().code, Errc::not_acceptable);
    EXPECT_THAT(keys.error().message, Not(HasSubstr("secret")));
    EXPECT_THAT(keys.error().message, Not(HasSubstr("U+")));
  }
  EXPECT_TRUE(derive_keys(Hash::sha1, std::string(kMaxPassword, 's'), kSalt, kMinIterations));
}

TEST(Password, RefusesSenselessWork) {
  EXPECT_FALSE(derive_keys(Hash::sha1, "pencil", kSalt, kMinIterations - 1));
  EXPECT_FALSE(derive_keys(Hash::sha1, "pencil", kSalt, kMaxIterations + 1));
  EXPECT_FALSE(derive_keys(Hash::sha1, "pencil", "", kMinIterations));
}

TEST(Password, FakeKeysLookRealAndStayTheSame) {
  const ScramKeys fake = fake_keys(Hash::sha256, "secret", "nobody");

  EXPECT_EQ(fake, fake_keys(Hash::sha256, "secret", "nobody"));
  EXPECT_EQ(fake.salt.size(), kSaltSize);
  EXPECT_EQ(fake.stored_key.size(), digest_size(Hash::sha256));
  EXPECT_EQ(fake.server_key.size(), digest_size(Hash::sha256));
  EXPECT_EQ(fake.iterations, kDefaultIterations);
  EXPECT_NE(fake.salt, fake_keys(Hash::sha256, "secret", "nobody else").salt);
  EXPECT_NE(fake.salt, fake_keys(Hash::sha256, "another secret", "nobody").salt);
  EXPECT_NE(fake.salt, fake_keys(Hash::sha512, "secret", "nobody").salt);  // real ones differ by hash, too
}

TEST(Password, AWrongNameCostsWhatAWrongPasswordDoes) {
  const auto real = fresh_keys(Hash::sha256, "pencil", kMinIterations);
  const auto cost = [](const ScramKeys& keys) {
    const std::uint64_t before = derivations();
    EXPECT_FALSE(verify(keys, "wrong"));
    return derivations() - before;
  };

  EXPECT_EQ(cost(*real), 1u);
  EXPECT_EQ(cost(fake_keys(Hash::sha256, "secret", "nobody", kMinIterations)), 1u);
}

}  // namespace
}  // namespace anser::core
