#include "upload/form_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::upload {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

struct Came {
  std::vector<std::string> files;  // "field name type bytes"
  FormIntake::Fields fields;
  std::optional<Problem> wrong;
};

void note(Came& came, std::vector<FormIntake::Step> steps) {
  for (auto& step : steps) {
    if (const auto* begin = std::get_if<FormIntake::Begin>(&step)) {
      came.files.push_back(begin->field + " " + begin->name + " " + begin->type + " ");
    } else {
      came.files.back() += std::get<FormIntake::Bytes>(step).get();
    }
  }
}

Came feed(std::string_view body, std::size_t at_once, std::size_t files = 20,
          form::FormReader::Settings settings = {}) {
  Came came;
  auto reader = form::FormReader::open("multipart/form-data; boundary=b", body.size(), settings);
  if (!reader) {
    came.wrong = problem_of(reader.error());
    return came;
  }
  FormIntake intake{std::move(*reader), files};
  for (bool last = false; !last; body.remove_prefix(std::min(at_once, body.size()))) {
    last = body.size() <= at_once;
    auto steps = intake.take(body.substr(0, at_once), last);
    if (!steps) {
      came.wrong = steps.error();
      return came;
    }
    note(came, std::move(*steps));
  }
  came.fields = intake.fields();
  return came;
}

std::string part(std::string_view disposition, std::string_view data, std::string_view type = {}) {
  return fmt::format("--b\r\nContent-Disposition: form-data; {}\r\n{}\r\n{}\r\n", disposition,
                     type.empty() ? "" : fmt::format("Content-Type: {}\r\n", type), data);
}
constexpr std::string_view kEnd = "--b--\r\n";

TEST(FormIntake, TheSeedsFormIsTheSameInEveryPiece) {
  const std::string body = part("name=\"author\"", "张三") + part("name=\"company\"", "Anser") +
                           part("name=\"file1\"; filename=\"C:\\图\\a.png\"", "\r\n--xytes\r\n-", "image/png") +
                           part("name=\"file2\"; filename=\"\"", "", "application/octet-stream") + std::string{kEnd};

  for (const std::size_t at_once : {1, 2, 3, 7, 65536}) {
    const auto came = feed(body, at_once);
    ASSERT_FALSE(came.wrong) << came.wrong->detail;
    EXPECT_THAT(came.fields, ElementsAre(Pair("author", "张三"), Pair("company", "Anser")));
    EXPECT_THAT(came.files, ElementsAre("file1 a.png image/png \r\n--xytes\r\n-"));
  }
}

TEST(FormIntake, AnEmptyFileIsAFile) {
  EXPECT_THAT(feed(part("name=f; filename=a.txt", "") + std::string{kEnd}, 100).files, ElementsAre("f a.txt  "));
}

TEST(FormIntake, AFileWithoutANameIsKeptIfThereIsOne) {
  EXPECT_THAT(feed(part("name=f; filename=\"\"", "x") + std::string{kEnd}, 100).files, ElementsAre("f file  x"));
  EXPECT_THAT(feed(part("name=f; filename=\" \"", "") + std::string{kEnd}, 100).files, IsEmpty());
}

TEST(FormIntake, FieldsInGbkAreReadable) {
  const std::string body =
      part("name=author", "\xd5\xc5\xc8\xfd") + part("name=file1; filename=\"\xcd\xbc.png\"", "x") + std::string{kEnd};
  form::FormReader::Settings settings;
  settings.charset = "GB18030";

  const auto came = feed(body, 100, 20, settings);

  EXPECT_THAT(came.fields, ElementsAre(Pair("author", "张三")));
  EXPECT_THAT(came.files, ElementsAre("file1 图.png  x"));
}

TEST(FormIntake, WhatIsUtf8StaysUtf8) {
  form::FormReader::Settings settings;
  settings.charset = "GB18030";

  EXPECT_THAT(feed(part("name=author", "张三") + std::string{kEnd}, 100, 20, settings).fields,
              ElementsAre(Pair("author", "张三")));
}

TEST(FormIntake, TooManyFilesAreOneTooMany) {
  std::string body;
  for (int i = 0; i < 3; ++i) body += part("name=f; filename=a", "x");
  body += kEnd;

  EXPECT_FALSE(feed(body, 100, 3).wrong);
  const auto came = feed(body, 100, 2);
  ASSERT_TRUE(came.wrong);
  EXPECT_EQ(came.wrong->status, 413u);
  EXPECT_EQ(came.wrong->code, "too-many-files");
  EXPECT_EQ(came.wrong->permitted, 2u);
  EXPECT_EQ(came.wrong->actual, 3u);
}

TEST(FormIntake, LimitsHaveNumbers) {
  form::FormReader::Settings settings;
  settings.limits.file_bytes = 5;
  settings.limits.field_bytes = 5;
  const auto file = feed(part("name=f; filename=a", "123456") + std::string{kEnd}, 100, 20, settings);
  ASSERT_TRUE(file.wrong);
  EXPECT_EQ(file.wrong->code, "file-too-large");
  EXPECT_EQ(file.wrong->permitted, 5u);
  EXPECT_GT(file.wrong->actual.value_or(0), 5u);

  const auto field = feed(part("name=f", "123456") + std::string{kEnd}, 100, 20, settings);
  ASSERT_TRUE(field.wrong);
  EXPECT_EQ(field.wrong->status, 413u);
  EXPECT_EQ(field.wrong->code, "form-too-large");

  settings.limits.request_bytes = 10;
  EXPECT_EQ(feed(part("name=f", "1") + std::string{kEnd}, 100, 20, settings).wrong->code, "form-too-large");
}

TEST(FormIntake, AFormWithoutAnEndIsMalformed) {
  for (const std::string& body : {std::string{}, part("name=f", "x"), std::string{"--b\r\n"}, std::string{"hello"}}) {
    const auto came = feed(body, 100);
    ASSERT_TRUE(came.wrong) << body;
    EXPECT_EQ(came.wrong->status, 400u);
    EXPECT_EQ(came.wrong->code, "malformed");
  }
}

TEST(FormIntake, ManyLongNamesOfFieldsAreTooMuch) {
  std::string body;
  for (int i = 0; i < 300; ++i) body += part("name=" + std::string(1000, 'n'), "x");

  const auto came = feed(body + std::string{kEnd}, 65536);

  ASSERT_TRUE(came.wrong);
  EXPECT_EQ(came.wrong->code, "form-too-large");
}

}  // namespace
}  // namespace anser::upload
