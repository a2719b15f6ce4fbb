// Reads the frames of one WebSocket and puts messages together: RFC 6455 §5 with every rule of it, and RFC 7692 when it
// was agreed. It does no I/O: it takes from the front of what was received and says what that was.
//
//   while ((event = reader.next(input)) != WebSocketReader::Event::need_more) …
//
// An event's payload stands in the input when the message came whole in one frame, otherwise in the reader. Calling on
// until need_more lets the reader give that memory back: between messages it owns none (but an agreed zlib window).
// Memory grows with what has come, never with what a header promises. Owned by one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "codec/websocket.h"

namespace anser::codec {

class Inflater;
struct DeflateAgreement;

struct WebSocketLimits {
  std::size_t message_bytes = 256 * 1024;     // of a whole message, after inflating
  std::uint32_t frames_per_message = 65'536;  // an empty frame costs time, too
};

class WebSocketReader {
 public:
  enum class Event : std::uint8_t { need_more, text, binary, ping, pong, close, error };

  explicit WebSocketReader(WebSocketRole role, WebSocketLimits limits = {});
  ~WebSocketReader();
  WebSocketReader(WebSocketReader&&) noexcept;
  WebSocketReader& operator=(WebSocketReader&&) noexcept;

  // For the next message on; they grow after login.
  void set_limits(WebSocketLimits limits) { limits_ = limits; }

  // From the handshake, before the first byte: the peer may compress.
  void use_deflate(const DeflateAgreement& agreement);

  // Takes from the front of `input`, unmasking in place; need_more has taken everything. After `close` and `error`
  // nothing is read any more: what still comes is dropped.
  Event next(std::span<char>& input);

  // Of the message or the control frame. Valid until the next call, and as long as the input's memory is.
  std::string_view payload() const { return payload_; }

  // Of `close`: the peer's, close_code::kNone when it gave none. Of `error`: what to close with.
  std::uint16_t close_code() const { return close_code_; }
  // Of `close`: the peer's, UTF-8. Of `error`: what was wrong, in words.
  std::string_view reason() const { return reason_; }

  // Nothing has begun: a connection that ends here ends cleanly, as far as frames go.
  bool between_messages() const;
  // Bytes of the heap that what is unfinished takes, zlib left aside.
  std::size_t kept() const;

 private:
  struct Header;
  struct Unfinished;

  // These return false, or Event::error, when the peer broke a rule; refuse() has then said which.
  Event read(std::span<char>& input);
  bool read_header(std::span<char>& input, Header& header);
  bool check_header(std::string_view bytes, Header& header);
  bool check_opcode(const Header& header);
  bool check_length(const Header& header);
  static bool stands_whole(const Header& header, std::span<const char> input);
  Event read_whole(const Header& header, std::span<char>& input);
  void begin_frame(const Header& header);
  std::string_view take_payload(std::span<char>& input);
  std::optional<Event> read_control(std::span<char>& input);
  std::optional<Event> read_data(std::span<char>& input);
  bool take_plain(std::string_view piece);
  bool take_compressed(std::string_view piece);
  bool inflate_all();
  bool finish_compressed();
  Event finish_control(Opcode opcode, std::string_view payload);
  bool finish_close(std::string_view payload);

  bool refuse(std::uint16_t code, std::string_view reason);
  bool refuse_size();
  bool refuse_text();
  bool refuse_deflate(const Error& error);

  void let_go();
  Unfinished& unfinished();

  WebSocketLimits limits_;
  std::unique_ptr<Unfinished> unfinished_;  // only while there is something unfinished, or delivered just now
  std::unique_ptr<Inflater> inflater_;      // from the first compressed message on; of one message without context
  std::string_view payload_;
  std::string_view reason_;
  std::uint16_t close_code_ = 0;
  WebSocketRole role_;
  std::uint8_t inflate_bits_ = 0;  // 0: nothing was agreed
  bool inflate_keeps_context_ = false;
  bool ended_ = false;
};

}  // namespace anser::codec
