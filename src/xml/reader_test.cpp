#include "xml/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace anser::xml {
namespace {

using Event = StreamReader::Event;
using testing::HasSubstr;

constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.com'>";

// A reader behind a stream header.
StreamReader in_stream(Limits limits = {}, std::string_view header = kHeader) {
  StreamReader reader(limits);
  EXPECT_EQ(reader.next(header), Event::header);
  EXPECT_EQ(reader.next(header), Event::need_more);
  return reader;
}

Event next(StreamReader& reader, std::string_view input) { return reader.next(input); }

// The error that `input` leads to, somewhere in the stream.
std::string failure(std::string_view input, Limits limits = {}) {
  StreamReader reader = in_stream(limits);
  Event event = Event::stanza;
  while (event == Event::stanza) event = reader.next(input);
  return event == Event::error ? std::string(condition_of(reader.stream_error())) + ": " + reader.error().message : "";
}

TEST(StreamReader, ReadsAHeader) {
  StreamReader reader;
  std::string_view input =
      "<?xml version='1.0'?>\n<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
      "to='example.com' version='1.0' xml:lang='en'>";

  ASSERT_EQ(reader.next(input), Event::header);

  EXPECT_EQ(reader.header().name(), (Name{kStreamsNs, "stream"}));
  EXPECT_EQ(reader.header().default_ns, kClientNs);
  EXPECT_EQ(reader.header().attr("to"), "example.com");
  EXPECT_FALSE(reader.header().has_attr("from"));
  EXPECT_EQ(reader.header().lang(), "en");
  EXPECT_EQ(reader.header().attributes.size(), 3u);
  EXPECT_EQ(reader.next(input), Event::need_more);
  EXPECT_TRUE(reader.between_stanzas());
}

TEST(StreamReader, HandsOutAStanzaAsViewsOfTheInput) {
  StreamReader reader = in_stream();
  std::string_view input = "<message to='a@b' type='chat'><body>hi</body> <x xmlns='urn:x'/></message><presence/>";
  const std::string_view all = input;

  ASSERT_EQ(reader.next(input), Event::stanza);

  const Stanza& stanza = reader.stanza();
  EXPECT_EQ(stanza.name(), (Name{kClientNs, "message"}));
  EXPECT_EQ(stanza.attr("type"), "chat");
  EXPECT_EQ(stanza.inner, "<body>hi</body> <x xmlns='urn:x'/>");
  EXPECT_EQ(stanza.inner.data(), all.data() + all.find("<body>"));
  ASSERT_EQ(stanza.children.size(), 2u);
  EXPECT_EQ(stanza.children[0].ns, kClientNs);
  EXPECT_EQ(stanza.raw(stanza.children[0]), "<body>hi</body>");
  EXPECT_EQ(stanza.children[1].ns, "urn:x");
  EXPECT_EQ(stanza.raw(stanza.children[1]), "<x xmlns='urn:x'/>");
  EXPECT_EQ(input, "<presence/>");
  ASSERT_EQ(reader.next(input), Event::stanza);
  EXPECT_EQ(reader.stanza().local, "presence");
  EXPECT_EQ(reader.stanza().inner, "");
}

TEST(StreamReader, KeepsOnlyAnUnfinishedStanza) {
  StreamReader reader = in_stream();

  EXPECT_EQ(next(reader, "<presence/><message><bo"), Event::stanza);
  EXPECT_EQ(next(reader, "<message><bo"), Event::need_more);
  EXPECT_EQ(reader.tail_bytes(), 12u);
  EXPECT_FALSE(reader.between_stanzas());
  std::string_view rest = "dy>x</body></message> <presence/>";
  ASSERT_EQ(reader.next(rest), Event::stanza);

  EXPECT_EQ(reader.stanza().inner, "<body>x</body>");
  EXPECT_EQ(rest, " <presence/>");
  EXPECT_EQ(reader.tail_bytes(), 0u);
  EXPECT_EQ(reader.next(rest), Event::stanza);
  EXPECT_EQ(reader.next(rest), Event::need_more);
  EXPECT_TRUE(reader.between_stanzas());
}

TEST(StreamReader, TakesAStanzaLargerThanAnyPiece) {
  StreamReader reader = in_stream();
  const std::string stanza = "<message><body>" + std::string(100000, 'x') + "</body></message>";
  const std::string bytes = stanza + stanza + "<presence/>";

  std::vector<std::size_t> sizes;
  for (std::size_t at = 0; at < bytes.size(); at += 30000) {
    std::string_view input = std::string_view(bytes).substr(at, 30000);
    while (reader.next(input) == Event::stanza) sizes.push_back(reader.stanza().inner.size());
  }

  EXPECT_THAT(sizes, testing::ElementsAre(100013u, 100013u, 0u));
}

TEST(StreamReader, SkipsKeepAlives) {
  StreamReader reader = in_stream();
  EXPECT_EQ(next(reader, " \n\t\r\n"), Event::need_more);
  EXPECT_EQ(reader.tail_bytes(), 0u);
  EXPECT_EQ(next(reader, " <presence/>"), Event::stanza);
}

TEST(StreamReader, NormalizesTheAttributesOfAStanza) {
  StreamReader reader = in_stream();
  ASSERT_EQ(next(reader, "<a b='&lt;\t&#10;&quot;' xmlns:p='urn:p' p:c='d' xml:lang='x'/>"), Event::stanza);

  EXPECT_EQ(reader.stanza().attr("b"), "< \n\"");
  EXPECT_FALSE(reader.stanza().has_attr("c"));
  EXPECT_EQ(reader.stanza().attributes[1].ns, "urn:p");
  EXPECT_EQ(reader.stanza().attributes[1].value, "d");
  EXPECT_EQ(reader.stanza().lang(), "x");
}

TEST(StreamReader, SaysWhenTheStreamEnds) {
  StreamReader reader = in_stream();
  std::string_view input = "<presence/></stream:stream >\n anything";

  EXPECT_EQ(reader.next(input), Event::stanza);
  EXPECT_EQ(reader.next(input), Event::end);
  EXPECT_EQ(input, "");
  EXPECT_EQ(next(reader, "<more/>"), Event::end);
}

TEST(StreamReader, EndsAfterAHeaderThatIsAnEmptyTag) {
  StreamReader reader;
  std::string_view input = "<a/><b/>";
  EXPECT_EQ(reader.next(input), Event::header);
  EXPECT_FALSE(reader.between_stanzas());
  EXPECT_EQ(reader.next(input), Event::end);
}

TEST(StreamReader, StartsAgainWithANewHeader) {
  StreamReader reader = in_stream();
  std::string_view input = "<auth/><?xml version='1.0'?><s:stream xmlns:s='http://etherx.jabber.org/streams'><a/>";
  ASSERT_EQ(reader.next(input), Event::stanza);

  reader.restart();

  EXPECT_EQ(reader.stanza().ns, kClientNs);  // valid until the next call
  ASSERT_EQ(reader.next(input), Event::header);
  EXPECT_EQ(reader.header().default_ns, "");
  ASSERT_EQ(reader.next(input), Event::stanza);
  EXPECT_EQ(reader.stanza().ns, "");
}

TEST(StreamReader, TakesADeclarationOnlyAtTheVeryStart) {
  StreamReader late;
  EXPECT_EQ(next(late, "\n<?xml version='1.0'?>"), Event::error);
  EXPECT_EQ(late.stream_error(), StreamError::restricted_xml);
  StreamReader twice;
  EXPECT_EQ(next(twice, "<?xml version='1.0'?><?xml version='1.0'?>"), Event::error);
}

constexpr std::string_view kOpen = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.com' version='1.0'/>";

// A reader of messages, behind <open/>.
StreamReader in_messages(Limits limits = {}) {
  StreamReader reader(limits);
  reader.expect_messages();
  EXPECT_EQ(next(reader, kOpen), Event::header);
  return reader;
}

// The error that a message leads to.
std::string message_failure(std::string_view message, Limits limits = {}) {
  StreamReader reader = in_messages(limits);
  const Event event = reader.next(message);
  EXPECT_TRUE(message.empty());
  return event == Event::error ? std::string(condition_of(reader.stream_error())) + ": " + reader.error().message : "";
}

TEST(StreamReader, ReadsMessagesThatHoldOneElementEach) {
  StreamReader reader;
  reader.expect_messages();

  ASSERT_EQ(next(reader, kOpen), Event::header);
  EXPECT_EQ(reader.header().name(), (Name{kFramingNs, "open"}));
  EXPECT_EQ(reader.header().attr("to"), "example.com");
  ASSERT_EQ(next(reader, "<message xmlns='jabber:client' xml:lang='en'>\n  <body>x</body>\n</message>"), Event::stanza);
  EXPECT_EQ(reader.stanza().ns, kClientNs);
  EXPECT_EQ(reader.stanza().lang(), "en");
  EXPECT_EQ(reader.stanza().children[0].ns, kClientNs);
  EXPECT_EQ(reader.stanza().inner, "\n  <body>x</body>\n");
  EXPECT_TRUE(reader.between_stanzas());
  EXPECT_EQ(next(reader, ""), Event::need_more);
  EXPECT_EQ(next(reader, "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"), Event::end);
  EXPECT_EQ(next(reader, "<presence xmlns='jabber:client'/>"), Event::end);
}

TEST(StreamReader, TakesADeclarationAndSpaceAroundTheElementOfAMessage) {
  StreamReader reader = in_messages();

  EXPECT_EQ(next(reader, "<?xml version='1.0' encoding='UTF-8'?>\n<presence xmlns='jabber:client'/>"), Event::stanza);
  EXPECT_EQ(next(reader, "<presence xmlns='jabber:client'/>\r\n"), Event::stanza);
}

TEST(StreamReader, AMessageInheritsNothingFromTheOnesBefore) {
  StreamReader reader = in_messages();

  ASSERT_EQ(next(reader, "<a xmlns='urn:a' xmlns:p='urn:p'/>"), Event::stanza);
  ASSERT_EQ(next(reader, "<b/>"), Event::stanza);
  EXPECT_EQ(reader.stanza().ns, "");
  EXPECT_EQ(next(reader, "<p:c/>"), Event::error);
}

TEST(StreamReader, AHeaderIsDueAgainAfterARestartOfMessages) {
  StreamReader reader = in_messages();
  ASSERT_EQ(next(reader, kOpen), Event::stanza);  // not due

  reader.restart();

  EXPECT_EQ(next(reader, kOpen), Event::header);
  EXPECT_EQ(next(reader, "<a/>"), Event::stanza);
}

TEST(StreamReader, AMessageThatIsNotOneElementIsAnError) {
  for (const std::string_view half : {"<", "<a", "<a b='", "<a>", "<a><b/>", "<a></a", "<?xml version='1.0'?>",
                                      "<?xml version='1.0'", "<?xml version='1.0'?> x"}) {
    EXPECT_EQ(message_failure(half), "not-well-formed: a message holds one whole element, and this one ends before")
        << half;
  }
  for (const std::string_view more : {"<a/><b/>", "<a></a>b", "<a/> <b", "<a/></a>"}) {
    EXPECT_EQ(message_failure(more), "not-well-formed: a message holds one element, and something follows it") << more;
  }
  EXPECT_EQ(message_failure(" <a/>"), "bad-format: a message begins with '<'");
  EXPECT_EQ(message_failure(" "), "bad-format: a message begins with '<'");
  EXPECT_EQ(message_failure("\xEF\xBB\xBF<a/>"), "bad-format: a message begins with '<'");
  EXPECT_EQ(message_failure("</open>"), "not-well-formed: an end tag without a start tag");
  EXPECT_THAT(message_failure("<?xsl a?><a/>"), HasSubstr("restricted-xml"));
  EXPECT_THAT(message_failure("<!-- c --><a/>"), HasSubstr("restricted-xml"));
}

// RFC 7395 §3.3.2
TEST(StreamReader, OpenAndCloseBelongToTheNamespaceOfFramedStreams) {
  EXPECT_THAT(message_failure("<close/>"), HasSubstr("invalid-namespace"));
  EXPECT_THAT(message_failure("<close xmlns='jabber:client'/>"), HasSubstr("invalid-namespace"));
  StreamReader reader;
  reader.expect_messages();
  EXPECT_EQ(next(reader, "<open xmlns='http://etherx.jabber.org/streams'/>"), Event::error);
  EXPECT_EQ(reader.stream_error(), StreamError::invalid_namespace);
}

TEST(StreamReader, LimitsHoldForMessages) {
  EXPECT_THAT(message_failure("<a>" + std::string(100, 'x') + "</a>", {.stanza_bytes = 100}),
              HasSubstr("policy-violation: more than stanza_bytes allows"));
  EXPECT_THAT(message_failure("<a><b><c/></b></a>", {.depth = 2}), HasSubstr("policy-violation"));
}

TEST(StreamReader, WritesDeclarationsFromOutsideIntoTheChildrenThatNeedThem) {
  StreamReader reader = in_stream({}, "<s:s xmlns:s='urn:s' xmlns='jabber:client' xmlns:q='urn:&apos;q'>");
  ASSERT_EQ(next(reader, "<message xmlns:p='urn:p'><a/><b><p:c q:x='1'/><p:d/></b>t<e  p:y='2'/><f/></message>"),
            Event::stanza);

  const Stanza& stanza = reader.stanza();
  EXPECT_EQ(stanza.inner,
            "<a/><b xmlns:p='urn:p' xmlns:q='urn:&apos;q'><p:c q:x='1'/><p:d/></b>t"
            "<e xmlns:p='urn:p'  p:y='2'/><f/>");
  EXPECT_EQ(stanza.raw(stanza.children[0]), "<a/>");
  EXPECT_EQ(stanza.raw(stanza.children[2]), "<e xmlns:p='urn:p'  p:y='2'/>");
  EXPECT_EQ(stanza.raw(stanza.children[3]), "<f/>");
}

TEST(StreamReader, WritesTheDefaultNamespaceWhenItIsNotTheStanzasOwn) {
  StreamReader reader = in_stream({}, "<s xmlns='urn:d' xmlns:c='jabber:client'>");

  ASSERT_EQ(next(reader, "<c:message><body/><c:body/><x xmlns='urn:x'><y/></x></c:message>"), Event::stanza);

  EXPECT_EQ(reader.stanza().ns, kClientNs);
  EXPECT_EQ(reader.stanza().inner, "<body xmlns='urn:d'/><c:body xmlns:c='jabber:client'/><x xmlns='urn:x'><y/></x>");
}

TEST(StreamReader, WritesThatThereIsNoDefaultNamespace) {
  StreamReader reader = in_stream({}, "<s xmlns:c='jabber:client'>");
  ASSERT_EQ(next(reader, "<c:message><x><y/></x></c:message>"), Event::stanza);
  EXPECT_EQ(reader.stanza().inner, "<x xmlns=''><y/></x>");
}

TEST(StreamReader, LeavesBytesAloneThatNeedNothingFromOutside) {
  StreamReader reader = in_stream();
  const std::string_view inner =
      "<a xmlns:p='urn:p' \n p:b = \"1\"><p:c><![CDATA[<]]>&#x41;</p:c></a>\r\n<b xmlns=''><c/></b>";
  const std::string bytes = "<message>" + std::string(inner) + "</message>";
  ASSERT_EQ(next(reader, bytes), Event::stanza);
  EXPECT_EQ(reader.stanza().inner.data(), bytes.data() + 9);
  EXPECT_EQ(reader.stanza().inner, inner);
}

TEST(StreamReader, RefusesWhatXmppForbids) {
  for (const std::string_view bytes :
       {"<a><!-- x --></a>", "<!--", "<a><?php x?></a>", "<?x?>", "<!DOCTYPE a>", "<a>&eacute;</a>", "<a b='&lol;'/>",
        "<a>&#0000000000000000000000000000000065;</a>"}) {
    EXPECT_THAT(failure(bytes), HasSubstr("restricted-xml: ")) << bytes;
  }
}

TEST(StreamReader, RefusesWhatIsNotWellFormed) {
  for (const std::string_view bytes : {"<a></b>",
                                       "</a>",
                                       "<a b=c/>",
                                       "<a b='1'c='2'/>",
                                       "<a b='1' b='2'/>",
                                       "<a b='<'/>",
                                       "<a>]]></a>",
                                       "<a>& </a>",
                                       "<a>&#0;</a>",
                                       "<a>&#xD800;</a>",
                                       "<a>&#;</a>",
                                       "<a>&amp </a>",
                                       "<1/>",
                                       "< a/>",
                                       "<a:b/>",
                                       "<a p:b=''/>",
                                       "<:a/>",
                                       "<a:/>",
                                       "<a:b:c/>",
                                       "<a/ >",
                                       "<a b/>",
                                       "<a xmlns:p=''/>",
                                       "<a xmlns:xml='u'/>",
                                       "<a xmlns:xmlns='u'/>",
                                       "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
                                       "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
                                       "<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>",
                                       "<a>\x01</a>",
                                       "<a>\xEF\xBF\xBF</a>",
                                       "<a><![CDATA[\x02]]></a>",
                                       "<a><![cdata[]]></a>",
                                       "<\xE2\x82\xAC/>"}) {
    EXPECT_THAT(failure(bytes), HasSubstr("not-well-formed: ")) << bytes;
  }
}

TEST(StreamReader, RefusesTextBetweenStanzas) {
  for (const std::string_view bytes : {"x", "<a/>x", "&#32;", "<![CDATA[]]>", "<a/>\xC3"}) {
    EXPECT_THAT(failure(bytes), HasSubstr("bad-format: ")) << bytes;
  }
}

TEST(StreamReader, SpeaksOnlyUtf8) {
  for (const std::string_view bytes :
       {"\xEF\xBB\xBF<a>", "\xFE\xFF", "\xFF\xFE", "<?xml version='1.0' encoding='ISO-8859-1'?>",
        "<?xml version=\"1.0\" encoding='UTF-16' ?>"}) {
    StreamReader reader;
    EXPECT_EQ(next(reader, bytes), Event::error) << bytes;
    EXPECT_EQ(reader.stream_error(), StreamError::unsupported_encoding) << bytes;
    EXPECT_EQ(reader.error().code, Errc::not_well_formed);
  }
}

// RFC 6120 §4.9.3.22: "violating the rules of the UTF-8 encoding" is no lack of well-formedness.
TEST(StreamReader, TakesBrokenUtf8ForAnotherEncoding) {
  for (const std::string_view bytes : {"<a>\xC0\x80", "<a>\xED\xA0\x80</a>", "<a>\xC3(</a>", "<a b='\xFF'/>", "<\xFF/>",
                                       "<a>\xE2\x82<", "<a>\xF4\x90\x80\x80</a>"}) {
    EXPECT_THAT(failure(bytes), HasSubstr("unsupported-encoding: ")) << bytes;
  }
}

TEST(StreamReader, ReportsAMistakeBeforeTheStanzaIsComplete) {
  for (const std::string_view bytes :
       {"<a></b", "<a>\x01", "<a>\xC0", "<a>]]>", "<a b='' b=", "<a>&#1;", "<a><p:b>", "<a><!-"}) {
    EXPECT_NE(failure(bytes), "") << bytes;
  }
}

TEST(StreamReader, StaysFailed) {
  StreamReader reader = in_stream();
  std::string_view input = "<a></b><c/>";
  ASSERT_EQ(reader.next(input), Event::error);
  EXPECT_EQ(input, "");
  EXPECT_EQ(next(reader, "<c/>"), Event::error);
  EXPECT_EQ(reader.error().code, Errc::not_well_formed);
}

TEST(StreamReader, NamesTheLimitThatIsCrossed) {
  const auto too = [](Limits limits, std::string_view bytes, std::string_view name) {
    EXPECT_THAT(failure(bytes, limits), HasSubstr("policy-violation: more than " + std::string(name))) << bytes;
  };
  const auto fits = [](Limits limits, std::string_view bytes) { EXPECT_EQ(failure(bytes, limits), "") << bytes; };
  const std::size_t header = kHeader.size();
  const std::string exactly = "<a>" + std::string(header - 7, 'x') + "</a>";

  fits({.stanza_bytes = header}, exactly);
  too({.stanza_bytes = header}, "<a>x" + exactly.substr(3), "stanza_bytes");
  too({.stanza_bytes = header}, "<a>" + std::string(header - 3, ' '), "stanza_bytes");
  fits({.depth = 2}, "<a><b/></a><a><b></b></a>");
  too({.depth = 2}, "<a><b><c>", "depth");
  fits({.elements = 3}, "<a><b/><c/></a><a><b/><c/></a>");
  too({.elements = 3}, "<a><b/><c/><d/></a>", "elements");
  fits({.attributes = 3}, "<a b='' c='' xmlns=''/>");
  too({.attributes = 3}, "<a b='' c='' xmlns='' d=''/>", "attributes");
  fits({.namespaces = 4}, "<a xmlns:p='1'><b xmlns='2'/><b xmlns='2'/></a>");
  too({.namespaces = 4}, "<a xmlns:p='1'><b xmlns='2'><c xmlns='3'/></b></a>", "namespaces");
  fits({.name_bytes = 13}, "<a234567890123 b234567890123=''></a234567890123>");
  too({.name_bytes = 13}, "<a2345678901234/>", "name_bytes");
  too({.name_bytes = 13}, "<a a2345678901234=''/>", "name_bytes");
}

TEST(StreamReader, BoundsWhatAStanzaGrowsToWhenItIsWrittenAgain) {
  StreamReader reader = in_stream({.stanza_bytes = 300}, "<s xmlns:p='" + std::string(100, 'u') + "'>");
  EXPECT_EQ(next(reader, "<a><p:b/><p:b/></a>"), Event::stanza);
  EXPECT_EQ(next(reader, "<a><p:b/><p:b/><p:b/></a>"), Event::error);
  EXPECT_EQ(reader.stream_error(), StreamError::policy_violation);
}

TEST(StreamReader, GrowsItsLimitsAfterLogin) {
  StreamReader reader = in_stream({.depth = 1});
  ASSERT_EQ(next(reader, "<a/>"), Event::stanza);
  reader.set_limits({.depth = 2});
  EXPECT_EQ(next(reader, "<a><b/></a>"), Event::stanza);
}

TEST(StreamReader, MovesWithAConnectionToAnotherCore) {
  StreamReader reader = in_stream();
  ASSERT_EQ(next(reader, "<message><bo"), Event::need_more);

  Event event = Event::error;
  std::string inner;
  std::thread([&inner, &event, moved = std::move(reader)]() mutable {
    event = next(moved, "dy/></message>");
    inner = moved.stanza().inner;
  }).join();

  EXPECT_EQ(event, Event::stanza);
  EXPECT_EQ(inner, "<body/>");
}

}  // namespace
}  // namespace anser::xml
