#include "upload/answer_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace anser::upload {
namespace {

using testing::HasSubstr;
using testing::Not;

net::HttpRequest accepting(std::string accept) {
  net::HttpRequest request;
  request.fields.emplace_back("accept", std::move(accept));
  return request;
}

FormAnswer::File file(std::string id, std::string name, std::string key = {}) {
  FormAnswer::File made{.field = "file1", .record = {}, .removal_key = std::move(key)};
  made.record.id = std::move(id);
  made.record.name = std::move(name);
  made.record.type = "image/png";
  made.record.size = 2048;
  return made;
}

TEST(AnswerPage, HasTheSeedsWords) {
  const FormAnswer answer{.fields = {{"author", "张三"}, {"company", "Anser"}}, .files = {file("a", "图.png")}};

  const auto page = answer_of(answer, "https://h", accepting("text/html"));

  EXPECT_EQ(page.status, 201u);
  EXPECT_THAT(page.body, HasSubstr("用户:张三"));
  EXPECT_THAT(page.body, HasSubstr("来自:Anser"));
  EXPECT_THAT(page.body, HasSubstr("成功上传的文件:"));
  EXPECT_THAT(page.body, HasSubstr(R"(<a href="https://h/files/a/%E5%9B%BE.png")"));
  EXPECT_THAT(page.body, HasSubstr(">图.png</a>"));
  EXPECT_THAT(page.body, HasSubstr("2.0 KB"));
  EXPECT_THAT(page.body, Not(HasSubstr("/delete/")));
}

TEST(AnswerPage, SaysWhenThereIsNoFile) {
  EXPECT_THAT(answer_of({}, "https://h", accepting("text/html")).body, HasSubstr("成功上传的文件:无"));
}

TEST(AnswerPage, WhoHasNoAccountGetsAnAddressForRemoval) {
  const FormAnswer answer{.fields = {}, .files = {file("a", "x", "key")}};

  EXPECT_THAT(answer_of(answer, "https://h", accepting("text/html")).body, HasSubstr("https://h/delete/a/key"));
}

TEST(AnswerPage, NamesAndFieldsAreNeverMarkup) {
  const std::string evil = "\"><script>alert(1)</script>";
  const FormAnswer answer{.fields = {{"author", evil}, {"company", evil}}, .files = {file("a", evil)}};

  const auto page = answer_of(answer, "https://h", accepting("text/html"));

  EXPECT_THAT(page.body, Not(HasSubstr("<script")));
  EXPECT_THAT(page.body, HasSubstr("&quot;&gt;&lt;script&gt;"));
}

TEST(AnswerPage, ProgramsGetJson) {
  const FormAnswer answer{.fields = {{"author", "张三"}, {"tag", "a"}, {"tag", "b"}, {"tag", "c"}, {"__proto__", "x"}},
                          .files = {file("a", "x"), file("b", "y")}};

  const auto response = answer_of(answer, "https://h", {});

  EXPECT_EQ(response.type, "application/json");
  const auto json = boost::json::parse(response.body).as_object();
  EXPECT_EQ(json.at("fields").at("author"), "张三");
  EXPECT_EQ(json.at("fields").at("tag"), (boost::json::array{"a", "b", "c"}));
  EXPECT_EQ(json.at("fields").at("__proto__"), "x");
  EXPECT_EQ(json.at("files").as_array().size(), 2u);
  EXPECT_EQ(json.at("files").at(1).at("field"), "file1");
  EXPECT_EQ(json.at("files").at(1).at("url"), "https://h/files/b/y");
}

TEST(AnswerPage, EveryFailureHasItsSentence) {
  const Problem problem{.status = 413, .code = "x", .detail = "<b>wrong</b>", .permitted = 4, .actual = 5};
  const auto body = [&problem](Sentence sentence) {
    return refusal_of(sentence, problem, accepting("text/html")).body;
  };

  EXPECT_THAT(body(Sentence::no_access), HasSubstr("无法访问存储目录!"));
  EXPECT_THAT(body(Sentence::no_directory), HasSubstr("无法创建存储目录!"));
  EXPECT_THAT(body(Sentence::no_form), HasSubstr("只能处理multipart/form-data类型的数据!"));
  EXPECT_THAT(body(Sentence::reading), HasSubstr("解析数据时出现如下问题:"));
  EXPECT_THAT(body(Sentence::reading), HasSubstr("&lt;b&gt;wrong&lt;/b&gt;"));
  EXPECT_THAT(body(Sentence::storing), HasSubstr("存储文件时出现如下问题:"));
  EXPECT_THAT(body(Sentence::storing), HasSubstr("5 &gt; 4"));
  EXPECT_EQ(refusal_of(Sentence::storing, problem, {}).type, "application/problem+json");
}

}  // namespace
}  // namespace anser::upload
