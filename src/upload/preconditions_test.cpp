#include "upload/preconditions.h"

#include <gtest/gtest.h>

namespace anser::upload {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

const Time kNow{std::chrono::seconds{1'795'000'000}};
// Its date is Sun, 06 Nov 1994 08:49:37 GMT, and half a second more.
const Validators kFile{.tag = "\"abc\"", .modified = Time{std::chrono::milliseconds{784'111'777'500}}};
constexpr auto kThen = "Sun, 06 Nov 1994 08:49:37 GMT", kBefore = "Sun, 06 Nov 1994 08:49:36 GMT",
               kLater = "Sun, 06 Nov 1994 08:49:38 GMT";

net::HttpRequest request(Fields fields) {
  net::HttpRequest made;
  made.method = "GET";
  made.fields = std::move(fields);
  return made;
}
Verdict verdict(Fields fields) { return verdict_of(request(std::move(fields)), kFile, kNow); }

TEST(Preconditions, WithoutAnyItGoesOn) { EXPECT_EQ(verdict({}), Verdict::go_on); }

TEST(Preconditions, WhoHasThisTagHasTheFile) {
  for (const auto* tags : {R"("abc")", R"(W/"abc")", R"("x", "abc")", R"("x" , W/"abc","y")", "*", R"("a,b", "abc")"})
    EXPECT_EQ(verdict({{"if-none-match", tags}}), Verdict::not_modified) << tags;
  for (const auto* tags : {R"("ab")", R"("abcd")", "abc", "", R"("abc)", R"(x"abc")", R"("x""abc")", R"("x";"abc")"})
    EXPECT_EQ(verdict({{"if-none-match", tags}}), Verdict::go_on) << tags;
}

TEST(Preconditions, WhoMeansAnotherTagGetsNothing) {
  EXPECT_EQ(verdict({{"if-match", R"("abc")"}}), Verdict::go_on);
  EXPECT_EQ(verdict({{"if-match", "*"}}), Verdict::go_on);
  EXPECT_EQ(verdict({{"if-match", R"("x")"}}), Verdict::failed);
  EXPECT_EQ(verdict({{"if-match", R"(W/"abc")"}}), Verdict::failed);
}

TEST(Preconditions, DatesCountInWholeSeconds) {
  EXPECT_EQ(verdict({{"if-modified-since", kThen}}), Verdict::not_modified);
  EXPECT_EQ(verdict({{"if-modified-since", kLater}}), Verdict::not_modified);
  EXPECT_EQ(verdict({{"if-modified-since", kBefore}}), Verdict::go_on);
  EXPECT_EQ(verdict({{"if-unmodified-since", kThen}}), Verdict::go_on);
  EXPECT_EQ(verdict({{"if-unmodified-since", kBefore}}), Verdict::failed);
}

TEST(Preconditions, ADateThatIsNoneIsNotThere) {
  EXPECT_EQ(verdict({{"if-modified-since", "yesterday"}}), Verdict::go_on);
  EXPECT_EQ(verdict({{"if-unmodified-since", "yesterday"}}), Verdict::go_on);
}

TEST(Preconditions, TagsCountBeforeDates) {
  EXPECT_EQ(verdict({{"if-none-match", R"("x")"}, {"if-modified-since", kLater}}), Verdict::go_on);
  EXPECT_EQ(verdict({{"if-match", R"("abc")"}, {"if-unmodified-since", kBefore}}), Verdict::go_on);
  EXPECT_EQ(verdict({{"if-match", R"("x")"}, {"if-none-match", R"("abc")"}}), Verdict::failed);
}

TEST(Preconditions, ARangeIsOfThisVersionOnly) {
  const auto counts = [](const char* text) { return range_counts(request({{"if-range", text}}), kFile, kNow); };
  EXPECT_TRUE(range_counts(request({}), kFile, kNow));
  EXPECT_TRUE(counts(R"("abc")"));
  EXPECT_TRUE(counts(kThen));
  for (const auto* text : {R"(W/"abc")", R"("x")", "abc", "*", "", kBefore, kLater, R"("abc", "x")"})
    EXPECT_FALSE(counts(text)) << text;
}

}  // namespace
}  // namespace anser::upload
