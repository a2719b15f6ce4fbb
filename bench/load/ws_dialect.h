// How the servers that are measured are spoken to over a WebSocket: how a client gets in, how a message looks, what a
// frame of the server means. Pure.
//
//   anser     the product's own door, subprotocol anser.protobuf (docs/wire/websocket.md)
//   plain     bench/ws/*: text is sent back, a binary message goes to everybody who is connected
//   socketio  Socket.IO 4 over WebSocket alone: the event "beat" comes back, "say" goes to everybody
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ws_frames.h"

namespace anser::load {

enum class WsDialect { anser, plain, socketio };

struct WsPlan {
  WsDialect dialect = WsDialect::anser;
  bool ephemeral = false;  // anser: what is sent is stored nowhere
  std::string group;       // anser: every client subscribes to it
  std::size_t body_bytes = 100;
  std::size_t message_bytes = 0;  // plain: a message is as long as one of Anser's, which says more than its body
  std::string run = "-1";         // anser: no two runs' messages have the same ids, or they were taken for repetitions
};

struct WsMeaning {
  // `ready`: the client is in; `stored`: the server has acknowledged a message.
  enum class What { nothing, say, ready, beat, message, stored, refused } what = What::nothing;
  std::string say;          // with say and ready: a frame to answer with
  std::string_view detail;  // with message: all of it, its number somewhere; with stored: the id; with refused: why
};

std::string ws_handshake(const WsPlan& plan, std::string_view host, std::string_view user, std::string_view password);
// Is the client in as soon as the handshake is answered?
bool ready_after_handshake(const WsPlan& plan);
// Of a frame before the client is ready, or after.
WsMeaning meaning_of(const WsPlan& plan, const WsFrame& frame, bool ready);

std::string ws_beat(const WsPlan& plan);                         // one heartbeat, a whole frame
WsTemplate ws_message(const WsPlan& plan, std::string_view to);  // to everybody, or to one

}  // namespace anser::load
