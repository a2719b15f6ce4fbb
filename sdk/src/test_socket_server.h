// A server of the WebSocket door that does what a test tells it to, over real sockets. For tests only; it blocks, the
// socket under test has its own thread.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "anser.pb.h"
#include "anser/socket.h"
#include "codec/websocket.h"
#include "net/websocket_handshake.h"
#include "sdk/src/test_server.h"

namespace anser::sdk {

class TestSocketServer : public TestServer {
 public:
  using Opcode = codec::Opcode;

  SocketConfiguration socket_configuration() const {
    SocketConfiguration configuration{"ws://127.0.0.1:" + std::to_string(port()) + "/ws"};
    configuration.credentials = {.user = "romeo", .password = "secret"};
    configuration.reconnection.base = std::chrono::milliseconds{1};
    configuration.reconnection.cap = std::chrono::milliseconds{2};
    configuration.heartbeat_interval = std::chrono::milliseconds{0};
    return configuration;
  }

  // The request, of a connection that begins.
  std::string takes_request() {
    accept();
    return hears("\r\n\r\n");
  }
  static std::string field_of(const std::string& request, std::string_view name) {
    const auto at = request.find("\r\n" + std::string{name} + ": ");
    if (at == std::string::npos) return {};
    const auto start = at + name.size() + 4;
    return request.substr(start, request.find("\r\n", start) - start);
  }
  static std::string agreement(const std::string& request, std::string_view more = {}) {
    const std::string protocol = field_of(request, "Sec-WebSocket-Protocol");
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           net::websocket_accept(field_of(request, "Sec-WebSocket-Key")) + "\r\n" +
           (protocol.empty() ? "" : "Sec-WebSocket-Protocol: " + protocol + "\r\n") + std::string{more} + "\r\n";
  }
  void agrees() { says(agreement(takes_request())); }
  void lets_in() {
    agrees();
    sends(auth_result());
  }

  void sends(std::string_view payload, Opcode opcode = Opcode::binary) {
    std::string frame;
    codec::append_frame(frame, opcode, payload);
    says(frame);
  }
  void sends_close(std::uint16_t code, std::string_view reason = {}) {
    std::string frame;
    codec::append_close(frame, code, reason);
    says(frame);
  }
  // The next frame, unmasked.
  std::pair<Opcode, std::string> hears_frame() {
    const std::string head = hears_bytes(2);
    const auto octet = [](char c) { return static_cast<std::size_t>(static_cast<unsigned char>(c)); };
    EXPECT_TRUE(octet(head[1]) & 0x80) << "a client masks";
    std::size_t size = octet(head[1]) & 0x7f;
    if (size >= 126) {
      const std::string length = hears_bytes(size == 126 ? 2 : 8);
      size = 0;
      for (const char c : length) size = size << 8 | octet(c);
    }
    const std::string key = hears_bytes(4);
    std::string payload = hears_bytes(size);
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    return {static_cast<Opcode>(octet(head[0]) & 0xf), std::move(payload)};
  }
  proto::Message hears_message() {
    const auto [opcode, payload] = hears_frame();
    proto::Message message;
    EXPECT_EQ(payload.substr(0, 2), std::string("\x0b\0", 2));
    EXPECT_TRUE(message.ParseFromString(payload.substr(2)));
    return message;
  }

  template <class Proto>
  static std::string frame(std::uint16_t type, const Proto& message) {
    std::string made{static_cast<char>(type & 0xff), static_cast<char>(type >> 8)};
    message.AppendToString(&made);
    return made;
  }
  static std::string auth_result() {
    proto::AuthResult result;
    result.set_ok(true);
    result.set_address("romeo@localhost/app");
    return frame(13, result);
  }
  static std::string ack(const std::string& id) {
    proto::AckMessage message;
    message.set_eventid(id);
    return frame(10, message);
  }
  static std::string message(const std::string& id, const std::string& body) {
    proto::Message message;
    message.set_eventid(id);
    message.set_from("juliet@localhost");
    message.set_body(body);
    return frame(11, message);
  }
};

}  // namespace anser::sdk
