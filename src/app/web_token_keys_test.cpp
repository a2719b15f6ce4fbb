#include "app/web_token_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace anser::app {
namespace {

using testing::HasSubstr;

const std::string kSecret(32, 's');
constexpr std::string_view kPem =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n"
    "-----END PUBLIC KEY-----\n";
// By PyJWT, with "a secret of more than thirty-two bytes, for tests".
constexpr std::string_view kToken =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJyb21lbyIsImV4cCI6MTcwMDAwMDYwMH0."
    "9OeJg1kPMhhchK7dFUGhHG-Xf6gi9LIZPAadpyaO_v4";
const Time kNow{std::chrono::seconds{1'700'000'000}};

class WebTokenKeysTest : public testing::Test {
 protected:
  WebTokenKeysTest() { std::filesystem::create_directories(folder_); }
  ~WebTokenKeysTest() override { std::filesystem::remove_all(folder_); }

  void add(std::string_view text, TokenAlgorithm algorithm = TokenAlgorithm::hs256,
           SecretEncoding encoding = SecretEncoding::raw) {
    const auto file = folder_ / std::to_string(config_.token_keys.size());
    std::ofstream{file} << text;
    config_.token_keys.push_back({.id = "", .algorithm = algorithm, .file = file.string(), .encoding = encoding});
  }
  std::string complaint() {
    const auto tokens = load_web_tokens(config_);
    EXPECT_FALSE(tokens);
    config_.token_keys.clear();
    return tokens ? "" : tokens.error().message;
  }

  const std::filesystem::path folder_ =
      std::filesystem::path{testing::TempDir()} / ("web_token_keys_" + std::to_string(getpid()));
  Config config_;
};

TEST_F(WebTokenKeysTest, NoneMeansNoTokens) { EXPECT_EQ(load_web_tokens(config_).value(), nullptr); }

TEST_F(WebTokenKeysTest, AreReadFromTheirFiles) {
  add(kPem, TokenAlgorithm::eddsa);
  for (const std::string_view secret :
       {"a secret of more than thirty-two bytes, for tests", "a secret of more than thirty-two bytes, for tests\n",
        "a secret of more than thirty-two bytes, for tests\r\n"}) {
    add(secret);
    EXPECT_EQ(load_web_tokens(config_).value()->name_in(kToken, kNow), "romeo");
    config_.token_keys.pop_back();
  }
  add("YSBzZWNyZXQgb2YgbW9yZSB0aGFuIHRoaXJ0eS10d28gYnl0ZXMsIGZvciB0ZXN0cw\n", TokenAlgorithm::hs256,
      SecretEncoding::base64url);
  EXPECT_EQ(load_web_tokens(config_).value()->name_in(kToken, kNow), "romeo");

  config_.tokens.issuer = "somebody";
  EXPECT_FALSE(load_web_tokens(config_).value()->name_in(kToken, kNow));
}

TEST_F(WebTokenKeysTest, ThatAreNoneAreRefusedByName) {
  add(kSecret.substr(1));
  EXPECT_THAT(complaint(), HasSubstr((folder_ / "0").string() + " has 31 bytes"));
  add(kSecret + "!", TokenAlgorithm::hs256, SecretEncoding::base64url);
  EXPECT_THAT(complaint(), HasSubstr("is not base64url"));
  add(kSecret, TokenAlgorithm::eddsa);
  EXPECT_THAT(complaint(), HasSubstr("no public key in PEM"));
  add(std::string(17'000, 'a'));
  EXPECT_THAT(complaint(), HasSubstr("more than 16384 bytes"));
  add(kSecret);
  std::filesystem::remove(folder_ / "0");
  EXPECT_THAT(complaint(), HasSubstr("cannot be read: No such file"));
  config_.token_keys.push_back({.id = "", .file = folder_.string()});
  EXPECT_THAT(complaint(), HasSubstr("cannot be read: Is a directory"));
}

}  // namespace
}  // namespace anser::app
