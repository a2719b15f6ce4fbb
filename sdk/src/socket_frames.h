// The binary frames of the WebSocket door (docs/wire/websocket.md) as values, and back: a type in two bytes, the low
// one first, and a Protobuf message. Pure; the only file of the library that knows the generated code is its .cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "anser/error.h"
#include "anser/socket_message.h"

namespace anser::sdk::frames {

// What only comes, or goes, between the library and the server.
struct Ack {
  std::string event_id;
};
struct Auth {
  std::string user, password, token;
  bool acknowledges = false;
};
struct AuthResult {
  bool ok = false;
  std::string address, error, text;
};
struct Refusal {  // Error of the schema
  std::string code, text, event_id, request;
  std::uint32_t type = 0;
};
struct Roster {
  std::string request;
  std::vector<SocketContact> contacts;
};
struct Page {
  std::string request;
  SocketHistoryPage page;
};
struct Done {
  std::string request;
};
struct Unknown {
  std::uint16_t type;
};

using Incoming = std::variant<Ack, SocketMessage, AuthResult, Refusal, SocketPresence, Roster, SocketTyping,
                              SocketReceipt, Page, Done, Unknown>;

// Of a frame of any type but Message; the server ends the connection for good (1009) for a larger one.
inline constexpr std::size_t kOtherBytes = 16 * 1024;

// Errc::protocol for what is no frame, or none that a server may send.
Result<Incoming> decode(std::string_view frame);

std::string encode(const Ack& ack);
std::string encode(const SocketMessage& message);
std::string encode(const Auth& auth);
std::string encode(const SocketPresence& presence);
std::string encode(const SocketTyping& typing);
std::string encode(const SocketReceipt& receipt);
std::string roster_request(std::string request);
std::string set_contact(std::string request, const SocketContact& contact);
std::string history_request(std::string request, const SocketHistoryQuery& query);
std::string subscribe(std::string request, std::string group);
std::string unsubscribe(std::string request, std::string group);

// Errc::invalid_argument: text that the server refuses, and would break XMPP clients that read it.
Result<void> check(const SocketMessage& message);
Result<void> check(const SocketPresence& presence);
Result<void> check(const SocketTyping& typing);
Result<void> check(const SocketReceipt& receipt);
Result<void> check(const SocketContact& contact);
Result<void> check(const SocketHistoryQuery& query);
Result<void> check_other(std::string_view frame);  // kOtherBytes

}  // namespace anser::sdk::frames
