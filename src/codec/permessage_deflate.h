// permessage-deflate (RFC 7692): what client and server agree on in the handshake, and how a message is compressed.
// Inflating is the reader's (websocket_reader.h), which is told the agreement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/websocket.h"

namespace anser::codec {

inline constexpr int kLeastWindowBits = 8;
inline constexpr int kMostWindowBits = 15;

// What one side wants. `server_` is about what the server sends, `client_` about what the client sends. A window that
// is taken over from message to message compresses better and costs both ends its memory for as long as they are
// connected.
struct DeflateSettings {
  bool server_no_context_takeover = true;
  bool client_no_context_takeover = true;
  int server_max_window_bits = kMostWindowBits;  // 8 to 15
  int client_max_window_bits = kMostWindowBits;  // 8 to 15; a server can only ask for it if the client lets it
  int level = 1;                                 // of what we send, 1 (fast) to 9 (small)
  int memory_level = 8;                          // 1 to 9
  std::size_t threshold = 1024;                  // shorter messages are sent as they are
};

struct DeflateAgreement {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_window_bits = kMostWindowBits;
  std::uint8_t client_window_bits = kMostWindowBits;

  friend bool operator==(const DeflateAgreement&, const DeflateAgreement&) = default;
};

// The windows by who sends, for the one side or the other.
struct DeflateDirection {
  std::uint8_t window_bits;
  bool keeps_context;
};
DeflateDirection sent_by(WebSocketRole role, const DeflateAgreement& agreement);

struct DeflateAnswer {
  DeflateAgreement agreement;
  std::string header;  // the value of Sec-WebSocket-Extensions in the response
};

// Server. `offers` is the value of Sec-WebSocket-Extensions, several fields joined by commas; the first offer that we
// can take is taken. Nothing when there is none: then the messages are not compressed. Errc::bad_request when the
// header breaks its grammar, which must fail the handshake (RFC 6455 §9.1).
Result<std::optional<DeflateAnswer>> answer_deflate_offers(std::string_view offers, const DeflateSettings& settings);

// Client: the value of Sec-WebSocket-Extensions in the request.
std::string deflate_offer(const DeflateSettings& settings);

// Client. `answer` is the value of Sec-WebSocket-Extensions in the response, empty when there was none: then the
// messages are not compressed. Errc::bad_request for an answer to what was not offered, which fails the connection.
Result<std::optional<DeflateAgreement>> accept_deflate_answer(std::string_view answer, const DeflateSettings& offered);

}  // namespace anser::codec
