#include "anser/element.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/element_access.h"
#include "sdk/src/test_stanzas.h"

namespace anser::sdk {
namespace {

using testing::HasSubstr;

Element item() {
  return Element{"item", "urn:example"}
      .set_attribute("id", "1")
      .set_attribute("xml:lang", "de")
      .add_text("before ")
      .add_child("name", "a <b>")
      .add_text("after")
      .add_child(Element{"other", "urn:other"}.add_child(Element{"deep", "urn:example"}));
}

TEST(Element, IsWrittenAndReadBack) {
  const std::string xml = item().to_xml();
  const auto back = Element::parse(xml);

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, item());
  EXPECT_EQ(back->attribute("id"), "1");
  EXPECT_EQ(back->attribute("xml:lang"), "de");
  EXPECT_EQ(back->attribute("none"), "");
  EXPECT_TRUE(back->has_attribute("xml:lang"));
  EXPECT_FALSE(back->has_attribute("lang"));
  EXPECT_EQ(back->text(), "before after");
  EXPECT_EQ(back->child_text("name"), "a <b>");
  EXPECT_EQ(back->child_text("other"), "");
  EXPECT_EQ(back->children().size(), 2u);
  EXPECT_TRUE(back->has_child("other", "urn:other"));
  EXPECT_FALSE(back->has_child("other", "urn:example"));
  EXPECT_TRUE(back->child("other", "urn:other").has_child("deep", "urn:example"));
  EXPECT_EQ(back->child("other").name(), "");
  EXPECT_EQ(back->to_xml(), xml);
}

TEST(Element, DeclaresItsNamespaceWhereItIsNotTheDefault) {
  const Element query{"query", "jabber:iq:roster"};
  EXPECT_EQ(query.to_xml(), "<query xmlns='jabber:iq:roster'/>");
  EXPECT_EQ(query.to_xml("jabber:iq:roster"), "<query/>");
  EXPECT_EQ((Element{"body", "jabber:client"}.to_xml()), "<body/>");
  EXPECT_EQ(Element::parse("<body/>")->ns(), "jabber:client");
  EXPECT_EQ(Element::parse("<body/>", "")->ns(), "");
}

TEST(Element, ParsesExactlyOneElement) {
  for (const std::string bad :
       {"", "text", "<a/><b/>", "<a/> ", " <a/>", "<a>", "<a></b>", "<a b=c/>", "<a>&nbsp;</a>", "<p:a/>",
        "<?xml version='1.0'?><a/>", "<!-- c --><a/>", "<a>\x01</a>", "<a>\xFF</a>", "</a>"}) {
    const auto parsed = Element::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
    EXPECT_FALSE(parsed.error().message.empty());
  }
}

TEST(Element, ParsesUpToItsLimits) {
  const auto nested = [](int levels) {
    std::string xml;
    for (int i = 0; i < levels; ++i) xml += "<a>";
    for (int i = 0; i < levels; ++i) xml += "</a>";
    return xml;
  };
  EXPECT_TRUE(Element::parse(nested(64)));
  EXPECT_THAT(Element::parse(nested(65)).error().message, HasSubstr("depth"));

  const std::string frame = "<a></a>";
  const std::string full(static_cast<std::size_t>(1 << 20) - frame.size(), 'x');
  EXPECT_TRUE(Element::parse("<a>" + full + "</a>"));
  EXPECT_FALSE(Element::parse("<a>x" + full + "</a>"));
}

TEST(Element, IsAValue) {
  Element one = item();
  Element two = one;
  two.set_attribute("id", "2");
  EXPECT_EQ(one, item());
  EXPECT_FALSE(one == two);

  one = two;
  EXPECT_EQ(one, two);
  const Element& self = one;
  one = self;
  EXPECT_EQ(one, two);

  const Element moved = std::move(one);
  EXPECT_EQ(moved, two);
  one = moved;
  EXPECT_EQ(one, two);
}

TEST(Element, ThatWasMovedFromIsNamelessAndMayBeUsedAgain) {
  Element one = item();
  const Element taken = std::move(one);

  EXPECT_EQ(one.name(), "");  // NOLINT: it is what is tested
  EXPECT_TRUE(one.children().empty());
  const Element copy = one;
  EXPECT_EQ(copy, one);
  one.add_text("x");
  EXPECT_EQ(one.text(), "x");
  EXPECT_EQ(taken, item());
}

TEST(Element, WithANameOrANamespaceThatIsNoneCannotBeSent) {
  const std::vector<Element> bad{
      Element{"", "urn:x"},
      Element{"a b", "urn:x"},
      Element{"a='b'", "urn:x"},
      Element{"1a", "urn:x"},
      Element{"p:a", "urn:x"},
      Element{"a/><b", "urn:x"},
      Element{"a\xFF", "urn:x"},
      Element{"\xC2\xA0", "urn:x"},
      Element{"a", "http://www.w3.org/XML/1998/namespace"},
      Element{"a", "http://www.w3.org/2000/xmlns/"},
      Element{"a", "urn:\x01"},
      Element{"a", "urn:x"}.set_attribute("", "v"),
      Element{"a", "urn:x"}.set_attribute("b c", "v"),
      Element{"a", "urn:x"}.set_attribute("xmlns", "urn:y"),
      Element{"a", "urn:x"}.set_attribute("xmlns:p", "urn:y"),
      Element{"a", "urn:x"}.set_attribute("p:b", "v"),
      Element{"a", "urn:x"}.set_attribute("xml:", "v"),
      Element{"a", "urn:x"}.set_attribute("b", "\x01"),
      Element{"a", "urn:x"}.add_text("\x01"),
      Element{"a", "urn:x"}.add_child("b c", "v"),
      Element{"a", "urn:x"}.add_child("b", "\xFF"),
      Element{"a", "urn:x"}.add_child(Element{"b", "urn:x"}.add_child(Element{"", ""})),
      Element{"a", "urn:x"}.add_child(Element{"b", "urn:x"}.child("none")),
      *Element::parse("<xml:a/>"),
      *Element::parse("<a><xml:b/></a>"),
  };
  for (const Element& element : bad) {
    Message message;
    message.add_extension(element);
    EXPECT_THAT(test::complaint(message), HasSubstr("an extension")) << element.to_xml();
    EXPECT_EQ(message.to_xml(), "<message/>");
    EXPECT_TRUE(message.extensions().empty());
    message.remove_extension(element.name(), element.ns());
    EXPECT_EQ(test::complaint(message), "");
  }
}

TEST(Element, WithEveryNameThatXmlAllowsComesBack) {
  for (const auto* name : {"a", "_", "a-b.c1", "名前", "é"}) {
    Message message;
    message.add_extension(Element{name, ""}.set_attribute(name, "v").set_attribute("xml:space", "preserve"));
    test::expect_round_trip(message);
    EXPECT_EQ(message.extension(name, "")->attribute(name), "v");
  }
}

TEST(Element, KeepsAttributesInANamespace) {
  const auto element = Element::parse("<a xmlns:p='urn:p' p:b='1' b='2'><c p:d='3'/></a>");
  ASSERT_TRUE(element);

  Message message;
  message.add_extension(*element);

  EXPECT_EQ(element->attribute("b"), "2");
  EXPECT_EQ(message.extension("a", "jabber:client"), *element);
  test::expect_round_trip(message);
}

}  // namespace
}  // namespace anser::sdk
