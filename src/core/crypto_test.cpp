#include "core/crypto.h"

#include <gtest/gtest.h>

namespace anser::core {
namespace {

TEST(Crypto, DigestsTheExampleOfFips180) {
  EXPECT_EQ(hex(digest(Hash::sha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(digest(Hash::sha256, "abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(digest(Hash::sha512, "abc")),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Crypto, DigestsNothing) { EXPECT_EQ(hex(digest(Hash::sha1, {})), "da39a3ee5e6b4b0d3255bfef95601890afd80709"); }

TEST(Hasher, DigestsPiecesLikeTheWhole) {
  for (const auto hash : {Hash::sha1, Hash::sha256, Hash::sha512}) {
    Hasher hasher{hash};

    hasher.add("hello");
    hasher.add("");
    hasher.add(" world");

    EXPECT_EQ(hex(hasher.finish()), hex(digest(hash, "hello world")));
  }
}

TEST(Sha256, DigestsWhatComesInPartsOneValueAfterTheOther) {
  Sha256 sha;
  const auto finished = [&] {
    const auto bytes = sha.finish();
    return hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };

  sha.add("a");
  sha.add("bc");

  EXPECT_EQ(finished(), hex(digest(Hash::sha256, "abc")));
  EXPECT_EQ(finished(), hex(digest(Hash::sha256, "")));
}

TEST(Crypto, SignsTheExamplesOfRfc2202AndRfc4231) {
  const std::string key = "Jefe", data = "what do ya want for nothing?";

  EXPECT_EQ(hex(hmac(Hash::sha1, key, data)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex(hmac(Hash::sha256, key, data)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac(Hash::sha512, key, data)),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

TEST(Crypto, AnEmptyKeyIsAKey) { EXPECT_EQ(hex(hmac(Hash::sha1, {}, {})), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"); }

TEST(Crypto, ComparesEveryOctet) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("secret", "secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secreT"));
  EXPECT_FALSE(constant_time_equal("secret", "Secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secret1"));
  EXPECT_FALSE(constant_time_equal("", "s"));
}

TEST(Crypto, WritesBytesAsHex) { EXPECT_EQ(hex(std::string_view{"\x00\x7f\xff", 3}), "007fff"); }

TEST(Aes128, EncryptsAsFips197DoesAndBack) {
  std::string key;
  Aes128::Block plain;
  for (unsigned char i = 0; i < 16; ++i) {
    key += static_cast<char>(i);
    plain[i] = static_cast<unsigned char>(i * 0x11);
  }
  const Aes128 aes{key};

  const auto hidden = aes.encrypt(plain);

  EXPECT_EQ(hex({reinterpret_cast<const char*>(hidden.data()), hidden.size()}), "69c4e0d86a7b0430d8cdb78070b4c55a");
  EXPECT_EQ(aes.decrypt(hidden), plain);
}

}  // namespace
}  // namespace anser::core
