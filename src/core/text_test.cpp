#include "core/text.h"

#include <gtest/gtest.h>

#include <string>

#include "core/utf8.h"

namespace anser::core {
namespace {

// The textbook way, to judge the fast one.
std::string encode(char32_t c) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
  if (c < 0x10000) return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
  return {byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
}

TEST(Text, KnowsEveryCodePointThereIs) {
  for (char32_t c = 0; c < 0x11'0800; ++c) {
    const std::string text = encode(c);
    const bool scalar = c < 0x110000 && !(c >= 0xd800 && c < 0xe000);
    const bool xml = scalar && c != 0xfffe && c != 0xffff && (c >= 0x20 || c == 9 || c == 10 || c == 13);
    ASSERT_EQ(is_utf8(text), scalar) << std::hex << static_cast<unsigned>(c);
    ASSERT_EQ(is_xml_text(text), xml) << std::hex << static_cast<unsigned>(c);
    if (scalar) {
      std::size_t at = 0;
      ASSERT_EQ(next_code_point(text, at), c);
      ASSERT_EQ(at, text.size());
    }
  }
}

TEST(Text, RefusesOverlongAndBrokenSequences) {
  for (const char* bytes : {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
                            "\xf0\x8f\xbf\xbf", "\xf5\x80\x80\x80", "\xff", "\xfe", "\x80", "\xbf", "\xc3", "\xe2\x82",
                            "\xf0\x9f\x98", "\xc3(", "\xe2(\xa1", "\xe2\x82(", "\xf0(\x8c\xbc", "\xf0\x90(\xbc"}) {
    EXPECT_FALSE(is_utf8(bytes));
    EXPECT_FALSE(is_xml_text(bytes));
    EXPECT_FALSE(is_utf8(std::string{"eight or more, then "} + bytes));
    EXPECT_FALSE(is_xml_text(std::string{"eight or more, then "} + bytes + " and more than eight again"));
  }
}

TEST(Text, FindsOneBadOctetWhereverItStands) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, ' ');
      ASSERT_TRUE(is_xml_text(text));
      text[at] = '\x01';
      ASSERT_FALSE(is_xml_text(text)) << at << " of " << size;
      ASSERT_TRUE(is_utf8(text));
      text[at] = '\x80';
      ASSERT_FALSE(is_xml_text(text)) << at << " of " << size;
      ASSERT_FALSE(is_utf8(text)) << at << " of " << size;
    }
  }
}

TEST(Text, AcceptsWhatPeopleWrite) {
  EXPECT_TRUE(is_xml_text(""));
  EXPECT_TRUE(is_xml_text("wilt thou be gone?\r\n\tit is not yet near day"));
  EXPECT_TRUE(is_xml_text("大雁 \xf0\x9f\xa6\xa2 Graugänse, гуси \x7f"));
}

}  // namespace
}  // namespace anser::core
