#include "xml/element.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::xml {
namespace {

using testing::HasSubstr;

constexpr Name kTime{"urn:xmpp:time", "time"};
constexpr Name kBody{kClientNs, "body"};

Element parsed(std::string_view bytes, std::string_view default_ns = kClientNs) {
  auto element = parse_element(bytes, default_ns);
  EXPECT_TRUE(element) << element.error().message;
  return element ? *std::move(element) : Element{"", "failed"};
}

TEST(Element, IsBuiltInOneExpression) {
  const Element time = Element{kTime}.child("tzo", "+00:00").child("utc", "2026-01-01T00:00:00Z");

  EXPECT_EQ(time.to_string(), "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2026-01-01T00:00:00Z</utc></time>");
  EXPECT_EQ(time.child_text("tzo"), "+00:00");
  EXPECT_TRUE(time.is(kTime));
}

TEST(Element, DeclaresANamespaceOnlyWhereItChanges) {
  const Element message = Element{kClientNs.data(), "message"}
                              .child(Element{kBody}.text("hi"))
                              .child(Element{"urn:xmpp:sid:0", "stanza-id"}.attr("id", "1").child(Element{kBody}))
                              .child(Element{"", "nowhere"});

  EXPECT_EQ(message.to_string(),
            "<message><body>hi</body><stanza-id xmlns='urn:xmpp:sid:0' id='1'><body xmlns='jabber:client'/></stanza-id>"
            "<nowhere xmlns=''/></message>");
  EXPECT_EQ(Element{kBody}.to_string("jabber:server"), "<body xmlns='jabber:client'/>");
}

TEST(Element, KeepsTextAndChildrenInTheirOrder) {
  Element element{"", "p"};
  element.text("a").child("b").text("c").text("d").child("e", "f").text("");

  EXPECT_EQ(element.to_string(""), "<p>a<b/>cd<e>f</e></p>");
  EXPECT_EQ(element.text(), "acd");
  EXPECT_EQ(parsed("<p>a<b/>cd<e>f</e></p>", ""), element);
}

TEST(Element, EscapesWhatItIsGiven) {
  const Element element = Element{"", "a"}.attr("b", "'<&>\"\n").text("<&>'\"\r");

  EXPECT_EQ(element.to_string(""), "<a b='&apos;&lt;&amp;&gt;&quot;&#10;'>&lt;&amp;&gt;'\"&#13;</a>");
  EXPECT_EQ(parsed(element.to_string(""), ""), element);
}

TEST(Element, ReplacesAnAttributeThatIsThereAlready) {
  const Element element = Element{"", "a"}.attr("b", "1").attr("c", "2").attr("b", "3");

  EXPECT_EQ(element.to_string(""), "<a b='3' c='2'/>");
}

TEST(Element, TellsAnEmptyAttributeFromNone) {
  const Element element = Element{"", "a"}.attr("b", "");

  EXPECT_TRUE(element.has_attr("b"));
  EXPECT_FALSE(element.has_attr("c"));
  EXPECT_EQ(element.attr("b"), "");
  EXPECT_EQ(element.attr("c"), "");
}

TEST(Element, UnderstandsXmlLang) {
  const Element element = Element{"", "a"}.attr("xml:lang", "de");

  EXPECT_EQ(element.to_string(""), "<a xml:lang='de'/>");
  EXPECT_EQ(element.attr(Name{kXmlNs, "lang"}), "de");
  EXPECT_FALSE(element.has_attr("lang"));
  EXPECT_EQ(parsed("<a xml:lang='de'/>", "").attr("xml:lang"), "de");
}

TEST(Element, MakesUpPrefixesForAttributesInNamespaces) {
  const Element element =
      Element{"urn:e", "a"}.attr(Name{"urn:1", "x"}, "1").attr(Name{"urn:2", "x"}, "2").attr("x", "3");

  const Element again = parsed(element.to_string());

  EXPECT_EQ(again, element);
  EXPECT_EQ(again.attr(Name{"urn:2", "x"}), "2");
  EXPECT_EQ(again.attr("x"), "3");
}

TEST(Element, FindsChildrenByNamespaceToo) {
  const Element iq = parsed("<iq><query xmlns='a'/><query xmlns='b' n='1'/><body>x</body></iq>");

  ASSERT_NE(iq.find(Name{"b", "query"}), nullptr);
  EXPECT_EQ(iq.find(Name{"b", "query"})->attr("n"), "1");
  EXPECT_EQ(iq.find("query"), nullptr);
  EXPECT_EQ(iq.find("body"), &iq.children()[2]);
  EXPECT_EQ(iq.first_child()->ns(), "a");
  EXPECT_EQ(iq.find("body")->first_child(), nullptr);
  EXPECT_EQ(iq.child_text("body"), "x");
  EXPECT_EQ(iq.child_text("query"), "");
}

TEST(ParseElement, ReplacesReferencesAndCdata) {
  const Element element = parsed("<a b='&lt;&#x41;&amp;'>x&gt;<![CDATA[<&amp;>]]]>y&#228;\r\n\r]]</a>");

  EXPECT_EQ(element.attr("b"), "<A&");
  EXPECT_EQ(element.text(), "x><&amp;>]yä\n\n]]");
}

TEST(ParseElement, NormalizesWhiteSpaceInAttributes) {
  EXPECT_EQ(parsed("<a b='1\t2\n3\r\n4\r5&#10;6'/>").attr("b"), "1 2 3 4 5\n6");
}

TEST(ParseElement, ResolvesPrefixes) {
  const Element element = parsed("<p:a xmlns:p='urn:p' xmlns='urn:d' p:x='1'><b/><p:c xmlns:p='urn:q'/><p:d/></p:a>");

  EXPECT_TRUE(element.is(Name{"urn:p", "a"}));
  EXPECT_EQ(element.attr(Name{"urn:p", "x"}), "1");
  EXPECT_TRUE(element.children()[0].is(Name{"urn:d", "b"}));
  EXPECT_TRUE(element.children()[1].is(Name{"urn:q", "c"}));
  EXPECT_TRUE(element.children()[2].is(Name{"urn:p", "d"}));
}

TEST(ParseElement, TakesExactlyOneElement) {
  for (const std::string_view bytes :
       {"", "a", " <a/>", "<a/> ", "<a/><b/>", "<a>", "<a", "</a>", "<?xml version='1.0'?><a/>"}) {
    const auto element = parse_element(bytes);
    ASSERT_FALSE(element) << bytes;
    EXPECT_EQ(element.error().code, Errc::not_well_formed) << bytes;
  }
}

TEST(ParseElement, NamesTheLimitThatIsCrossed) {
  const auto element = parse_element("<a><b><c/></b></a>", kClientNs, Limits{.depth = 2});

  ASSERT_FALSE(element);
  EXPECT_EQ(element.error().code, Errc::policy_violation);
  EXPECT_THAT(element.error().message, HasSubstr("depth"));
}

TEST(ParseElement, TakesWhatTheReaderHandsOut) {
  EXPECT_EQ(parsed("<body>hi</body>", "jabber:server").ns(), "jabber:server");
  EXPECT_EQ(parsed("<body>hi</body>", "").ns(), "");
}

}  // namespace
}  // namespace anser::xml
