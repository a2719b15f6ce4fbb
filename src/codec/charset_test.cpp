#include "codec/charset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unicode/ucnv.h>

#include <string>

#include "base/utf8.h"

namespace anser::codec {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

TEST(Charset, ReadsGbkWhateverItIsCalled) {
  for (const char* name :
       {"gbk", "GBK", "gb2312", "GB2312", "GB18030", "windows-936", "cp936", "csGB2312", "chinese"}) {
    EXPECT_EQ(to_utf8("\xC4\xE3\xBA\xC3.txt", name), "你好.txt") << name;
  }
}

TEST(Charset, ReadsGbkBeyondGb2312UnderItsName) {
  EXPECT_EQ(to_utf8("\x81\x5C\x95\x7C", "gb2312"), "乗晐");  // second bytes that are \ and |
  EXPECT_EQ(to_utf8("\x95\x32\x82\x36", "gb2312"), "𠀀");    // GB18030, four bytes
  for (const char* name : {"gbk", "gb2312", "gb18030"}) {
    EXPECT_EQ(to_utf8("\x80 1\xC4\xE3\x80\x80\xFF", name), "€ 1你€€\xEF\xBF\xBD") << name;
  }
}

TEST(Charset, ReadsOthersThatFormsAreWrittenIn) {
  EXPECT_EQ(to_utf8("\xA7\x41\xA6\x6E", "big5"), "你好");
  EXPECT_EQ(to_utf8("\x83\x5C\x83\x74\x83\x67", "shift_jis"), "ソフト");
  EXPECT_EQ(to_utf8("\xA5\xBD\xA5\xD5\xA5\xC8", "euc-jp"), "ソフト");
  EXPECT_EQ(to_utf8("\xBE\xC8\xB3\xE7", "euc-kr"), "안녕");
  EXPECT_EQ(to_utf8("\xEF\xF0\xE8\xE2\xE5\xF2", "windows-1251"), "привет");
  EXPECT_EQ(to_utf8("\x80 na\xEFve", "iso-8859-1"), "€ naïve");
  EXPECT_EQ(to_utf8("\x80", "us-ascii"), "€");
}

TEST(Charset, RefusesWhatIsNoSupersetOfAscii) {
  for (const char* name :
       {"utf-7", "utf-16", "utf-16le", "utf-32", "iso-2022-jp", "iso-2022-cn", "iso-2022-kr", "hz-gb-2312",
        "ebcdic-cp-us", "ibm-1047", "scsu", "bocu-1", "imap-mailbox-name", "cesu-8", "lmbcs-1"}) {
    EXPECT_FALSE(is_charset(name)) << name;
    EXPECT_EQ(to_utf8("x", name), std::nullopt) << name;
  }
}

TEST(Charset, RefusesNamesThatAreNone) {
  for (const std::string& name : {std::string{"no-such"}, std::string{"../../etc/passwd"}, std::string{"gbk,locale=x"},
                                  std::string(500, 'x'), std::string{"gb\0k", 4}, std::string{" "}}) {
    EXPECT_FALSE(is_charset(name)) << name;
  }
}

TEST(Charset, TakesAnEmptyNameForUtf8) {
  EXPECT_TRUE(is_charset(""));
  EXPECT_EQ(to_utf8("na\xC3\xAFve", ""), "naïve");
  EXPECT_EQ(to_utf8("na\xC3\xAFve", "UTF8"), "naïve");
  EXPECT_EQ(to_utf8("na\xC3\xAFve", "unicode-1-1-utf-8"), "naïve");
}

TEST(Charset, ReplacesWhatIsNoTextOfTheCharset) {
  const std::string r = kReplacement;
  EXPECT_EQ(to_utf8("a\xFF"
                    "b",
                    "utf-8"),
            "a" + r + "b");
  EXPECT_EQ(to_utf8("\xE4\xBD", "utf-8"), r);
  EXPECT_EQ(to_utf8("\xE4\xBD\xE4\xBD\xA0\xC0\x80", "utf-8"), r + "你" + r + r);
  EXPECT_EQ(to_utf8("\xED\xA0\x80", "utf-8"), r + r + r);
  EXPECT_EQ(to_utf8("\x81\"", "gbk"), r + "\"");  // no character ends with a quote
  EXPECT_EQ(to_utf8("a\xC4", "gbk"), "a" + r);
}

TEST(Charset, GivesUtf8ForEveryPairOfBytesOfEveryCharset) {
  for (const char* name :
       {"gbk", "big5", "shift_jis", "euc-jp", "euc-kr", "windows-1252", "koi8-r", "utf-8", "euc-tw", "big5-hkscs"}) {
    ASSERT_TRUE(is_charset(name)) << name;
    for (int first = 0; first < 256; ++first) {
      for (int second = 0; second < 256; ++second) {
        const std::string bytes{static_cast<char>(first), static_cast<char>(second)};
        ASSERT_TRUE(is_utf8(*to_utf8(bytes, name))) << name << ' ' << first << ' ' << second;
      }
    }
  }
}

// What ends a name, a parameter or a line stays where it is, whatever stands before it, in all that ICU has; else a
// header would say something else after it has been decoded. The second byte of a character begins with 0x30.
TEST(Charset, LeavesWhatDividesAHeaderInEveryCharset) {
  int known = 0;
  for (std::int32_t i = 0; i < ucnv_countAvailable(); ++i) {
    const std::string name = ucnv_getAvailableName(i);
    if (!is_charset(name)) continue;
    ++known;
    for (const std::string shift : {"\x0E", "\x0F", "\x1B$B", "\x1B", "~{", "+", "&"}) {
      const std::string text = *to_utf8("\xFF" + shift + "a\"; =\r\n<", name);
      EXPECT_TRUE(text.ends_with(shift + "a\"; =\r\n<")) << name << ": " << text;
    }
    for (int lead = 0x80; lead < 0x100; ++lead) {
      for (const char divider : std::string_view{"\r\n\t \"%&'*+,-./"}) {
        const std::string text = *to_utf8(std::string{static_cast<char>(lead), divider, 'a'}, name);
        EXPECT_TRUE(text.ends_with(std::string{divider, 'a'})) << name << ' ' << lead << ' ' << divider;
      }
    }
  }
  EXPECT_GT(known, 50);
}

TEST(Charset, ReadsLongTextsInPieces) {
  std::string bytes = "x", text = "x";  // so that characters lie across the borders of pieces
  while (bytes.size() < 3'000'000) {
    bytes += "\x95\x32\x82\x36\xC4\xE3\x81\x5C";
    text += "𠀀你乗";
  }
  EXPECT_TRUE(to_utf8(bytes, "gb18030") == text);
}

TEST(Charset, RemembersMoreCharsetsThanItKeepsOpen) {
  for (int round = 0; round < 2; ++round) {
    for (int page = 1250; page < 1259; ++page) EXPECT_TRUE(is_charset("windows-" + std::to_string(page)));
    EXPECT_EQ(to_utf8("\xC4\xE3", "gbk"), "你");
  }
}

TEST(Charset, BelievesUtf8BeforeTheNameThatAFormHas) {
  EXPECT_EQ(guess_utf8("你好", "gbk"), "你好");
  EXPECT_EQ(guess_utf8("\xC4\xE3\xBA\xC3", "gbk"), "你好");
  EXPECT_EQ(guess_utf8("na\xC3\xAFve", "windows-1252"), "naïve");
  EXPECT_EQ(guess_utf8("na\xEFve", "windows-1252"), "naïve");
}

TEST(Charset, DoesNotTakeShortGbkForUtf8) {
  EXPECT_EQ(guess_utf8("\xD2\xBB.txt", "gb2312"), "一.txt");
  EXPECT_EQ(guess_utf8("\xD2\xBB.txt", ""), "һ.txt");
}

TEST(Charset, GuessesUtf8IfThereIsNoSuchCharset) {
  EXPECT_EQ(guess_utf8("na\xC3\xAFve", "no-such"), "naïve");
  EXPECT_EQ(guess_utf8("na\xEFve", "utf-7"), std::string{"na"} + kReplacement + "ve");
}

}  // namespace
}  // namespace anser::codec
