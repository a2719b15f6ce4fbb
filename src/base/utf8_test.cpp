#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace anser {
namespace {

TEST(Utf8, TextCutAnywhereIsTheSameText) {
  const std::string text =
      "ascii, more than eight; \xc2\xa2\xd0\xb6 \xe0\xa0\x80\xed\x9f\xbf \xf0\x90\x80\x80\xf4\x8f\xbf\xbf and ascii "
      "again";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Check check;

    EXPECT_TRUE(check.take(std::string_view{text}.substr(0, cut)));
    const bool between = cut == text.size() || (static_cast<unsigned char>(text[cut]) & 0xc0) != 0x80;
    EXPECT_EQ(check.whole(), between) << cut;
    EXPECT_TRUE(check.take(std::string_view{text}.substr(cut)));
    EXPECT_TRUE(check.whole());
  }
}

TEST(Utf8, WhatIsWrongIsRefusedAtTheFirstOctetThatCannotStandThere) {
  for (const std::string bad : {"\x80", "\xc0", "\xc1", "\xc2\x41", "\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90",
                                "\xf5", "\xff", "\xe4\xbd\xff", "\xf0\x90\x80\xc0"}) {
    Utf8Check check;
    const std::string_view right = std::string_view{bad}.substr(0, bad.size() - 1);

    EXPECT_TRUE(check.take(right));
    EXPECT_FALSE(check.take(static_cast<unsigned char>(bad.back())));
    EXPECT_FALSE(is_utf8("eight and more " + bad));
  }
}

TEST(Utf8, ACharacterThatIsCutOffIsNoText) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("\xe4\xbd\xa0"));
  EXPECT_FALSE(is_utf8("\xe4\xbd"));
  EXPECT_FALSE(is_utf8("eight and more \xf0\x9f\xaa"));
}

}  // namespace
}  // namespace anser
