#include "upload/checksum.h"

#include <gtest/gtest.h>

namespace anser::upload {
namespace {

// The protocol's own example is of "hello world".
constexpr std::string_view kSha1 = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";
constexpr std::string_view kSha256 = "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=";
constexpr std::string_view kCrc32 = "crc32 DUoRhQ==";

TEST(TusChecksum, IsThatOfTheBytesHoweverTheyAreCut) {
  for (const auto field : {kSha1, kSha256, kCrc32}) {
    auto checksum = tus_checksum(field);

    ASSERT_TRUE(checksum) << field;
    checksum->add("hello");
    checksum->add("");
    checksum->add(" world");
    EXPECT_TRUE(checksum->matches()) << field;
  }
}

TEST(TusChecksum, IsNotThatOfOtherBytes) {
  for (const auto field : {kSha1, kSha256, kCrc32}) {
    auto checksum = tus_checksum(field);

    ASSERT_TRUE(checksum) << field;
    checksum->add("hello World");
    EXPECT_FALSE(checksum->matches()) << field;
  }
}

TEST(TusChecksum, IsRefusedWhenItIsNone) {
  for (const auto* field :
       {"", "sha1", "sha1 ", "md5 XrY7u+Ae7tCTyyK7j1rNww==", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1 Kq5sNclPz7QV",
        "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0", "sha1  Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "crc32 DUoRhQ", "crc32 DUoRhQA="}) {
    const auto checksum = tus_checksum(field);

    ASSERT_FALSE(checksum) << field;
    EXPECT_EQ(checksum.error().code, Errc::bad_request);
  }
}

// RFC 9530, B.1 and appendix D: {"hello": "world"} and a line end.
constexpr std::string_view kContent = "{\"hello\": \"world\"}\n";
constexpr std::string_view kContentSha256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
constexpr std::string_view kContentSha512 =
    "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:";

TEST(DigestIn, ReadsTheExamplesOfTheRfc) {
  for (const auto field : {kContentSha256, kContentSha512}) {
    auto digest = digest_in(field);

    ASSERT_TRUE(digest && *digest) << field;
    (*digest)->add(kContent);
    EXPECT_TRUE((*digest)->matches()) << field;
  }
}

TEST(DigestIn, TakesTheStrongest) {
  auto digest = digest_in("sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:, " + std::string{kContentSha512});

  ASSERT_TRUE(digest && *digest);
  (*digest)->add(kContent);
  EXPECT_TRUE((*digest)->matches());
}

TEST(DigestIn, HasNothingToSayOfAlgorithmsThatItDoesNotKnow) {
  const auto digest = digest_in("md5=:XrY7u+Ae7tCTyyK7j1rNww==:, unixsum=:MTA=:");

  ASSERT_TRUE(digest);
  EXPECT_FALSE(*digest);
}

TEST(DigestIn, IsRefusedWhenItIsNone) {
  for (const auto* field : {"sha-256=RK", "sha-256=:RK/0:", "sha-512=::", ",", "sha-256=:RK/0qy18:,"}) {
    const auto digest = digest_in(field);

    ASSERT_FALSE(digest) << field;
    EXPECT_EQ(digest.error().code, Errc::bad_request);
  }
}

}  // namespace
}  // namespace anser::upload
