#include "core/hashed_token.h"

#include <gtest/gtest.h>

#include "core/crypto.h"

namespace anser::core {
namespace {

using namespace std::string_literals;

// Computed with another implementation (Python's hmac) from the draft's formula.
constexpr std::string_view kToken = "WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm";

TEST(HashedToken, ProvesWithTheDraftsFormula) {
  EXPECT_EQ(hex(token_proof(kToken, "")), "9097787461a184e0fa84ec00c1381190b6c4d16a8ec4453c7b2ac5e7fcf935ed");
  EXPECT_EQ(hex(token_answer(kToken, "")), "4e513409631474863b986c9f3e8c1e27ca29d1d7ab9ed4097e7afd6007bf9c62");
  EXPECT_EQ(hex(token_proof(kToken, "\x01\0bound"s)),
            "a6b7b723e53f5ea60376867d7980da6209606fd8b5777f1daf776b48759ef3ed");
  EXPECT_EQ(hex(token_answer(kToken, "\x01\0bound"s)),
            "b17db0481e40b4aaed6a2a822682e32ade7484515fe8f0b014527edc5ca0e48e");
}

TEST(HashedToken, NamesItsMechanisms) {
  EXPECT_EQ(token_mechanism(TokenBinding::none), "HT-SHA-256-NONE");
  EXPECT_EQ(token_mechanism(TokenBinding::end_point), "HT-SHA-256-ENDP");
  EXPECT_EQ(channel_binding_of(TokenBinding::end_point), "tls-server-end-point");
  EXPECT_EQ(channel_binding_of(TokenBinding::exporter), "tls-exporter");
  EXPECT_EQ(channel_binding_of(TokenBinding::unique), "tls-unique");
  for (const auto binding : kTokenBindings) EXPECT_EQ(token_binding(token_mechanism(binding)), binding);
  EXPECT_EQ(token_binding("HT-SHA-512-NONE"), std::nullopt);
  EXPECT_EQ(token_binding("ht-sha-256-none"), std::nullopt);
}

TEST(HashedToken, TakesAMessageApart) {
  const std::string proof = "\0\0"s + std::string(30, 'p');

  const auto message = parse_token_message("romeo\0"s + proof);

  ASSERT_TRUE(message);
  EXPECT_EQ(message->authcid, "romeo");
  EXPECT_EQ(message->proof, proof);
}

TEST(HashedToken, RefusesWhatIsNoMessage) {
  const std::string proof(32, 'p');
  for (const std::string& wrong :
       {""s, "romeo"s, "\0"s + proof, "romeo\0"s, "romeo\0"s + proof.substr(1), "romeo\0"s + proof + "p",
        "ro\xffmeo\0"s + proof, std::string(4000, 'r') + '\0' + proof}) {
    const auto message = parse_token_message(wrong);
    ASSERT_FALSE(message) << wrong;
    EXPECT_EQ(message.error().code, Errc::bad_request);
  }
}

TEST(HashedToken, IsAnotherForWhateverIsDifferent) {
  const auto token = [](std::string_view key, std::string_view account, std::string_view client, TokenBinding binding,
                        std::string_view seed) { return make_token(key, account, client, binding, seed); };
  const std::string one = token("key", "romeo@localhost", "client", TokenBinding::none, "seed");

  EXPECT_EQ(one, token("key", "romeo@localhost", "client", TokenBinding::none, "seed"));
  EXPECT_EQ(one.size(), 43u);
  EXPECT_EQ(one.find_first_of("+/="), std::string::npos);
  EXPECT_NE(one, token("kez", "romeo@localhost", "client", TokenBinding::none, "seed"));
  EXPECT_NE(one, token("key", "juliet@localhost", "client", TokenBinding::none, "seed"));
  EXPECT_NE(one, token("key", "romeo@localhost", "clien", TokenBinding::none, "tseed"));
  EXPECT_NE(one, token("key", "romeo@localhost", "client", TokenBinding::exporter, "seed"));
  EXPECT_NE(one, token("key", "romeo@localhost", "client", TokenBinding::none, "seee"));
}

}  // namespace
}  // namespace anser::core
