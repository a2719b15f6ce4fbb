// Our reader against expat, over documents of every kind, cut at every byte. The judge is tests/fuzz/xml_judge.h.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/xml_judge.h"
#include "xml/chars.h"

namespace anser::xml {
namespace {

// Pieces of content, right and wrong.
constexpr std::string_view kPieces[] = {
    "",
    " ",
    "text",
    "a &lt; b",
    "&amp;&gt;&apos;&quot;",
    "&#65;&#x41;&#x1F600;",
    "&#10;&#13;",
    "&#0;",
    "&#8;",
    "&#x0;",
    "&#xD7FF;",
    "&#xD800;",
    "&#xDFFF;",
    "&#xE000;",
    "&#xFFFD;",
    "&#xFFFE;",
    "&#xFFFF;",
    "&#x10FFFF;",
    "&#x110000;",
    "&#99999999999999999999;",
    "&#;",
    "&#x;",
    "&#X41;",
    "&#6 5;",
    "&#65",
    "&amp",
    "& ",
    "&",
    "&lt ;",
    "&LT;",
    "&nbsp;",
    "&a:b;",
    "&1;",
    "&#000000000000065;",
    "]]",
    "]]]",
    "]]>",
    "]]]>",
    "] ]>",
    "]>",
    "a]]>b",
    "<![CDATA[]]>",
    "<![CDATA[<&>]]>",
    "<![CDATA[]]]]>",
    "<![CDATA[]]]]]]>x",
    "<![CDATA[ ]]>]]",
    "<![CDATA[\x01]]>",
    "<![CDATA[",
    "<![CDATA",
    "<![cdata[]]>",
    "<![",
    "<!",
    "<!-- c -->",
    "<!--",
    "<?pi x?>",
    "<?xml version='1.0'?>",
    "<!DOCTYPE a>",
    "<!ELEMENT a>",
    "\r\n",
    "\r",
    "a\r\r\nb",
    "\x7F",
    "\x01",
    "\x1F",
    "\x0B",
    "\xC2\x80",
    "\xC3\xA9",
    "\xE4\xBD\xA0\xE5\xA5\xBD",
    "\xF0\x9F\x98\x80",
    "\xEF\xBB\xBF",
    "\xEF\xBF\xBD",
    "\xEF\xBF\xBE",
    "\xC0\x80",
    "\xC1\x81",
    "\xE0\x80\x80",
    "\xED\xA0\x80",
    "\xED\x9F\xBF",
    "\xF0\x80\x80\x80",
    "\xF4\x8F\xBF\xBF",
    "\xF4\x90\x80\x80",
    "\xF8\x88\x80\x80\x80",
    "\xFE",
    "\xFF",
    "\x80",
    "\xC3",
    "\xE4\xBD",
    "\xF0\x9F\x98",
    "\xC3 ",
    "\xE4\xBD ",
    "\xF0\x9F\x98 ",
    "<b/>",
    "<b />",
    "<b></b>",
    "<b></b >",
    "<b\n></b\t>",
    "<b></ b>",
    "< b/>",
    "<b/ >",
    "<b",
    "<b/",
    "</",
    "<",
    "<b></b",
    "<b></c>",
    "<b></bb>",
    "<bb></b>",
    "<b><c></b></c>",
    "<b/><b/>",
    "<b c='d'/>",
    "<b c=\"d\"/>",
    "<b c = 'd' />",
    "<b\nc='d'\te='f'\r\n/>",
    "<b c='d'e='f'/>",
    "<b c='d' c='e'/>",
    "<b c='d' C='e'/>",
    "<b c/>",
    "<b c=/>",
    "<b c=d/>",
    "<b c='d/>",
    "<b c='d\"/>",
    "<b c='\"'/>",
    "<b c=\"'\"/>",
    "<b c='<'/>",
    "<b c='>'/>",
    "<b c='&lt;&#60;'/>",
    "<b c='&'/>",
    "<b c='&x;'/>",
    "<b c='&#9;\t&#10;\n\r\n\r'/>",
    "<b c='\x01'/>",
    "<b c='\xC3\xA9'/>",
    "<b c='\xC3'/>",
    "<b c='\xEF\xBF\xBF'/>",
    "<b c='1' d='2' e='3' f='4' g='5'/>",
    "<1/>",
    "<-b/>",
    "<.b/>",
    "<_b/>",
    "<b1-.2/>",
    "<b!/>",
    "<b 1='2'/>",
    "<b \xC3\xA9='2'/>",
    "<\xC3\xA9/>",
    "<b\xC2\xB7/>",
    "<\xC2\xB7/>",
    "<\xE4\xBD\xA0/>",
    "<\xD0\x96:\xD0\x96 xmlns:\xD0\x96='u'/>",
    "<b\xE2\x82\xAC/>",
    "<b\xF0\x9F\x98\x80/>",
    "<b\xC3",
    "<b\xFF/>",
    "<p:b/>",
    "<p:b xmlns:p='u'/>",
    "<b xmlns:p='u'><p:c/><p:c p:d='1'/></b>",
    "<b xmlns:p='u'/><p:b/>",
    "<b p:c='1'/>",
    "<b xmlns:p='u' p:c='1' c='2'/>",
    "<b xmlns:p='u' xmlns:q='u' p:c='' q:c=''/>",
    "<b xmlns:p='u' xmlns:q='v' p:c='' q:c=''/>",
    "<b xmlns:p='u' xmlns:p='v'/>",
    "<b xmlns='u' xmlns='u'/>",
    "<b xmlns=''/>",
    "<b xmlns='u'><c xmlns=''><d/></c></b>",
    "<b xmlns:p=''/>",
    "<:b/>",
    "<b:/>",
    "<b:c:d/>",
    "<b :c=''/>",
    "<b c:=''/>",
    "<b xmlns:=''/>",
    "<b xmlns:1='u'/>",
    "<b xmlns:c:d='u'/>",
    "<p:1 xmlns:p='u'/>",
    "<xmlns:b/>",
    "<b xmlns:xmlns='u'/>",
    "<b xmlns:xml='u'/>",
    "<b xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
    "<b xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
    "<b xmlns='http://www.w3.org/XML/1998/namespace'/>",
    "<b xmlns='http://www.w3.org/2000/xmlns/'/>",
    "<b xmlns:p='http://www.w3.org/2000/xmlns/'/>",
    "<xml:b/>",
    "<b xml:lang='de' xml:space='x'/>",
    "<b xml:lang='' xml:lang=''/>",
    "<b xmlns='&#117;'/>",
    "<b xmlns=' u\t'/>",
    "<b xmlns='\"&apos;&lt;&amp;'><c/></b>",
    "<XML/>",
    "<xmlfoo/>",
    "<b xmlfoo='1'/>",
    "<b></b></a>",
    "</b>",
    "</stream>",
    "<s:b/>",
    "<s:b><c/></s:b>",
    "<b s:c='1'/>",
    "<b><c><s:d/></c></b>",
    "<s:b xmlns:s='v'/>",
    "<b s:c='1'/>t<b s:c='2'><s:s s:s=''/></b>",
    "<b xmlns='jabber:client'/>",
    "<b xmlns='jabber:client'><s:c/><d/></b>",
    "<d:b/>",
    "<d:b><c/></d:b>",
    "<c xmlns='urn:d'><d:e/></c>",
};

// Where a piece may stand: before, after.
struct Place {
  std::string_view before, after;
};
constexpr Place kPlaces[] = {
    {"", ""},
    {"<s:s xmlns:s='urn:s' xmlns='jabber:client' xmlns:d='urn:d'>", "</s:s>"},
    {"<s:s xmlns:s='urn:s' xmlns='jabber:client' xmlns:d='urn:d'><m to='x'>", "</m></s:s>"},
    {"<s:s xmlns:s='urn:s' xmlns='urn:d' xmlns:d='jabber:client'><d:m xmlns:s='urn:t'>", "</d:m></s:s>"},
    {"<s:s xmlns:s='urn:s'><d:m xmlns:d='jabber:client'><n>", "</n> <n/></d:m></s:s>"},
};

// From RFC 6120 and the protocols that every client speaks; the prologue as it comes.
constexpr std::string_view kDocuments[] = {
    "<?xml version='1.0'?><stream:stream from='juliet@im.example.com' to='im.example.com' version='1.0' xml:lang='en' "
    "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><message from='juliet@im.example.com' "
    "to='romeo@example.net' xml:lang='en'><body>Art thou not Romeo, and a Montague?</body></message></stream:stream>",
    "<stream xmlns='http://etherx.jabber.org/streams' version='1.0'><message "
    "xmlns='jabber:client'><body>foo</body></message>"
    "</stream>",
    "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><foo:message xmlns:foo='jabber:client'><foo:body>x"
    "</foo:body></foo:message></stream:stream>",
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features><starttls "
    "xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features><proceed "
    "xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>",
    "<stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'><stream:error><xml-not-well-formed "
    "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xml:lang='en' xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Some "
    "special "
    "text</text><escape-your-data xmlns='http://example.com/ns'/></stream:error></stream:stream>",
    "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
    "<db:result to='a' from='b'>key</db:result><message><db:x/><body/></message></stream:stream>",
    "<a",
    "<a>",
    "<a/>",
    " <a/>",
    "\n\t\r\n<a> </a> \n",
    "<a></a></a>",
    "<a></a>x",
    "x<a/>",
    "\x01<a/>",
    "&amp;<a/>",
    "</a>",
    "<a></b>",
    "<a/><a/>",
    "<p:a/>",
    "<p:a xmlns:p='u'></p:a>",
    "<p:a xmlns:p='u'></a>",
    "<a b='1' b='2'>",
    "<a b='&lt;'>",
    "<?xml version='1.0'?><a/>",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>",
    "<?xml version='1.0' encoding='utf-8'?><a/>",
    "<?xml version='1.0' encoding='Utf-8' standalone='no' ?><a/>",
    "<?xml version='1.0' standalone='yes'?><a/>",
    "<?xml  version = '1.0'\tencoding\n=\r'UTF-8'?><a/>",
    "<?xml version='1.0' standalone='maybe'?><a/>",
    "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>",
    "<?xml encoding='UTF-8'?><a/>",
    "<?xml?><a/>",
    "<?xml ?><a/>",
    "<?xml version='1.1'?><a/>",
    "<?xml version='2.0'?><a/>",
    "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
    "<?xml version='1.0' encoding='UTF-16'?><a/>",
    "<?xml version='1.0' encoding=''?><a/>",
    "<?xml version='1.0'encoding='UTF-8'?><a/>",
    "<?xml version=1.0?><a/>",
    "<?xml version='1.0\"?><a/>",
    "<?xml version='1.0' ?",
    "<?xml version='1.0'?",
    "<?xml",
    "<?x",
    "<?",
    "<?xml version='1.0'?"
    "?><a/>",
    "<?xml version='1.0' foo='bar'?><a/>",
    "<?XML version='1.0'?><a/>",
    "<?xmlish?><a/>",
    "<?xml:a?><a/>",
    "<?xml\x01",
    "<?xml version='\xFF",
    " <?xml version='1.0'?><a/>",
    "<?xml version='1.0'?><?xml version='1.0'?><a/>",
    "<?xml version='1.0'?> <!-- c --><a/>",
    "<!DOCTYPE a><a/>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]><a><c>&b;</c></a>",
    "<!-- c --><a/>",
    "<![CDATA[x]]><a/>",
    "\xEF\xBB\xBF<a/>",
    "\xEF\xBB",
    "\xFF\xFE<",
    "\xFE\xFF",
    "\xC3\xA9<a/>",
};

std::string complaint_about(std::string_view bytes) {
  const judge::Reading whole = judge::read(bytes, {});
  if (!whole.same_as(judge::read(bytes, judge::every_byte(bytes.size())))) return "something else byte by byte";
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    if (!whole.same_as(judge::read(bytes, {cut}))) return "something else when cut at " + std::to_string(cut);
  }
  const judge::Reading tight = judge::read(bytes, {}, judge::kTightLimits);
  if (!tight.same_as(judge::read(bytes, judge::every_byte(bytes.size()), judge::kTightLimits))) {
    return "something else byte by byte, within tight limits: " + tight.error;
  }
  std::string complaint = judge::judge_document(bytes, whole);
  if (complaint.empty()) complaint = judge::judge_alone(bytes);
  StreamReader reader = judge::message_reader();
  return complaint.empty() ? judge::judge_message(bytes, reader) : complaint;
}

TEST(StreamReaderAndExpat, AgreeOnEveryPieceInEveryPlace) {
  for (const Place& place : kPlaces) {
    for (const std::string_view piece : kPieces) {
      const std::string document = std::string(place.before) + std::string(piece) + std::string(place.after);
      EXPECT_EQ(complaint_about(document), "") << document;
    }
  }
}

TEST(StreamReaderAndExpat, AgreeOnWholeDocuments) {
  for (const std::string_view document : kDocuments) EXPECT_EQ(complaint_about(document), "") << document;
}

TEST(StreamReaderAndExpat, AgreeOnTheFuzzersCorpus) {
  int documents = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ANSER_TEST_DATA "/../fuzz/corpus/xml")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(complaint_about(bytes), "") << entry.path();
    ++documents;
  }
  EXPECT_GT(documents, 20);
}

TEST(StreamReaderAndExpat, AgreeOnEveryByteAnywhere) {
  const std::string_view document = "<a><b c='d'>e&lt;<![CDATA[f]]></b></a>";
  for (std::size_t at = 0; at < document.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed(document);
      changed[at] = static_cast<char>(byte);
      const judge::Reading whole = judge::read(changed, {});
      EXPECT_EQ(judge::judge_document(changed, whole), "") << at << " " << byte;
      EXPECT_TRUE(whole.same_as(judge::read(changed, judge::every_byte(changed.size())))) << at << " " << byte;
    }
  }
}

TEST(StreamReaderAndExpat, AgreeOnEveryCharacterThatWeTakeInNames) {
  std::string document = "<r>";
  int names = 0;
  for (char32_t code = 0x80; code <= 0xFFFF; ++code) {
    if (!is_name_character(code)) continue;
    document += is_name_start(code) ? "<" : "<a";
    append_utf8(document, code);
    document += "/>";
    ++names;
  }
  document += "</r>";

  const judge::Reading ours = judge::read(document, {});

  EXPECT_EQ(ours.last, StreamReader::Event::end) << ours.error;
  EXPECT_FALSE(judge::ask_expat(document, true).failed);
  EXPECT_EQ(ours.stanzas.size(), static_cast<std::size_t>(names));
  EXPECT_GT(names, 30000);
}

// A judge that never complains would prove nothing.
TEST(XmlJudge, NoticesWhatIsDifferent) {
  const std::string_view document = "<a><b c='d'>x<e/></b></a>";
  const judge::Reading right = judge::read(document, {});
  ASSERT_EQ(judge::judge_document(document, right), "");
  const auto complains = [document, &right](auto change) {
    judge::Reading wrong = right;
    change(wrong);
    return !judge::judge_document(document, wrong).empty() || !wrong.same_as(right);
  };

  EXPECT_TRUE(complains([](judge::Reading& r) { r.header = "<|b"; }));
  EXPECT_TRUE(complains([](judge::Reading& r) { r.stanzas.clear(); }));
  EXPECT_TRUE(complains([](judge::Reading& r) { r.stanzas[0].tag = "<|b |c=e"; }));
  EXPECT_TRUE(complains([](judge::Reading& r) { r.stanzas[0].inner = "y<e/>"; }));
  EXPECT_TRUE(complains([](judge::Reading& r) { r.stanzas[0].children.clear(); }));
  EXPECT_TRUE(complains([](judge::Reading& r) { r.stanzas[0].children[0].raw = "<e>"; }));
  EXPECT_FALSE(judge::judge_document("<a>]]></a>", right).empty());
  judge::Reading refused;
  refused.last = StreamReader::Event::error;
  EXPECT_FALSE(judge::judge_document(document, refused).empty());
}

}  // namespace
}  // namespace anser::xml
