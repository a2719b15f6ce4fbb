#include "base/base64.h"

#include <gtest/gtest.h>

namespace anser {
namespace {

TEST(Base64, EncodesTheExamplesOfRfc4648) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
}

TEST(Base64, GivesBackEveryByteItTook) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    const auto decoded = base64_decode(base64_encode(bytes));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, bytes);
  }
}

TEST(Base64, RefusesWhatItWouldNotHaveMade) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm 9", "=m9v", "Zm=v"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

TEST(Base64Url, GivesBackEveryByteItTook) {
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url_encode("fo"), "Zm8");
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    const auto decoded = base64url_decode(base64url_encode(bytes));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, bytes);
    bytes += static_cast<char>(i);
  }
}

TEST(Base64Url, RefusesWhatItWouldNotHaveMade) {
  for (const char* text : {"Zg==", "Zm8=", "Z", "Zm9vZ", "Zh", "Zm9", "+__+", "Zm9v\n", "Zm 9", "Zm9v\xc3\xa9"}) {
    EXPECT_FALSE(base64url_decode(text)) << text;
  }
}

}  // namespace
}  // namespace anser
