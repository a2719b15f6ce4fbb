#include "xmpp/sasl2_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::xmpp {
namespace {

using testing::ElementsAre;

constexpr std::string_view kAgent = "d4565fa7-4d72-4749-b3d3-740edbf87770";

Result<Authenticate> read(std::string_view attributes, std::string_view inner) {
  const auto element =
      xml::parse_element(fmt::format("<authenticate xmlns='urn:xmpp:sasl:2' {}>{}</authenticate>", attributes, inner));
  return read_authenticate(element.value());
}

// XEP-0388, example 3, and XEP-0386, example 3.
TEST(ReadAuthenticate, TakesWhatTheExamplesSay) {
  const auto said = read("mechanism='SCRAM-SHA-1-PLUS'",
                         "<initial-response>\n  cD10bHM=\n</initial-response>"
                         "<user-agent id='D4565FA7-4d72-4749-b3d3-740edbf87770'><software>AwesomeXMPP</software>"
                         "<device>Kiva's Phone</device></user-agent>"
                         "<bind xmlns='urn:xmpp:bind:0'><tag> AwesomeXMPP\n</tag><enable xmlns='urn:xmpp:carbons:2'/>"
                         "<inactive xmlns='urn:xmpp:csi:0'/></bind>");

  ASSERT_TRUE(said);
  EXPECT_EQ(said->mechanism, "SCRAM-SHA-1-PLUS");
  EXPECT_EQ(decode_sasl2_text(*said->initial).value(), "p=tls");
  EXPECT_EQ(said->agent, kAgent);
  ASSERT_TRUE(said->bind);
  EXPECT_EQ(said->bind->tag, "AwesomeXMPP");
  ASSERT_EQ(said->bind->enables.size(), 2u);
  EXPECT_TRUE(said->bind->enables[0].is({"urn:xmpp:carbons:2", "enable"}));
  EXPECT_TRUE(said->bind->enables[1].is({"urn:xmpp:csi:0", "inactive"}));
  EXPECT_FALSE(said->fast || said->resume);
}

// XEP-0484, examples 2, 4 and 6; XEP-0480, example 2; XEP-0198, example 28.
TEST(ReadAuthenticate, TakesWhatIsInline) {
  const auto said = read("mechanism='HT-SHA-256-ENDP'",
                         "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>"
                         "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-BLOOP-42</upgrade>"
                         "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'> UPGR-SCRAM-SHA-256 </upgrade>"
                         "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>"
                         "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-EXPR'/>"
                         "<fast xmlns='urn:xmpp:fast:0' count='123' invalidate='true'/>"
                         "<resume xmlns='urn:xmpp:sm:3' h='7' previd='x'/><unknown xmlns='urn:example'/>");

  ASSERT_TRUE(said);
  EXPECT_FALSE(said->initial);
  EXPECT_THAT(said->upgrades, ElementsAre(core::Hash::sha512, core::Hash::sha256));
  EXPECT_EQ(said->wanted_token, "HT-SHA-256-EXPR");
  ASSERT_TRUE(said->fast);
  EXPECT_EQ(said->fast->count, 123u);
  EXPECT_TRUE(said->fast->invalidate);
  ASSERT_TRUE(said->resume);
  EXPECT_EQ(said->resume->attr("h"), "7");
}

TEST(ReadAuthenticate, RefusesWhatIsNone) {
  const std::string_view wrong[] = {
      "<initial-response/><initial-response/>",
      "<user-agent/><user-agent/>",
      "<user-agent id=''/>",
      "<user-agent id='d4565fa7-4d72-1749-b3d3-740edbf87770'/>",
      "<bind xmlns='urn:xmpp:bind:0'/><bind xmlns='urn:xmpp:bind:0'/>",
      "<fast xmlns='urn:xmpp:fast:0'/><fast xmlns='urn:xmpp:fast:0'/>",
      "<fast xmlns='urn:xmpp:fast:0' count=''/>",
      "<fast xmlns='urn:xmpp:fast:0' count='-1'/>",
      "<fast xmlns='urn:xmpp:fast:0' count='2147483648'/>",
      "<fast xmlns='urn:xmpp:fast:0' count='1x'/>",
      "<fast xmlns='urn:xmpp:fast:0' invalidate='yes'/>",
      "<request-token xmlns='urn:xmpp:fast:0'/>",
      "<resume xmlns='urn:xmpp:sm:3'/><resume xmlns='urn:xmpp:sm:3'/>",
  };
  for (const auto inner : wrong) {
    const auto said = read("mechanism='PLAIN'", inner);
    ASSERT_FALSE(said) << inner;
    EXPECT_EQ(said.error().code, Errc::bad_request);
  }
  EXPECT_FALSE(read("", ""));
}

TEST(UuidV4, IsOfVersion4AndNothingElse) {
  EXPECT_EQ(uuid_v4(kAgent), kAgent);
  EXPECT_EQ(uuid_v4("D4565FA7-4D72-4749-B3D3-740EDBF87770"), kAgent);
  for (const std::string_view wrong :
       {"", "d4565fa7-4d72-4749-b3d3-740edbf8777", "d4565fa7-4d72-4749-b3d3-740edbf877700",
        "d4565fa74d724749b3d3740edbf87770", "g4565fa7-4d72-4749-b3d3-740edbf87770",
        "d4565fa7-4d72-5749-b3d3-740edbf87770", "d4565fa7-4d72-4749-c3d3-740edbf87770",
        "{4565fa7-4d72-4749-b3d3-740edbf8777}"}) {
    EXPECT_EQ(uuid_v4(wrong), std::nullopt) << wrong;
  }
}

TEST(DecodeSasl2Text, KnowsNoSignForEmpty) {
  EXPECT_EQ(decode_sasl2_text("").value(), "");
  EXPECT_EQ(decode_sasl2_text(" \r\n").value(), "");
  EXPECT_EQ(decode_sasl2_text("\n\tAGI=\n").value(), std::string("\0b", 2));
  EXPECT_EQ(decode_sasl2_text("=").error().code, Errc::bad_request);
  EXPECT_EQ(decode_sasl2_text("AG I=").error().code, Errc::bad_request);
}

TEST(BoundResource, KeepsTheTagWhereItCan) {
  const auto romeo = core::Jid::parse("romeo@montague.example").value();

  EXPECT_EQ(bound_resource(romeo, "Play", "4232f4d4"), "Play/4232f4d4");
  EXPECT_EQ(bound_resource(romeo, "", "4232f4d4"), "4232f4d4");
  EXPECT_EQ(bound_resource(romeo, std::string(1020, 'x'), "4232f4d4"), "4232f4d4");
  EXPECT_EQ(bound_resource(romeo, "soft\u00adhyphen", "4232f4d4"), "4232f4d4");
}

}  // namespace
}  // namespace anser::xmpp
