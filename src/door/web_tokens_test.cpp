#include "door/web_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "core/crypto.h"

namespace anser::door {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

constexpr std::int64_t kIssued = 1'700'000'000, kExpires = kIssued + 600;
const Time kNow{std::chrono::seconds{kIssued}};
const std::string kSecret = "a secret of more than thirty-two bytes, for tests";
const std::string kPem =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n"
    "-----END PUBLIC KEY-----\n";

// By PyJWT 2.15, with kSecret and with the private key to kPem.
const std::string kByPyJwt =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJyb21lbyIsImV4cCI6MTcwMDAwMDYwMH0."
    "9OeJg1kPMhhchK7dFUGhHG-Xf6gi9LIZPAadpyaO_v4";
const std::string kSignedByPyJwt =  // kid, iss, aud (two of them), iat, nbf
    "eyJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYtMTEiLCJ0eXAiOiJKV1QifQ."
    "eyJzdWIiOiJyb21lb0Btb250YWd1ZS5leGFtcGxlIiwiaXNzIjoiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsImF1ZCI6WyJvdGhlciIsImFuc2Vy"
    "Il0sImlhdCI6MTcwMDAwMDAwMCwibmJmIjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA2MDB9."
    "544NyexF6pokNYjAH4IG8F9JEfSvrZcnza11Ih-GqPcNCtJOcaqVfA0SH2R-vQI8nrVMRF5lGEtyh_3t6l7ZAg";
const std::string kWithFraction =  // exp is kIssued + 0.5
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJyb21lbyIsImV4cCI6MTcwMDAwMDAwMC41fQ."
    "Wj1TZLEZR97Ieq7xY86QfMggtVdOJVItIOaX_THIUfc";
const std::string kHs512ByPyJwt =
    "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJyb21lbyIsImV4cCI6MTcwMDAwMDYwMH0."
    "sXmTYtFYBedDfptAJUZb1rY0l8AkPRWdIgqCe2DYpZv2xXsKlVqJJq1Ovgyj4R0R4ESbUZFhFnxBxTa02qWMqA";
const std::string kUnsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJyb21lbyIsImV4cCI6MTcwMDAwMDYwMH0.";
const std::string kConfused =  // HS256, the secret is kPem
    "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAicm9tZW8iLCAiZXhwIjogMTcwMDAwMDYwMH0."
    "XR_QY5RNTfVpRUsqWFIYoQLjEgBnWC9we_mXSi2-5Yg";

WebTokens::Key secret(std::string id = {}, std::string bytes = kSecret) {
  return {std::move(id), WebTokens::Secret{std::move(bytes)}};
}
WebTokens::Key public_key(std::string id = {}) { return {std::move(id), core::Ed25519Key::from_pem(kPem).value()}; }

WebTokens::Rules with(std::vector<WebTokens::Key> keys) { return {.keys = std::move(keys)}; }

std::string made(std::string_view header, std::string_view payload, std::string_view key = kSecret) {
  const std::string text = base64url_encode(header) + "." + base64url_encode(payload);
  return text + "." + base64url_encode(core::hmac(core::Hash::sha256, key, text));
}
std::string claiming(std::string_view claims) { return made("{\"alg\":\"HS256\"}", claims); }

std::string complaint(const std::string& token, WebTokens::Rules rules = with({secret()}), Time now = kNow) {
  const auto name = WebTokens{std::move(rules)}.name_in(token, now);
  EXPECT_FALSE(name) << token;
  if (name) return {};
  EXPECT_EQ(name.error().code, Errc::not_authorized);
  return name.error().message;
}

TEST(WebTokens, AreTakenFromOthersWhoMakeThem) {
  EXPECT_EQ(WebTokens{with({secret()})}.name_in(kByPyJwt, kNow), "romeo");
  EXPECT_EQ(WebTokens{with({public_key()})}.name_in(kSignedByPyJwt, kNow), "romeo@montague.example");
  EXPECT_EQ(WebTokens{with({secret()})}.name_in(kWithFraction, kNow), "romeo");
}

// RFC 7515, appendix A.1; RFC 7519, section 3.1.
TEST(WebTokens, AreThoseOfRfc7515) {
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  WebTokens::Rules rules = with(
      {secret({}, base64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9"
                                   "CAow")
                      .value())});
  rules.claim = "iss";
  const WebTokens tokens{rules};
  EXPECT_EQ(tokens.name_in(token, Time{std::chrono::seconds{1'300'819'000}}), "joe");
  EXPECT_EQ(tokens.name_in(token, kNow).error().code, Errc::timeout);
}

// RFC 8037, appendix A.4.
TEST(WebTokens, AreThoseOfRfc8037) {
  const auto key =
      core::Ed25519Key::from_bytes(base64url_decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").value()).value();
  const WebTokens tokens{with({{{}, key}})};
  EXPECT_EQ(tokens.verify("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
                          "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"),
            "Example of Ed25519 signing");
}

TEST(WebTokens, AreCheckedWithKeysOfTheirOwnAlgorithm) {
  EXPECT_THAT(complaint(kByPyJwt, with({public_key()})), HasSubstr("signature is wrong"));
  EXPECT_THAT(complaint(kSignedByPyJwt), HasSubstr("signature is wrong"));
  EXPECT_THAT(complaint(kConfused, with({public_key(), secret()})), HasSubstr("signature is wrong"));
  EXPECT_THAT(complaint(kByPyJwt, with({})), HasSubstr("signature is wrong"));
  EXPECT_THAT(complaint(kByPyJwt, with({secret({}, kSecret + "!")})), HasSubstr("signature is wrong"));
  EXPECT_THAT(complaint(kUnsigned, with({secret(), public_key()})), HasSubstr("HS256 or EdDSA"));
  EXPECT_THAT(complaint(kHs512ByPyJwt, with({secret({}, kSecret + std::string(40, 'x'))})),
              HasSubstr("HS256 or EdDSA"));
  for (const std::string algorithm : {"hs256", "HS384", "RS256", "ES256", "NONE", "", "EdDSA "}) {
    EXPECT_THAT(complaint(made("{\"alg\":\"" + algorithm + "\"}", "{}")), HasSubstr("HS256 or EdDSA")) << algorithm;
  }
}

TEST(WebTokens, MayNameTheirKey) {
  const auto taken = [](std::vector<WebTokens::Key> keys) {
    return WebTokens{with(std::move(keys))}.name_in(kSignedByPyJwt, kNow).has_value();
  };
  EXPECT_TRUE(taken({public_key("2026-11")}));
  EXPECT_TRUE(taken({public_key("2026-12"), public_key("2026-11")}));
  EXPECT_TRUE(taken({public_key("2026-12"), public_key()}));
  EXPECT_FALSE(taken({public_key("2026-12")}));
  EXPECT_EQ(WebTokens{with({secret("a", std::string(32, 'a')), secret("b")})}.name_in(kByPyJwt, kNow), "romeo");
  EXPECT_THAT(complaint(made("{\"alg\":\"HS256\",\"kid\":7}", "{}")), HasSubstr("kid"));
}

TEST(WebTokens, LiveForTheirTime) {
  const auto at = [](std::int64_t seconds) { return Time{std::chrono::seconds{seconds}}; };
  const WebTokens tokens{with({secret()})};
  EXPECT_TRUE(tokens.name_in(kByPyJwt, at(kExpires + 59)));
  const auto late = tokens.name_in(kByPyJwt, at(kExpires + 60));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  EXPECT_EQ(late.error().message, "the token has expired");
  EXPECT_TRUE(tokens.name_in(kWithFraction, at(kIssued + 60)));
  EXPECT_FALSE(tokens.name_in(kWithFraction, at(kIssued + 61)));

  const std::string valid = "{\"sub\":\"romeo\",\"exp\":1700000600";
  EXPECT_TRUE(tokens.name_in(claiming(valid + ",\"nbf\":1700000060,\"iat\":1700000060}"), kNow));
  EXPECT_THAT(complaint(claiming(valid + ",\"nbf\":1700000061}")), HasSubstr("not valid yet"));
  EXPECT_THAT(complaint(claiming(valid + ",\"iat\":1700000061}")), HasSubstr("in the future"));
  EXPECT_THAT(complaint(claiming("{\"sub\":\"romeo\"}")), HasSubstr("when it expires"));
  for (const std::string exp : {"\"1700000600\"", "null", "true", "[1700000600]", "{}"}) {
    EXPECT_THAT(complaint(claiming("{\"sub\":\"romeo\",\"exp\":" + exp + "}")), HasSubstr("exp is no number"));
  }
  EXPECT_THAT(complaint(claiming(valid + ",\"nbf\":\"0\"}")), HasSubstr("nbf is no number"));

  WebTokens::Rules strict = with({secret()});
  strict.leeway = std::chrono::seconds{0};
  EXPECT_FALSE(WebTokens{strict}.name_in(kByPyJwt, at(kExpires)));
}

TEST(WebTokens, AreForUsAndOfWhomWeTrust) {
  WebTokens::Rules rules = with({public_key()});
  rules.issuer = "https://issuer.example";
  rules.audience = "anser";
  EXPECT_TRUE(WebTokens{rules}.name_in(kSignedByPyJwt, kNow));
  rules.audience = "ans";
  EXPECT_THAT(complaint(kSignedByPyJwt, rules), HasSubstr("aud is wrong"));
  rules.issuer = "https://issuer.example/";
  EXPECT_THAT(complaint(kSignedByPyJwt, rules), HasSubstr("iss is wrong"));

  WebTokens::Rules wanting = with({secret()});
  wanting.audience = "anser";
  const std::string valid = "{\"sub\":\"romeo\",\"exp\":1700000600";
  EXPECT_TRUE(WebTokens{wanting}.name_in(claiming(valid + ",\"aud\":\"anser\"}"), kNow));
  for (const std::string audience : {",\"aud\":\"other\"", ",\"aud\":[]", ",\"aud\":[[\"anser\"]]", ",\"aud\":7", ""}) {
    EXPECT_THAT(complaint(claiming(valid + audience + "}"), wanting), HasSubstr("aud is wrong")) << audience;
  }
  wanting.audience.clear();
  wanting.issuer = "anybody";
  EXPECT_THAT(complaint(kByPyJwt, wanting), HasSubstr("iss is wrong"));
}

TEST(WebTokens, NameAnAccount) {
  WebTokens::Rules rules = with({secret()});
  rules.claim = "preferred_username";
  const std::string token = claiming("{\"sub\":\"17\",\"preferred_username\":\"romeo\",\"exp\":1700000600}");
  EXPECT_EQ(WebTokens{rules}.name_in(token, kNow), "romeo");
  EXPECT_EQ(WebTokens{with({secret()})}.name_in(token, kNow), "17");
  for (const std::string subject : {"", "\"sub\":17,", "\"sub\":\"\",", "\"sub\":null,"}) {
    EXPECT_THAT(complaint(claiming("{" + subject + "\"exp\":1700000600}")), HasSubstr("no text in sub")) << subject;
  }
}

TEST(WebTokens, AreRefusedWhenTheyAreNotWhatTheySay) {
  const std::string valid = "{\"sub\":\"romeo\",\"exp\":1700000600}";
  EXPECT_THAT(complaint(made("{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", valid)), HasSubstr("extensions"));
  EXPECT_THAT(complaint(made("{\"alg\":\"HS256\",\"alg\":\"none\"}", valid)), HasSubstr("twice"));
  EXPECT_THAT(complaint(claiming("{\"sub\":\"juliet\",\"sub\":\"romeo\",\"exp\":1700000600}")), HasSubstr("twice"));
  EXPECT_THAT(complaint(made("{}", valid)), HasSubstr("algorithm"));
  EXPECT_THAT(complaint(made("{\"alg\":[\"HS256\"]}", valid)), HasSubstr("algorithm"));
  EXPECT_THAT(complaint(made("[]", valid)), HasSubstr("header"));
  EXPECT_THAT(complaint(claiming(kByPyJwt)), HasSubstr("claims cannot be read"));  // a token in a token
  EXPECT_THAT(complaint(claiming("{\"a\":[[[[[[[[1]]]]]]]]}")), HasSubstr("deeper"));
  EXPECT_TRUE(WebTokens{with({secret()})}.name_in(
      claiming("{\"sub\":\"romeo\",\"exp\":1700000600,\"realm_access\":{\"roles\":[\"user\"]}}"), kNow));
}

TEST(WebTokens, HaveOneSpellingOnly) {
  for (const std::string_view token : {"", ".", "..", "...", "a.b", "a.b.c.d", "Zg==.Zg==.Zg==", "{}.{}.{}"}) {
    EXPECT_NE(complaint(std::string{token}), "") << token;
  }
  EXPECT_THAT(complaint(kByPyJwt + "="), HasSubstr("signature cannot be read"));
  EXPECT_THAT(complaint(kByPyJwt + "\n"), HasSubstr("signature cannot be read"));
  EXPECT_THAT(complaint(" " + kByPyJwt), HasSubstr("header cannot be read"));
  std::string stray = kByPyJwt;
  stray.back() = '5';  // the same bytes with bits that mean nothing
  EXPECT_THAT(complaint(stray), HasSubstr("signature cannot be read"));
  std::string padded = kByPyJwt;
  padded.insert(padded.rfind('.'), "=");
  EXPECT_THAT(complaint(padded), HasSubstr("signature is wrong"));
  EXPECT_THAT(complaint(kByPyJwt.substr(0, kByPyJwt.rfind('.') + 1)), HasSubstr("signature is wrong"));
  EXPECT_THAT(complaint(claiming("{\"sub\":\"" + std::string(kMaxWebToken, 'a') + "\"}")), HasSubstr("8192 bytes"));
  for (std::size_t i = 0; i < kByPyJwt.size(); ++i) {
    std::string other = kByPyJwt;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(complaint(other), "") << i;
  }
}

}  // namespace
}  // namespace anser::door
