#include "door/http_sign_in.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace anser::door {
namespace {

net::HttpRequest with_field(std::string value) {
  net::HttpRequest request;
  request.fields.emplace_back("authorization", std::move(value));
  return request;
}
std::string basic(std::string_view pair) { return "Basic " + base64_encode(pair); }

TEST(HttpSignIn, BasicHasANameAndAPassword) {
  const auto said = credentials_in_header(with_field(basic("romeo@montague.example:a:b")));

  ASSERT_TRUE(said && *said);
  EXPECT_EQ((*said)->user, "romeo@montague.example");
  EXPECT_EQ((*said)->password, "a:b");
  EXPECT_EQ((*said)->token, "");
}

TEST(HttpSignIn, TheSchemeIsInWhateverCase) {
  EXPECT_EQ((*credentials_in_header(with_field("bAsIc  " + base64_encode("张三:密码"))))->user, "张三");
  EXPECT_EQ((*credentials_in_header(with_field("BEARER a.b.c")))->token, "a.b.c");
}

TEST(HttpSignIn, PasswordsAndNamesMayBeEmpty) {
  EXPECT_EQ((*credentials_in_header(with_field(basic(":"))))->user, "");
  EXPECT_EQ((*credentials_in_header(with_field(basic("romeo:"))))->password, "");
}

TEST(HttpSignIn, NoFieldIsNobody) {
  const auto said = credentials_in_header({});

  ASSERT_TRUE(said);
  EXPECT_FALSE(*said);
}

TEST(HttpSignIn, WhatIsNeitherIsRefused) {
  for (const std::string text : {"", "Basic", "Basic ", "Bearer", "Bearer ", "Basic !!!", "Basic cm9tZW8", "Digest x=y",
                                 "Basiccm9tZW86eA==", "romeo:pencil", "Basic cm9tZW86eA== x"}) {
    const auto said = credentials_in_header(with_field(text));
    ASSERT_FALSE(said) << text;
    EXPECT_EQ(said.error().code, Errc::bad_request) << text;
  }
  EXPECT_FALSE(credentials_in_header(with_field(basic("romeo"))));  // no colon
}

TEST(HttpSignIn, TheQueryHasATokenOrAName) {
  net::HttpRequest request;
  request.target = "/ws?user=romeo&password=a%3Ab";
  EXPECT_EQ(credentials_in_query(request)->user, "romeo");
  EXPECT_EQ(credentials_in_query(request)->password, "a:b");
  request.target = "/ws?token=a.b&user=romeo";
  EXPECT_EQ(credentials_in_query(request)->token, "a.b");
  EXPECT_EQ(credentials_in_query(request)->user, "");
  request.target = "/ws?password=x";
  EXPECT_FALSE(credentials_in_query(request));
}

TEST(HttpSignIn, SecretsCrossTheOpenOnlyWhereThatIsAllowed) {
  const auto far = boost::asio::ip::make_address("192.0.2.1"), here = boost::asio::ip::make_address("127.0.0.1");
  EXPECT_FALSE(may_be_said({.address = far}, false));
  EXPECT_TRUE(may_be_said({.address = far}, true));
  EXPECT_TRUE(may_be_said({.address = far, .tls = true}, false));
  EXPECT_TRUE(may_be_said({.address = here}, false));
  EXPECT_FALSE(may_be_said({.address = here, .forwarded = true}, false));  // a proxy here, its client anywhere
}

TEST(HttpSignIn, TheHostIsTheOneThatWasDialled) {
  const domain::Hosts hosts{{{"montague.example", {"old.montague.example"}}, {"capulet.example", {}}}, {"::1"}};
  const auto dialled = [&](std::string host) {
    net::HttpRequest request;
    request.fields.emplace_back("host", std::move(host));
    return host_dialled(request, hosts);
  };
  EXPECT_EQ(dialled("capulet.example:5443"), "capulet.example");
  EXPECT_EQ(dialled("old.montague.example"), "montague.example");
  EXPECT_EQ(dialled("elsewhere.example"), "montague.example");
  EXPECT_EQ(dialled("[::1"), "montague.example");
  EXPECT_EQ(host_dialled({}, hosts), "montague.example");
}

}  // namespace
}  // namespace anser::door
