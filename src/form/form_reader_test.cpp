#include "form/form_reader.h"

#include "form/test_form.h"

namespace anser::form {
namespace {

using test::field;
using test::file;
using test::kEnd;
using test::kType;

struct Read {
  std::vector<std::string> items;  // name=value, and the charset if there is one
  std::optional<FormError> error;
};

Read read(std::string_view body, FormReader::Settings settings = {}, std::size_t piece = 3) {
  Read result;
  auto reader = FormReader::open(kType, std::nullopt, std::move(settings));
  EXPECT_TRUE(reader);
  std::string_view input;
  for (;;) {
    auto event = reader->next(input);
    if (event == FormReader::Event::need_more) {
      input = body.substr(0, piece);
      body.remove_prefix(input.size());
      if (input.empty()) event = reader->finish();
    }
    switch (event) {
      case FormReader::Event::item: {
        const std::string charset = reader->charset_of_item();
        result.items.push_back(reader->item().name + (charset.empty() ? "" : "(" + charset + ")") +
                               (reader->is_form_field() ? "=" : ":"));
        break;
      }
      case FormReader::Event::data:
        result.items.back() += reader->data();
        break;
      case FormReader::Event::error:
        result.error = reader->error();
        EXPECT_EQ(reader->next(input), FormReader::Event::error);  // and stays so
        EXPECT_EQ(reader->finish(), FormReader::Event::error);
        return result;
      case FormReader::Event::end:
        return result;
      case FormReader::Event::item_end:
      case FormReader::Event::need_more:
        break;
    }
  }
}

using Items = std::vector<std::string>;

TEST(FormReader, GivesItemsInTheirOrder) {
  const Read form = read(field("author", "Anna") + file("file1", "a.txt", "one\r\ntwo") + file("file2", "", "") + kEnd);

  EXPECT_FALSE(form.error);
  EXPECT_EQ(form.items, (Items{"author=Anna", "file1:one\r\ntwo", "file2:"}));
}

TEST(FormReader, TakesTheCharsetThatTheFormSays) {
  const Read form = read(field("_charset_", "GBK") + field("\xD7\xF7\xD5\xDF", "x") + kEnd);

  EXPECT_EQ(form.items, (Items{"_charset_=GBK", "作者(GBK)=x"}));
}

TEST(FormReader, TakesTheFormsCharsetBeforeThatOfTheSettingsAndThePartsOwnBeforeBoth) {
  const FormReader::Settings settings{.charset = "koi8-r"};
  const Read form = read(field("a", "1") + field("_charset_", "gbk") + field("b", "2") +
                             field("c", "3", "Content-Type: text/plain; charset=big5\r\n") + kEnd,
                         settings);

  EXPECT_EQ(form.items, (Items{"a(koi8-r)=1", "_charset_(koi8-r)=gbk", "b(gbk)=2", "c(big5)=3"}));
}

TEST(FormReader, IgnoresACharsetThatIsNone) {
  for (const std::string& said :
       {std::string{"utf-7"}, std::string{"no-such"}, std::string{}, std::string(65, 'x'), std::string{"gbk\0", 4}}) {
    const Read form = read(field("_charset_", said) + field("b", "2") + kEnd);
    EXPECT_EQ(form.items.back(), "b=2") << said;
  }
  EXPECT_EQ(read(file("_charset_", "a", "gbk") + field("b", "2") + kEnd).items.back(), "b=2");
  EXPECT_EQ(read(field("b", "2") + kEnd, {.charset = "no-such"}).items.back(), "b=2");
}

TEST(FormReader, RefusesATypeThatIsNoForm) {
  const auto kind = [](std::string_view type) { return FormReader::open(type, std::nullopt, {}).error().kind; };
  EXPECT_EQ(kind("application/x-www-form-urlencoded"), FormError::Kind::content_type);
  EXPECT_EQ(kind("multipart/mixed; boundary=B"), FormError::Kind::content_type);
  EXPECT_EQ(kind(""), FormError::Kind::content_type);
  EXPECT_EQ(kind(";;"), FormError::Kind::content_type);
  EXPECT_EQ(kind("multipart/form-data"), FormError::Kind::boundary);
  EXPECT_EQ(kind(" Multipart/Form-Data; boundary"), FormError::Kind::boundary);
  EXPECT_EQ(kind("multipart/form-data; boundary="), FormError::Kind::boundary);
  EXPECT_EQ(kind("multipart/form-data; boundary=a; boundary=b"), FormError::Kind::boundary);
  EXPECT_EQ(kind("multipart/form-data; boundary=" + std::string(71, 'x')), FormError::Kind::boundary);
}

TEST(FormReader, RefusesARequestThatSaysItIsTooLarge) {
  const FormReader::Settings settings{.limits = {.request_bytes = 100}};
  EXPECT_TRUE(FormReader::open(kType, 100, settings));
  const auto reader = FormReader::open(kType, 101, settings);

  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, FormError::Kind::request_size);
  EXPECT_EQ(reader.error().permitted, 100U);
  EXPECT_EQ(reader.error().actual, 101U);
}

TEST(FormReader, CountsTheBytesOfARequestThatDoesNotSay) {
  const std::string body = file("f", "a", std::string(1000, 'x')) + kEnd;
  EXPECT_FALSE(read(body, {.limits = {.request_bytes = body.size()}}).error);
  const Read form = read(body, {.limits = {.request_bytes = 500}});

  ASSERT_TRUE(form.error);
  EXPECT_EQ(form.error->kind, FormError::Kind::request_size);
  EXPECT_EQ(form.error->permitted, 500U);
  EXPECT_GT(form.error->actual, 500U);
  EXPECT_LT(form.error->actual, 504U);
}

TEST(FormReader, LimitsEachFile) {
  const std::string body = file("f", "a", "12345") + file("g", "b.txt", "123456") + kEnd;
  EXPECT_FALSE(read(body, {.limits = {.file_bytes = 6}}).error);
  const Read form = read(body, {.limits = {.file_bytes = 5}});

  ASSERT_TRUE(form.error);
  EXPECT_EQ(form.error->kind, FormError::Kind::file_size);
  EXPECT_EQ(form.error->permitted, 5U);
  EXPECT_EQ(form.error->field_name, "g");
  EXPECT_EQ(form.error->file_name, "b.txt");
}

TEST(FormReader, LimitsAllFieldsTogether) {
  const std::string body = field("a", "123") + file("f", "x", "a long file") + field("b", "456") + kEnd;
  EXPECT_FALSE(read(body, {.limits = {.field_bytes = 6}}).error);
  const Read form = read(body, {.limits = {.field_bytes = 5}});

  ASSERT_TRUE(form.error);
  EXPECT_EQ(form.error->kind, FormError::Kind::field_size);
  EXPECT_EQ(form.error->field_name, "b");
}

TEST(FormReader, LimitsTheNumberOfItems) {
  const std::string body = field("a", "") + file("b", "x", "") + field("c", "") + kEnd;
  EXPECT_FALSE(read(body, {.limits = {.items = 3}}).error);
  const Read form = read(body, {.limits = {.items = 2}});

  ASSERT_TRUE(form.error);
  EXPECT_EQ(form.error->kind, FormError::Kind::count);
  EXPECT_EQ(form.error->permitted, 2U);
  EXPECT_EQ(form.error->actual, 3U);
}

TEST(FormReader, LimitsTheHeaderOfEachItem) {
  const Read form =
      read(field("a", "1", "X: " + std::string(600, 'x') + "\r\n") + kEnd, {.limits = {.part_header_bytes = 512}});

  ASSERT_TRUE(form.error);
  EXPECT_EQ(form.error->kind, FormError::Kind::part_header_size);
  EXPECT_EQ(form.error->permitted, 512U);
}

TEST(FormReader, RefusesABodyThatEndsEarlyWithoutAWordOfIt) {
  const Read form = read(field("secret", "words"));

  ASSERT_TRUE(form.error);
  EXPECT_EQ(form.error->kind, FormError::Kind::malformed);
  EXPECT_EQ(form.error->message.find("words"), std::string::npos);
}

}  // namespace
}  // namespace anser::form
