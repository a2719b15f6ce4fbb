#include "upload/structured_field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::upload {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(BooleanItem, IsAQuestionMarkAndADigit) {
  EXPECT_EQ(boolean_item("?1"), true);
  EXPECT_EQ(boolean_item("?0"), false);
  EXPECT_EQ(boolean_item("  ?1  "), true);
}

TEST(BooleanItem, MayHaveParametersThatDoNotCount) {
  EXPECT_EQ(boolean_item("?1;a=1; b;c=\"x\\\"y\";d=token/x;e=:aGk=:;f=?0;g=-1.5;h=@17;i=%\"f%c3%bc\""), true);
}

TEST(BooleanItem, IsNothingElse) {
  for (const auto* text : {"",         " ",         "1",        "0",         "true",          "?",
                           "?2",       "?1?",       "?1 ?1",    "?1,?1",     "?1, ?0",        "?1;",
                           "?1;=1",    "?1;A",      "?1;a=",    "?1 ;a",     "?1;a=\"",       "?1;a=\"\\x\"",
                           "?1;a=(1)", "?1;a=:aGk", "?1;a=:a:", "?1;a=@1.5", "?1;a=%\"%C3\"", "?1;a=%\"%c3\"",
                           "?1;a=%x",  "\t?1",      "?1\t",     "\"?1\"",    ":aGk=:"})
    EXPECT_EQ(boolean_item(text), std::nullopt) << text;
}

TEST(IntegerItem, HasFifteenDigitsAtMost) {
  EXPECT_EQ(integer_item("0"), 0);
  EXPECT_EQ(integer_item("42"), 42);
  EXPECT_EQ(integer_item("-42"), -42);
  EXPECT_EQ(integer_item("0042"), 42);
  EXPECT_EQ(integer_item("999999999999999"), 999999999999999);
  EXPECT_EQ(integer_item("1000000000000000"), std::nullopt);
}

TEST(IntegerItem, IsNothingElse) {
  for (const auto* text : {"", "-", "--1", "+1", "1.5", "1.", "1e3", "0x1", "1, 1", "1 1", "?1", "1a", "\"1\"", "@1"})
    EXPECT_EQ(integer_item(text), std::nullopt) << text;
}

TEST(ByteSequences, AreWhatADictionaryHas) {
  const auto digests = byte_sequences("sha-256=:aGVsbG8=:, sha-512=:d29ybGQ=:;x=1");

  ASSERT_TRUE(digests);
  EXPECT_THAT(*digests, ElementsAre(Pair("sha-256", "hello"), Pair("sha-512", "world")));
}

TEST(ByteSequences, NeedNoPadding) {
  const auto digests = byte_sequences("a=:aGVsbG8:");

  ASSERT_TRUE(digests);
  EXPECT_THAT(*digests, ElementsAre(Pair("a", "hello")));
}

TEST(ByteSequences, AreTheLastOfAKey) {
  const auto digests = byte_sequences("a=:aGVsbG8=:,b=1\t,\tb=:aGk=:, a=:d29ybGQ=:");

  ASSERT_TRUE(digests);
  EXPECT_THAT(*digests, ElementsAre(Pair("b", "hi"), Pair("a", "world")));
}

TEST(ByteSequences, MayBeNone) {
  const auto digests = byte_sequences("");

  ASSERT_TRUE(digests);
  EXPECT_THAT(*digests, IsEmpty());
}

TEST(ByteSequences, AreAllThatThereIs) {
  for (const auto* text : {"max-size=1", "flag", "a=:aGk=:, other;q=1", "list=(1 \"a\";x token);y, a=:aGk=:", "*=1.25",
                           "d=@1", "a=:aGk=:, a=1"})
    EXPECT_EQ(byte_sequences(text), std::nullopt) << text;
}

TEST(ByteSequences, AreNotInWhatIsNoDictionary) {
  for (const auto* text :
       {"a=:aGVsbG8=:,", ",", "a=", "a=:aGVsbG8=", "a=:aGVsbG8=: b", "A=1", "a=(1", "a=(1,2)", "a=(1)(2)", "a = 1",
        "a=:a:", "a=:aGVsbG9=:", "a=:aGVs bG8=:", "a=\"\x7f\"", "1=2", "a=(1 ;x)"})
    EXPECT_EQ(byte_sequences(text), std::nullopt) << text;
}

TEST(ByteSequence, IsWrittenBetweenColons) { EXPECT_EQ(byte_sequence("pretend"), ":cHJldGVuZA==:"); }

}  // namespace
}  // namespace anser::upload
