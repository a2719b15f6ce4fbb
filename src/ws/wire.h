// The frames of docs/wire/websocket.md: a type and a message of proto/anser.proto, in one of three forms. Pure.
//
//   binary = type (2 bytes, little-endian) message (Protobuf)
//   text   = {"type": number, "message": object (Protobuf's JSON form)}      with the subprotocol anser.json
//   heartbeat = {"module":"HEART_CHECK", "message": anything}                a text frame, with any of them
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anser.pb.h"
#include "base/result.h"

namespace anser::ws {

enum class Form : std::uint8_t {
  bare,      // no subprotocol: binary, and nothing that the first apps do not know
  protobuf,  // anser.protobuf
  json       // anser.json
};
inline constexpr std::size_t kForms = 3;

std::string_view subprotocol(Form form);  // "" for bare
std::optional<Form> form_of(std::string_view subprotocol);

enum class FrameType : std::uint16_t {
  ack = 10,
  message = 11,
  auth = 12,
  auth_result = 13,
  error = 14,
  presence = 15,
  roster = 16,
  set_contact = 17,
  typing = 18,
  receipt = 19,
  history_request = 20,
  history_page = 21,
  subscribe = 22,
  unsubscribe = 23,
  done = 24
};

// Protobuf writes what it cannot read to standard error; we say it to the client, once. Before the first frame.
void keep_protobuf_quiet();

// What a WebSocket message carries in this form, appended: no more is needed around it than the frame of RFC 6455.
void append(std::string& out, Form form, FrameType type, const google::protobuf::Message& message);

// The type of a message that came, and what it carries.
struct Incoming {
  std::uint16_t type = 0;
  std::string_view payload;  // Protobuf, or a JSON object; valid as long as the message (or `json`)
  std::string json;
};
// Errc::bad_request: there is no type.
Result<Incoming> split(Form form, std::string_view message);
// Errc::bad_request, in words.
Result<void> parse(Form form, const Incoming& incoming, google::protobuf::Message& into);

// The answer to a heartbeat; none: it is no heartbeat.
std::optional<std::string> answer_heartbeat(std::string_view text);

}  // namespace anser::ws
