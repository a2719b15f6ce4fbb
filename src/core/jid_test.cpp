#include "core/jid.h"

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <unordered_set>

namespace anser::core {
namespace {

using testing::HasSubstr;

// What has two octets or three.
std::string encode(char32_t c) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
  return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
}

std::string parsed(std::string_view text) {
  const auto jid = Jid::parse(text);
  return jid ? jid->full() : "refused";
}

// ---- RFC 7622 §3.5 --------------------------------------------------------------------------------------------------

struct Legal {
  int number;
  const char *text, *local, *domain, *resource;
};

class Table1 : public testing::TestWithParam<Legal> {};

TEST_P(Table1, IsAnAddress) {
  const Legal& legal = GetParam();

  const auto jid = Jid::parse(legal.text);

  ASSERT_TRUE(jid) << jid.error().message;
  EXPECT_EQ(jid->local(), legal.local);
  EXPECT_EQ(jid->domain(), legal.domain);
  EXPECT_EQ(jid->resource(), legal.resource);
  EXPECT_EQ(Jid::make(legal.local, legal.domain, legal.resource), jid);
  EXPECT_EQ(Jid::parse(jid->full()), jid);
}

INSTANTIATE_TEST_SUITE_P(Rfc7622, Table1,
                         testing::Values(Legal{1, "juliet@example.com", "juliet", "example.com", ""},
                                         Legal{2, "juliet@example.com/foo", "juliet", "example.com", "foo"},
                                         Legal{3, "juliet@example.com/foo bar", "juliet", "example.com", "foo bar"},
                                         Legal{4, "juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"},
                                         Legal{5, "foo\\20bar@example.com", "foo\\20bar", "example.com", ""},
                                         Legal{6, "fussball@example.com", "fussball", "example.com", ""},
                                         Legal{7, "fu\u00dfball@example.com", "fu\u00dfball", "example.com", ""},
                                         Legal{8, "\u03c0@example.com", "\u03c0", "example.com", ""},
                                         Legal{9, "\u03a3@example.com/foo", "\u03c3", "example.com", "foo"},
                                         Legal{10, "\u03c3@example.com/foo", "\u03c3", "example.com", "foo"},
                                         Legal{11, "\u03c2@example.com/foo", "\u03c2", "example.com", "foo"},
                                         Legal{12, "king@example.com/\u265a", "king", "example.com", "\u265a"},
                                         Legal{13, "example.com", "", "example.com", ""},
                                         Legal{14, "example.com/foobar", "", "example.com", "foobar"},
                                         Legal{15, "a.example.com/b@example.net", "", "a.example.com",
                                               "b@example.net"}),
                         [](const auto& info) { return "Example" + std::to_string(info.param.number); });

class Table2 : public testing::TestWithParam<const char*> {};

TEST_P(Table2, IsNoAddress) {
  const auto jid = Jid::parse(GetParam());

  ASSERT_FALSE(jid) << jid->full();
  EXPECT_EQ(jid.error().code, Errc::jid_malformed);
}

INSTANTIATE_TEST_SUITE_P(Rfc7622, Table2,
                         testing::Values("\"juliet\"@example.com", "foo bar@example.com", "juliet@example.com/ foo",
                                         "@example.com/", "henry\u2163@example.com", "\u265a@example.com", "juliet@",
                                         "/foobar"));

// ---- the parts ------------------------------------------------------------------------------------------------------

TEST(Jid, RefusesWhatXmppForbidsInLocalParts) {
  for (const char c : std::string_view{"\"&':<> "}) {
    EXPECT_EQ(parsed(std::string{"a"} + c + "b@example.com"), "refused") << c;
    EXPECT_FALSE(prepare_local(std::string{"a"} + c));
  }
  EXPECT_FALSE(prepare_local("a/b"));
  EXPECT_FALSE(prepare_local("a@b"));
  EXPECT_EQ(parsed("a\uff20b@example.com"), "refused");  // a fullwidth @, and so on: what they become counts
  EXPECT_EQ(parsed("a\uff0fb@example.com"), "refused");
  EXPECT_EQ(parsed("a\uff1cb@example.com"), "refused");
  EXPECT_THAT(Jid::parse("a&b@example.com").error().message, HasSubstr("&"));
  EXPECT_EQ(parsed("a!#$%()*+,-.;=?[\\]^_`{|}~b@c"), "a!#$%()*+,-.;=?[\\]^_`{|}~b@c");
}

TEST(Jid, ReadsCaseAwayWhereItDoesNotCount) {
  EXPECT_EQ(parsed("Juliet@Example.COM/Balcony"), "juliet@example.com/Balcony");
  EXPECT_EQ(parsed("J\u00dcLIET@B\u00dcCHER.example/\u00dc"), "j\u00fcliet@b\u00fccher.example/\u00dc");
}

TEST(Jid, KeepsPartsWithinTheirLength) {
  const std::string most(kMaxJidPart, 'a'), more(kMaxJidPart + 1, 'a');

  EXPECT_EQ(parsed(most + "@b/" + most), most + "@b/" + most);
  EXPECT_EQ(parsed(more + "@b"), "refused");
  EXPECT_EQ(parsed("a@b/" + more), "refused");
  EXPECT_EQ(parsed("a@" + most), "refused");  // the DNS is stricter
  // What counts is the length once prepared: e and an accent become one letter of two octets.
  std::string apart, together;
  for (std::size_t i = 0; i < kMaxJidPart / 2; ++i) {
    apart += "e\u0301";
    together += "\u00e9";
  }
  EXPECT_EQ(prepare_resource(apart), together);
  EXPECT_EQ(prepare_local(apart), together);
  EXPECT_FALSE(prepare_resource(apart + "e\u0301"));
  EXPECT_FALSE(prepare_local(apart + "e\u0301"));
  EXPECT_EQ(parsed(std::string(kMaxJidInput + 1, 'a')), "refused");
  EXPECT_FALSE(prepare_local(std::string(kMaxJidInput + 1, 'a')));
  EXPECT_FALSE(prepare_domain(std::string(kMaxJidInput + 1, 'a')));
  EXPECT_FALSE(prepare_resource(std::string(kMaxJidInput + 1, 'a')));
}

TEST(Jid, RefusesEmptyParts) {
  for (const char* text : {"", "@", "/", "@/", "a@", "@b", "a@/c", "@b/c", "b/", "a@b/", ".", "a@."}) {
    EXPECT_EQ(parsed(text), "refused") << text;
  }
}

TEST(Jid, ResourcesMayHoldNearlyAnything) {
  EXPECT_EQ(parsed("a@b/c/d@e"), "a@b/c/d@e");
  EXPECT_EQ(parsed("a@b/\u00e9 \u3000x "), "a@b/\u00e9  x ");
  EXPECT_EQ(parsed("a@b/\u00a0x"), "refused");  // becomes a leading space
  EXPECT_EQ(parsed("a@b/x\ty"), "refused");
  EXPECT_EQ(parsed("a@b/x\x7fy"), "refused");
  EXPECT_EQ(parsed("a@b/\xff"), "refused");
}

// ---- domains --------------------------------------------------------------------------------------------------------

TEST(JidDomain, DropsOneTrailingDot) {
  EXPECT_EQ(parsed("a@example.com."), "a@example.com");
  EXPECT_EQ(parsed("a@example.com./c"), "a@example.com/c");
  EXPECT_EQ(parsed("a@b\u00fccher.example."), "a@b\u00fccher.example");
  EXPECT_EQ(parsed("a@b\u00fccher.example\u3002"), "a@b\u00fccher.example");  // another script's full stop
  EXPECT_EQ(parsed("a@example.com.."), "refused");
  EXPECT_EQ(parsed("a@example.com\u3002."), "refused");
  EXPECT_EQ(parsed("a@.example.com"), "refused");
  EXPECT_EQ(parsed("a@example..com"), "refused");
}

TEST(JidDomain, SpeaksIdna2008) {
  EXPECT_EQ(parsed("xn--bcher-kva.example"), "b\u00fccher.example");  // A-labels become U-labels
  EXPECT_EQ(parsed("XN--BCHER-KVA.example"), "b\u00fccher.example");
  EXPECT_EQ(parsed("fa\u00df.de"), "fa\u00df.de");  // non-transitional
  EXPECT_EQ(parsed("xn--fa-hia.de"), "fa\u00df.de");
  EXPECT_EQ(parsed("\uff45xample.com"), "example.com");  // fullwidth
  EXPECT_EQ(parsed("\u4f8b\u3048.\u30c6\u30b9\u30c8"), "\u4f8b\u3048.\u30c6\u30b9\u30c8");
  EXPECT_EQ(parsed("\u05d0\u05d1.example"), "\u05d0\u05d1.example");
  EXPECT_EQ(parsed("\u05d0b.example"), "refused");   // bidi rule
  EXPECT_EQ(parsed("a\u200cb.example"), "refused");  // joiner without context
  EXPECT_EQ(parsed("\u265a.example"), "refused");    // a symbol: UTS #46 would have taken it
  EXPECT_EQ(parsed("\U0001f4a9.example"), "refused");
  EXPECT_EQ(parsed("xn--ls8h.example"), "refused");  // the same, disguised
  EXPECT_EQ(parsed("xn--a.example"), "refused");     // not Punycode
  EXPECT_EQ(parsed("xn--.example"), "refused");
  EXPECT_EQ(parsed("ab--c.example"), "refused");    // reserved
  EXPECT_EQ(parsed("\u0301a.example"), "refused");  // begins with a mark
}

TEST(JidDomain, IsIdempotent) {
  std::size_t taken = 0;
  for (char32_t c = 0x80; c < 0x12000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const std::string text{fmt::format("a{0}b.{0}{0}", encode(c))};
    const auto once = prepare_domain(text);
    if (!once) continue;
    ++taken;
    ASSERT_EQ(prepare_domain(*once), once) << text;
  }
  EXPECT_GT(taken, 40'000u);
}

TEST(JidDomain, RefusesWhatIsNoHostname) {
  for (const char* domain : {"-a.b", "a-.b", "a_b", "a b", "a!b", "a:5222", "a@b", "a\"b", "\xff", "a\u0001b"}) {
    EXPECT_FALSE(prepare_domain(domain)) << domain;
  }
  EXPECT_EQ(parsed("a@b@c"), "refused");
}

TEST(JidDomain, KeepsTheLimitsOfDns) {
  const std::string label(63, 'a');
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');

  ASSERT_EQ(longest.size(), 253u);
  EXPECT_EQ(parsed("x@" + longest), "x@" + longest);
  EXPECT_EQ(parsed(longest + 'a'), "refused");
  EXPECT_EQ(parsed(label + 'a'), "refused");
  std::string umlauts;
  for (int i = 0; i < 60; ++i) umlauts += "\u00fc";  // 120 octets, but more than 63 in the form that DNS sees
  EXPECT_TRUE(prepare_domain(umlauts.substr(0, 80)));
  EXPECT_FALSE(prepare_domain(umlauts + umlauts));
}

TEST(JidDomain, TakesAddresses) {
  EXPECT_EQ(parsed("jojo@192.168.8.32"), "jojo@192.168.8.32");
  EXPECT_EQ(parsed("[::1]"), "[::1]");
  EXPECT_EQ(parsed("a@[2001:DB8:0:0:0:0:0:1]/c"), "a@[2001:db8::1]/c");  // equal addresses have equal text
  EXPECT_EQ(parsed("a@[::1]."), "a@[::1]");
  EXPECT_EQ(parsed("[fe80::1%25eth0]"), "[fe80::1%25eth0]");
  for (const char* bad :
       {"[]", "[::1", "::1", "[::g]", "[::1]x", "[1.2.3.4]", "[fe80::1%25]", "[fe80::1%eth0]", "[fe80::1%25a b]",
        "[v1.x]", "[", "[00000000000000000000000000000000000000000000000000001]"}) {
    EXPECT_EQ(parsed(bad), "refused") << bad;
  }
}

// ---- the value ------------------------------------------------------------------------------------------------------

TEST(Jid, IsEmptyUntilGivenAnAddress) {
  const Jid none;

  EXPECT_TRUE(none.empty());
  EXPECT_FALSE(none.is_bare());
  EXPECT_FALSE(none.is_domain());
  EXPECT_FALSE(none.has_local());
  EXPECT_EQ(none.full(), "");
  EXPECT_EQ(none.bare(), "");
  EXPECT_EQ(none.domain(), "");
  EXPECT_EQ(none.resource(), "");
  EXPECT_EQ(none, Jid{});
  EXPECT_EQ(none.to_bare(), none);
  EXPECT_FALSE(none.with_resource("x"));
}

TEST(Jid, GivesItsPartsAndSmallerAddresses) {
  const Jid full = Jid::parse("juliet@example.com/balcony").value();
  const Jid bare = full.to_bare(), domain = full.to_domain();

  EXPECT_EQ(full.bare(), "juliet@example.com");
  EXPECT_TRUE(full.has_local());
  EXPECT_TRUE(full.has_resource());
  EXPECT_FALSE(full.is_bare());
  EXPECT_FALSE(full.is_domain());
  EXPECT_EQ(bare, Jid::parse("juliet@example.com"));
  EXPECT_TRUE(bare.is_bare());
  EXPECT_FALSE(bare.is_domain());
  EXPECT_EQ(domain, Jid::parse("example.com"));
  EXPECT_EQ(domain.domain(), "example.com");
  EXPECT_EQ(domain.local(), "");
  EXPECT_TRUE(domain.is_bare());
  EXPECT_TRUE(domain.is_domain());
  EXPECT_FALSE(Jid::parse("example.com/x")->is_domain());
}

TEST(Jid, TakesAnotherResource) {
  const Jid jid = Jid::parse("juliet@example.com/balcony").value();

  EXPECT_EQ(jid.with_resource("tomb")->full(), "juliet@example.com/tomb");
  EXPECT_EQ(jid.with_resource("cafe\u0301")->resource(), "caf\u00e9");
  EXPECT_EQ(jid.to_domain().with_resource("a@b/c")->full(), "example.com/a@b/c");
  EXPECT_FALSE(jid.with_resource(""));
  EXPECT_FALSE(jid.with_resource(" x"));
  EXPECT_EQ(jid.with_resource("\t").error().code, Errc::jid_malformed);
}

TEST(Jid, ComparesAndHashesAsItsText) {
  const Jid a = Jid::parse("a@example.com").value(), b = Jid::parse("b@example.com").value();

  EXPECT_EQ(a, Jid::parse("A@EXAMPLE.com"));
  EXPECT_NE(a, b);
  EXPECT_LT(a, b);
  EXPECT_LT(a, a.with_resource("x").value());
  EXPECT_EQ((std::unordered_set<Jid>{a, b, a}.size()), 2u);
  EXPECT_EQ((std::set<Jid>{a, b, a}.size()), 2u);
  EXPECT_EQ(fmt::format("<{}>", b), "<b@example.com>");
}

TEST(Jid, IsEmptyAgainOnceMovedAway) {
  Jid from = Jid::parse("juliet@a-domain-of-some-length.example/balcony").value(), built{std::move(from)};
  Jid assigned = Jid::parse("romeo@example.com").value();

  EXPECT_EQ(from, Jid{});
  EXPECT_EQ(from.domain(), "");
  assigned = std::move(built);
  EXPECT_EQ(built, Jid{});
  EXPECT_EQ(built.local(), "");
  EXPECT_EQ(assigned.resource(), "balcony");
  Jid& itself = assigned;
  assigned = std::move(itself);
  EXPECT_EQ(assigned.local(), "juliet");
}

TEST(Jid, IsPlainWhenPreparingChangesNothing) {
  for (const char* const plain : {"example.com", "juliet@example.com", "juliet@example.com/Balcony", "a.b-c@h/r@s/t",
                                  "example.com/x", "10.0.0.1"}) {
    EXPECT_TRUE(is_plain_jid(plain)) << plain;
    EXPECT_EQ(Jid::parse(plain).value().full(), plain);
  }
  for (const char* const other :
       {"", "@example.com", "example.com/", "juliet@", "Juliet@example.com", "juliet@Example.com", "a b@example.com",
        "a\"b@example.com", "example.com/ x", "example.com.", "a@b@c", "fußball.example.com",
        "j\xc3\xbcliet@example.com", "example.com/\xc3\xbc", "xn--fuball-cta.example.com", "[::1]", "a@-b", "a@b..c"}) {
    EXPECT_FALSE(is_plain_jid(other)) << other;
  }
  const std::string longest(kMaxJidPart, 'x');
  EXPECT_TRUE(is_plain_jid(longest + "@h/" + longest));
  EXPECT_FALSE(is_plain_jid(longest + "x@h"));
  EXPECT_FALSE(is_plain_jid("h/x" + longest));
}

TEST(Jid, IsSmall) { EXPECT_LE(sizeof(Jid), 40u); }

}  // namespace
}  // namespace anser::core
