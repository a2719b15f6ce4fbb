#include "core/scram.h"

#include <gmock/gmock.h>

#include "base/base64.h"

namespace anser::core {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr ScramMechanism kSha1{Hash::sha1, false}, kSha1Plus{Hash::sha1, true};
constexpr ScramMechanism kSha256{Hash::sha256, false}, kSha256Plus{Hash::sha256, true};

ScramKeys keys_for(Hash hash, std::string_view password, std::string_view salt_base64,
                   std::uint32_t iterations = 4096) {
  return derive_keys(hash, password, base64_decode(salt_base64).value(), iterations).value();
}

// Keys of "pencil", derived once for all tests.
const ScramKeys& pencil(Hash hash) {
  static const std::array<ScramKeys, 3> keys{keys_for(Hash::sha1, "pencil", "QSXCR+Q6sek8bf92"),
                                             keys_for(Hash::sha256, "pencil", "W22ZaJ0SNY7soEsUEjb6gQ=="),
                                             keys_for(Hash::sha512, "pencil", "W22ZaJ0SNY7soEsUEjb6gQ==")};
  return keys[static_cast<std::size_t>(hash)];
}

Errc code_of(const auto& result) { return result ? Errc::internal : result.error().code; }

// ---- examples of the specifications ---------------------------------------------------------------------------------

struct Example {
  ScramMechanism mechanism;
  std::string client_nonce, server_nonce, server_first, client_final, server_final;
};

class ScramExample : public testing::TestWithParam<Example> {};

TEST_P(ScramExample, IsWhatBothSidesSay) {
  const Example& example = GetParam();
  ScramClient client{
      {.mechanism = example.mechanism, .username = "user", .password = "pencil", .nonce = example.client_nonce}};
  ScramServer server{{.mechanism = example.mechanism, .nonce = example.server_nonce}};

  const auto first = client.first();
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, "n,,n=user,r=" + example.client_nonce);
  const auto parsed = server.parse(*first);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->username, "user");
  EXPECT_EQ(parsed->authzid, "");
  EXPECT_EQ(server.challenge(pencil(example.mechanism.hash)), example.server_first);
  EXPECT_EQ(client.respond(example.server_first), example.client_final);
  EXPECT_EQ(server.finish(example.client_final), example.server_final);
  EXPECT_TRUE(client.verify(example.server_final));
}

INSTANTIATE_TEST_SUITE_P(
    Rfc, ScramExample,
    testing::Values(Example{kSha1, "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j",
                            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
                    Example{kSha256, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
                            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}),
    [](const auto& info) { return info.param.mechanism == kSha1 ? "Rfc5802Section5" : "Rfc7677Section3"; });

// The dialogue of XEP-0474 §6.3: -PLUS, a channel binding that is no such thing, an extension before the proof.
TEST(Scram, FollowsTheExampleOfXep0474) {
  const std::string nonce = "12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6";
  const std::string server_nonce = "a09117a6-ac50-4f2f-93f1-93799c2bddf6";
  ScramServer server{{.mechanism = kSha1Plus,
                      .bindings = {{"tls-exporter", "THIS IS FAKE CB DATA"}},
                      .plus_offered = true,
                      .downgrade_text = downgrade_text({"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"},
                                                       {{"tls-server-end-point", "tls-exporter"}}),
                      .nonce = server_nonce}};

  ASSERT_TRUE(server.parse("p=tls-exporter,,n=user,r=" + nonce));
  EXPECT_EQ(server.challenge(pencil(Hash::sha1)),
            "r=" + nonce + server_nonce + ",s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=");
  const auto final = server.finish("c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,r=" + nonce + server_nonce +
                                   ",x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=");

  EXPECT_EQ(final, "v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=");
}

TEST(Scram, SortsWhatWasOfferedBeforeHashing) {
  EXPECT_EQ(downgrade_text({"b", "a", "B"}),
            "B\x1e"
            "a\x1e"
            "b");
  EXPECT_EQ(downgrade_text({"a"}, {{"z", "y"}}), "a\x1fy\x1ez");
  EXPECT_EQ(downgrade_text({"a"}, std::vector<std::string>{}), "a\x1f");  // announced, though empty
}

TEST(Scram, KnowsItsSixNames) {
  for (const char* name : {"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512",
                           "SCRAM-SHA-512-PLUS"}) {
    const auto mechanism = scram_mechanism(name);
    ASSERT_TRUE(mechanism) << name;
    EXPECT_EQ(name_of(*mechanism), name);
  }
  EXPECT_FALSE(scram_mechanism("SCRAM-SHA-224"));
  EXPECT_FALSE(scram_mechanism("scram-sha-1"));
}

// ---- both sides, every mechanism ------------------------------------------------------------------------------------

struct Outcome {
  Result<std::string> server;
  Result<void> client;
  ScramServer::ClientFirst first;
};

Outcome converse(ScramServer::Options at_server, ScramClient::Options at_client, const ScramKeys& keys) {
  ScramServer server{std::move(at_server)};
  ScramClient client{std::move(at_client)};
  const auto first = server.parse(client.first().value());
  if (!first) return {pass(first), {}, {}};
  const auto response = client.respond(server.challenge(keys));
  if (!response) return {{}, pass(response), *first};
  const auto final = server.finish(*response);
  return {final, final ? client.verify(*final) : Result<void>{}, *first};
}

class EveryMechanism : public testing::TestWithParam<const char*> {
 protected:
  ScramMechanism mechanism = *scram_mechanism(GetParam());
  ScramServer::Options server{.mechanism = mechanism,
                              .bindings = {{"tls-exporter", "32 bytes"}, {"tls-server-end-point", "a hash"}},
                              .plus_offered = true,
                              .downgrade_text = downgrade_text({"PLAIN", GetParam()}, {{"tls-exporter"}})};
  ScramClient::Options client{.mechanism = mechanism,
                              .username = "user",
                              .password = "pencil",
                              .binding_type = mechanism.plus ? "tls-exporter" : "",
                              .binding_data = mechanism.plus ? "32 bytes" : "",
                              .downgrade_text = server.downgrade_text};
};

TEST_P(EveryMechanism, LetsTheRightPasswordIn) {
  const Outcome outcome = converse(server, client, pencil(mechanism.hash));

  EXPECT_TRUE(outcome.server);
  EXPECT_TRUE(outcome.client);
}

TEST_P(EveryMechanism, RefusesTheWrongPassword) {
  client.password = "pen";

  const Outcome outcome = converse(server, client, pencil(mechanism.hash));

  EXPECT_EQ(code_of(outcome.server), Errc::not_authorized);
}

TEST_P(EveryMechanism, RefusesWhoDoesNotExist) {
  const ScramKeys keys = fake_keys(mechanism.hash, "secret of the server", "user");

  const Outcome outcome = converse(server, client, keys);

  EXPECT_EQ(code_of(outcome.server), Errc::not_authorized);
}

TEST_P(EveryMechanism, CarriesNamesWithCommasAndEqualSigns) {
  client.username = "Ro,me=o";
  client.authzid = "a=b,c@example.org";

  const Outcome outcome = converse(server, client, pencil(mechanism.hash));

  EXPECT_TRUE(outcome.server);
  EXPECT_EQ(outcome.first.username, "ro,me=o");
  EXPECT_EQ(outcome.first.authzid, "a=b,c@example.org");
}

TEST_P(EveryMechanism, TheClientSeesAnOfferThatWasTamperedWith) {
  client.downgrade_text = downgrade_text({GetParam()}, {{"tls-exporter"}});

  const Outcome outcome = converse(server, client, pencil(mechanism.hash));

  EXPECT_EQ(code_of(outcome.client), Errc::not_authorized);
}

TEST_P(EveryMechanism, TheClientSeesAServerThatDoesNotKnowThePassword) {
  ScramKeys keys = pencil(mechanism.hash);
  keys.server_key.back() ^= 1;

  const Outcome outcome = converse(server, client, keys);

  EXPECT_TRUE(outcome.server);
  EXPECT_EQ(code_of(outcome.client), Errc::not_authorized);
}

TEST_P(EveryMechanism, BindsToThisChannelOnly) {
  if (mechanism.plus) client.binding_data = "another connection's";
  if (!mechanism.plus) client.could_bind = true;  // "you have none", though we have

  const Outcome outcome = converse(server, client, pencil(mechanism.hash));

  EXPECT_EQ(code_of(outcome.server), Errc::not_authorized);
}

INSTANTIATE_TEST_SUITE_P(Scram, EveryMechanism,
                         testing::Values("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                                         "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS"));

// ---- a server and what it may be told -------------------------------------------------------------------------------

Errc parse_error(ScramServer::Options options, std::string_view message) {
  return code_of(ScramServer{std::move(options)}.parse(message));
}

TEST(ScramServer, BelievesAClientThatSawNoBinding) {
  EXPECT_TRUE(ScramServer{{.mechanism = kSha1}}.parse("y,,n=user,r=nonce"));
  EXPECT_EQ(parse_error({.mechanism = kSha1, .plus_offered = true}, "y,,n=user,r=nonce"), Errc::not_authorized);
  EXPECT_TRUE((ScramServer{{.mechanism = kSha1, .plus_offered = true}}.parse("n,,n=user,r=nonce")));
}

TEST(ScramServer, RefusesBindingsThatItDoesNotHave) {
  const ScramServer::Options options{
      .mechanism = kSha256Plus, .bindings = {{"tls-exporter", "x"}, {"tls-unique", ""}}, .plus_offered = true};

  EXPECT_TRUE(ScramServer{options}.parse("p=tls-exporter,,n=user,r=nonce"));
  EXPECT_EQ(parse_error(options, "p=tls-server-end-point,,n=user,r=nonce"), Errc::not_authorized);
  EXPECT_EQ(parse_error(options, "p=tls-unique,,n=user,r=nonce"), Errc::not_authorized);
}

TEST(ScramServer, WantsTheFlagThatItsMechanismNeeds) {
  const ScramServer::Options plus{.mechanism = kSha1Plus, .bindings = {{"tls-exporter", "x"}}, .plus_offered = true};

  EXPECT_EQ(parse_error(plus, "n,,n=user,r=nonce"), Errc::bad_request);
  EXPECT_EQ(parse_error(plus, "y,,n=user,r=nonce"), Errc::bad_request);
  EXPECT_EQ(parse_error({.mechanism = kSha1, .bindings = plus.bindings}, "p=tls-exporter,,n=user,r=nonce"),
            Errc::bad_request);
}

TEST(ScramServer, IgnoresOptionalExtensions) {
  EXPECT_TRUE(ScramServer{{.mechanism = kSha1}}.parse("n,,n=user,r=nonce,x=1,Y=2=3"));
}

TEST(ScramServer, PreparesNamesOnceUnescaped) {
  const auto first = ScramServer{{.mechanism = kSha1}}.parse("n,a=R=2Cx,n=R\u00d6MEO=2C=3D,r=nonce");

  ASSERT_TRUE(first);
  EXPECT_EQ(first->username, "r\u00f6meo,=");
  EXPECT_EQ(first->authzid, "R,x");  // not prepared: the caller compares it with what it likes
}

TEST(ScramServer, RefusesNamesThatNobodyCanHave) {
  EXPECT_EQ(parse_error({.mechanism = kSha1}, "n,,n=two words,r=nonce"), Errc::not_authorized);
  EXPECT_EQ(parse_error({.mechanism = kSha1}, "n,,n=\u265a,r=nonce"), Errc::not_authorized);
}

TEST(ScramServer, RefusesMalformedFirstMessages) {
  const std::string long_nonce(kMaxScramNonce + 1, 'r');
  const std::vector<std::string> messages{
      "",
      "n",
      "n,",
      "n,,",
      "n,,n=user",
      "n,,n=user,",
      "n,,n=user,r=",
      "n,,n=,r=nonce",
      "n,,r=nonce,n=user",
      "n,,user,r=nonce",
      "x,,n=user,r=nonce",
      "N,,n=user,r=nonce",
      ",,n=user,r=nonce",
      "p,,n=user,r=nonce",
      "p=,,n=user,r=nonce",
      "p=tls_x,,n=user,r=nonce",
      "n,b=x,n=user,r=nonce",
      "n,a=,n=user,r=nonce",
      "n,a=x=y,n=user,r=nonce",
      "n,a,n=user,r=nonce",
      "n,,m=x,n=user,r=nonce",
      "n,,n=user,m=x,r=nonce",
      "n,,n=user,r=nonce,m=x",
      "n,,n=us=er,r=nonce",
      "n,,n=user=,r=nonce",
      "n,,n=user=2,r=nonce",
      "n,,n=user=2c,r=nonce",
      "n,,n=user,r=no nce",
      "n,,n=user,r=non\u00e9",
      "n,,n=user,r=nonce,",
      "n,,n=user,r=nonce,x",
      "n,,n=user,r=nonce,x=",
      "n,,n=user,r=nonce,1=x",
      "n,,n=user,r=nonce,xx=y",
      "n,,n=us\xff"
      "er,r=nonce",
      std::string{"n,,n=us\0er,r=nonce", 18},
      "n,,n=user,r=" + long_nonce,
      "n,,n=user,r=nonce,x=" + std::string(kMaxScramMessage, 'x'),
  };
  for (const std::string& message : messages) {
    EXPECT_EQ(parse_error({.mechanism = kSha1}, message), Errc::bad_request) << message.substr(0, 60);
  }
}

class ScramFinish : public testing::Test {
 protected:
  ScramServer server{{.mechanism = kSha1, .nonce = "3rfcNHYJY1ZVvWVs7j"}};

  void SetUp() override {
    ASSERT_TRUE(server.parse("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"));
    ASSERT_THAT(server.challenge(pencil(Hash::sha1)), StartsWith("r=fyko"));
  }
};

struct Answer {
  const char* name;
  std::string message;
  Errc code;
};

class ScramAnswer : public ScramFinish, public testing::WithParamInterface<Answer> {};

TEST_P(ScramAnswer, IsRefused) { EXPECT_EQ(code_of(server.finish(GetParam().message)), GetParam().code); }

const std::string kNonce = "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
const std::string kProof = "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";

INSTANTIATE_TEST_SUITE_P(
    Scram, ScramAnswer,
    testing::Values(
        Answer{"Empty", "", Errc::bad_request}, Answer{"OnlyBinding", "c=biws", Errc::bad_request},
        Answer{"NoProof", "c=biws,r=" + kNonce, Errc::bad_request},
        Answer{"EmptyProof", "c=biws,r=" + kNonce + ",p=", Errc::bad_request},
        Answer{"ShortProof", "c=biws,r=" + kNonce + ",p=v0X8", Errc::not_authorized},
        Answer{"ProofNotBase64", "c=biws,r=" + kNonce + ",p=v0X8v", Errc::bad_request},
        Answer{"ProofNotLast", "c=biws,r=" + kNonce + ",p=" + kProof + ",x=y", Errc::bad_request},
        Answer{"NoNonce", "c=biws,p=" + kProof, Errc::bad_request},
        Answer{"NoBinding", "r=" + kNonce + ",p=" + kProof, Errc::bad_request},
        Answer{"BindingNotBase64", "c=b,r=" + kNonce + ",p=" + kProof, Errc::bad_request},
        Answer{"OtherHeader", "c=eSws,r=" + kNonce + ",p=" + kProof, Errc::not_authorized},
        Answer{"HeaderWithAuthzid", "c=bixhPXgs,r=" + kNonce + ",p=" + kProof, Errc::not_authorized},
        Answer{"OwnNonceOnly", "c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=" + kProof, Errc::not_authorized},
        Answer{"LongerNonce", "c=biws,r=" + kNonce + "x,p=" + kProof, Errc::not_authorized},
        Answer{"Mandatory", "m=x,c=biws,r=" + kNonce + ",p=" + kProof, Errc::bad_request},
        Answer{"MandatoryLate", "c=biws,r=" + kNonce + ",m=x,p=" + kProof, Errc::bad_request},
        Answer{"ExtensionNotSigned", "c=biws,r=" + kNonce + ",x=y,p=" + kProof, Errc::not_authorized},
        Answer{"WrongProof", "c=biws,r=" + kNonce + ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tw=", Errc::not_authorized},
        Answer{"NotText", "c=biws,r=" + kNonce + ",x=\xff,p=" + kProof, Errc::bad_request},
        Answer{"TooLong", "c=biws,r=" + kNonce + ",x=" + std::string(kMaxScramMessage, 'x') + ",p=" + kProof,
               Errc::bad_request}),
    [](const auto& info) { return info.param.name; });

TEST_F(ScramFinish, AcceptsTheRightProof) { EXPECT_TRUE(server.finish("c=biws,r=" + kNonce + ",p=" + kProof)); }

// Who knows the password may still not choose the server's nonce: an old answer would then be good again.
TEST_F(ScramFinish, RefusesAnotherNonceThoughItIsSigned) {
  const std::string message = "c=biws,r=fyko+d2lbbFgONRv9qkxdawLanother";
  const std::string salted =
      salted_password(Hash::sha1, "pencil", base64_decode("QSXCR+Q6sek8bf92").value(), 4096).value();
  const std::string key = hmac(Hash::sha1, salted, "Client Key");
  std::string proof = hmac(Hash::sha1, digest(Hash::sha1, key),
                           "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=" + kNonce + ",s=QSXCR+Q6sek8bf92,i=4096," + message);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ key[i]);

  const auto answer = server.finish(message + ",p=" + base64_encode(proof));

  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("nonce"));
}

TEST(ScramServer, DrawsANewNonceEachTime) {
  ScramServer one{{.mechanism = kSha1}}, two{{.mechanism = kSha1}};
  ASSERT_TRUE(one.parse("n,,n=user,r=nonce"));
  ASSERT_TRUE(two.parse("n,,n=user,r=nonce"));

  EXPECT_NE(one.challenge(pencil(Hash::sha1)), two.challenge(pencil(Hash::sha1)));
}

TEST(ScramServer, StopsTheProcessWhenCalledOutOfTurn) {
  EXPECT_DEATH((void)ScramServer{{.mechanism = kSha1}}.finish("c=biws"), "");
  EXPECT_DEATH((void)ScramServer{{.mechanism = kSha1}}.challenge(pencil(Hash::sha1)), "");
}

// ---- a client and what it may be told -------------------------------------------------------------------------------

ScramClient::Options user_with_pencil() {
  return {.mechanism = kSha1, .username = "user", .password = "pencil", .nonce = "abc"};
}

Errc respond_error(ScramClient::Options options, std::string_view message) {
  ScramClient client{std::move(options)};
  EXPECT_TRUE(client.first());
  return code_of(client.respond(message));
}

TEST(ScramClient, SaysWhatItIsAndBindsTo) {
  auto options = user_with_pencil();
  EXPECT_EQ(ScramClient{options}.first(), "n,,n=user,r=abc");
  options.could_bind = true;
  EXPECT_EQ(ScramClient{options}.first(), "y,,n=user,r=abc");
  options.mechanism.plus = true;
  options.binding_type = "tls-exporter";
  options.authzid = "me";
  EXPECT_EQ(ScramClient{options}.first(), "p=tls-exporter,a=me,n=user,r=abc");
}

TEST(ScramClient, RefusesNamesAndPasswordsThatNobodyCanHave) {
  auto options = user_with_pencil();
  options.username = "two words";
  EXPECT_EQ(code_of(ScramClient{options}.first()), Errc::not_acceptable);
  options = user_with_pencil();
  options.authzid = "\xff";
  EXPECT_EQ(code_of(ScramClient{options}.first()), Errc::not_acceptable);
  options = user_with_pencil();
  options.password = "";
  EXPECT_EQ(respond_error(options, "r=abcd,s=QUJD,i=4096"), Errc::not_acceptable);
}

TEST(ScramClient, RefusesMalformedChallenges) {
  for (const char* message :
       {"", "r=abcd", "r=abcd,s=QUJD", "r=abcd,s=QUJD,i=", "r=abcd,s=QUJD,i=x", "r=abcd,s=QUJD,i=4096x",
        "r=abcd,s=QUJD,i=04096", "r=abcd,s=QUJD,i=-1", "r=abcd,s=QUJD,i=99999999999", "r=abcd,s=QUJ,i=4096",
        "r=abcd,s=,i=4096", "s=QUJD,r=abcd,i=4096", "m=x,r=abcd,s=QUJD,i=4096", "r=abcd,s=QUJD,i=4096,m=x",
        "r=ab\u00e7d,s=QUJD,i=4096", "r=abcd,s=QUJD,i=4096,", "e=other-error"}) {
    EXPECT_EQ(respond_error(user_with_pencil(), message), Errc::bad_request) << message;
  }
}

TEST(ScramClient, RefusesANonceThatIsNotItsOwnAndMore) {
  EXPECT_EQ(respond_error(user_with_pencil(), "r=abc,s=QUJD,i=4096"), Errc::not_authorized);
  EXPECT_EQ(respond_error(user_with_pencil(), "r=xabcd,s=QUJD,i=4096"), Errc::not_authorized);
}

TEST(ScramClient, RefusesTooLittleAndTooMuchWork) {
  const std::uint64_t before = derivations();

  EXPECT_EQ(respond_error(user_with_pencil(), "r=abcd,s=QUJD,i=4095"), Errc::not_acceptable);
  EXPECT_EQ(respond_error(user_with_pencil(), "r=abcd,s=QUJD,i=2000001"), Errc::not_acceptable);
  auto options = user_with_pencil();
  options.max_iterations = 5000;
  EXPECT_EQ(respond_error(options, "r=abcd,s=QUJD,i=5001"), Errc::not_acceptable);

  EXPECT_EQ(derivations(), before);
}

TEST(ScramClient, DoesNotMindAServerWithoutDowngradeProtection) {
  auto options = user_with_pencil();
  options.downgrade_text = "SCRAM-SHA-1";
  ScramClient client{options};
  ASSERT_TRUE(client.first());

  EXPECT_TRUE(client.respond("r=abcd,s=QUJD,i=4096,x=y"));
}

TEST(ScramClient, WantsTheServersSignature) {
  for (const auto& [message, code] : {std::pair{"", Errc::bad_request},
                                      {"v=", Errc::bad_request},
                                      {"v=?", Errc::bad_request},
                                      {"x=rmF9pqV8S7suAoZWja4dJRkFsKQ=", Errc::bad_request},
                                      {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,", Errc::bad_request},
                                      {"v=rmF9pqV8S7suAoZWja4dJRkFsKR=", Errc::bad_request},
                                      {"v=rmF9pqV8S7suAoZWja4dJRkFsKU=", Errc::not_authorized},
                                      {"e=invalid-proof", Errc::not_authorized}}) {
    auto options = user_with_pencil();
    options.nonce = "fyko+d2lbbFgONRv9qkxdawL";
    ScramClient client{options};
    ASSERT_TRUE(client.first());
    ASSERT_TRUE(client.respond("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"));
    const auto verified = client.verify(message);
    EXPECT_EQ(code_of(verified), code) << message;
    if (std::string_view{message}.starts_with("e=")) {
      EXPECT_THAT(verified.error().message, HasSubstr("invalid-proof"));
    }
  }
}

}  // namespace
}  // namespace anser::core
