#include "anser/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/stanza_access.h"
#include "sdk/src/test_stanzas.h"

namespace anser::sdk {
namespace {

using test::complaint;
using test::expect_round_trip;
using test::read;
using testing::ElementsAre;
using testing::HasSubstr;
using Type = Message::Type;

TEST(Message, ReadsTheExamplesOfRfc6121) {
  // §5.2.3 and §5.2.5
  const auto message = read<Message>(
      "<message from='juliet@example.com/balcony' id='z94nb37h' to='romeo@example.net' type='chat' xml:lang='en'>"
      "<body>Wherefore art thou, Romeo?</body><body xml:lang='cs'>PročeŽ jsi ty, Romeo?</body>"
      "<thread parent='e0ffe42b28561960c6b12b944a092794b9683a38'>0e3141cd80894871a68e6fe6b1ec56fa</thread></message>");

  EXPECT_EQ(message.type(), Type::chat);
  EXPECT_EQ(message.from(), "juliet@example.com/balcony");
  EXPECT_EQ(message.to(), "romeo@example.net");
  EXPECT_EQ(message.id(), "z94nb37h");
  EXPECT_EQ(message.language(), "en");
  EXPECT_EQ(message.body(), "Wherefore art thou, Romeo?");
  EXPECT_EQ(message.body("en"), message.body());
  EXPECT_EQ(message.body("cs"), "PročeŽ jsi ty, Romeo?");
  EXPECT_EQ(message.body("de"), "");
  EXPECT_EQ(message.thread(), "0e3141cd80894871a68e6fe6b1ec56fa");
  EXPECT_EQ(message.parent_thread(), "e0ffe42b28561960c6b12b944a092794b9683a38");
  EXPECT_TRUE(message.raw_extensions().empty());
  expect_round_trip(message);
}

TEST(Message, ReadsSubjectsInSeveralLanguages) {
  const auto message = read<Message>(
      "<message><subject>I implore you!</subject><subject xml:lang='cs'>Úpěnlivě prosím!</subject></message>");

  EXPECT_EQ(message.subject(), "I implore you!");
  EXPECT_EQ(message.subject("cs"), "Úpěnlivě prosím!");
  EXPECT_FALSE(message.has_body());
  expect_round_trip(message);
}

TEST(Message, OfEveryTypeComesBack) {
  for (const Type type : {Type::normal, Type::chat, Type::groupchat, Type::headline, Type::error}) {
    Message message{"juliet@example.com", "hello", type};
    if (type == Type::error) message.set_error(StanzaError{.condition = "item-not-found", .code = 404});
    message.set_id("a1");
    message.set_from("romeo@example.net/orchard");
    message.set_language("de");
    message.set_subject("s");
    message.set_subject("t", "fr");
    message.set_thread("thread", "parent");
    message.add_extension(Element{"x", "urn:example"}.set_attribute("a", "b").add_text("c"));

    expect_round_trip(message);
    EXPECT_EQ(read<Message>(message.to_xml()).type(), type) << name_of(type);
  }
}

TEST(Message, OfATypeThatThereIsNotCountsAsNormal) {
  EXPECT_EQ(read<Message>("<message type='shout'/>").type(), Type::normal);
  EXPECT_EQ(read<Message>("<message type=''/>").type(), Type::normal);
  EXPECT_EQ(read<Message>("<message/>").type(), Type::normal);
}

TEST(Message, IsWrittenAsShortAsItCanBe) {
  EXPECT_EQ(Message{}.to_xml(), "<message/>");
  EXPECT_EQ(Message("a@b", "c", Type::chat).to_xml(), "<message to='a@b' type='chat'><body>c</body></message>");
  expect_round_trip(Message{});
}

TEST(Message, BodyIsTheOneInTheStanzasLanguageElseTheFirst) {
  Message message;
  EXPECT_EQ(message.body(), "");

  message.set_body("ahoj", "cs");
  message.set_body("hallo", "de");
  EXPECT_EQ(message.body(), "ahoj");

  message.set_language("de");
  EXPECT_EQ(message.body(), "hallo");
  EXPECT_EQ(message.body(""), "hallo");

  message.set_body("hej", "sv");
  message.remove_body("DE");
  EXPECT_EQ(message.body(), "ahoj");
  EXPECT_THAT(message.bodies(), ElementsAre(Message::Text{"cs", "ahoj"}, Message::Text{"sv", "hej"}));
}

TEST(Message, TheStanzasLanguageAndNoneAreOneSlot) {
  Message message;
  message.set_language("en");

  message.set_body("one");
  message.set_body("two", "EN");
  EXPECT_THAT(message.bodies(), ElementsAre(Message::Text{"", "two"}));

  message.remove_body("en");
  EXPECT_FALSE(message.has_body());

  const auto read_back = read<Message>(
      "<message xml:lang='en'><body xml:lang='en'>a</body><body>b</body><body xml:lang=''>c</body></message>");
  EXPECT_THAT(read_back.bodies(), ElementsAre(Message::Text{"", "a"}));
}

TEST(Message, IsNotWrittenWithTwoTextsOfOneLanguage) {
  Message message;
  message.set_body("none");
  message.set_body("deutsch", "de");
  message.set_language("de");

  EXPECT_EQ(message.to_xml(), "<message xml:lang='de'><body>none</body></message>");
  EXPECT_EQ(message.body(), "none");
}

TEST(Message, ChildrenThatAreThereTwiceCountOnce) {
  const auto message = read<Message>(
      "<message><thread>a</thread><body>1</body><body>2</body><subject xml:lang='de'>x</subject>"
      "<subject xml:lang='DE'>y</subject><thread parent='p'>b</thread></message>");

  EXPECT_EQ(message.body(), "1");
  EXPECT_EQ(message.subject(), "x");
  EXPECT_EQ(message.thread(), "a");
  EXPECT_EQ(message.parent_thread(), "");
  EXPECT_TRUE(message.raw_extensions().empty());
}

TEST(Message, KeepsABoundedNumberOfLanguages) {
  std::string xml = "<message>";
  for (int i = 0; i < 1000; ++i) xml += "<body xml:lang='l" + std::to_string(i) + "'>text</body>";

  EXPECT_EQ(read<Message>(xml + "</message>").bodies().size(), 64u);
}

TEST(Message, AnEmptySubjectIsOne) {
  const auto message = read<Message>("<message type='groupchat'><subject/><body></body></message>");
  EXPECT_EQ(message.subjects().size(), 1u);
  EXPECT_TRUE(message.has_body());
  expect_round_trip(message);
}

TEST(Message, TextIsWhatAnXmlParserWouldSay) {
  const auto body = [](std::string_view content) {
    return read<Message>("<message><body a='>' xml:lang=\"de\" >" + std::string(content) + "</body ></message>")
        .body("de");
  };
  EXPECT_EQ(body("a &lt;b&gt; &amp;amp; &#x1F600;&#10;"), "a <b> &amp; 😀\n");
  EXPECT_EQ(body("a<![CDATA[<b>&amp;]]]>c"), "a<b>&amp;]c");
  EXPECT_EQ(body("\r\na\rb"), "\na\nb");
  EXPECT_EQ(body("a<i t='/>'>b<j/><![CDATA[x]]></i>c<k/>d"), "acd");
  EXPECT_EQ(body("<![CDATA[\r\n]]>"), "\n");
  EXPECT_EQ(read<Message>("<message><body xml:lang='d&#101;'>x</body></message>").body("de"), "x");
  EXPECT_EQ(read<Message>("<message xmlns='jabber:client'><body/></message>").body(), "");
}

TEST(Message, OnlyChildrenInItsOwnNamespaceAreItsOwn) {
  const auto message = read<Message>(
      "<message><body xmlns='http://www.w3.org/1999/xhtml'>html</body><p:body>p</p:body><show>away</show></message>");

  EXPECT_FALSE(message.has_body());
  ASSERT_EQ(message.raw_extensions().size(), 3u);
  EXPECT_EQ(message.extension("body", "urn:example:p")->text(), "p");
  EXPECT_EQ(message.extension("show", "jabber:client")->text(), "away");
  expect_round_trip(message);
}

// Every field with everything that must be escaped.
TEST(Message, HostileTextComesBack) {
  for (const std::string text : {"</body></message>", "&amp;&#0;<!--", "]]>", "'\"\t\n\r", " x ", "\r\n",
                                 "<![CDATA[x]]>", "\xF0\x9F\x98\x80", "ﷺ"}) {
    Message message{"a@b", text, Type::chat};
    message.set_id(text);
    message.set_language(text);
    message.set_body(text, "x" + text);
    message.set_subject(text, "y" + text);
    message.set_thread("t" + text, text);
    message.set_property(text, text);
    message.add_extension(Element{"x", "urn:" + text}
                              .set_attribute("a", text)
                              .set_attribute("xml:lang", text)
                              .add_text(text)
                              .add_child("y", text)
                              .add_text(text));
    expect_round_trip(message);
    message.set_type(Type::error);
    message.set_error(StanzaError{.condition = "gone", .text = text, .code = 302, .new_address = text});
    expect_round_trip(message);
  }
}

TEST(Message, TextThatXmlCannotCarryIsRefused) {
  using namespace std::string_literals;
  for (const std::string& bad :
       {"\x01"s, "a\0b"s, "\xFF"s, "\xED\xA0\x80"s, "\xEF\xBF\xBE"s, "\xC0\x80"s, "cut\xE2\x82"s}) {
    Message message{"a@b", Type::chat};
    ASSERT_EQ(complaint(message), "");

    const auto refuses = [&](std::string_view what, auto change) {
      Message changed = message;
      change(changed);
      EXPECT_THAT(complaint(changed), HasSubstr(std::string(what)));
    };
    refuses("the body", [&](Message& m) { m.set_body(bad); });
    refuses("language", [&](Message& m) { m.set_body("x", bad); });
    refuses("the subject", [&](Message& m) { m.set_subject(bad, "de"); });
    refuses("the thread", [&](Message& m) { m.set_thread(bad); });
    refuses("the parent thread", [&](Message& m) { m.set_thread("x", bad); });
    refuses("the id", [&](Message& m) { m.set_id(bad); });
    refuses("the language", [&](Message& m) { m.set_language(bad); });
    refuses("'to'", [&](Message& m) { m.set_to(bad); });
    refuses("'from'", [&](Message& m) { m.set_from("a@b/" + bad); });
    refuses("an extension", [&](Message& m) { m.set_property("x", bad); });
    refuses("an extension", [&](Message& m) { m.set_property(bad, true); });
    refuses("an extension", [&](Message& m) { m.add_extension(Element{"x", "y"}.add_text(bad)); });
    refuses("an extension", [&](Message& m) { m.add_extension(Element{"x", "y"}.set_attribute("z", bad)); });
    refuses("an extension", [&](Message& m) { m.add_extension(Element{"x", bad}); });
  }
}

TEST(Message, AddressesAreCheckedButNotRewritten) {
  Message message{"Romeo@Example.ORG/Orchard", Type::chat};
  EXPECT_EQ(complaint(message), "");
  EXPECT_THAT(message.to_xml(), HasSubstr("to='Romeo@Example.ORG/Orchard'"));

  message.set_to("a@@b");
  EXPECT_THAT(complaint(message), HasSubstr("'to' is not an address"));
  message.set_to("");
  message.set_from("@b");
  EXPECT_THAT(complaint(message), HasSubstr("'from' is not an address"));
}

TEST(Message, WhatItSpeaksForIsNoExtension) {
  for (const auto* name : {"body", "subject", "thread", "error"}) {
    Message message;
    message.add_extension(Element{name, "jabber:client"});
    EXPECT_THAT(complaint(message), HasSubstr(name));
  }
  Message message;
  message.add_extension(Element{"body", "urn:example"});
  EXPECT_EQ(complaint(message), "");
}

TEST(Message, AParentWithoutAThreadIsNothing) {
  Message message;
  message.set_thread("", "parent");
  EXPECT_EQ(message.parent_thread(), "");
  EXPECT_EQ(message.to_xml(), "<message/>");
}

TEST(Message, DiffersByEachOfItsParts) {
  const Message one{"a@b", "c", Type::chat};
  const auto differs = [&](auto change) {
    Message other = one;
    EXPECT_TRUE(other == one);
    change(other);
    EXPECT_FALSE(other == one);
  };
  differs([](Message& m) { m.set_type(Type::normal); });
  differs([](Message& m) { m.set_id("x"); });
  differs([](Message& m) { m.set_from("x"); });
  differs([](Message& m) { m.set_to("x"); });
  differs([](Message& m) { m.set_language("x"); });
  differs([](Message& m) { m.set_body("x"); });
  differs([](Message& m) { m.set_subject("x"); });
  differs([](Message& m) { m.set_thread("x"); });
  differs([](Message& m) { m.set_error(StanzaError{.condition = "gone"}); });
  differs([](Message& m) { m.add_extension(Element{"x", "y"}); });
}

}  // namespace
}  // namespace anser::sdk
