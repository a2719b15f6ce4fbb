#include "upload/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "core/crypto.h"

namespace anser::upload {
namespace {

using testing::HasSubstr;
using testing::Not;

Telling telling(std::string accept) {
  net::HttpRequest request;
  request.fields.emplace_back("accept", std::move(accept));
  return wanted(request);
}

TEST(Html, TextStaysText) {
  EXPECT_EQ(escaped("<b title='x' id=\"y\">&amp;"), "&lt;b title=&#39;x&#39; id=&quot;y&quot;&gt;&amp;amp;");
  EXPECT_EQ(escaped("图\t.png\n"), "图\t.png\n");
  EXPECT_EQ(escaped(std::string_view{"a\0b\x1b\x7f", 5}),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Html, APageLetsNothingRun) {
  const auto made = page(400, "<script>", "<p>x</p>");

  std::string policy;
  for (const auto& [name, value] : made.fields) {
    if (name == "content-security-policy") policy = value;
  }
  EXPECT_EQ(made.type, "text/html; charset=utf-8");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("script-src")));
  EXPECT_THAT(made.body, HasSubstr("<title>&lt;script&gt;</title>"));
  const auto begin = made.body.find("<style>") + 7;
  const auto style = made.body.substr(begin, made.body.find("</style>") - begin);
  EXPECT_THAT(policy, HasSubstr("'sha256-" + base64_encode(core::digest(core::Hash::sha256, style)) + "'"));
}

TEST(Html, BrowsersGetPagesAndProgramsJson) {
  EXPECT_EQ(wanted({}), Telling::json);
  EXPECT_EQ(telling("*/*"), Telling::json);
  EXPECT_EQ(telling("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"), Telling::page);
  EXPECT_EQ(telling("application/json"), Telling::json);
  EXPECT_EQ(telling("application/json, text/plain, */*"), Telling::json);
  EXPECT_EQ(telling("text/plain"), Telling::text);
  EXPECT_EQ(telling("TEXT/HTML"), Telling::page);
}

TEST(Html, WeightsCount) {
  EXPECT_EQ(telling("application/json;q=0.5, text/html;q=0.9"), Telling::page);
  EXPECT_EQ(telling("text/html;q=0.1, text/plain;q=0.25"), Telling::text);
  EXPECT_EQ(telling("text/*;q=0.5, text/html;q=0"), Telling::text);
  EXPECT_EQ(telling("text/html;q=0"), Telling::json);
  EXPECT_EQ(telling("text/html; level=1; q=0.9, */*; q=1"), Telling::json);
  EXPECT_EQ(telling("*/*;q=0.1, text/plain"), Telling::text);
}

TEST(Html, NonsenseIsWhoDoesNotSay) {
  for (const auto* text : {"", " ", ",", ";;;", "q=1", "image/png", "text/html;q=0;q=1;;", "//", "*/html"})
    EXPECT_EQ(telling(text), Telling::json) << text;
  EXPECT_EQ(telling("text/html;q=x"), Telling::page);
}

}  // namespace
}  // namespace anser::upload
