// How errors are told, and what files look like in answers. (Who asks is tested end to end.)
#include "upload/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "net/http_test_support.h"

namespace anser::upload {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::Pair;

const Problem kTooLarge{.status = 413,
                        .code = "file-too-large",
                        .detail = "<b>\"5\"</b> bytes\r\nSet-Cookie: a=b",
                        .permitted = 4,
                        .actual = 5};

net::HttpRequest accepting(std::string accept) {
  net::HttpRequest request;
  request.fields.emplace_back("accept", std::move(accept));
  return request;
}

TEST(Problem, AProgramGetsJson) {
  const auto response = response_of(kTooLarge, {});

  EXPECT_EQ(response.status, 413u);
  EXPECT_EQ(response.type, "application/problem+json");
  const auto json = boost::json::parse(response.body).as_object();
  EXPECT_EQ(json.at("type"), "about:blank");
  EXPECT_EQ(json.at("status"), 413);
  EXPECT_EQ(json.at("code"), "file-too-large");
  EXPECT_EQ(json.at("detail").as_string(), kTooLarge.detail);
  EXPECT_EQ(json.at("permitted"), 4);
  EXPECT_EQ(json.at("actual"), 5);
  EXPECT_FALSE(json.at("title").as_string().empty());
}

TEST(Problem, WithoutALimitThereAreNoNumbers) {
  const auto json =
      boost::json::parse(response_of({.status = 404, .code = "not-found", .detail = "none"}, {}).body).as_object();

  EXPECT_FALSE(json.contains("permitted"));
  EXPECT_FALSE(json.contains("actual"));
}

TEST(Problem, APersonGetsAPageWithoutAnybodysMarkup) {
  const auto response = response_of(kTooLarge, accepting("text/html"));

  EXPECT_EQ(response.type, "text/html; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("&lt;b&gt;&quot;5&quot;&lt;/b&gt;"));
  EXPECT_THAT(response.body, Not(HasSubstr("<b>")));
  EXPECT_THAT(response.fields, testing::Contains(Pair("content-security-policy", HasSubstr("default-src 'none'"))));
}

TEST(Problem, WhoWantsTextGetsALine) {
  EXPECT_EQ(response_of({.status = 404, .detail = "there is no such file"}, accepting("text/plain")).body,
            "there is no such file\n");
}

TEST(Problem, ItsFieldsGoWithEveryForm) {
  for (const auto* accept : {"text/html", "text/plain", "application/json"}) {
    Problem problem{.status = 405, .code = "method", .detail = "no"};
    problem.fields.emplace_back("allow", "GET");
    const auto response = response_of(problem, accepting(accept));
    EXPECT_THAT(response.fields, testing::Contains(Pair("allow", "GET"))) << accept;
    EXPECT_THAT(response.fields, testing::Contains(Pair("cache-control", "no-store"))) << accept;
  }
}

TEST(Problem, EveryCodeHasItsStatus) {
  const auto status = [](Errc code) { return problem_of(Error{code, "x"}).status; };
  EXPECT_EQ(status(Errc::bad_request), 400u);
  EXPECT_EQ(status(Errc::not_authorized), 401u);
  EXPECT_EQ(status(Errc::forbidden), 403u);
  EXPECT_EQ(status(Errc::not_found), 404u);
  EXPECT_EQ(status(Errc::timeout), 408u);
  EXPECT_EQ(status(Errc::conflict), 409u);
  EXPECT_EQ(status(Errc::policy_violation), 413u);
  EXPECT_EQ(status(Errc::resource_limit), 413u);
  EXPECT_EQ(status(Errc::unsupported), 415u);
  EXPECT_EQ(status(Errc::queue_full), 429u);
  EXPECT_EQ(status(Errc::internal), 500u);
  EXPECT_EQ(status(Errc::io), 503u);
  EXPECT_EQ(status(Errc::storage_failed), 503u);
  EXPECT_EQ(status(Errc::disk_full), 507u);
  EXPECT_EQ(problem_of(Error{Errc::resource_limit, ""}).code, "quota");
  EXPECT_THAT(problem_of(Error{Errc::queue_full, ""}).fields, testing::Contains(Pair("retry-after", testing::_)));
  EXPECT_THAT(problem_of(Error{Errc::not_authorized, ""}).fields,
              testing::Contains(Pair("www-authenticate", R"(Basic realm="Anser", charset="UTF-8")")));
}

TEST(Problem, WhatIsWrongInsideStaysInside) {
  for (const auto code : {Errc::io, Errc::storage_failed, Errc::disk_full, Errc::internal})
    EXPECT_THAT(problem_of(Error{code, "/var/lib/anser/files/x: broken"}).detail, Not(HasSubstr("/var")));
}

// Addresses ----------------------------------------------------------------------------------------------------------

domain::FileRecord file(std::string name) {
  domain::FileRecord record;
  record.id = "abc_-9";
  record.name = std::move(name);
  record.size = 1234;
  record.created = Time{std::chrono::milliseconds{1'795'780'800'000}};
  return record;
}

TEST(Address, ANameIsPercentCoded) {
  EXPECT_EQ(url_of("https://h:5443", file("图.png")), "https://h:5443/files/abc_-9/%E5%9B%BE.png");
  EXPECT_EQ(url_of("", file("a b/?#%\"<>'&=+~.txt")), "/files/abc_-9/a%20b%2F%3F%23%25%22%3C%3E%27%26%3D%2B~.txt");
}

TEST(Address, AFileIsJson) {
  auto record = file("a\"b");
  const auto json = boost::json::parse(json_of("http://h", record, "file1", "key")).as_object();

  EXPECT_EQ(json.at("field"), "file1");
  EXPECT_EQ(json.at("name"), "a\"b");
  EXPECT_EQ(json.at("type"), "application/octet-stream");
  EXPECT_EQ(json.at("size"), 1234);
  EXPECT_EQ(json.at("url"), "http://h/files/abc_-9/a%22b");
  EXPECT_EQ(json.at("created"), "2026-11-27T12:00:00.000Z");
  EXPECT_EQ(json.at("delete_url"), "http://h/delete/abc_-9/key");
  EXPECT_FALSE(json.contains("expires"));

  record.expires = record.created + std::chrono::hours{24};
  const auto ending = boost::json::parse(json_of("http://h", record, "", "")).as_object();
  EXPECT_EQ(ending.at("expires"), "2026-11-28T12:00:00.000Z");
  EXPECT_FALSE(ending.contains("field"));
  EXPECT_FALSE(ending.contains("delete_url"));
}

class AddressOfTest : public net::HttpServerTest {
 protected:
  AddressOfTest() {
    server.route("/", [this](net::HttpExchange& exchange) -> net::Task<void> {
      exchange.respond({.body = address_of(upload, exchange)});
      return boost::asio::post(exchange.core().io(), boost::asio::use_awaitable_t<net::Executor>{});
    });
  }
  std::string address(std::string_view fields) {
    return ask(fmt::format("GET / HTTP/1.1\r\n{}\r\n", fields)).at(0).body;
  }
  Settings upload;
};

TEST_F(AddressOfTest, AddressesBeginWhereTheClientIs) {
  EXPECT_EQ(address("Host: Chat.Example.org:5280\r\n"), "http://chat.example.org:5280");
  EXPECT_EQ(address("Host: [::1]:5280\r\n"), "http://[::1]:5280");
}

TEST_F(AddressOfTest, AStrangersProxyFieldsAreNotBelieved) {
  EXPECT_EQ(address("Host: a\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n"), "http://a");
}

TEST_F(AddressOfTest, OurProxysAre) {
  upload.proxies = *net::HttpProxies::parse({"127.0.0.1"});

  EXPECT_EQ(address("Host: a\r\nX-Forwarded-Host: chat.example.org\r\nX-Forwarded-Proto: https\r\n"),
            "https://chat.example.org");
  EXPECT_EQ(address("Host: a\r\nX-Forwarded-Host: evil.example, b.example:8443\r\n"), "https://b.example:8443");
  EXPECT_EQ(address("Host: a\r\nX-Forwarded-Host: e\"><script>\r\n"), "https://a");
}

TEST_F(AddressOfTest, TheConfigurationHasTheLastWord) {
  upload.host = "files.example.org";
  EXPECT_EQ(address("Host: chat.example.org:5280\r\n"), "http://files.example.org:5280");
  EXPECT_EQ(address("Host: [::1]\r\n"), "http://files.example.org");

  upload.address = "https://f.example.org/";
  EXPECT_EQ(address("Host: chat.example.org:5280\r\n"), "https://f.example.org");
}

TEST(AllowOrigin, OnlyPagesThatAreNamedMayRead) {
  Settings settings;
  settings.origins = {"https://app.example.org"};
  const auto fields = [&settings](std::string_view origin, std::string method) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.fields.emplace_back("origin", origin);
    net::HttpResponse response;
    allow_origin(response, settings, request);
    return response.fields;
  };

  EXPECT_THAT(fields("https://app.example.org", "POST"),
              testing::AllOf(testing::Contains(Pair("access-control-allow-origin", "https://app.example.org")),
                             testing::Contains(Pair("access-control-expose-headers", HasSubstr("Upload-Offset")))));
  EXPECT_THAT(fields("https://app.example.org", "OPTIONS"),
              testing::Contains(Pair("access-control-allow-headers", HasSubstr("Tus-Resumable"))));
  for (const auto* other : {"https://app.example.org.evil.example", "http://app.example.org", "null", ""})
    EXPECT_THAT(fields(other, "POST"), testing::ElementsAre(Pair("vary", "Origin"))) << other;
  settings.origins.clear();
  EXPECT_THAT(fields("https://app.example.org", "POST"), testing::IsEmpty());
}

}  // namespace
}  // namespace anser::upload
