#include "xml/escape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::xml {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

std::string escaped_attribute(std::string_view value) {
  std::string out;
  append_escaped_attribute(out, value);
  return out;
}

TEST(Escape, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(escaped("wilt thou be gone? \t\n 'it' is \"not\" 你好"), "wilt thou be gone? \t\n 'it' is \"not\" 你好");
  EXPECT_EQ(escaped(""), "");
}

TEST(Escape, TakesTheMeaningOutOfMarkup) { EXPECT_EQ(escaped("a<b>&]]>"), "a&lt;b&gt;&amp;]]&gt;"); }

TEST(Escape, KeepsACarriageReturnThatAReaderWouldTurnIntoALineFeed) { EXPECT_EQ(escaped("a\r\n"), "a&#13;\n"); }

TEST(Escape, KeepsWhiteSpaceAndQuotesInAttributes) {
  EXPECT_EQ(escaped_attribute("<'\">&\t\n\r"), "&lt;&apos;&quot;&gt;&amp;&#9;&#10;&#13;");
}

// Sixteen octets are looked at together.
TEST(Escape, FindsWhatToReplaceWhereverItStands) {
  for (std::size_t size = 1; size < 50; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      text[at] = '<';
      EXPECT_EQ(escaped(text), text.substr(0, at) + "&lt;" + text.substr(at + 1));
      text[at] = '\'';
      EXPECT_EQ(escaped(text), text);
      EXPECT_EQ(escaped_attribute(text), text.substr(0, at) + "&apos;" + text.substr(at + 1));
      text[at] = '\x7f';
      EXPECT_EQ(escaped_attribute(text), text);
      text[at] = '\x80';
      EXPECT_EQ(escaped_attribute(text), text);
    }
  }
  EXPECT_EQ(escaped(std::string(20, '\'') + "&" + std::string(20, '"') + "\r"),
            std::string(20, '\'') + "&amp;" + std::string(20, '"') + "&#13;");
}

TEST(Escape, AppendsToWhatIsThere) {
  std::string out = "a&";
  append_escaped(out, "b&");
  EXPECT_EQ(out, "a&b&amp;");
}

TEST(AppendAttribute, WritesTheNamespaceWithTheName) {
  std::string out;
  append_attribute(out, {"", "to"}, "a'b");
  append_attribute(out, {kXmlNs, "lang"}, "en");
  append_attribute(out, {"urn:<x>", "y"}, "z", 7);
  EXPECT_EQ(out, " to='a&apos;b' xml:lang='en' xmlns:ns7='urn:&lt;x&gt;' ns7:y='z'");
}

TEST(LegalText, IsWhatXmlCanCarry) {
  EXPECT_TRUE(is_legal_text(""));
  EXPECT_TRUE(is_legal_text("wherefore art thou\t\r\n\x7F"));
  EXPECT_TRUE(is_legal_text("é 你 😀 \xEF\xBF\xBD \xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF"));
}

TEST(LegalText, HasNoControlCharacters) {
  EXPECT_FALSE(is_legal_text(std::string_view("a\0b", 3)));
  for (char c = 1; c < 0x20; ++c) {
    EXPECT_EQ(is_legal_text(std::string("a long enough line, and then: ") + c), c == '\t' || c == '\n' || c == '\r');
  }
}

TEST(LegalText, IsUtf8AndNothingElse) {
  for (const std::string_view bad : {"\x80",
                                     "\xC0\x80",
                                     "\xC1\xBF",
                                     "\xE0\x9F\xBF",
                                     "\xED\xA0\x80",
                                     "\xED\xBF\xBF",
                                     "\xF0\x8F\xBF\xBF",
                                     "\xF4\x90\x80\x80",
                                     "\xF5\x80\x80\x80",
                                     "\xFF",
                                     "\xFE",
                                     "\xE4\xBD",
                                     "\xC3",
                                     "\xF0\x9F\x98",
                                     "\xC3\x28",
                                     "\xE4\x28\xA0",
                                     "\xE4\xBD\x28",
                                     "\xF0\x28\x98\x80",
                                     "\xF0\x9F\x28\x80",
                                     "\xF0\x9F\x98\x28",
                                     "\xEF\xBF\xBE",
                                     "\xEF\xBF\xBF"}) {
    EXPECT_FALSE(is_legal_text(bad)) << testing::PrintToString(bad);
    EXPECT_FALSE(is_legal_text(std::string(bad) + "a")) << testing::PrintToString(bad);
  }
}

}  // namespace
}  // namespace anser::xml
