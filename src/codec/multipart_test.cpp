#include "codec/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/multipart_events.h"

namespace anser::codec {
namespace {

using Fault = MultipartReader::Fault;
using Limits = MultipartReader::Limits;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// However the body comes, the same, and the same as the slow reader says. Bodies are small; large ones have cuts near
// their ends only.
SeenBody read(std::string_view boundary, std::string_view body, Limits limits = {}) {
  const MultipartReader reader{boundary, limits};
  const SeenBody whole = read_multipart_in_steps(reader, body, body.size());
  for (const std::size_t step : {1u, 2u, 3u, 7u, 65'536u}) {
    EXPECT_EQ(read_multipart_in_steps(reader, body, step), whole) << "in pieces of " << step;
  }
  for (std::size_t cut = 1; cut < std::min<std::size_t>(body.size(), 700); ++cut) {
    const auto pieces = [&](std::size_t number) { return number == 0 ? cut : body.size(); };
    EXPECT_EQ(read_multipart(reader, body, pieces), whole) << "cut at " << cut;
  }
  const SlowMultipart slow{body, std::string{boundary}, limits};
  EXPECT_EQ(slow.complete(), whole.complete);
  EXPECT_EQ(slow.parts(), whole.ended());
  return whole;
}

std::vector<SeenPart> parts_of(std::string_view boundary, std::string_view body) {
  const SeenBody seen = read(boundary, body);
  EXPECT_TRUE(seen.complete) << seen.reason;
  return seen.parts;
}

void expect_refused(std::string_view body, Fault fault, std::string_view why, Limits limits = {}) {
  const SeenBody seen = read("b", body, limits);
  EXPECT_FALSE(seen.complete);
  EXPECT_EQ(seen.fault, fault);
  EXPECT_THAT(seen.reason, HasSubstr(why));
}

SeenPart field(std::string name, std::string value) { return {std::move(name), std::nullopt, "", std::move(value)}; }

SeenPart file(std::string name, std::string file_name, std::string type, std::string data) {
  return {std::move(name), std::move(file_name), std::move(type), std::move(data)};
}

std::string head(std::string_view name) {
  return "Content-Disposition: form-data; name=\"" + std::string{name} + "\"\r\n\r\n";
}

// One field "a" with this data.
std::string body_with(std::string_view data) { return "--b\r\n" + head("a") + std::string{data} + "\r\n--b--\r\n"; }

TEST(MultipartReader, ReadsFieldsAndFilesInTheirOrder) {
  const auto parts = parts_of("b", "--b\r\n" + head("one") + "1\r\n--b\r\n" +
                                       "Content-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n"
                                       "Content-Type: text/plain\r\n\r\nHello\r\n--b\r\n" +
                                       head("one") + "2\r\n--b--\r\n");

  EXPECT_THAT(parts, ElementsAre(field("one", "1"), file("f", "x.txt", "text/plain", "Hello"), field("one", "2")));
}

TEST(MultipartReader, GivesTheLineEndInFrontOfADelimiterToTheDelimiter) {
  EXPECT_THAT(parts_of("b", body_with("line\r\n")), ElementsAre(field("a", "line\r\n")));
  EXPECT_THAT(parts_of("b", body_with("\r\n")), ElementsAre(field("a", "\r\n")));
  EXPECT_THAT(parts_of("b", body_with("\r")), ElementsAre(field("a", "\r")));
  EXPECT_THAT(parts_of("b", body_with("\n")), ElementsAre(field("a", "\n")));
  EXPECT_THAT(parts_of("b", body_with("")), ElementsAre(field("a", "")));
}

TEST(MultipartReader, KeepsAlmostDelimitersAsData) {
  for (const std::string data : {"--b", "x--b", "\n--b", "\r--b", "\r\n-b", "\r\n--", "\r\n--a", "\r\n-\r\n-b",
                                 "\r\r\n-", "\r\n\r\n-", "\r\n--\r\n--\r\n", "--b--", "\r\n --b"}) {
    const std::string padded = "x" + data;
    EXPECT_THAT(parts_of("b", body_with(padded)), ElementsAre(field("a", padded)));
  }
}

TEST(MultipartReader, ReadsEveryByteAsData) {
  std::string data;
  for (int round = 0; round < 3; ++round) {
    for (int byte = 0; byte < 256; ++byte) data += static_cast<char>(byte);
  }
  EXPECT_THAT(parts_of("b", body_with(data)), ElementsAre(field("a", data)));
}

TEST(MultipartReader, LetsAPartWithoutDataShareItsLineEnd) {
  EXPECT_THAT(parts_of("b", "--b\r\n" + head("a") + "--b\r\n" + head("c") + "--b--"),
              ElementsAre(field("a", ""), field("c", "")));
}

TEST(MultipartReader, SkipsPreambleAndEpilogue) {
  const std::string form = "--b\r\n" + head("a") + "1\r\n--b--";
  for (const std::string preamble : {"", "\r\n", "preamble\r\n", "\r\n\r\n", "-\r\n", "--\r\n", "--x\r\n"}) {
    for (const std::string epilogue : {"", "\r\n", "\n", "\r\nepilogue", "\r\n--b\r\n", "\r\n\r\n--b--\r\n"}) {
      EXPECT_THAT(parts_of("b", preamble + form + epilogue), ElementsAre(field("a", "1")));
    }
  }
}

TEST(MultipartReader, SkipsPaddingBehindDelimiters) {
  EXPECT_THAT(parts_of("b", "--b \t \r\n" + head("a") + "1\r\n--b\t\r\n" + head("c") + "2\r\n--b-- \t\r\n"),
              ElementsAre(field("a", "1"), field("c", "2")));
}

TEST(MultipartReader, TakesALineFeedAloneBehindDelimitersAndInHeaders) {
  const std::string body =
      "--b\nContent-Disposition: form-data; name=\"a\"\nContent-Type: text/plain\n\n1\n\r\n--b--\n";
  EXPECT_THAT(parts_of("b", body), ElementsAre(SeenPart{"a", std::nullopt, "text/plain", "1\n"}));
}

TEST(MultipartReader, ReadsFoldedHeaders) {
  const std::string body =
      "--b\r\nContent-Disposition:\r\n form-data;\r\n\tname=\"a\";\r\n filename=\"x\"\r\n\r\n1\r\n--b--\r\n";
  EXPECT_THAT(parts_of("b", body), ElementsAre(file("a", "x", "", "1")));
}

TEST(MultipartReader, TakesAFormWithoutParts) { EXPECT_THAT(parts_of("b", "--b--\r\n"), IsEmpty()); }

TEST(MultipartReader, SaysEndAgainAndAgain) {
  MultipartReader reader{"b"};
  std::string_view input = "--b--\r\nepilogue";

  EXPECT_EQ(reader.next(input), MultipartReader::Event::end);
  EXPECT_EQ(reader.next(input), MultipartReader::Event::end);
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(reader.next(input), MultipartReader::Event::end);
  EXPECT_EQ(reader.finish(), MultipartReader::Event::end);
}

TEST(MultipartReader, HandsOutTheLargestViewsOfTheInput) {
  MultipartReader reader{"b"};
  const std::string data(100'000, 'x');
  const std::string body = body_with(data);
  std::string_view input = body;

  ASSERT_EQ(reader.next(input), MultipartReader::Event::part);
  ASSERT_EQ(reader.next(input), MultipartReader::Event::data);

  EXPECT_EQ(reader.data().size(), data.size());
  EXPECT_GE(reader.data().data(), body.data());
  EXPECT_LT(reader.data().data(), body.data() + body.size());
}

// RFC 2046 §5.1.2: one level, the parts of which have the name of the part around them (RFC 7578 §4.3, RFC 1867).
TEST(MultipartReader, ReadsOneLevelOfMultipartMixed) {
  const std::string body =
      "--AaB03x\r\nContent-Disposition: form-data; name=\"submit-name\"\r\n\r\nLarry\r\n--AaB03x\r\n"
      "Content-Disposition: form-data; name=\"files\"\r\nContent-Type: multipart/mixed; boundary=BbC04y\r\n\r\n"
      "preamble\r\n--BbC04y\r\n"
      "Content-Disposition: file; filename=\"file1.txt\"\r\nContent-Type: text/plain\r\n\r\n... contents ...\r\n"
      "--BbC04y \r\nContent-Disposition: file; filename=\"file2.gif\"\r\nContent-Type: image/gif\r\n"
      "Content-Transfer-Encoding: binary\r\n\r\n\r\nGIF\r\n--BbC04\r\n\r\n--BbC04y--\r\nepilogue\r\n"
      "--AaB03x\r\nContent-Disposition: form-data; name=\"last\"\r\n\r\n\r\n--AaB03x--\r\n";

  EXPECT_THAT(parts_of("AaB03x", body),
              ElementsAre(field("submit-name", "Larry"), file("files", "file1.txt", "text/plain", "... contents ..."),
                          file("files", "file2.gif", "image/gif", "\r\nGIF\r\n--BbC04\r\n"), field("last", "")));
}

// commons-fileupload takes one as long as the form's only.
TEST(MultipartReader, ReadsMultipartMixedWithABoundaryOfAnotherLength) {
  for (const std::string inner : {"c", "cd", "a-much-longer-boundary"}) {
    const std::string body =
        "--bb\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: multipart/mixed; boundary=" + inner +
        "\r\n\r\n--" + inner + "\r\n\r\n1\r\n--" + inner + "--\r\n--bb--";
    EXPECT_THAT(parts_of("bb", body), ElementsAre(field("a", "1")));
  }
}

// RFC 7578 §4.7. Who decodes it sees another text than who does not.
TEST(MultipartReader, LeavesDataAsItCameWhateverItsTransferEncoding) {
  for (const std::string encoding : {"base64", "quoted-printable", "7bit", "binary"}) {
    EXPECT_THAT(
        parts_of("b", "--b\r\nContent-Transfer-Encoding: " + encoding + "\r\n" + head("a") + "=41YQ==\r\n--b--"),
        ElementsAre(field("a", "=41YQ==")));
  }
}

TEST(MultipartReader, ReadsPartsOfMultipartMixedWithoutAHeader) {
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
      "--c\r\n\r\n1\r\n--c\r\n\r\n2\r\n--c--\r\n--b--";
  EXPECT_THAT(parts_of("b", body), ElementsAre(field("a", "1"), field("a", "2")));
}

std::string mixed(std::string_view boundary, std::string_view inside) {
  return "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: multipart/mixed; boundary=\"" +
         std::string{boundary} + "\"\r\n\r\n" + std::string{inside} + "\r\n--b--\r\n";
}

TEST(MultipartReader, RefusesAnotherLevelOfMultipartMixed) {
  expect_refused(mixed("c", "--c\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d\r\n\r\n1\r\n--d--\r\n--c--"),
                 Fault::nesting, "multipart/mixed inside of multipart/mixed");
}

TEST(MultipartReader, RefusesMultipartMixedThatIsNotClosed) {
  expect_refused(mixed("c", "--c\r\n\r\n1"), Fault::malformed, "multipart/mixed ends before");
  expect_refused(mixed("c", "preamble"), Fault::malformed, "multipart/mixed ends before");
  expect_refused(mixed("c", "--c\r\n\r\n1\r\n--b\r\n" + head("x") + "2\r\n--c--"), Fault::malformed,
                 "multipart/mixed ends before");
  expect_refused(mixed("c", "--c\r\n\r\n1\r\n-\r\n--b2\r\n--c--"), Fault::malformed, "multipart/mixed ends before");
}

TEST(MultipartReader, RefusesBoundariesOfWhichOneBeginsWithTheOther) {
  expect_refused(mixed("b", "--b\r\n\r\n1\r\n--b--"), Fault::malformed, "begin with each other");
  expect_refused(mixed("bc", "--bc\r\n\r\n1\r\n--bc--"), Fault::malformed, "begin with each other");
}

TEST(MultipartReader, RefusesABoundaryOfMultipartMixedThatIsNone) {
  expect_refused(mixed(std::string(71, 'c'), "x"), Fault::malformed, "boundary");
  expect_refused(mixed("c\x01", "x"), Fault::malformed, "boundary");
}

TEST(MultipartReader, RefusesABodyThatEndsEarly) {
  const std::string body = body_with("data");
  for (std::size_t size = 0; size + 2 < body.size(); ++size) {
    const SeenBody seen = read("b", body.substr(0, size));
    EXPECT_FALSE(seen.complete) << size;
    EXPECT_EQ(seen.fault, Fault::malformed);
    EXPECT_EQ(seen.reason, "the body ends before the closing delimiter");
    EXPECT_THAT(seen.ended(), SizeIs(size >= body.size() - 4 ? 1 : 0));
  }
}

TEST(MultipartReader, SaysNothingMoreAfterAnError) {
  MultipartReader reader{"b"};
  std::string_view input = "--bad\r\n";
  EXPECT_EQ(reader.next(input), MultipartReader::Event::error);
  EXPECT_TRUE(input.empty());

  input = "--b--\r\n";
  EXPECT_EQ(reader.next(input), MultipartReader::Event::error);
  EXPECT_EQ(reader.finish(), MultipartReader::Event::error);
}

// The classes of bugs that other readers had. The first of them: boundaries of whatever length (CVE-2014-0050,
// CVE-2016-3092, CVE-2024-8925, GHSA-4phx-fcj6-46r4).
TEST(MultipartReader, TakesEveryBoundaryOfTheGrammarAndRefusesLongerOnes) {
  for (std::size_t size = 1; size <= 70; ++size) {
    const std::string boundary(size, 'x');
    EXPECT_EQ(MultipartReader::boundary_in("multipart/form-data; boundary=" + boundary), boundary);
    const std::string body =
        "--" + boundary + "\r\n" + head("a") + "\r\n--" + boundary.substr(1) + "\r\n--" + boundary + "--";
    EXPECT_THAT(parts_of(boundary, body), ElementsAre(field("a", "\r\n--" + boundary.substr(1))));
  }
  for (const std::size_t size : {71u, 255u, 256u, 257u, 4095u, 4096u, 5000u, 8192u}) {
    const auto boundary = MultipartReader::boundary_in("multipart/form-data; boundary=" + std::string(size, 'x'));
    ASSERT_FALSE(boundary) << size;
    EXPECT_EQ(boundary.error().code, Errc::bad_request);
  }
}

TEST(MultipartReader, FindsTheBoundaryQuotedOrNot) {
  for (const std::string type :
       {"multipart/form-data; boundary=AaB03x", "Multipart/Form-Data;BOUNDARY=\"AaB03x\"",
        "multipart/form-data; charset=UTF-8; boundary=AaB03x", "multipart/form-data; boundary=AaB03x; charset=GBK"}) {
    EXPECT_EQ(MultipartReader::boundary_in(type), "AaB03x") << type;
  }
  EXPECT_EQ(MultipartReader::boundary_in("multipart/form-data; boundary=\"a b'()+_,-./:=?\""), "a b'()+_,-./:=?");
}

TEST(MultipartReader, RefusesATypeWithoutOneGoodBoundary) {
  for (const std::string type :
       {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=a; Boundary=a",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=\"a\r\nb\"",
        "multipart/form-data; boundary=\"a\x01\"", "multipart/form-data; boundary=\"a", "", ";"}) {
    const auto boundary = MultipartReader::boundary_in(type);
    ASSERT_FALSE(boundary) << type;
    EXPECT_EQ(boundary.error().code, Errc::bad_request) << type;
  }
  for (const std::string type : {"text/plain", "multipart/mixed; boundary=a", "application/x-www-form-urlencoded"}) {
    const auto boundary = MultipartReader::boundary_in(type);
    ASSERT_FALSE(boundary) << type;
    EXPECT_EQ(boundary.error().code, Errc::unsupported) << type;
  }
}

// CVE-2024-30251, formidable before 3.5.1: a delimiter at once followed by the closing one.
TEST(MultipartReader, ComesToAnEndOfDelimitersWithNothingBetween) {
  expect_refused("--b\r\n--b--\r\n", Fault::malformed, "the body ends before");
  expect_refused("--b\r\n\r\n--b--\r\n", Fault::malformed, "");
  expect_refused("--b--b\r\n", Fault::malformed, "behind the closing delimiter");
  expect_refused("\r\n--b\r\n\r\n\r\n--b--\r\n", Fault::malformed, "");
  expect_refused("--b", Fault::malformed, "the body ends before");
}

TEST(MultipartReader, RefusesWhatStandsBehindADelimiter) {
  for (const std::string behind : {"x", "-", "-x", " x", " --", "\r", "\rx", "\r\r\n", "-\r\n", "\x80"}) {
    expect_refused("--b" + behind + "\r\n" + head("a") + "1\r\n--b--", Fault::malformed, "");
    expect_refused("--b\r\n" + head("a") + "1\r\n--b" + behind + "x\r\n" + head("c") + "1\r\n--b--", Fault::malformed,
                   "");
  }
}

// CVE-2026-73258: a lone CR or LF that ends a header, a name or a boundary early.
TEST(MultipartReader, TakesNoLoneCarriageReturnForALineEnd) {
  expect_refused("--b\rContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--", Fault::malformed, "");
  expect_refused("--b\r\nContent-Disposition: form-data; name=\"a\"\r\r1\r\n--b--", Fault::malformed, "");
  expect_refused("--b\r\nContent-Disposition: form-data; name=\"a\"\rX: y\r\n\r\n1\r\n--b--", Fault::malformed, "");
  expect_refused("--b\r\n" + head("a") + "1\r--b--\r\n", Fault::malformed, "the body ends before");
  expect_refused("--b\r\n" + head("a") + "1\n--b--\r\n", Fault::malformed, "the body ends before");
}

// CVE-2025-48976, CVE-2026-42561, CVE-2026-87908: headers without a limit.
TEST(MultipartReader, LimitsTheHeaderOfAPartToTheByte) {
  const std::string fields = head("a");
  const std::string body = "--b\r\n" + fields + "1\r\n--b--\r\n";

  EXPECT_TRUE(read("b", body, {.part_header_bytes = fields.size()}).complete);
  expect_refused(body, Fault::part_header_bytes, "too long", {.part_header_bytes = fields.size() - 1});
  expect_refused("--b\r\n" + std::string(5000, 'x'), Fault::part_header_bytes, "too long");
  expect_refused("--b" + std::string(5000, ' '), Fault::part_header_bytes, "too long");
  expect_refused(body_with("").substr(0, body_with("").size() - 2) + std::string(5000, '\t'), Fault::part_header_bytes,
                 "too long");
}

// CVE-2023-24998, CVE-2023-25577, CVE-2023-0662, CVE-2023-26044: parts without a limit, and going on behind it.
TEST(MultipartReader, LimitsTheNumberOfParts) {
  std::string body;
  for (int i = 0; i < 3; ++i) body += "--b\r\n" + head("a") + "1\r\n";
  body += "--b--\r\n";

  EXPECT_TRUE(read("b", body, {.parts = 3}).complete);
  expect_refused(body, Fault::parts, "too many parts", {.parts = 2});
  EXPECT_THAT(read("b", body, {.parts = 2}).parts, SizeIs(2));
}

TEST(MultipartReader, CountsThePartsOfMultipartMixedAndNotItself) {
  const std::string two = mixed("c", "--c\r\n\r\n1\r\n--c\r\n\r\n2\r\n--c--");
  EXPECT_TRUE(read("b", two, {.parts = 2}).complete);
  expect_refused(two, Fault::parts, "too many parts", {.parts = 1});

  const std::string empty = mixed("c", "--c--");
  const std::string again = empty.substr(0, empty.size() - 7);  // without the closing delimiter
  EXPECT_TRUE(read("b", again + empty, {.parts = 2}).complete);
  expect_refused(again + again + empty, Fault::parts, "too many parts", {.parts = 2});
}

// CVE-2024-53981, CVE-2026-40347: work without a limit around the parts.
TEST(MultipartReader, LimitsWhatStandsAroundTheParts) {
  const std::string form = "--b\r\n" + head("a") + "1\r\n--b--";
  const Limits limits{.around_bytes = 10};

  EXPECT_TRUE(read("b", "12345\r\n" + form + "\r\n789", limits).complete);
  expect_refused("12345\r\n" + form + "\r\n7890\n", Fault::around_bytes, "too much", limits);
  expect_refused(std::string(11, '\r') + "\r\n" + form, Fault::around_bytes, "too much", limits);
  expect_refused(mixed("c", "12345\r\n--c--\r\n901"), Fault::around_bytes, "too much", limits);
}

// CVE-2023-46136, python-multipart before 0.0.10: line ends and almost-delimiters everywhere.
TEST(MultipartReader, ReadsDataFullOfLineEndsAndAlmostDelimiters) {
  const std::string boundary = "----WebKitFormBoundaryAbC7yZq0pLmN3xWv";
  const std::vector<std::string> patterns{
      "\r\n", "\r", "\n", "\r\n--", "\r\n--" + boundary.substr(0, 37), "\r\n--" + boundary.substr(1)};
  for (const std::string& pattern : patterns) {
    std::string data;
    while (data.size() < 70'000) data += pattern;
    const std::string body = "--" + boundary + "\r\n" + head("a") + data + "\r\n--" + boundary + "--\r\n";
    const MultipartReader reader{boundary};
    for (const std::size_t step : {1u, 2u, 3u, 7u, 4096u, 65'536u}) {
      const SeenBody seen = read_multipart_in_steps(reader, body, step);
      ASSERT_TRUE(seen.complete) << seen.reason;
      ASSERT_EQ(seen.parts.size(), 1u);
      EXPECT_TRUE(seen.parts.front().data == data);
    }
  }
}

// Differences between readers (28): what one ignores and another believes is refused here, or has one meaning.
TEST(MultipartReader, RefusesWhatTwoReadersWouldReadDifferently) {
  expect_refused(
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n"
      "1\r\n--b--",
      Fault::malformed, "");
  expect_refused("--b\r\nContent-Disposition: form-data; name=\"a\"; name=\"c\"\r\n\r\n1\r\n--b--", Fault::malformed,
                 "");
  expect_refused("--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--b--", Fault::malformed, "");
  expect_refused("--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--", Fault::malformed, "");
  expect_refused("--b\r\nno field\r\n\r\n1\r\n--b--", Fault::malformed, "");
  expect_refused("--b--x\r\n--b\r\n" + head("a") + "1\r\n--b--", Fault::malformed, "behind the closing delimiter");
}

TEST(MultipartReader, ReadsAContentLengthInAPartAsAdvice) {
  EXPECT_THAT(parts_of("b", "--b\r\nContent-Length: -1\r\n" + head("a") + "12345\r\n--b--"),
              ElementsAre(field("a", "12345")));
}

TEST(MultipartReader, DoesNotRepeatWhatWasSentInItsReasons) {
  for (const std::string body :
       {"--bsecret\r\n", "--b\r\nsecret\r\n\r\n", "--b\r\nContent-Disposition: secret\r\n\r\n"}) {
    EXPECT_THAT(read("b", body).reason, Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace anser::codec
