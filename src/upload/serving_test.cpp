// Files that are there: fetched, listed, removed, by the whole door over files in memory.
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "tests/support/upload_door_fixture.h"

namespace anser::upload {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ServingTest : public UploadDoorTest {
 protected:
  net::SeenResponse get(const std::string& path, std::string_view fields = {}) {
    return do_request("GET " + path, fields);
  }
};

TEST_F(ServingTest, AFileComesBackWithItsGuards) {
  const auto answer = get(put("hello"));

  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.field("content-type"), "text/plain; charset=utf-8");
  EXPECT_THAT(answer.field("content-disposition"), StartsWith("inline; filename=\"a.txt\""));
  EXPECT_EQ(answer.field("x-content-type-options"), "nosniff");
  EXPECT_EQ(answer.field("content-security-policy"), "sandbox; default-src 'none'; frame-ancestors 'none'");
  EXPECT_EQ(answer.field("cross-origin-resource-policy"), "cross-origin");
  EXPECT_EQ(answer.field("referrer-policy"), "no-referrer");
  EXPECT_EQ(answer.field("accept-ranges"), "bytes");
  EXPECT_EQ(answer.field("cache-control"), "private, max-age=31536000, immutable");
  EXPECT_EQ(answer.field("access-control-allow-origin"), "*");
  EXPECT_EQ(answer.field("set-cookie"), "");
  EXPECT_EQ(answer.field("last-modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
}

TEST_F(ServingTest, WhatIsNotOnTheListIsSavedAndNeverShown) {
  for (const auto* type : {"text/html", "image/svg+xml", "image/png", "application/pdf", "", "text/javascript"}) {
    const auto answer = get(put("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", type));
    EXPECT_EQ(answer.field("content-type"), "application/octet-stream") << type;
    EXPECT_THAT(answer.field("content-disposition"), StartsWith("attachment;")) << type;
  }
}

TEST_F(ServingTest, ANameNeverBreaksAField) {
  const auto answer = get(put("x", "text/plain", "a%22%0D%0ASet-Cookie:%20b=c%0D%0A.txt"));

  EXPECT_EQ(answer.field("set-cookie"), "");
  EXPECT_EQ(answer.field("Set-Cookie"), "");
}

TEST_F(ServingTest, TheNameInTheAddressMayBeAnything) {
  const std::string path = put("hello");
  const std::string id = id_in(path);

  for (const auto* name : {"", "/", "/b.html", "/../../etc/passwd", "/%00"})
    EXPECT_THAT(get("/files/" + id + name).status, testing::AnyOf(200u, 400u)) << name;
  EXPECT_EQ(get("/files/" + id + "/other.html").field("content-type"), "text/plain; charset=utf-8");
}

TEST_F(ServingTest, WhatIsNotThereIsNotFound) {
  for (const auto* path : {"/files/", "/files/nobody/x", "/files/../x", "/files/%2e%2e/x", "/files/a%2Fb/x"}) {
    const auto answer = get(path);
    EXPECT_EQ(answer.status, 404u) << path;
    EXPECT_EQ(answer.field("content-security-policy"), "sandbox; default-src 'none'; frame-ancestors 'none'") << path;
  }
}

TEST_F(ServingTest, HeadIsTheSameWithoutTheBytes) {
  auto bytes = talk(request("HEAD " + put("hello"), "Range: bytes=0-1\r\n"));

  const auto head = net::take_response(bytes, true);
  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(head.field("content-length"), "5");
  EXPECT_EQ(bytes, "");
}

TEST_F(ServingTest, ARangeIsAPart) {
  const std::string path = put("0123456789");

  const auto some = get(path, "Range: bytes=2-4\r\n");
  EXPECT_EQ(some.status, 206u);
  EXPECT_EQ(some.body, "234");
  EXPECT_EQ(some.field("content-range"), "bytes 2-4/10");
  EXPECT_EQ(get(path, "Range: bytes=-3\r\n").body, "789");
  EXPECT_EQ(get(path, "Range: bytes=8-\r\n").body, "89");
  EXPECT_EQ(get(path, "Range: bytes=8-100\r\n").body, "89");
  EXPECT_EQ(get(path, "Range: lines=1-2\r\n").status, 200u);
}

TEST_F(ServingTest, SeveralRangesAreSeveralParts) {
  const auto answer = get(put("0123456789"), "Range: bytes=0-1,5-6\r\n");

  EXPECT_EQ(answer.status, 206u);
  const std::string type = answer.field("content-type");
  ASSERT_THAT(type, StartsWith("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(type.find('=') + 1);
  EXPECT_EQ(
      answer.body,
      "--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--" +
          boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 5-6/10\r\n\r\n56\r\n--" +
          boundary + "--\r\n");
  EXPECT_EQ(answer.field("content-range"), "");
}

TEST_F(ServingTest, ARangeBehindTheEndIsRefused) {
  const auto answer = get(put("hello"), "Range: bytes=5-\r\n");

  EXPECT_EQ(answer.status, 416u);
  EXPECT_EQ(answer.field("content-range"), "bytes */5");
}

TEST_F(ServingTest, WhoHasItGetsNothing) {
  const std::string path = put("hello");
  const std::string tag = get(path).field("etag");

  const auto same = get(path, "If-None-Match: " + tag + "\r\n");
  EXPECT_EQ(same.status, 304u);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.field("etag"), tag);
  EXPECT_EQ(get(path, "If-None-Match: \"x\"\r\n").status, 200u);
  EXPECT_EQ(get(path, "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n").status, 304u);
  EXPECT_EQ(get(path, "If-Match: \"x\"\r\n").status, 412u);
  EXPECT_EQ(get(path, "If-Range: \"x\"\r\nRange: bytes=0-0\r\n").status, 200u);
  EXPECT_EQ(get(path, "If-Range: " + tag + "\r\nRange: bytes=0-0\r\n").status, 206u);
}

TEST_F(ServingTest, ALongFileIsWhole) {
  std::string bytes(1'000'000, 'a');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>('a' + i % 23);

  const std::string path = put(bytes, "application/zip");

  EXPECT_TRUE(get(path).body == bytes);
  EXPECT_TRUE(get(path, "Range: bytes=65535-200000\r\n").body == bytes.substr(65535, 200000 - 65535 + 1));
}

TEST_F(ServingTest, AFileThatHasBecomeShorterEndsTheConnection) {
  const std::string path = put(std::string(200'000, 'a'), "application/zip");
  content_.cut(70'000);

  const std::string seen = talk(request("GET " + path) + request("GET " + path));

  EXPECT_THAT(seen, StartsWith("HTTP/1.1 200 "));
  EXPECT_LT(seen.size(), 200'000u);
}

TEST_F(ServingTest, ADiskThatCannotBeReadIsSaidWithoutItsNames) {
  const std::string path = put("hello");
  faults_.set("read", Errc::io);

  const auto answer = get(path);

  EXPECT_EQ(answer.status, 503u);
  EXPECT_THAT(answer.body, Not(HasSubstr("told to fail")));
}

TEST_F(ServingTest, FilesHaveAHostOfTheirOwn) {
  const std::string path = put("hello");
  settings_.host = "files.example.org";

  EXPECT_EQ(get(path).status, 421u);
  EXPECT_EQ(one("GET " + path + " HTTP/1.1\r\nHost: Files.Example.org:5280\r\n\r\n").status, 200u);
}

TEST_F(ServingTest, EveryPageMayAskHow) {
  const auto answer =
      do_request("OPTIONS " + put("x"), "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n");

  EXPECT_EQ(answer.status, 204u);
  EXPECT_EQ(answer.field("access-control-allow-origin"), "*");
  EXPECT_THAT(answer.field("access-control-allow-methods"), HasSubstr("PUT"));
  EXPECT_THAT(answer.field("access-control-allow-methods"), Not(HasSubstr("DELETE")));
}

TEST_F(ServingTest, OtherMethodsAreRefused) {
  const auto answer = do_request("PATCH /files/x/y");
  EXPECT_EQ(answer.status, 405u);
  EXPECT_EQ(answer.field("allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
}

// Owners --------------------------------------------------------------------------------------------------------------

TEST_F(ServingTest, OnlyTheOwnerRemovesAFile) {
  const std::string path = put("hello");

  EXPECT_EQ(do_request("DELETE " + path).status, 401u);
  EXPECT_EQ(do_request("DELETE " + path, sign_in("juliet")).status, 403u);
  EXPECT_EQ(do_request("DELETE " + path, sign_in() + "Sec-Fetch-Site: cross-site\r\n").status, 403u);
  EXPECT_EQ(do_request("DELETE " + path, sign_in()).status, 204u);
  EXPECT_EQ(get(path).status, 404u);
  EXPECT_EQ(do_request("DELETE " + path, sign_in()).status, 404u);
}

TEST_F(ServingTest, EverybodySeesTheirOwnFiles) {
  put("hello", "text/plain", "first");
  put("world!", "text/plain", "second");

  const auto mine = boost::json::parse(do_request("GET /files", sign_in()).body).as_object();
  const auto theirs = boost::json::parse(do_request("GET /files", sign_in("juliet")).body).as_object();

  ASSERT_EQ(mine.at("files").as_array().size(), 2u);
  EXPECT_EQ(mine.at("files").at(0).at("name"), "second");
  EXPECT_EQ(mine.at("used"), 11);
  EXPECT_EQ(mine.at("quota"), 1 << 30);
  EXPECT_TRUE(theirs.at("files").as_array().empty());
  EXPECT_EQ(do_request("GET /files").status, 401u);
}

TEST_F(ServingTest, TheListGoesOn) {
  put("hello", "text/plain", "first");
  const std::string second = put("world!", "text/plain", "second");
  const std::string id = id_in(second);

  const auto rest = boost::json::parse(do_request("GET /files?before=" + id, sign_in()).body).as_object();

  ASSERT_EQ(rest.at("files").as_array().size(), 1u);
  EXPECT_EQ(rest.at("files").at(0).at("name"), "first");
}

TEST_F(ServingTest, NoKeyRemovesAnOwnersFile) {
  const std::string path = put("hello");
  const std::string id = id_in(path);

  EXPECT_EQ(do_request("DELETE /delete/" + id + "/key").status, 404u);
  EXPECT_EQ(do_request("POST /delete/" + id + "/key").status, 404u);
  EXPECT_EQ(do_request("GET /delete/" + id + "/").status, 404u);
  EXPECT_EQ(do_request("PUT /delete/" + id + "/key").status, 405u);
  EXPECT_EQ(get(path).status, 200u);
}

}  // namespace
}  // namespace anser::upload
