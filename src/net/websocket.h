// The WebSocket layer of a Connection (RFC 6455, 7692): under it bytes, above it whole messages. It answers pings and
// close frames by itself. Idle it keeps nothing of what came or goes. It belongs to its Connection and moves with it
// from core to core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "codec/permessage_deflate.h"
#include "codec/websocket_reader.h"

namespace anser::codec {
class Deflater;
}

namespace anser::net {

class WebSocket {
 public:
  using Opcode = codec::Opcode;
  using Event = codec::WebSocketReader::Event;

  struct Options {
    codec::WebSocketRole role = codec::WebSocketRole::server;
    codec::WebSocketLimits limits = {};
    std::optional<codec::DeflateAgreement> deflate = {};  // none: messages are not compressed
  };

  explicit WebSocket(const Options& options);
  ~WebSocket();

  // ---- output: appended to the connection's, ready for the wire ----
  void append(std::string& out, Opcode opcode, std::string_view payload);
  // What stands in `out` from `start` on becomes one text message.
  void frame(std::string& out, std::size_t start);
  // Once; whatever comes after it is not sent.
  void append_close(std::string& out, std::uint16_t code, std::string_view reason);
  bool close_sent() const { return close_sent_; }
  // A server's message can go to many as it is: then a frame is made once. Not so with a mask, or compressed.
  bool takes_plain_frames() const { return role_ == codec::WebSocketRole::server && !deflate_; }

  // ---- input ----
  void set_limits(codec::WebSocketLimits limits) { reader_.set_limits(limits); }
  // What the connection has received; next() takes from it, and keeps what is left over when it returns a message.
  void feed(std::span<char> bytes) { input_ = bytes; }
  Event next();
  // Something of it is left.
  bool has_input() const { return !input_.empty(); }
  std::string_view payload() const { return reader_.payload(); }
  std::uint16_t close_code() const { return reader_.close_code(); }
  std::string_view reason() const { return reader_.reason(); }
  // Of the last message that Connection::take() gave.
  bool is_text() const { return is_text_; }
  // Bytes that are kept of messages that have not been given out.
  std::size_t kept() const { return (rest_ ? rest_->size() : 0) + reader_.kept(); }

 private:
  std::optional<std::uint32_t> mask() const;
  codec::Deflater* deflater();

  codec::WebSocketReader reader_;
  std::span<char> input_;
  std::unique_ptr<std::string> rest_;              // what input_ is in, unless that is the loop's read buffer
  std::unique_ptr<codec::Deflater> own_deflater_;  // when the window is kept between messages
  std::optional<codec::DeflateAgreement> deflate_;
  codec::WebSocketRole role_;
  bool is_text_ = false;
  bool close_sent_ = false;
};

}  // namespace anser::net
