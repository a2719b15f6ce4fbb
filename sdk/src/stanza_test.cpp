// What messages, presence and IQs have in common: extensions, delays, reading and writing.
#include "anser/stanza.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/raw_element.h"
#include "sdk/src/stanza_access.h"
#include "sdk/src/stanza_writer.h"
#include "sdk/src/test_stanzas.h"

namespace anser::sdk {
namespace {

using test::expect_round_trip;
using test::read;
using namespace std::chrono;

TEST(Stanza, IsNothingInAForeignNamespaceOrOfAnotherName) {
  for (const auto* xml : {"<message xmlns='jabber:server'/>", "<message xmlns=''/>", "<p:message/>", "<Message/>",
                          "<msg/>", "<r xmlns='urn:xmpp:sm:3'/>", "<stream:error/>"}) {
    const auto stanza = test::try_read(xml);
    ASSERT_TRUE(stanza) << xml;
    EXPECT_EQ(*stanza, nullptr) << xml;
  }
}

TEST(Stanza, IsReadFromAnElementAlone) {
  const auto stanza = read_stanza("<message xmlns='jabber:client' id='1'><body>a</body></message>");
  ASSERT_TRUE(stanza);
  EXPECT_EQ(static_cast<const Message&>(**stanza).body(), "a");
  EXPECT_EQ((*read_stanza("<iq type='get'><q xmlns='urn:q'/></iq>"))->raw_extensions().size(), 1u);
  EXPECT_EQ(*read_stanza("<message xmlns='jabber:server'/>"), nullptr);
}

TEST(Stanza, IsNotReadFromAnythingElse) {
  for (const auto* xml : {"", " ", "text", "<message>", "<message/><message/>", "<message/>x", "</stream>",
                          "<message></iq>", "<a:message/>", "<message>&x;</message>"}) {
    const auto stanza = read_stanza(xml);
    ASSERT_FALSE(stanza) << xml;
    EXPECT_EQ(stanza.error().code, Errc::protocol);
  }
  EXPECT_EQ(read_stanza("<presence type='x'/>").error().condition, "bad-request");
}

TEST(Stanza, KeepsExtensionsAsTheyCame) {
  const auto message = read<Message>(
      "<message><a xmlns=\"urn:a\" b=\"&gt;\" ><![CDATA[<]]></a><p:c/><x xmlns='jabber:x:data'/><a xmlns='urn:a'/>"
      "<xml:a/></message>");

  ASSERT_EQ(message.raw_extensions().size(), 5u);
  EXPECT_EQ(message.raw_extensions()[0],
            (Stanza::Extension{"a", "urn:a", "<a xmlns=\"urn:a\" b=\"&gt;\" ><![CDATA[<]]></a>"}));
  EXPECT_EQ(message.raw_extensions()[1].xml, "<p:c xmlns:p='urn:example:p'/>");
  EXPECT_TRUE(message.has_extension("c", "urn:example:p"));
  EXPECT_TRUE(message.has_extension("jabber:x:data"));
  EXPECT_FALSE(message.has_extension("c", "urn:a"));
  EXPECT_FALSE(message.has_extension("urn:none"));
  EXPECT_EQ(message.extension("a", "urn:a")->text(), "<");
  EXPECT_EQ(message.extension("c", "urn:example:p")->name(), "c");
  EXPECT_FALSE(message.extension("none", "urn:a"));
  EXPECT_EQ(message.extensions().size(), 5u);
  expect_round_trip(message);
}

TEST(Stanza, ExtensionsAreAddedAndRemoved) {
  Message message;
  message.add_extension(Element{"a", "urn:a"}.add_text("1"));
  message.add_extension(Element{"b", "urn:b"});
  message.add_extension(Element{"a", "urn:a"}.add_text("2"));
  EXPECT_EQ(message.extension("a", "urn:a")->text(), "1");
  expect_round_trip(message);

  message.remove_extension("a", "urn:a");
  message.remove_extension("a", "urn:b");
  EXPECT_EQ(message.to_xml(), "<message><b xmlns='urn:b'/></message>");
}

TEST(Stanza, ExtensionsOutgrowTheLimitsOfAStranger) {
  // Declarations from outside are written into the child: more attributes than the reader lets in.
  std::string header = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";
  std::string child = "<x xmlns='urn:x'";
  for (int i = 0; i < 30; ++i) {
    header += " xmlns:p" + std::to_string(i) + "='urn:" + std::to_string(i) + "'";
    child += " p" + std::to_string(i) + ":a='' p" + std::to_string(i) + ":b=''";
  }
  const std::string bytes = header + "><message>" + child + "/></message>";
  xml::StreamReader reader;
  std::string_view input = bytes;
  reader.next(input);
  ASSERT_EQ(reader.next(input), xml::StreamReader::Event::stanza);

  const Message message = read_message(reader.stanza());

  EXPECT_TRUE(message.extension("x", "urn:x"));
}

TEST(Stanza, IsWrittenWithAnotherIdAndSender) {
  Message message{"a@b", "c", Message::Type::chat};
  message.set_id("own");
  std::string out = "<before/>";

  append_stanza(out, message, "other", "d@e/f");
  append_stanza(out, Presence{}, "p", "");

  EXPECT_EQ(
      out, "<before/><message to='a@b' from='d@e/f' id='other' type='chat'><body>c</body></message><presence id='p'/>");
}

TEST(Stanza, AttributesOfAnExtensionAreFoundWithoutATree) {
  const auto message = read<Message>(
      "<message><stanza-id xmlns='urn:xmpp:sid:0' by = \"a@b\" id='x&gt;y' note=\"'>\"/><origin-id id='o' "
      "xmlns='urn:xmpp:sid:0'></origin-id><e xmlns='urn:e'>text</e></message>");
  std::string scratch;

  const RawElement stanza_id{raw_extension(message, "stanza-id", "urn:xmpp:sid:0")};
  EXPECT_EQ(stanza_id.attribute("by", scratch), "a@b");
  EXPECT_TRUE(scratch.empty());
  EXPECT_EQ(stanza_id.attribute("note", scratch), "'>");
  EXPECT_EQ(stanza_id.attribute("id", scratch), "x>y");
  EXPECT_EQ(stanza_id.attribute("i", scratch), "");
  EXPECT_EQ(stanza_id.text(scratch), "");
  EXPECT_EQ(RawElement{raw_extension(message, "origin-id", "urn:xmpp:sid:0")}.attribute("id", scratch), "o");
  EXPECT_EQ(RawElement{raw_extension(message, "e", "urn:e")}.text(scratch), "text");
  EXPECT_EQ(RawElement{raw_extension(message, "none", "urn:e")}.attribute("id", scratch), "");
}

TEST(Stanza, IsReadIntoAMessageThatHeldAnotherOne) {
  const std::string rich =
      "<message from='a@b/c' to='d@e' id='1' type='error' xml:lang='en'><subject>s</subject><body>one</body>"
      "<body xml:lang='de'>eins</body><thread parent='p'>t</thread><x xmlns='urn:x'>y</x><z xmlns='urn:z'/>"
      "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
  const std::string bytes = std::string{test::kHeader} + rich +
                            "<message><body>two</body></message><message/><message to='x@y'><thread>u</thread><q "
                            "xmlns='urn:q'/></message>" +
                            rich;
  xml::StreamReader reader;
  std::string_view input = bytes;
  reader.next(input);
  Message used;
  int messages = 0;
  for (; reader.next(input) == xml::StreamReader::Event::stanza; ++messages) {
    read_message(used, reader.stanza());

    EXPECT_EQ(used, read_message(reader.stanza())) << used.to_xml();
  }
  EXPECT_EQ(messages, 5);
}

TEST(Stanza, AttributesOfAChildAreFoundBeforeThereIsAStanza) {
  const std::string bytes = std::string(test::kHeader) + "<message><a/><p:b c='d'/></message>";
  xml::StreamReader reader;
  std::string_view input = bytes;
  reader.next(input);
  ASSERT_EQ(reader.next(input), xml::StreamReader::Event::stanza);

  const xml::Child* const child = find_child(reader.stanza(), {"urn:example:p", "b"});

  ASSERT_TRUE(child);
  std::string scratch;
  EXPECT_EQ(RawElement{reader.stanza().raw(*child)}.attribute("c", scratch), "d");
  EXPECT_FALSE(find_child(reader.stanza(), {"urn:example:p", "a"}));
}

TEST(Stanza, KnowsWhenItWasSent) {
  // XEP-0203, examples 1 and 2.
  const sys_days day{2002y / September / 10};
  const auto message = read<Message>(
      "<message from='romeo@montague.net/orchard' to='juliet@capulet.com' type='chat'><body>\n    O blessed, blessed "
      "night! I am afeard.\n  </body><delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2002-09-10T23:08:25Z'>\n  "
      "Offline Storage\n  </delay></message>");
  EXPECT_EQ(message.delay(), day + 23h + 8min + 25s);
  expect_round_trip(message);
  const auto presence = read<Presence>(
      "<presence from='juliet@capulet.com/balcony' to='romeo@montague.net'><status>anon!</status><show>xa</show>"
      "<priority>1</priority><delay xmlns='urn:xmpp:delay' from='juliet@capulet.com/balcony' "
      "stamp='2002-09-10T23:41:07Z'/></presence>");
  EXPECT_EQ(presence.delay(), day + 23h + 41min + 7s);
  EXPECT_EQ(presence.mode(), Presence::Mode::xa);
  expect_round_trip(presence);
}

TEST(Stanza, KnowsTheOldFormOfADelayAndPrefersTheNewOne) {
  const sys_days day{2002y / September / 10};
  const auto stamped = [](std::string_view delay) {
    return read<Message>("<message>" + std::string(delay) + "</message>").delay();
  };
  EXPECT_EQ(stamped("<x from='capulet.com' xmlns='jabber:x:delay' stamp='20020910T23:08:25'>Offline Storage</x>"),
            day + 23h + 8min + 25s);
  EXPECT_EQ(stamped("<x xmlns='jabber:x:delay' stamp='20020910T01:01:01'/><delay xmlns='urn:xmpp:delay' "
                    "stamp='2002-09-10T23:05:37.123456789Z'/>"),
            day + 23h + 5min + 37s + 123456us);
  EXPECT_EQ(stamped("<x xmlns='jabber:x:delay' stamp='20020910T01:01:01'/><delay xmlns='urn:xmpp:delay' stamp='?'/>"),
            day + 1h + 1min + 1s);
  EXPECT_EQ(stamped(""), std::nullopt);
  EXPECT_EQ(stamped("<delay xmlns='urn:xmpp:delay'/>"), std::nullopt);
}

}  // namespace
}  // namespace anser::sdk
