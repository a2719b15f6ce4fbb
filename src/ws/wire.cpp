#include "ws/wire.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>

#include <boost/json.hpp>

#include "codec/json.h"

namespace anser::ws {
namespace {

namespace json = boost::json;
namespace util = google::protobuf::util;

constexpr std::size_t kTypeBytes = 2;
constexpr std::size_t kMaxDepth = 32;

}  // namespace

std::string_view subprotocol(Form form) {
  switch (form) {
    case Form::protobuf:
      return "anser.protobuf";
    case Form::json:
      return "anser.json";
    case Form::bare:
      break;
  }
  return {};
}

std::optional<Form> form_of(std::string_view name) {
  for (const Form form : {Form::protobuf, Form::json}) {
    if (name == subprotocol(form)) return form;
  }
  return std::nullopt;
}

void keep_protobuf_quiet() { google::protobuf::SetLogHandler(nullptr); }

void append(std::string& out, Form form, FrameType type, const google::protobuf::Message& message) {
  const auto number = static_cast<std::uint16_t>(type);
  if (form != Form::json) {
    out.push_back(static_cast<char>(number & 0xff));
    out.push_back(static_cast<char>(number >> 8));
    message.AppendToString(&out);
    return;
  }
  std::string text;
  (void)util::MessageToJsonString(message, &text);  // of a message that we have made: it cannot fail
  out.append(R"({"type":)").append(std::to_string(number)).append(R"(,"message":)").append(text).append("}");
}

Result<Incoming> split(Form form, std::string_view message) {
  Incoming incoming;
  if (form != Form::json) {
    if (message.size() < kTypeBytes) return fail(Errc::bad_request, "a frame begins with a type in two bytes");
    incoming.type = static_cast<std::uint16_t>(static_cast<unsigned char>(message[0]) |
                                               static_cast<unsigned char>(message[1]) << 8);
    incoming.payload = message.substr(kTypeBytes);
    return incoming;
  }
  const auto object = codec::parse_json_object(message, kMaxDepth);
  if (!object) return pass(object);
  const json::value* type = object->if_contains("type");
  const std::int64_t* number = type ? type->if_int64() : nullptr;
  if (!number || *number < 0 || *number > 0xffff) return fail(Errc::bad_request, "a frame has a number as its type");
  incoming.type = static_cast<std::uint16_t>(*number);
  const json::value* content = object->if_contains("message");
  if (content && !content->is_object()) return fail(Errc::bad_request, "a frame's message is an object");
  incoming.json = content ? json::serialize(*content) : "{}";
  return incoming;
}

Result<void> parse(Form form, const Incoming& incoming, google::protobuf::Message& into) {
  if (form != Form::json) {
    if (into.ParseFromArray(incoming.payload.data(), static_cast<int>(incoming.payload.size()))) return {};
    return fail(Errc::bad_request, "this is not the Protobuf of a frame of type {}", incoming.type);
  }
  util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (util::JsonStringToMessage(incoming.json, &into, options).ok()) return {};
  return fail(Errc::bad_request, "this is not the JSON of a frame of type {}", incoming.type);
}

std::optional<std::string> answer_heartbeat(std::string_view text) {
  if (text.find("HEART_CHECK") == std::string_view::npos) return std::nullopt;
  const auto object = codec::parse_json_object(text, kMaxDepth);
  if (!object) return std::nullopt;
  const json::value* module = object->if_contains("module");
  if (!module || !module->is_string() || module->get_string() != "HEART_CHECK") return std::nullopt;
  json::object answer;
  answer["module"] = *module;
  if (const json::value* message = object->if_contains("message")) answer["message"] = *message;
  return json::serialize(answer);
}

}  // namespace anser::ws
