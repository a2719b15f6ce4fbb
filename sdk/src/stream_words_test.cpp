#include "sdk/src/stream_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

xml::Element parsed(std::string_view text) { return xml::parse_element(text, xml::kClientNs).value(); }

TEST(StreamWords, OpenAStreamAsRfc6120Does) {
  std::string out;

  append_stream_header(out, "im.example.com", "juliet@im.example.com", "en");

  EXPECT_EQ(out,
            "<?xml version='1.0'?><stream:stream from='juliet@im.example.com' to='im.example.com' version='1.0' "
            "xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
}

TEST(StreamWords, MakeATreeOfAnElement) {
  std::string_view input =
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:x='urn:x'>"
      "<stream:features a='1'>text<x:one>&lt;</x:one><two xmlns='urn:two'/></stream:features>";
  xml::StreamReader reader;
  ASSERT_EQ(reader.next(input), xml::StreamReader::Event::header);
  ASSERT_EQ(reader.next(input), xml::StreamReader::Event::stanza);

  const auto element = element_of(reader.stanza());

  ASSERT_TRUE(element);
  EXPECT_TRUE(element->is({xml::kStreamsNs, "features"}));
  EXPECT_EQ(element->attr("a"), "1");
  EXPECT_EQ(element->text(), "text");
  EXPECT_EQ(element->find(xml::Name{"urn:x", "one"})->text(), "<");
  EXPECT_NE(element->find(xml::Name{"urn:two", "two"}), nullptr);
}

TEST(StreamWords, ShowForeignTextInOneLineThatEnds) {
  EXPECT_EQ(shown("  two\nlines\t"), "two lines");
  EXPECT_EQ(shown(std::string(1000, 'x')), std::string(200, 'x') + "…");
  EXPECT_EQ(shown(std::string(199, 'x') + "é" + std::string(9, 'x')), std::string(199, 'x') + "…");  // not half of it
}

TEST(StreamWords, ReadAStreamError) {
  const auto error = stream_error(parsed(
      "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>"
      "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Some text</text>"
      "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><other xmlns='urn:other'/></stream:error>"));

  EXPECT_EQ(error,
            (Error{Errc::stream, "the server ended the stream (policy-violation: Some text)", "policy-violation"}));
  EXPECT_EQ(stream_error(parsed("<e/>")), (Error{Errc::stream, "the server ended the stream (no reason given)"}));
}

TEST(StreamWords, ReadAnIqErrorOfAnyAge) {
  const auto read = [](std::string_view error) {
    return iq_error(parsed(fmt::format("<iq type='error'>{}</iq>", error)), "do it");
  };

  EXPECT_EQ(read("<error type='modify'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"),
            (Error{Errc::stanza, "the server refused to do it (conflict)", "conflict"}));
  EXPECT_EQ(read("<error code='401'>Unauthorized</error>"),
            (Error{Errc::stanza, "the server refused to do it (not-authorized: Unauthorized)", "not-authorized"}));
  EXPECT_EQ(read("<error code='999'/>").condition, "undefined-condition");
  EXPECT_EQ(read(""), (Error{Errc::stanza, "the server refused to do it (no reason given)"}));
}

TEST(StreamWords, ReadWhereAnotherServerIs) {
  EXPECT_EQ(whereabouts("[2001:41D0:1:A49b::1]:9222"), (Whereabouts{"2001:41D0:1:A49b::1", 9222}));  // RFC 6120's
  EXPECT_EQ(whereabouts("[2001:db8::1]"), (Whereabouts{"2001:db8::1", 0}));
  EXPECT_EQ(whereabouts(" im.example.org:5223 "), (Whereabouts{"im.example.org", 5223}));
  EXPECT_EQ(whereabouts("192.0.2.7"), (Whereabouts{"192.0.2.7", 0}));
  for (const auto* wrong : {"", ":5222", "host:", "host:0", "host:65536", "host:5222x", "a b", "[host]:1", "[::1",
                            "[::1]5222", "a/b", "user@host", "2001:db8::1"})
    EXPECT_EQ(whereabouts(wrong), std::nullopt) << wrong;
  EXPECT_EQ(whereabouts(std::string(256, 'a')), std::nullopt);
}

TEST(StreamWords, KnowNumbersAndBooleans) {
  EXPECT_EQ(number("4294967295"), 4'294'967'295u);
  for (const auto* wrong : {"", "-1", "+1", "4294967296", "1 ", "0x1", "some-sequence-number"})
    EXPECT_EQ(number(wrong), std::nullopt) << wrong;
  EXPECT_TRUE(truth("true") && truth(" 1 "));
  EXPECT_FALSE(truth("false") || truth("0") || truth("") || truth("yes"));
}

}  // namespace
}  // namespace anser::sdk
