#include "codec/part_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"

namespace anser::codec {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

PartHeader read(std::string_view block, std::string_view charset = "", bool inside_mixed = false) {
  auto made = parse_part_header(block, charset, inside_mixed);
  EXPECT_TRUE(made) << (made ? "" : made.error().message) << "\nof " << block;
  return made ? *made : PartHeader{};
}

// The file's name in: form-data; name="f"; filename=…
std::optional<std::string> file_name(std::string_view written, std::string_view charset = "") {
  return read("Content-Disposition: form-data; name=\"f\"; filename=" + std::string{written} + "\r\n", charset)
      .file_name;
}

std::string refusal(std::string_view block, bool inside_mixed = false) {
  const auto made = parse_part_header(block, "", inside_mixed);
  EXPECT_FALSE(made) << block;
  if (made) return "";
  EXPECT_EQ(made.error().code, Errc::bad_request);
  return made.error().message;
}

TEST(PartHeader, IsWhatABrowserSends) {
  const PartHeader part =
      read("Content-Disposition: form-data; name=\"file1\"; filename=\"a picture.png\"\r\nContent-Type: image/png\r\n");

  EXPECT_EQ(part.name, "file1");
  EXPECT_EQ(part.file_name, "a picture.png");
  EXPECT_EQ(part.content_type, "image/png");
  EXPECT_EQ(part.charset, "");
  EXPECT_EQ(part.mixed, "");
  EXPECT_THAT(part.fields,
              ElementsAre(Pair("content-disposition", "form-data; name=\"file1\"; filename=\"a picture.png\""),
                          Pair("content-type", "image/png")));
}

TEST(PartHeader, TellsFieldsFromFilesByTheFileName) {
  EXPECT_EQ(read("Content-Disposition: form-data; name=\"author\"").file_name, std::nullopt);
  EXPECT_EQ(file_name("\"\""), "");
  EXPECT_EQ(file_name(""), "");
  EXPECT_EQ(read("Content-Disposition: form-data; name=a; filename").file_name, "");
}

TEST(PartHeader, TakesParametersInAnyOrderAndCase) {
  const PartHeader part = read("CONTENT-disposition: Form-Data ; FileName=b.txt ;nAmE = a;other=\"x;y\";;\r\n");

  EXPECT_EQ(part.name, "a");
  EXPECT_EQ(part.file_name, "b.txt");
}

TEST(PartHeader, TakesFieldNamesInAnyCaseAndLinesWithLineFeedsAlone) {
  const PartHeader part =
      read("CONTENT-TYPE:text/plain; Charset=\"GBK\"\nx-other:\t1 \ncontent-DISPOSITION:form-data;name=a");

  EXPECT_EQ(part.name, "a");
  EXPECT_EQ(part.charset, "gbk");
  EXPECT_THAT(part.fields, ElementsAre(Pair("content-type", "text/plain; Charset=\"GBK\""), Pair("x-other", "1"),
                                       Pair("content-disposition", "form-data;name=a")));
}

TEST(PartHeader, UnfoldsLines) {
  const PartHeader part =
      read("Content-Disposition: form-data;  \r\n\tname=\"f\";\r\n   filename=\"a\r\n b\"\r\nX-Empty:\r\n \r\n  y\r\n");

  EXPECT_EQ(part.name, "f");
  EXPECT_EQ(part.file_name, "a b");
  EXPECT_THAT(part.fields.back(), Pair("x-empty", "y"));
}

TEST(PartHeader, DecodesWhatBrowsersWriteForAQuoteAndLineEnds) {
  EXPECT_EQ(file_name("\"a%22b%0D%0Ac%0d%0a\""), "a\"b\r\nc\r\n");
  EXPECT_EQ(file_name("\"100%25 %41 %2 %\""), "100%25 %41 %2 %");
  EXPECT_EQ(file_name("a%22b"), "a%22b");  // nobody writes that without quotes
}

TEST(PartHeader, UnescapesQuotesAndBackslashesOnly) {
  EXPECT_EQ(file_name(R"("say \"hi\" \\ \n.txt")"), R"(say "hi" \ \n.txt)");
  EXPECT_EQ(file_name(R"("a\\")"), R"(a\)");
  EXPECT_EQ(file_name(R"("a\")"), R"(a\)");  // what a browser writes for it
}

TEST(PartHeader, KeepsTheBackslashesOfAWindowsPath) {
  EXPECT_EQ(file_name(R"("C:\new\\folder\a b.gif")"), R"(C:\new\\folder\a b.gif)");
  EXPECT_EQ(file_name(R"("\\server\share\a.gif")"), R"(\\server\share\a.gif)");
  EXPECT_EQ(file_name(R"("C:\\dir\\a.gif")"), R"(C:\dir\a.gif)");  // escaped by its client
  EXPECT_EQ(file_name(R"(C:\dir\a.gif)"), R"(C:\dir\a.gif)");
  EXPECT_EQ(read(R"(Content-Disposition: form-data; filename="C:\"; name="f")").file_name, R"(C:\)");
}

TEST(PartHeader, KeepsTheBareQuotesOfOldBrowsers) {
  EXPECT_EQ(file_name(R"("a "quoted" name.txt")"), R"(a "quoted" name.txt)");
  EXPECT_EQ(file_name(R"("3" disk.img" )"), R"(3" disk.img)");
  EXPECT_EQ(read(R"(Content-Disposition: form-data; filename="3" disk.img"; name="f")").name, "f");
}

TEST(PartHeader, KnowsNoNamesThatAreSpecial) {
  for (const std::string name :
       {"__proto__", "constructor", "toString", "../../etc/passwd", "${jndi:x}", "%{1+1}", "'; --"}) {
    EXPECT_EQ(read("Content-Disposition: form-data; name=\"" + name + "\"").name, name);
  }
}

TEST(PartHeader, RefusesWithoutAWordOfWhatCame) {
  for (const char* block :
       {"se$cret", "Content-Disposition: se$cret", "Content-Disposition: form-data; name=\"se$cret", "X-Se$cret:\r\n y",
        "Content-Disposition: form-data; se$cret=1; se$cret=2", "Content-Disposition: form-data; name=se$\"cret"}) {
    EXPECT_EQ(refusal(block).find("cret"), std::string::npos) << block;
  }
}

TEST(PartHeader, KeepsNumericReferences) { EXPECT_EQ(file_name("\"&#9731;.txt\""), "&#9731;.txt"); }

TEST(PartHeader, KeepsControlCharactersForWhoShowsTheName) {
  EXPECT_EQ(file_name(std::string{"\"a\0b\x7F\"", 6}), (std::string{"a\0b\x7F", 4}));
}

TEST(PartHeader, ReadsGbkWhoseSecondByteIsABackslashOrABar) {
  EXPECT_EQ(file_name("\"\x81\x5C\"", "gbk"), "乗");  // would escape the quote
  EXPECT_EQ(file_name("\"\x81\x5C\x5C\x22.txt\"", "gb2312"), "乗\".txt");
  EXPECT_EQ(file_name("\"\x95\x7C|\x81\x5C\x81\x5C.txt\"", "gb2312"), "晐|乗乗.txt");
  EXPECT_EQ(file_name("\"C:\\\xCE\xC4\xBC\xFE\\\x81\x5C\x81\x5C.txt\"", "gb2312"), "C:\\文件\\乗乗.txt");
  EXPECT_EQ(file_name("\x83\x5C", "shift_jis"), "ソ");
  EXPECT_EQ(file_name("\"\xA5\x5C\xA5\x5C.txt\"", "big5"), "功功.txt");
}

TEST(PartHeader, BelievesUtf8BeforeTheFormsCharset) {
  EXPECT_EQ(file_name("\"文件.txt\"", "gbk"), "文件.txt");
  EXPECT_EQ(file_name("\"\xD2\xBB.txt\"", "gbk"), "一.txt");
  EXPECT_EQ(file_name("\"\xCE\xC4\"", ""), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(file_name("\"\xCE\xC4\"", "no-such"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(PartHeader, TheOwnCharsetOfAPartCountsMost) {
  EXPECT_EQ(
      read("Content-Disposition: form-data; name=\"\xCE\xC4\"\r\nContent-Type: text/plain; charset=GBK", "koi8-r").name,
      "文");
  EXPECT_EQ(
      read("Content-Disposition: form-data; name=\"\xCE\xC4\"\r\nContent-Type: text/plain; charset=utf-7", "gbk").name,
      "文");
}

TEST(PartHeader, ReadsAnExtendedFileNameIfItIsAlone) {
  const std::string start = "Content-Disposition: form-data; name=\"f\"; ";
  EXPECT_EQ(read(start + "filename*=UTF-8''%e2%82%ac%20rates.txt").file_name, "€ rates.txt");
  EXPECT_EQ(read(start + "filename*=utf-8'en'a.txt").file_name, "a.txt");
  EXPECT_EQ(read(start + "filename*=GBK''%CE%C4").file_name, "文");
  EXPECT_EQ(read(start + "filename*=UTF-8''b.txt; filename=\"a.txt\"").file_name, "a.txt");
  EXPECT_EQ(read(start + "filename=\"\"; filename*=UTF-8''b.txt").file_name, "");
}

TEST(PartHeader, IgnoresAnExtendedFileNameThatIsWrong) {
  for (const char* wrong : {"UTF-8''%2", "UTF-8''%HH", "UTF-8''a b", "UTF-8''\xC3\xA4", "no-such''a", "UTF-8'a", "''a",
                            "%41", "UTF-8''%FF", "UTF-7''a", "\"UTF-8''a\\\"\"", ""}) {
    EXPECT_EQ(read("Content-Disposition: form-data; name=\"f\"; filename*=" + std::string{wrong}).file_name,
              std::nullopt)
        << wrong;
  }
}

TEST(PartHeader, IgnoresExtendedNamesAndContinuations) {
  const PartHeader part = read(
      "Content-Disposition: form-data; name=\"a\"; name*=UTF-8''b; filename*0=\"x\"; filename*0*=UTF-8''x; name*0=z");

  EXPECT_EQ(part.name, "a");
  EXPECT_EQ(part.file_name, std::nullopt);
}

TEST(PartHeader, ReadsTheBoundaryOfMultipartMixed) {
  const PartHeader part =
      read("Content-Disposition: form-data; name=\"files\"\r\nContent-Type: Multipart/Mixed; boundary=\"B b\"\r\n");

  EXPECT_EQ(part.mixed, "B b");
}

TEST(PartHeader, InsideMixedThereMayBeNoNameAndNoDisposition) {
  EXPECT_EQ(read("Content-Disposition: file; filename=\"a.txt\"\r\n", "", true).file_name, "a.txt");
  EXPECT_EQ(read("Content-Disposition: attachment; filename=\"a.txt\"\r\n", "", true).file_name, "a.txt");
  EXPECT_EQ(read("Content-Type: text/plain\r\n", "", true).content_type, "text/plain");
  EXPECT_EQ(read("", "", true).file_name, std::nullopt);
}

TEST(PartHeader, KeepsATypeThatIsNone) {
  EXPECT_EQ(read("Content-Disposition: form-data; name=a\r\nContent-Type: \"; what").content_type, "\"; what");
}

TEST(PartHeader, RefusesWhatCanBeReadInTwoWays) {
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b"),
            "a part has content-disposition twice");
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\ncontent-type: c/d"),
            "a part has content-type twice");
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=a; NAME=b"), "a parameter is twice in Content-Disposition");
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=a; x=1; X=1"), "a parameter is twice in Content-Disposition");
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=\"a\rb\""),
            "a carriage return within a line of a part's header");
}

TEST(PartHeader, RefusesWhatIsNoHeader) {
  EXPECT_EQ(refusal(""), "a part has no Content-Disposition");
  EXPECT_EQ(refusal("Content-Type: text/plain"), "a part has no Content-Disposition");
  EXPECT_EQ(refusal("nonsense\r\n"), "a line of a part's header is no field");
  EXPECT_EQ(refusal("Content-Disposition : form-data; name=a"), "a line of a part's header is no field");
  EXPECT_EQ(refusal(": x"), "a line of a part's header is no field");
  EXPECT_EQ(refusal(" x: y"), "a part's header begins with a folded line");
  EXPECT_EQ(refusal("Content-Disposition: attachment; name=a"), "a part's Content-Disposition is not form-data");
  EXPECT_EQ(refusal("Content-Disposition: inline; name=a", true), "a part's Content-Disposition is not form-data");
  EXPECT_EQ(refusal("Content-Disposition:"), "a part's Content-Disposition is not form-data");
  EXPECT_EQ(refusal("Content-Disposition: form-data; filename=a"), "a part has no name");
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=\"a"), "a quoted name in a part's header does not end");
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=a\"b"), "a quote within an unquoted name");
  EXPECT_EQ(refusal("Content-Disposition: form-data; =a"), "a parameter of Content-Disposition has no name");
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed"),
            "multipart/mixed without a boundary");
  EXPECT_EQ(refusal("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=\"\""),
            "multipart/mixed without a boundary");
}

TEST(PartHeader, HasAtMostThirtyTwoFields) {
  std::string block = "Content-Disposition: form-data; name=a\r\n";
  for (int i = 0; i < 31; ++i) block += "a:\r\n";
  EXPECT_EQ(read(block).fields.size(), 32U);
  EXPECT_EQ(refusal(block + "a:\r\n"), "a part's header has too many fields");
}

TEST(PartHeader, HasAtMostThirtyTwoParameters) {
  std::string block = "Content-Disposition: form-data; name=a";
  for (int i = 0; i < 31; ++i) block += "; p" + std::to_string(i) + "=1";
  EXPECT_EQ(read(block).name, "a");
  EXPECT_EQ(refusal(block + "; more=1"), "too many parameters in Content-Disposition");
}

// CVE-2025-67726, CVE-2026-34827, CVE-2026-53539: what was quadratic elsewhere. A megabyte of each takes milliseconds
// if the work is linear, and minutes if it is not; the test's own limit of time is enough to tell.
TEST(PartHeader, IsLinearInWhatWasQuadraticElsewhere) {
  const std::string start = "Content-Disposition: form-data; name=\"";
  for (const std::string& piece :
       {std::string{"\\\""}, std::string{"\" "}, std::string{"; "}, std::string{"%22"}, std::string{"\\"},
        std::string{"\" ;"}, std::string{"\r\n "}, std::string{"\xC4\xE3"}, std::string{"'"}}) {
    std::string block = start;
    while (block.size() < (1U << 20)) block += piece;
    for (const std::string& end : {std::string{}, std::string{"\""}}) {
      const auto made = parse_part_header(block + end, "gbk");
      EXPECT_TRUE(!made || is_utf8(made->name));
    }
  }
}

TEST(Parameters, AreReadAsTheRfcWritesThem) {
  const auto read = parse_parameters(R"( Multipart/Form-Data ; Boundary="a\"b c" ;charset=UTF-8;)");

  ASSERT_TRUE(read);
  EXPECT_EQ(read->value, "multipart/form-data");
  EXPECT_THAT(read->parameters, ElementsAre(Pair("boundary", "a\"b c"), Pair("charset", "UTF-8")));
  EXPECT_EQ(read->find("none"), nullptr);
}

TEST(Parameters, TakeBoundariesThatAreNoTokens) {
  EXPECT_EQ(*parse_parameters("multipart/form-data; boundary=----=_Part_1_(2)+'3,4?./:5")->find("boundary"),
            "----=_Part_1_(2)+'3,4?./:5");
}

TEST(Parameters, TakeACommaForTheFirstSemicolon) {
  EXPECT_EQ(*parse_parameters("multipart/form-data, boundary=x")->find("boundary"), "x");
  EXPECT_FALSE(parse_parameters("multipart/form-data; a=\"b\", boundary=x"));
}

TEST(Parameters, AreRefusedIfTheyAreNone) {
  for (const char* wrong : {"", ";", "a b", "text/plain; a", "text/plain; =a", "text/plain; a=", "text/plain; a=\"",
                            "text/plain; a=\"\\", "text/plain; a=\"b\" c", "text/plain; a=b; A=c", "text/plain; a = b",
                            "\xC3\xA4; a=b", "text/plain; a=b\"c\""}) {
    EXPECT_FALSE(parse_parameters(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace anser::codec
