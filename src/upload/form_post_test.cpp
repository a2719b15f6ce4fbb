// Forms and single files, by the whole door over files in memory.
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "tests/support/upload_door_fixture.h"

namespace anser::upload {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto kPage = "Accept: text/html\r\n";

class FormPostTest : public UploadDoorTest {
 protected:
  static boost::json::object json_in(const net::SeenResponse& response) {
    boost::system::error_code wrong;
    auto value = boost::json::parse(response.body, wrong);
    EXPECT_FALSE(wrong) << response.body;
    return value.is_object() ? value.as_object() : boost::json::object{};
  }
  std::string two_files() const {
    return part("name=author", "张三") + part("name=company", "Anser") +
           part("name=file1; filename=\"a.txt\"", "first", "text/plain") +
           part("name=file2; filename=\"b.txt\"", "second", "text/plain");
  }
  void expect_nothing_kept() {
    EXPECT_EQ(index_.files(), 0u);
    EXPECT_EQ(content_.whole(), 0u);
  }
};

TEST_F(FormPostTest, TheSeedsFormIsKept) {
  const auto answer = post_form(two_files(), sign_in());

  EXPECT_EQ(answer.status, 201u);
  const auto json = json_in(answer);
  EXPECT_EQ(json.at("fields").at("author"), "张三");
  ASSERT_EQ(json.at("files").as_array().size(), 2u);
  const std::string url{json.at("files").at(1).at("url").as_string()};
  EXPECT_TRUE(url.starts_with("http://localhost:5280/files/")) << url;
  EXPECT_EQ(do_request("GET " + url.substr(url.find("/files/"))).body, "second");
  EXPECT_EQ(index_.files(), 2u);
}

TEST_F(FormPostTest, APersonSeesTheSeedsWords) {
  const auto answer = post_form(two_files(), sign_in() + kPage);

  EXPECT_EQ(answer.status, 201u);
  EXPECT_THAT(answer.body, HasSubstr("用户:张三"));
  EXPECT_THAT(answer.body, HasSubstr("来自:Anser"));
  EXPECT_THAT(answer.body, HasSubstr(">b.txt</a>"));
}

TEST_F(FormPostTest, AFormWithoutFilesIsTakenToo) {
  EXPECT_THAT(post_form(part("name=author", "x"), sign_in() + kPage).body, HasSubstr("成功上传的文件:无"));
}

TEST_F(FormPostTest, StrangersAreSentAway) {
  EXPECT_EQ(post_form(two_files(), "").status, 401u);
  EXPECT_EQ(post_form(two_files(), sign_in("romeo", "wrong")).status, 401u);
  EXPECT_EQ(post_form(two_files(), "Authorization: Digest x\r\n").status, 400u);
  expect_nothing_kept();
}

TEST_F(FormPostTest, PasswordsBehindAStrangersProxyAreNotTaken) {
  EXPECT_EQ(post_form(two_files(), sign_in() + "X-Forwarded-For: 192.0.2.1\r\n").status, 403u);
}

TEST_F(FormPostTest, PagesOfOtherSitesMayNotSend) {
  const auto status = [&](std::string fields) { return post_form(two_files(), sign_in() + fields).status; };
  EXPECT_EQ(status("Sec-Fetch-Site: cross-site\r\n"), 403u);
  EXPECT_EQ(status("Origin: https://evil.example\r\n"), 403u);
  EXPECT_EQ(status("Origin: null\r\n"), 403u);
  EXPECT_EQ(status("Sec-Fetch-Site: same-site\r\nOrigin: http://localhost:8080\r\n"), 403u);
  EXPECT_EQ(status("Origin: http://localhost:5280\r\n"), 201u);
  EXPECT_EQ(status("Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost:5280\r\n"), 201u);
  EXPECT_EQ(status("Sec-Fetch-Site: none\r\n"), 201u);
  settings_.origins = {"https://app.example"};
  EXPECT_EQ(status("Sec-Fetch-Site: cross-site\r\nOrigin: https://app.example\r\n"), 201u);
}

TEST_F(FormPostTest, WhoHasNoAccountGetsAnAddressForRemoval) {
  settings_.anonymous = true;

  const auto json = json_in(post_form(two_files(), ""));

  const std::string url{json.at("files").at(0).at("delete_url").as_string()};
  const std::string path = url.substr(url.find("/delete/"));
  EXPECT_THAT(do_request("GET " + path).body, HasSubstr("<form method=\"post\">"));
  EXPECT_EQ(index_.files(), 2u);
  EXPECT_EQ(do_request("DELETE " + path + "x").status, 404u);
  EXPECT_EQ(do_request("DELETE " + path).status, 204u);
  EXPECT_EQ(index_.files(), 1u);
  EXPECT_EQ(do_request("GET " + path).status, 404u);
}

TEST_F(FormPostTest, WrongCredentialsAreWrongForEverybody) {
  settings_.anonymous = true;

  EXPECT_EQ(post_form(two_files(), sign_in("romeo", "wrong")).status, 401u);
}

TEST_F(FormPostTest, AnotherTypeIsRefusedInTheSeedsWords) {
  const auto answer =
      do_request("POST /upload", sign_in() + kPage + "Content-Type: application/x-www-form-urlencoded\r\n", "a=b");

  EXPECT_EQ(answer.status, 415u);
  EXPECT_THAT(answer.body, HasSubstr("只能处理multipart/form-data类型的数据!"));
  EXPECT_EQ(do_request("POST /upload", sign_in(), "a=b").status, 415u);
}

TEST_F(FormPostTest, ATypeIsNeverAnythingButText) {
  const auto answer =
      do_request("POST /upload", sign_in() + kPage + "Content-Type: %{(#_='multipart/form-data')}<script>\r\n", "a=b");

  EXPECT_EQ(answer.status, 415u);
  EXPECT_THAT(answer.body, Not(HasSubstr("<script")));
}

TEST_F(FormPostTest, WhatIsTooLargeIsRefusedBeforeItComes) {
  settings_.form_bytes = 1000;

  const auto answer =
      one("POST /upload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n" + sign_in() +
          "Content-Type: multipart/form-data; boundary=b\r\n\r\n");

  EXPECT_EQ(answer.status, 413u);
  const auto json = json_in(answer);
  EXPECT_EQ(json.at("code"), "form-too-large");
  EXPECT_EQ(json.at("permitted"), 1000);
  EXPECT_EQ(json.at("actual"), 1001);
}

TEST_F(FormPostTest, AFileThatIsTooLargeTakesTheWholeFormWithIt) {
  settings_.file_bytes = 5;

  const auto answer = post_form(two_files(), sign_in());

  EXPECT_EQ(answer.status, 413u);
  EXPECT_EQ(json_in(answer).at("code"), "file-too-large");
  expect_nothing_kept();
}

TEST_F(FormPostTest, TooManyFilesAreRefused) {
  settings_.files_per_form = 1;

  const auto answer = post_form(two_files(), sign_in() + kPage);

  EXPECT_EQ(answer.status, 413u);
  EXPECT_THAT(answer.body, HasSubstr("解析数据时出现如下问题:"));
  expect_nothing_kept();
}

TEST_F(FormPostTest, AQuotaHasNumbers) {
  settings_.quota_bytes = 8;

  const auto answer = post_form(two_files(), sign_in());

  EXPECT_EQ(answer.status, 413u);
  const auto json = json_in(answer);
  EXPECT_EQ(json.at("code"), "quota");
  EXPECT_EQ(json.at("permitted"), 8);
  expect_nothing_kept();
}

TEST_F(FormPostTest, AFullDiskKeepsNothing) {
  faults_.set("append", Errc::disk_full, 1);

  const auto answer = post_form(two_files(), sign_in() + kPage);

  EXPECT_EQ(answer.status, 507u);
  EXPECT_THAT(answer.body, HasSubstr("存储文件时出现如下问题:"));
  expect_nothing_kept();
}

TEST_F(FormPostTest, AFolderThatCannotBeReadHasItsSentence) {
  faults_.set("create", Errc::io);

  const auto answer = post_form(two_files(), sign_in() + kPage);

  EXPECT_EQ(answer.status, 503u);
  EXPECT_THAT(answer.body, HasSubstr("无法访问存储目录!"));
}

TEST_F(FormPostTest, AFolderThatCannotBeMadeHasItsSentence) {
  faults_.set("create", Errc::not_found);

  const auto answer = post_form(two_files(), sign_in() + kPage);

  EXPECT_EQ(answer.status, 503u);
  EXPECT_THAT(answer.body, HasSubstr("无法创建存储目录!"));
}

TEST_F(FormPostTest, TwoFilesOfTheSameBytesAreKeptOnce) {
  const auto answer = post_form(part("name=file1; filename=\"a.txt\"", "the same", "text/plain") +
                                    part("name=file2; filename=\"b.txt\"", "the same", "text/plain"),
                                sign_in());

  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(index_.files(), 2u);
  EXPECT_EQ(content_.whole(), 1u);
}

TEST_F(FormPostTest, WhenTheFilesCannotBeEnteredNoneIsKept) {
  faults_.set("finish_uploads", Errc::disk_full);

  const auto answer = post_form(two_files(), sign_in());

  EXPECT_EQ(answer.status, 507u);
  EXPECT_EQ(json_in(answer).at("code"), "no-space");
  expect_nothing_kept();
}

TEST_F(FormPostTest, WhenTheSecondFileCannotBeSealedTheFirstGoes) {
  faults_.set("seal", Errc::disk_full, 1);

  const auto answer = post_form(two_files(), sign_in());

  EXPECT_EQ(answer.status, 507u);
  EXPECT_EQ(json_in(answer).at("code"), "no-space");
  expect_nothing_kept();
}

TEST_F(FormPostTest, AClientThatGoesLeavesNothing) {
  const std::string body = two_files();

  talk(request("POST /upload", sign_in() + "Content-Type: multipart/form-data; boundary=b\r\n", body + body)
           .substr(0, 400));

  expect_nothing_kept();
}

TEST_F(FormPostTest, AFormWithoutAnEndIsMalformed) {
  const auto answer =
      do_request("POST /upload", sign_in() + "Content-Type: multipart/form-data; boundary=b\r\n", two_files());

  EXPECT_EQ(answer.status, 400u);
  EXPECT_EQ(json_in(answer).at("code"), "malformed");
  expect_nothing_kept();
}

// One file ------------------------------------------------------------------------------------------------------------

TEST_F(FormPostTest, OneFileIsTheBody) {
  const auto answer = do_request("POST /uploads",
                                 sign_in() +
                                     "Content-Type: text/plain\r\n"
                                     "Content-Disposition: attachment; filename*=UTF-8''%E5%9B%BE.txt\r\n",
                                 "hello");

  EXPECT_EQ(answer.status, 201u);
  const auto json = json_in(answer);
  EXPECT_EQ(json.at("name"), "图.txt");
  EXPECT_EQ(json.at("size"), 5);
  EXPECT_EQ(json.at("url").as_string(), answer.field("location"));
  EXPECT_FALSE(json.contains("delete_url"));
}

TEST_F(FormPostTest, ChunksAreAFileToo) {
  const auto answer = one("POST /uploads?name=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + sign_in() +
                          "\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");

  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(json_in(answer).at("size"), 5);
}

TEST_F(FormPostTest, AnEmptyFileIsAFile) { EXPECT_EQ(do_request("GET " + put("")).body, ""); }

TEST_F(FormPostTest, AFileThatSaysItIsTooLargeIsRefusedUnread) {
  settings_.file_bytes = 10;

  const auto answer =
      one("POST /uploads HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n" + sign_in() + "\r\n");

  EXPECT_EQ(answer.status, 413u);
  EXPECT_EQ(json_in(answer).at("code"), "file-too-large");
  EXPECT_EQ(json_in(answer).at("permitted"), 10);
  EXPECT_EQ(json_in(answer).at("actual"), 11);
}

TEST_F(FormPostTest, AFileThatDoesNotSayItIsRefusedWhenItIs) {
  settings_.file_bytes = 4;

  const auto answer = one("POST /uploads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + sign_in() +
                          "\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");

  EXPECT_EQ(answer.status, 413u);
  EXPECT_EQ(json_in(answer).at("code"), "file-too-large");
  expect_nothing_kept();
}

TEST_F(FormPostTest, FewerBytesThanWereAnnouncedAreNoFile) {
  talk("POST /uploads HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n" + sign_in() + "\r\nhello");

  expect_nothing_kept();
}

TEST_F(FormPostTest, AFormAtTheWrongAddressIsToldSo) {
  EXPECT_EQ(
      do_request("POST /uploads", sign_in() + "Content-Type: multipart/form-data; boundary=b\r\n", "--b--").status,
      415u);
}

TEST_F(FormPostTest, AFullDiskIsSaid) {
  faults_.set("append", Errc::disk_full);

  const auto answer = do_request("POST /uploads", sign_in(), "hello");

  EXPECT_EQ(answer.status, 507u);
  EXPECT_EQ(json_in(answer).at("code"), "no-space");
  expect_nothing_kept();
}

}  // namespace
}  // namespace anser::upload
