#include "xmpp/sasl_messages.h"

#include <gtest/gtest.h>

namespace anser::xmpp {
namespace {

using namespace std::string_literals;

const domain::Hosts kHosts{{{"montague.example", {"old.montague.example"}}, {"capulet.example", {}}}, {"192.0.2.7"}};
const core::Jid kRomeo = core::Jid::parse("romeo@montague.example").value();

// Element text ------------------------------------------------------------------------------------------------------

TEST(SaslText, TellsNoMessageFromAnEmptyOne) {
  EXPECT_EQ(decode_sasl_text("", /*begins=*/true).value(), std::optional<std::string>{});
  EXPECT_EQ(decode_sasl_text("=", /*begins=*/true).value(), std::optional{""s});
  EXPECT_EQ(decode_sasl_text("", /*begins=*/false).value(), std::optional{""s});
  EXPECT_EQ(decode_sasl_text("=", /*begins=*/false).value(), std::optional{""s});
}

TEST(SaslText, IsBase64AndNothingElse) {
  EXPECT_EQ(decode_sasl_text("AHJvbWVvAHNlY3JldA==", true).value(), std::optional{"\0romeo\0secret"s});
  for (const std::string_view wrong :
       {"A", "AAA", "AB==", "AA=A", "AAAA====", "$$$$", "AAAA\n", " AAAA", "==", "===="}) {
    const auto decoded = decode_sasl_text(wrong, true);
    ASSERT_FALSE(decoded) << wrong;
    EXPECT_EQ(decoded.error().code, Errc::bad_request);
  }
}

// PLAIN -------------------------------------------------------------------------------------------------------------

TEST(Plain, IsAuthzidNameAndPassword) {
  const auto plain = parse_plain(
      "juliet@montague.example\0romeo\0s\xc3\xa9"
      "cret"s);

  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->authzid, "juliet@montague.example");
  EXPECT_EQ(plain->username, "romeo");
  EXPECT_EQ(plain->password,
            "s\xc3\xa9"
            "cret");
  EXPECT_EQ(parse_plain("\0r\0s"s)->authzid, "");
}

TEST(Plain, RefusesEverythingElse) {
  for (const std::string& wrong :
       {""s, "romeo"s, "romeo\0secret"s, "\0\0"s, "\0romeo\0"s, "\0\0secret"s, "\0romeo\0secret\0"s,
        "\0romeo\0sec\0ret"s, "\0\xff\0secret"s, "\xff\0r\0s"s, "\0r\0\xed\xa0\x80"s}) {
    const auto plain = parse_plain(wrong);
    ASSERT_FALSE(plain) << testing::PrintToString(wrong);
    EXPECT_EQ(plain.error().code, Errc::bad_request);
    EXPECT_NE(plain.error().message, "");
  }
}

// Authorization identities ------------------------------------------------------------------------------------------

TEST(Authzid, MayNameTheOwnAccount) {
  for (const std::string_view own : {"", "romeo", "ROMEO", "romeo@montague.example", "Romeo@Montague.Example",
                                     "romeo@old.montague.example", "romeo@192.0.2.7"}) {
    EXPECT_TRUE(may_act_as(own, kRomeo, kHosts)) << own;
  }
}

TEST(Authzid, MayNameNothingElse) {
  for (const std::string_view other :
       {"juliet", "juliet@montague.example", "romeo@capulet.example", "romeo@elsewhere.example", "montague.example",
        "romeo@montague.example/orchard", "romeo@@montague.example", "@", " romeo", "romeo ", "romeo\n", "romeo/x",
        "rom\xc3\xa9o", "\xff"}) {
    EXPECT_FALSE(may_act_as(other, kRomeo, kHosts)) << other;
  }
  EXPECT_FALSE(may_act_as("romeo\0"s, kRomeo, kHosts));
}

TEST(Authzid, MayBeANameThatLooksLikeADomain) {
  const auto account = core::Jid::parse("capulet.example@montague.example").value();

  EXPECT_TRUE(may_act_as("capulet.example", account, kHosts));
  EXPECT_FALSE(may_act_as("montague.example", account, kHosts));
}

// jabber:iq:auth ----------------------------------------------------------------------------------------------------

Result<OldLogin> old_login(std::string_view children) {
  return read_old_login(
      xml::parse_element("<query xmlns='jabber:iq:auth'>" + std::string{children} + "</query>").value());
}

TEST(OldLogin, IsNamePasswordAndResource) {
  const auto login = old_login("<username>romeo</username><resource>orchard</resource><password> a&amp;b </password>");

  ASSERT_TRUE(login);
  EXPECT_EQ(login->username, "romeo");
  EXPECT_EQ(login->resource, "orchard");
  EXPECT_EQ(login->password, " a&b ");
}

TEST(OldLogin, RefusesWhatIsNotWhole) {
  for (const std::string_view wrong :
       {"", "<username>romeo</username><password>x</password>", "<username>romeo</username><resource>r</resource>",
        "<username/><resource>r</resource><password>x</password>",
        "<username>romeo</username><resource/><password>x</password>",
        "<username>romeo</username><resource>r</resource><digest>48fc78be9ec8f86d8ce1c39c320c97c21d62334d</digest>",
        "<username xmlns='urn:q'>romeo</username><resource>r</resource><password>x</password>"}) {
    const auto login = old_login(wrong);
    ASSERT_FALSE(login) << wrong;
    EXPECT_EQ(login.error().code, Errc::not_acceptable);
  }
}

}  // namespace
}  // namespace anser::xmpp
