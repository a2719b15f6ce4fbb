#include "sdk/programs/text.h"

#include <gtest/gtest.h>

#include <clocale>

namespace anser::programs {
namespace {

class Text : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(std::setlocale(LC_CTYPE, "C.UTF-8")); }
};

const std::wstring kFamily = L"\U0001F469\u200D\U0001F469\u200D\U0001F467";
const std::wstring kAccent = L"e\u0301";

TEST_F(Text, KnowsUtf8FromWhatOnlyLooksLikeIt) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("hello, 你好 👩‍👩‍👧"));
  EXPECT_FALSE(is_utf8("\xC0\xAF"));          // not the shortest form
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // a surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\xE4\xBD"));          // cut off
  EXPECT_FALSE(is_utf8("\x80"));
}

TEST_F(Text, GoesToWideCharactersAndBack) {
  const std::string text = "aé你👩";

  EXPECT_EQ(widen(text), L"a\u00e9\u4f60\U0001F469");
  EXPECT_EQ(narrow(widen(text)), text);
}

TEST_F(Text, ShowsNoEscapeSequence) {
  EXPECT_EQ(shown("\x1b[31mred\x1b]0;title\x07"), "<U+001B>[31mred<U+001B>]0;title<U+0007>");
  EXPECT_EQ(shown("\xC2\x9B"
                  "31m"),
            "<U+009B>31m");
  EXPECT_EQ(shown("\x7F\b"), "<U+007F><U+0008>");
}

TEST_F(Text, ShowsNothingThatTurnsTheDirection) {
  EXPECT_EQ(shown("abc\u202Etxt.exe"), "abc<U+202E>txt.exe");
  EXPECT_EQ(shown("\u2066\u2069\u200F\u061C"), "<U+2066><U+2069><U+200F><U+061C>");
}

TEST_F(Text, ShowsBytesThatAreNoTextAsNumbers) { EXPECT_EQ(shown("a\xFF\xC3(b"), "a<FF><C3>(b"); }

TEST_F(Text, LeavesLettersOfAllLanguagesAlone) {
  for (const char* text : {"你好", "שלום", "👩‍👩‍👧", "नमस्ते", "é", "e\u0301"}) EXPECT_EQ(shown(text), text);
}

TEST_F(Text, KeepsLinesApartOrJoinsThem) {
  EXPECT_EQ(shown_lines("a\r\nb\n\tc"), (std::vector<std::string>{"a", "b", "    c"}));
  EXPECT_EQ(shown("a\nb"), "a b");
  EXPECT_EQ(shown("a\rb"), "a<U+000D>b");
  EXPECT_EQ(shown("a\u2028b"), "a<U+2028>b");
}

TEST_F(Text, MeasuresColumns) {
  EXPECT_EQ(columns_of("hello"), 5u);
  EXPECT_EQ(columns_of("你好"), 4u);
  EXPECT_EQ(columns_of("👍"), 2u);
  EXPECT_EQ(columns_of("e\u0301"), 1u);
  EXPECT_EQ(columns_of(kFamily), 6u);  // as the C library and so the terminal's cursor has it
}

TEST_F(Text, FitsTextIntoColumnsWithoutCuttingACharacter) {
  EXPECT_EQ(fitted("hello", 5), "hello");
  EXPECT_EQ(fitted("hello", 4), "hel…");
  EXPECT_EQ(fitted("你好吗", 6), "你好吗");
  EXPECT_EQ(fitted("你好吗", 4), "你…");
  EXPECT_EQ(fitted("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  EXPECT_EQ(fitted("abc", 0), "");
  EXPECT_EQ(padded("你", 4), "你  ");
}

TEST_F(Text, StepsOverWholeCharacters) {
  const std::wstring text = L"a" + kFamily + kAccent + L"b";

  EXPECT_EQ(character_after(text, 0), 1u);
  EXPECT_EQ(character_after(text, 1), 1 + kFamily.size());
  EXPECT_EQ(character_before(text, 1 + kFamily.size()), 1u);
  EXPECT_EQ(character_before(text, text.size() - 1), 1 + kFamily.size());
  EXPECT_EQ(character_before(text, 0), 0u);
  EXPECT_EQ(character_after(text, text.size()), text.size());
}

TEST_F(Text, StepsOverSkinTonesAndFlagsAsPeopleSeeThem) {
  const std::wstring thumb = L"\U0001F44D\U0001F3FD";
  const std::wstring flags = L"\U0001F1E9\U0001F1EA\U0001F1E8\U0001F1F3";  // two of them

  EXPECT_EQ(character_before(thumb, 2), 0u);
  EXPECT_EQ(character_before(flags, 4), 2u);
  EXPECT_EQ(character_before(flags, 2), 0u);
  EXPECT_EQ(character_after(flags, 0), 2u);
}

TEST_F(Text, FindsTheCursorsPlaceInAWrappedLine) {
  EXPECT_EQ(place_after(L"abc", 10), (Place{0, 3}));
  EXPECT_EQ(place_after(L"abcdefghij", 10), (Place{1, 0}));
  EXPECT_EQ(place_after(L"abcdefghijk", 10), (Place{1, 1}));
  EXPECT_EQ(place_after(L"你好", 3), (Place{1, 2}));  // half of the second would stand in the last column
  EXPECT_EQ(place_after(kAccent, 10), (Place{0, 1}));
}

}  // namespace
}  // namespace anser::programs
