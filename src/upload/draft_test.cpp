#include "upload/draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::upload {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

net::HttpRequest request_with(std::vector<std::pair<std::string, std::string>> fields) {
  net::HttpRequest request;
  request.method = "PATCH";
  request.fields = std::move(fields);
  return request;
}

TEST(DraftRequest, IsWhatItsFieldsSay) {
  auto request = request_with({{"upload-complete", "?1"},
                               {"upload-offset", "100"},
                               {"upload-length", "150"},
                               {"content-type", "Application/Partial-Upload; x=y"},
                               {"upload-draft-interop-version", "8"}});
  request.content_length = 50;

  const auto said = draft_request(request);

  EXPECT_EQ(said.complete, true);
  EXPECT_EQ(said.offset, 100u);
  EXPECT_EQ(said.length, 150u);
  EXPECT_EQ(said.content_length, 50u);
  EXPECT_EQ(said.type, kPartialUpload);
  EXPECT_TRUE(said.knows_us);
}

TEST(DraftRequest, PassesOverFieldsOfAnotherType) {
  const auto said = draft_request(request_with({{"upload-complete", "1"},
                                                {"upload-offset", "-1"},
                                                {"upload-length", "1.0"},
                                                {"upload-draft-interop-version", "?1"}}));

  EXPECT_FALSE(said.complete || said.offset || said.length || said.knows_us);
}

TEST(DraftRequest, PassesOverAFieldThatComesTwice) {
  const auto said = draft_request(request_with({{"upload-complete", "?1"}, {"upload-complete", "?1"}}));

  EXPECT_FALSE(said.complete);
}

TEST(DraftRequest, KnowsUsOnlyInThisVersion) {
  EXPECT_FALSE(draft_request(request_with({})).knows_us);
  EXPECT_FALSE(draft_request(request_with({{"upload-draft-interop-version", "7"}})).knows_us);
  EXPECT_FALSE(draft_request(request_with({{"upload-draft-interop-version", "9"}})).knows_us);
}

TEST(DraftRequest, HasAnEmptyBodyIfNothingSaysOtherwise) {
  auto chunked = request_with({});
  chunked.chunked = true;

  EXPECT_EQ(draft_request(request_with({})).content_length, 0u);
  EXPECT_EQ(draft_request(chunked).content_length, std::nullopt);
}

struct LengthCase {
  std::optional<bool> complete;
  std::optional<std::uint64_t> length, content_length, known;
  std::optional<std::uint64_t> expected;
};

TEST(LengthBy, IsWhatAllAgreeOn) {
  constexpr auto kNone = std::nullopt;
  for (const LengthCase& c : {
           LengthCase{true, 150, 50, 150, 150},
           LengthCase{true, kNone, 50, kNone, 150},
           LengthCase{true, kNone, kNone, kNone, kNone},  // chunked: its end will say
           LengthCase{true, 150, kNone, kNone, 150},
           LengthCase{true, kNone, kNone, 150, 150},
           LengthCase{false, kNone, 50, kNone, kNone},
           LengthCase{false, 150, 50, kNone, 150},
           LengthCase{false, 150, 20, 150, 150},
           LengthCase{false, kNone, 50, 150, 150},
           LengthCase{false, 100, 0, kNone, 100},
           LengthCase{true, kNone, 0, 100, 100},
       }) {
    const auto length = length_by(
        {.complete = c.complete, .offset = 100, .length = c.length, .content_length = c.content_length, .type = {}},
        100, c.known);

    ASSERT_TRUE(length);
    EXPECT_EQ(*length, c.expected);
  }
}

TEST(LengthBy, IsRefusedWhereTheyContradict) {
  constexpr auto kNone = std::nullopt;
  for (const LengthCase& c : {
           LengthCase{true, 151, 50, kNone, {}},              // Upload-Length and Content-Length
           LengthCase{true, kNone, 50, 151, {}},              // an earlier request and Content-Length
           LengthCase{true, 150, 50, 151, {}},                // an earlier request and both
           LengthCase{false, 150, 20, 151, {}},               // an earlier request and Upload-Length
           LengthCase{false, 120, 50, kNone, {}},             // goes past it
           LengthCase{false, kNone, 51, 150, {}},             // goes past it
           LengthCase{false, 99, 0, kNone, {}},               // more has come
           LengthCase{true, 99, kNone, kNone, {}},            // more has come
           LengthCase{true, 150, ~std::uint64_t{0}, 150, {}}  // no overflow
       }) {
    const auto length = length_by(
        {.complete = c.complete, .offset = 100, .length = c.length, .content_length = c.content_length, .type = {}},
        100, c.known);

    ASSERT_FALSE(length);
    EXPECT_EQ(length.error().status, 400u);
    EXPECT_EQ(length.error().type, kInconsistentLength);
    EXPECT_THAT(length.error().fields, Contains(Pair("upload-complete", "?0")));
  }
}

const DraftRequest kAppend{
    .complete = false, .offset = 100, .length = {}, .content_length = 50, .type = std::string{kPartialUpload}};

TEST(RefusalOfAppend, IsNoneForWhatFits) { EXPECT_FALSE(refusal_of_append(kAppend, 100, false)); }

TEST(RefusalOfAppend, IsOfAnotherType) {
  auto said = kAppend;
  said.type = "application/octet-stream";

  EXPECT_EQ(refusal_of_append(said, 100, false)->status, 415u);
}

TEST(RefusalOfAppend, IsOfWhatDoesNotSayItsOffsetOrWhetherItIsTheEnd) {
  auto no_offset = kAppend, no_end = kAppend;
  no_offset.offset = {};
  no_end.complete = {};

  EXPECT_EQ(refusal_of_append(no_offset, 100, false)->status, 400u);
  EXPECT_EQ(refusal_of_append(no_end, 100, false)->status, 400u);
}

// The draft's example: the resource's offset was 12500000, but the client attempted to append at 25000000.
TEST(RefusalOfAppend, TellsTheRightOffset) {
  auto said = kAppend;
  said.offset = 25000000;

  const auto problem = refusal_of_append(said, 12500000, false);

  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->status, 409u);
  EXPECT_EQ(problem->type, kMismatchingOffset);
  EXPECT_THAT(problem->fields, ElementsAre(Pair("upload-offset", "12500000"), Pair("upload-complete", "?0")));
  EXPECT_THAT(problem->numbers, ElementsAre(Pair("expected-offset", 12500000), Pair("provided-offset", 25000000)));
}

TEST(RefusalOfAppend, IsOfMoreForAnUploadThatIsWhole) {
  auto more = kAppend, not_the_end = kAppend, again = kAppend;
  more.complete = true;
  not_the_end.content_length = 0;
  again.complete = true;
  again.content_length = 0;

  EXPECT_EQ(refusal_of_append(more, 100, true)->status, 409u);
  EXPECT_EQ(refusal_of_append(not_the_end, 100, true)->status, 409u);
  EXPECT_FALSE(refusal_of_append(again, 100, true));  // its answer was lost
}

TEST(UploadLimit, IsADictionary) {
  EXPECT_EQ(upload_limit(1234567890, std::chrono::seconds{3600}),
            "max-size=1234567890, max-append-size=1234567890, min-size=0, max-age=3600");
  EXPECT_EQ(upload_limit(~std::uint64_t{0}, std::chrono::seconds{-5}),
            "max-size=999999999999999, max-append-size=999999999999999, min-size=0, max-age=0");
}

}  // namespace
}  // namespace anser::upload
