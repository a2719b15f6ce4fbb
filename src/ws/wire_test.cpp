#include "ws/wire.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

namespace anser::ws {
namespace {

namespace json = boost::json;

std::string unhex(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string{hex.substr(at, 2)}, nullptr, 16)));
  return bytes;
}

std::string text_of(const json::object& fields, std::string_view name) {
  const auto* value = fields.if_contains(json::string_view{name.data(), name.size()});
  return value ? std::string{value->as_string()} : std::string{};
}

// Made with an encoder that is not ours.
json::array foreign_frames() {
  std::ifstream file{ANSER_TEST_DATA "/protobuf-frames.json"};
  std::stringstream text;
  text << file.rdbuf();
  return json::parse(text.str()).as_object().at("frames").as_array();
}

TEST(Wire, WritesAndReadsTheFramesOfAnotherEncoder) {
  const auto frames = foreign_frames();
  ASSERT_GE(frames.size(), 8u);
  for (const auto& entry : frames) {
    const auto& frame = entry.as_object();
    SCOPED_TRACE(std::string{frame.at("name").as_string()});
    const auto& fields = frame.at("fields").as_object();
    const std::string bytes = unhex(std::string{frame.at("hex").as_string()});
    std::string ours;

    const auto incoming = split(Form::bare, bytes);
    ASSERT_TRUE(incoming);
    EXPECT_EQ(incoming->type, frame.at("type").to_number<int>());

    if (incoming->type == 10) {
      proto::AckMessage ack;
      ASSERT_TRUE(parse(Form::bare, *incoming, ack));
      EXPECT_EQ(ack.eventid(), text_of(fields, "eventId"));
      append(ours, Form::bare, FrameType::ack, ack);
    } else {
      proto::Message message;
      ASSERT_TRUE(parse(Form::bare, *incoming, message));
      EXPECT_EQ(message.eventid(), text_of(fields, "eventId"));
      EXPECT_EQ(message.from(), text_of(fields, "from"));
      EXPECT_EQ(message.to(), text_of(fields, "to"));
      EXPECT_EQ(message.createat(), text_of(fields, "createAt"));
      EXPECT_EQ(message.type(), text_of(fields, "type"));
      EXPECT_EQ(message.body(), text_of(fields, "body"));
      append(ours, Form::bare, FrameType::message, message);
    }
    EXPECT_EQ(ours, bytes);
  }
}

TEST(Wire, SaysTheSameInJson) {
  proto::Message message;
  message.set_eventid("1");
  message.set_body("请求心跳 😀 \"quoted\"");
  message.mutable_attachment()->set_size(5'000'000'000);
  std::string text;

  append(text, Form::json, FrameType::message, message);
  const auto incoming = split(Form::json, text);
  ASSERT_TRUE(incoming);
  proto::Message read;
  ASSERT_TRUE(parse(Form::json, *incoming, read));

  EXPECT_EQ(incoming->type, 11);
  EXPECT_EQ(read.SerializeAsString(), message.SerializeAsString());
  EXPECT_NE(text.find(R"("size":"5000000000")"), std::string::npos) << text;  // Protobuf's rule for 64 bits
}

TEST(Wire, ReadsOverFieldsOfTomorrow) {
  const auto incoming = split(Form::json, R"({"type":10,"message":{"eventId":"a","colour":"blue"},"more":1})");
  ASSERT_TRUE(incoming);
  proto::AckMessage ack;
  ASSERT_TRUE(parse(Form::json, *incoming, ack));
  EXPECT_EQ(ack.eventid(), "a");

  const auto binary = split(Form::protobuf, std::string_view{"\x0a\0\x0a\x01"
                                                             "a\xfa\x01\x01z",
                                                             9});
  ASSERT_TRUE(binary);
  ASSERT_TRUE(parse(Form::protobuf, *binary, ack));
  EXPECT_EQ(ack.eventid(), "a");
}

TEST(Wire, RefusesWhatIsNoFrame) {
  for (const std::string_view text : {"", "a"}) EXPECT_FALSE(split(Form::protobuf, text));
  for (const std::string_view text :
       {"", "x", "[]", "{}", R"({"type":"11"})", R"({"type":-1})", R"({"type":70000})", R"({"type":1.5})",
        R"({"type":11,"message":[]})", R"({"type":11,"type":12})", "{\"type\":11}x"})
    EXPECT_FALSE(split(Form::json, text)) << text;
}

TEST(Wire, RefusesWhatIsNoMessage) {
  // A length beyond the end; text that is not UTF-8; a number where text is due in JSON.
  proto::Message message;
  for (const std::string_view payload : {std::string_view{"\x0a\x05"
                                                          "abc"},
                                         std::string_view{"\x32\x02\xc3\x28"}, std::string_view{"\x0a"}}) {
    const std::string frame = std::string{'\x0b', '\0'}.append(payload);
    const auto incoming = split(Form::protobuf, frame);
    ASSERT_TRUE(incoming);
    const auto parsed = parse(Form::protobuf, *incoming, message);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, Errc::bad_request);
  }
  const auto incoming = split(Form::json, R"({"type":11,"message":{"body":{}}})");
  ASSERT_TRUE(incoming);
  EXPECT_FALSE(parse(Form::json, *incoming, message));
}

TEST(Wire, AnswersHeartbeatsAndNothingElse) {
  EXPECT_EQ(answer_heartbeat(R"({"module": "HEART_CHECK", "message": "请求心跳"})"),
            R"({"module":"HEART_CHECK","message":"请求心跳"})");
  EXPECT_EQ(answer_heartbeat(R"({"message":{"n":[1,2]},"module":"HEART_CHECK"})"),
            R"({"module":"HEART_CHECK","message":{"n":[1,2]}})");
  EXPECT_EQ(answer_heartbeat(R"({"module":"HEART_CHECK"})"), R"({"module":"HEART_CHECK"})");
  for (const std::string_view text : {"", "HEART_CHECK", R"({"module":"OTHER","message":"HEART_CHECK"})",
                                      R"(["module","HEART_CHECK"])", R"({"module":"HEART_CHECK")"})
    EXPECT_FALSE(answer_heartbeat(text)) << text;
}

TEST(Wire, KnowsItsSubprotocols) {
  EXPECT_EQ(form_of("anser.protobuf"), Form::protobuf);
  EXPECT_EQ(form_of("anser.json"), Form::json);
  for (const std::string_view name : {"", "xmpp", "anser", "ANSER.JSON"}) EXPECT_FALSE(form_of(name)) << name;
}

}  // namespace
}  // namespace anser::ws
