#include "core/precis.h"

#include <gtest/gtest.h>

#include <optional>

#include "core/text.h"

namespace anser::core {
namespace {

std::string encode(char32_t c) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
  if (c < 0x10000) return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
  return {byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
}

// "-" for what is refused: a username can be "-" too, but none below is.
std::string username(std::string_view text) { return username_case_mapped(text).value_or("-"); }
std::string opaque(std::string_view text) { return opaque_string(text).value_or("-"); }

TEST(Precis, TakesTheUserpartsOfRfc8265) {
  EXPECT_EQ(username("juliet@example.com"), "juliet@example.com");
  EXPECT_EQ(username("fussball"), "fussball");
  EXPECT_EQ(username("fu\u00dfball"), "fu\u00dfball");
  EXPECT_EQ(username("\u03c0"), "\u03c0");
  EXPECT_EQ(username("\u03a3"), "\u03c3");
  EXPECT_EQ(username("\u03c3"), "\u03c3");
  EXPECT_EQ(username("\u03c2"), "\u03c2");
}

TEST(Precis, RefusesTheNonUserpartsOfRfc8265) {
  EXPECT_EQ(username("foo bar"), "-");
  EXPECT_EQ(username(""), "-");
  EXPECT_EQ(username("henry\u2163"), "-");
  EXPECT_EQ(username("\u221e"), "-");
}

TEST(Precis, TakesThePasswordsOfRfc8265) {
  EXPECT_EQ(opaque("correct horse battery staple"), "correct horse battery staple");
  EXPECT_EQ(opaque("Correct Horse Battery Staple"), "Correct Horse Battery Staple");
  EXPECT_EQ(opaque("\u03c0\u00df\u00e5"), "\u03c0\u00df\u00e5");
  EXPECT_EQ(opaque("Jack of \u2666s"), "Jack of \u2666s");
  EXPECT_EQ(opaque("foo\u1680bar"), "foo bar");
}

TEST(Precis, RefusesTheNonPasswordsOfRfc8265) {
  EXPECT_EQ(opaque(""), "-");
  EXPECT_EQ(opaque("my cat is a \tby"), "-");
}

TEST(Precis, MapsWidthCaseAndCompositionOfUsernames) {
  EXPECT_EQ(username("Juliet"), "juliet");
  EXPECT_EQ(username("\uff2a\uff35liet\uff10"), "juliet0");  // fullwidth
  EXPECT_EQ(username("\uff76\uff9e"), "\u30ac");             // halfwidth ka and voice mark, composed
  EXPECT_EQ(username("\u00d6mer"), "\u00f6mer");
  EXPECT_EQ(username("O\u0308mer"), "\u00f6mer");
  EXPECT_EQ(username("\u0130"), "i\u0307");                                     // the one letter that becomes two
  EXPECT_EQ(username("\u039f\u0394\u039f\u03a3"), "\u03bf\u03b4\u03bf\u03c3");  // no special case at the end of a word
  EXPECT_EQ(username("\U00010400"), "\U00010428");                              // Deseret, past the 16 bits
  EXPECT_EQ(username("\uff20"), "@");  // the caller looks for what it forbids afterwards
  EXPECT_EQ(username("\u1e9e"), "\u00df");
}

TEST(Precis, KeepsWidthAndCaseOfOpaqueStrings) {
  EXPECT_EQ(opaque("\uff2a\u00dcliet"), "\uff2a\u00dcliet");
  EXPECT_EQ(opaque("cafe\u0301"), "caf\u00e9");
  EXPECT_EQ(opaque("a\u00a0b\u2003c\u3000d"), "a b c d");
  EXPECT_EQ(opaque("\u05d0\u05d1 abc"), "\u05d0\u05d1 abc");  // both directions
  EXPECT_EQ(opaque("\u212b"), "\u00c5");                      // Angstrom
}

TEST(Precis, DerivesThePropertiesOfRfc8264) {
  const auto is = [](char32_t c, CodePoint property) { EXPECT_EQ(derived_property(c), property) << std::hex << +c; };
  is(0x00, CodePoint::disallowed);
  is(0x20, CodePoint::free_pvalid);
  is(0x21, CodePoint::pvalid);
  is(0x7e, CodePoint::pvalid);
  is(0x7f, CodePoint::disallowed);
  is(0xa0, CodePoint::free_pvalid);  // compatibility comes first
  is(0xad, CodePoint::disallowed);   // ignorable
  is(0xb7, CodePoint::contexto);
  is(0xdf, CodePoint::pvalid);
  is(0xd7, CodePoint::free_pvalid);   // symbol
  is(0x1c5, CodePoint::free_pvalid);  // titlecase, has a compatibility form
  is(0x378, CodePoint::unassigned);
  is(0x3c2, CodePoint::pvalid);
  is(0x640, CodePoint::disallowed);
  is(0x660, CodePoint::contexto);
  is(0x6fd, CodePoint::pvalid);
  is(0x6fe, CodePoint::pvalid);
  is(0x7fa, CodePoint::disallowed);
  is(0xf0b, CodePoint::pvalid);
  is(0x1100, CodePoint::disallowed);  // old Hangul
  is(0x1160, CodePoint::disallowed);
  is(0x11a8, CodePoint::disallowed);
  is(0x200b, CodePoint::disallowed);
  is(0x200c, CodePoint::contextj);
  is(0x200d, CodePoint::contextj);
  is(0x2028, CodePoint::disallowed);  // line separator: none of the classes
  is(0x2163, CodePoint::free_pvalid);
  is(0x265a, CodePoint::free_pvalid);
  is(0x3007, CodePoint::pvalid);
  is(0x302e, CodePoint::disallowed);
  is(0x30fb, CodePoint::contexto);
  is(0xac00, CodePoint::pvalid);
  is(0xd800, CodePoint::disallowed);
  is(0xe000, CodePoint::disallowed);  // private use
  is(0xfdd0, CodePoint::disallowed);  // noncharacter
  is(0xff21, CodePoint::free_pvalid);
  is(0x20000, CodePoint::pvalid);
  is(0xe0100, CodePoint::disallowed);  // variation selector
  is(0x10ffff, CodePoint::disallowed);
}

TEST(Precis, AsksTheContext) {
  // A.1 and A.2: joiners behind a virama, or between letters that join.
  EXPECT_NE(username("\u0915\u094d\u200c\u0937"), "-");
  EXPECT_NE(username("\u0915\u094d\u200d\u0937"), "-");
  EXPECT_NE(username("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"), "-");  // Persian
  EXPECT_NE(username("\u0628\u064e\u200c\u064e\u0628"), "-");                    // marks in between
  EXPECT_EQ(username("a\u200cb"), "-");
  EXPECT_EQ(username("a\u200db"), "-");
  EXPECT_EQ(username("\u0627\u200c\u0628"), "-");  // alef does not join to the left
  EXPECT_EQ(username("\u200c"), "-");
  EXPECT_EQ(username("\u0628\u200c"), "-");
  // A.3: the Catalan dot.
  EXPECT_EQ(username("col\u00b7lapse"), "col\u00b7lapse");
  EXPECT_EQ(username("a\u00b7l"), "-");
  EXPECT_EQ(username("l\u00b7"), "-");
  EXPECT_EQ(username("\u00b7l"), "-");
  // A.4: the Greek numeral sign.
  EXPECT_EQ(username("\u0375\u03b1"), "\u0375\u03b1");
  EXPECT_EQ(username("\u0375a"), "-");
  EXPECT_EQ(username("\u03b1\u0375"), "-");
  // A.5 and A.6: Hebrew punctuation.
  EXPECT_EQ(username("\u05d0\u05f3"), "\u05d0\u05f3");
  EXPECT_EQ(username("\u05d0\u05f4\u05d1"), "\u05d0\u05f4\u05d1");
  EXPECT_EQ(username("a\u05f3"), "-");
  EXPECT_EQ(username("\u05f4\u05d0"), "-");
  // A.7: the Katakana dot needs company.
  EXPECT_EQ(username("\u30a2\u30fb\u30a4"), "\u30a2\u30fb\u30a4");
  EXPECT_EQ(username("\u30fb\u4e2d"), "\u30fb\u4e2d");
  EXPECT_EQ(username("a\u30fbb"), "-");
  EXPECT_EQ(opaque("\u30fb"), "-");
  // A.8 and A.9: two kinds of digits do not mix.
  EXPECT_EQ(opaque("\u0661\u0662"), "\u0661\u0662");
  EXPECT_EQ(opaque("\u06f1\u06f2"), "\u06f1\u06f2");
  EXPECT_EQ(opaque("\u0661 \u06f2"), "-");
  EXPECT_EQ(opaque("\u06f1 \u0662"), "-");
}

TEST(Precis, KeepsTheBidiRuleForUsernames) {
  EXPECT_EQ(username("\u05d0\u05d1\u05d2"), "\u05d0\u05d1\u05d2");
  EXPECT_EQ(username("\u0627\u0628"), "\u0627\u0628");
  EXPECT_EQ(username("\u05d01"), "\u05d01");            // ends in a European digit
  EXPECT_EQ(username("\u0627\u0661"), "\u0627\u0661");  // or an Arabic one
  EXPECT_EQ(username("\u05d0\u05b0"), "\u05d0\u05b0");  // and marks
  EXPECT_EQ(username("\u05d0.\u05d1"), "\u05d0.\u05d1");
  EXPECT_EQ(username("1\u05d0"), "-");  // 1: the first must have a direction
  EXPECT_EQ(username("\u0661\u0627"), "-");
  EXPECT_EQ(username("\u05d0a"), "-");        // 2: nothing from left to right
  EXPECT_EQ(username("\u05d0."), "-");        // 3: the end
  EXPECT_EQ(username("\u06271\u0661"), "-");  // 4: one kind of digits
  EXPECT_EQ(username("a\u05d0"), "-");        // 5
  EXPECT_EQ(username("a\u05d0a"), "-");
  EXPECT_EQ(username("a1\u00e9"), "a1\u00e9");  // no right-to-left, no rule
}

TEST(Precis, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(username("\xff"), "-");
  EXPECT_EQ(username("a\xc0\x80"), "-");
  EXPECT_EQ(opaque("\xed\xa0\x80"), "-");
  EXPECT_EQ(opaque("\xe2\x82"), "-");
}

// Every code point alone, beside a letter and beside a combining mark: what a profile made it makes again.
TEST(Precis, IsIdempotent) {
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const bool one_is_like_the_next = (c >= 0x3400 && c < 0xd7a0) || c >= 0x12000;  // ideographs, syllables, planes
    if (one_is_like_the_next && c % 16 != 0) continue;
    const std::string alone = encode(c);
    for (const std::string& text : {alone, "a" + alone, alone + "\u0301", "\u0915" + alone}) {
      const auto name = username_case_mapped(text);
      if (name) {
        ASSERT_EQ(username_case_mapped(*name), name) << std::hex << +c;
      }
      const auto free = opaque_string(text);
      if (free) {
        ASSERT_EQ(opaque_string(*free), free) << std::hex << +c;
        ASSERT_TRUE(is_xml_text(*free)) << std::hex << +c;
      }
    }
  }
}

TEST(Precis, SaysWhatIsWrong) {
  EXPECT_EQ(username_case_mapped("a\u265a").error().message, "U+265A may not stand there");
  EXPECT_EQ(username_case_mapped("").error().code, Errc::not_acceptable);
}

// The fast path and the long road agree wherever both can be asked.
TEST(Precis, ReadsAsciiAsIcuDoes) {
  for (char c = 1; c != 0x7f; ++c) {
    const std::string ascii{'x', c, 'x'}, longer = ascii + "\u00e9";
    const auto name = username_case_mapped(ascii), long_name = username_case_mapped(longer);
    ASSERT_EQ(name.has_value(), long_name.has_value()) << +c;
    if (name) {
      EXPECT_EQ(*name + "\u00e9", *long_name);
    }
    const auto free = opaque_string(ascii), long_free = opaque_string(longer);
    ASSERT_EQ(free.has_value(), long_free.has_value()) << +c;
    if (free) {
      EXPECT_EQ(*free + "\u00e9", *long_free);
    }
  }
}

}  // namespace
}  // namespace anser::core
