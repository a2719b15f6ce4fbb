#include "upload/tus_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::upload {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(TusMetadata, HasTheProtocolsExample) {
  const auto metadata = parse_tus_metadata("filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential");

  ASSERT_TRUE(metadata);
  EXPECT_THAT(*metadata, ElementsAre(Pair("filename", "world_domination_plan.pdf"), Pair("is_confidential", "")));
}

TEST(TusMetadata, MayHaveEmptyValuesWithAndWithoutASpace) {
  const auto metadata = parse_tus_metadata("a ,b,c YQ==");

  ASSERT_TRUE(metadata);
  EXPECT_THAT(*metadata, ElementsAre(Pair("a", ""), Pair("b", ""), Pair("c", "a")));
}

TEST(TusMetadata, MayComeInSeveralFields) {
  const auto metadata = parse_tus_metadata("a YQ==, b Yg==");

  ASSERT_TRUE(metadata);
  EXPECT_THAT(*metadata, ElementsAre(Pair("a", "a"), Pair("b", "b")));
}

TEST(TusMetadata, MayBeEmpty) {
  const auto metadata = parse_tus_metadata("");

  ASSERT_TRUE(metadata);
  EXPECT_THAT(*metadata, IsEmpty());
}

TEST(TusMetadata, IsRefusedWhenItIsNone) {
  for (const auto* field : {",", "a YQ==,", ",a YQ==", "a YQ==,,b Yg==", "a YQ==,a Yg==", "a,a", "a YQ",
                            "a YR==", "a Y=Q=", "a YQ== YQ==", "a  YQ==", " , ", "a b c"})
    EXPECT_FALSE(parse_tus_metadata(field)) << field;
}

TEST(FirstOf, PrefersTheFirstKey) {
  const TusMetadata metadata{{"name", "b"}, {"filename", "a"}, {"type", "c"}};

  EXPECT_EQ(first_of(metadata, "filename", "name"), "a");
  EXPECT_EQ(first_of(metadata, "filetype", "type"), "c");
  EXPECT_EQ(first_of(metadata, "x", "y"), "");
}

TEST(ParseCount, TakesDigitsAndNothingElse) {
  EXPECT_EQ(parse_count("0"), 0u);
  EXPECT_EQ(parse_count("9223372036854775807"), 9223372036854775807u);
  for (const auto* field :
       {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1, 1", "9223372036854775808", "99999999999999999999"})
    EXPECT_FALSE(parse_count(field)) << field;
}

TEST(ParseFinal, HasTheIdsInOrderAndMayNameOneTwice) {
  const auto ids = parse_final("final;/uploads/a https://host.example:5443/uploads/b-_9 /uploads/a");

  ASSERT_TRUE(ids);
  EXPECT_THAT(*ids, ElementsAre("a", "b-_9", "a"));
}

TEST(ParseFinal, IsRefusedWhenItIsNone) {
  for (const auto* concat :
       {"", "final", "final;", "partial", "final;/files/a", "final;a", "final;/uploads/", "final;/uploads/a/b",
        "final;/uploads/a  /uploads/b", "final;/uploads/a?x", "final;/uploads/..", "Final;/uploads/a"})
    EXPECT_FALSE(parse_final(concat)) << concat;
}

TEST(UploadIdIn, IsAShortNameOfOurAlphabet) {
  EXPECT_EQ(upload_id_in("/uploads/abc_DEF-123"), "abc_DEF-123");
  EXPECT_EQ(upload_id_in("/uploads/" + std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(upload_id_in("/uploads/" + std::string(65, 'a')), "");
  for (const auto* address : {"/uploads", "/uploads/", "/uploads/a/", "/uploads/a.b", "/uploads/a%20", "uploads/a"})
    EXPECT_EQ(upload_id_in(address), "") << address;
}

}  // namespace
}  // namespace anser::upload
