#include "ws_dialect.h"

#include <fmt/format.h>

#include "base/base64.h"

namespace anser::load {
namespace {

// Protobuf by hand: a field of bytes is its number and wire type 2, the length, the bytes. Lengths here are below 128.
void put(std::string& out, int field, std::string_view value) {
  out.push_back(static_cast<char>(field << 3 | 2));
  out.push_back(static_cast<char>(value.size()));
  out.append(value);
}

std::string typed(unsigned char type) { return {static_cast<char>(type), '\0'}; }

constexpr unsigned char kAck = 10, kMessage = 11, kAuthResult = 13, kError = 14, kSubscribe = 22, kDone = 24;
constexpr int kEventId = 1, kTo = 3, kBody = 6, kGroup = 11, kEphemeral = 12;

std::string body_of(const WsPlan& plan) {
  std::string body = "#";
  body.append(kNumberHere);
  body.resize(std::max(body.size(), plan.body_bytes), 'x');
  return body;
}

WsMeaning of_anser(const WsPlan& plan, const WsFrame& frame, bool ready) {
  using What = WsMeaning::What;
  if (frame.opcode == WsOpcode::text) return {What::beat, {}, {}};
  const auto type = frame.payload.size() < 2 ? 0 : static_cast<unsigned char>(frame.payload[0]);
  const std::string_view content = frame.payload.substr(std::min<std::size_t>(2, frame.payload.size()));
  switch (type) {
    case kMessage:
      return {What::message, {}, frame.payload};
    case kAck:
      return {What::stored, {}, content.substr(std::min<std::size_t>(2, content.size()))};
    case kAuthResult: {
      if (!content.starts_with("\x08\x01")) return {What::refused, {}, content};
      if (plan.group.empty()) return {What::ready, {}, {}};
      std::string subscribe = typed(kSubscribe);
      put(subscribe, 1, "s");
      put(subscribe, 2, plan.group);
      return {What::say, ws_frame(WsOpcode::binary, subscribe), {}};
    }
    case kDone:
      return {ready ? What::nothing : What::ready, {}, {}};
    case kError:
      return {What::refused, {}, content};
    default:
      return {};
  }
}

WsMeaning of_socketio(const WsFrame& frame, bool ready) {
  using What = WsMeaning::What;
  const std::string_view packet = frame.payload;
  if (packet.starts_with(R"(42["say")")) return {What::message, {}, packet};
  if (packet.starts_with(R"(42["beat")")) return {What::beat, {}, {}};
  if (packet == "2") return {What::say, ws_frame(WsOpcode::text, "3"), {}};
  if (!ready && packet.starts_with("0")) return {What::say, ws_frame(WsOpcode::text, "40"), {}};
  if (!ready && packet.starts_with("40")) return {What::ready, {}, {}};
  return {What::refused, {}, packet};
}

}  // namespace

std::string ws_handshake(const WsPlan& plan, std::string_view host, std::string_view user, std::string_view password) {
  std::string request;
  switch (plan.dialect) {
    case WsDialect::anser: {
      const std::string secret = fmt::format("{}:{}", user, password);
      request = fmt::format("GET /ws HTTP/1.1\r\nAuthorization: Basic {}\r\nSec-WebSocket-Protocol: anser.protobuf\r\n",
                            base64_encode(secret));
      break;
    }
    case WsDialect::plain:
      request = "GET / HTTP/1.1\r\n";
      break;
    case WsDialect::socketio:
      request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n";
      break;
  }
  request += fmt::format(
      "Host: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n",
      host);
  return request;
}

bool ready_after_handshake(const WsPlan& plan) { return plan.dialect == WsDialect::plain; }

WsMeaning meaning_of(const WsPlan& plan, const WsFrame& frame, bool ready) {
  using What = WsMeaning::What;
  if (frame.opcode == WsOpcode::ping) return {What::say, ws_frame(WsOpcode::pong, frame.payload), {}};
  if (frame.opcode == WsOpcode::close) {
    return {What::refused, {}, frame.payload.substr(std::min<std::size_t>(2, frame.payload.size()))};
  }
  switch (plan.dialect) {
    case WsDialect::anser:
      return of_anser(plan, frame, ready);
    case WsDialect::plain:
      if (frame.opcode == WsOpcode::text) return {What::beat, {}, {}};
      return {What::message, {}, frame.payload};
    case WsDialect::socketio:
      break;
  }
  return of_socketio(frame, ready);
}

std::string ws_beat(const WsPlan& plan) {
  constexpr std::string_view kBeat = R"({"module":"HEART_CHECK","message":"are you there"})";
  if (plan.dialect != WsDialect::socketio) return ws_frame(WsOpcode::text, kBeat);
  return ws_frame(WsOpcode::text, fmt::format(R"(42["beat",{}])", kBeat));
}

WsTemplate ws_message(const WsPlan& plan, std::string_view to) {
  std::string body = body_of(plan);
  switch (plan.dialect) {
    case WsDialect::plain:
      body.resize(std::max(body.size(), plan.message_bytes), 'x');
      return {WsOpcode::binary, body};
    case WsDialect::socketio:
      return {WsOpcode::text, fmt::format(R"(42["say","{}"])", body)};
    case WsDialect::anser:
      break;
  }
  std::string message = typed(kMessage);
  put(message, kEventId, std::string{kNumberHere} + plan.run);
  if (!to.empty()) put(message, kTo, to);
  put(message, kBody, body);
  if (to.empty()) put(message, kGroup, plan.group);
  if (plan.ephemeral) message.append({static_cast<char>(kEphemeral << 3), '\x01'});
  return {WsOpcode::binary, message};
}

}  // namespace anser::load
