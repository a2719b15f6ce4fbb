#include "codec/json.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <string>

namespace anser::codec {
namespace {

using namespace std::string_literals;

std::string complaint(std::string_view text) {
  const auto object = parse_json_object(text);
  EXPECT_FALSE(object) << text;
  return object ? "" : object.error().message;
}

TEST(JsonObject, IsReadWithAllThatIsInIt) {
  const auto object = parse_json_object(" {\"a\":[1,{\"b\":null}],\"b\":\"\\u00e4\",\"A\":{\"a\":1}} ");
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->size(), 3u);
  EXPECT_EQ(object->at("b").as_string(), "ä");
  EXPECT_TRUE(parse_json_object("{}").value().empty());
}

TEST(JsonObject, HasNoNameTwice) {
  const std::string twice = "a name stands twice in one object";
  EXPECT_EQ(complaint("{\"a\":1,\"a\":1}"), twice);
  EXPECT_EQ(complaint("{\"a\":1,\"b\":2,\"\\u0061\":3}"), twice);
  EXPECT_EQ(complaint("{\"x\":[{\"a\":1,\"a\":1}]}"), twice);
  const std::string name(5000, 'n');
  EXPECT_EQ(complaint("{\"" + name + "\":1,\"" + name + "\":1}"), twice);
  EXPECT_TRUE(parse_json_object("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":1}]}"));
}

TEST(JsonObject, IsNotDeeperThanAllowed) {
  EXPECT_TRUE(parse_json_object("{\"a\":[[1]]}", 3));
  EXPECT_FALSE(parse_json_object("{\"a\":[[[1]]]}", 3));
  EXPECT_EQ(complaint("{\"a\":" + std::string(100'000, '[')), "the JSON is deeper than 8");
}

TEST(JsonObject, IsNothingElse) {
  for (const std::string& text :
       {""s, " "s, "{"s, "{\"a\":1"s, "{\"a\":1}}"s, "{\"a\":1} x"s, "{\"a\":1,}"s, "{a:1}"s, "{\"a\":\"\xff\"}"s,
        "{\"a\":\"\n\"}"s, "{\"a\":NaN}"s, "/**/{}"s, "{}\0"s, "\xef\xbb\xbf{}"s, "{\"\\ud800\":1}"s}) {
    EXPECT_EQ(complaint(text), "this is no JSON") << text;
  }
  for (const std::string_view text : {"[]", "null", "\"{}\"", "1"})
    EXPECT_EQ(complaint(text), "this is JSON, but no object");
}

}  // namespace
}  // namespace anser::codec
