#include "codec/websocket_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/assert.h"
#include "base/utf8.h"
#include "codec/permessage_deflate.h"
#include "codec/permessage_deflate_stream.h"

namespace anser::codec {
namespace {

std::string_view view(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

unsigned octet(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

// The highest octet first.
std::uint64_t number(std::string_view octets) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) value = value << 8 | octet(octets, i);
  return value;
}

std::span<char> take_front(std::span<char>& input, std::size_t size) {
  const std::span<char> front = input.first(size);
  input = input.subspan(size);
  return front;
}

// A compressed message may be longer on the wire than it is: blocks have headers, and a flush adds some more.
std::size_t wire_bytes_of(std::size_t message_bytes) { return message_bytes + message_bytes / 8 + 1024; }

}  // namespace

struct WebSocketReader::Header {
  std::uint64_t length = 0;
  std::uint32_t mask = 0;
  Opcode opcode{};
  bool fin = false;
  bool compressed = false;
  std::uint8_t size = 0;  // of the header itself; 0 while it has not come whole
};

struct WebSocketReader::Unfinished {
  // The header that has not come whole.
  std::array<char, kFrameHeaderBytes> header;
  std::uint8_t header_size = 0;

  // The frame whose payload is coming.
  bool in_frame = false;
  Header frame;
  std::uint64_t taken = 0;

  // The data message that is coming, and that stays here while the caller looks at it.
  bool open = false;
  bool delivered = false;
  bool compressed = false;
  Opcode opcode{};
  std::uint32_t frames = 0;
  std::uint64_t wire_bytes = 0;  // as its headers say
  Utf8Check text;
  std::string message;

  // The control frame that is coming, perhaps between two frames of the message.
  std::uint8_t control_size = 0;
  std::array<char, kControlBytes> control;
};

WebSocketReader::WebSocketReader(WebSocketRole role, WebSocketLimits limits) : limits_(limits), role_(role) {}
WebSocketReader::~WebSocketReader() = default;
WebSocketReader::WebSocketReader(WebSocketReader&&) noexcept = default;
WebSocketReader& WebSocketReader::operator=(WebSocketReader&&) noexcept = default;

void WebSocketReader::use_deflate(const DeflateAgreement& agreement) {
  ANSER_ASSERT(!unfinished_ && !inflater_);
  const auto peer = role_ == WebSocketRole::server ? WebSocketRole::client : WebSocketRole::server;
  const DeflateDirection direction = sent_by(peer, agreement);
  inflate_bits_ = direction.window_bits;
  inflate_keeps_context_ = direction.keeps_context;
}

WebSocketReader::Event WebSocketReader::next(std::span<char>& input) {
  let_go();
  if (ended_) {
    input = {};
    return Event::need_more;
  }
  const Event event = read(input);
  if (event == Event::error) {
    unfinished_.reset();
    inflater_.reset();
  }
  if (ended_) input = {};
  return event;
}

// Every round takes at least a header from the input or returns.
WebSocketReader::Event WebSocketReader::read(std::span<char>& input) {
  for (;;) {
    if (!unfinished_ || !unfinished_->in_frame) {
      Header header;
      if (!read_header(input, header)) return Event::error;
      if (header.size == 0) return Event::need_more;
      if (stands_whole(header, input)) return read_whole(header, input);
      begin_frame(header);
    }
    const auto event = is_control(unfinished_->frame.opcode) ? read_control(input) : read_data(input);
    if (event) return *event;
  }
}

bool WebSocketReader::between_messages() const { return !unfinished_ || unfinished_->delivered; }

std::size_t WebSocketReader::kept() const {
  return unfinished_ ? sizeof(Unfinished) + unfinished_->message.capacity() : 0;
}

// What the last event showed is no longer looked at.
void WebSocketReader::let_go() {
  payload_ = reason_ = {};
  close_code_ = 0;
  if (!unfinished_) return;
  const bool in_message = unfinished_->open && !unfinished_->delivered;
  if (ended_ || (!in_message && !unfinished_->in_frame && unfinished_->header_size == 0)) unfinished_.reset();
}

WebSocketReader::Unfinished& WebSocketReader::unfinished() {
  if (!unfinished_) unfinished_ = std::make_unique<Unfinished>();
  return *unfinished_;
}

bool WebSocketReader::refuse(std::uint16_t code, std::string_view reason) {
  ended_ = true;
  close_code_ = code;
  reason_ = reason;
  return false;
}

// False when it is wrong; header.size is 0 when it has not come whole.
bool WebSocketReader::read_header(std::span<char>& input, Header& header) {
  if (!unfinished_ || unfinished_->header_size == 0) {
    if (!check_header(view(input), header)) return false;
    if (header.size != 0) {
      input = input.subspan(header.size);
    } else if (!input.empty()) {
      Unfinished& kept = unfinished();
      std::ranges::copy(input, kept.header.begin());
      kept.header_size = static_cast<std::uint8_t>(input.size());
      input = {};
    }
    return true;
  }

  Unfinished& kept = *unfinished_;
  while (!input.empty() && header.size == 0) {
    kept.header[kept.header_size++] = take_front(input, 1).front();
    if (!check_header({kept.header.data(), kept.header_size}, header)) return false;
  }
  if (header.size != 0) kept.header_size = 0;
  return true;
}

// Refuses as early as the octets allow, and in their order, so that it does not matter how they came.
bool WebSocketReader::check_header(std::string_view bytes, Header& header) {
  using namespace close_code;
  if (bytes.empty()) return true;
  const unsigned first = octet(bytes, 0);
  if ((first & 0x30) != 0) return refuse(kProtocolError, "a reserved bit is set");
  header.fin = (first & 0x80) != 0;
  header.compressed = (first & 0x40) != 0;
  header.opcode = static_cast<Opcode>(first & 0x0f);
  if (!check_opcode(header)) return false;
  if (bytes.size() < 2) return true;

  const bool masked = (octet(bytes, 1) & 0x80) != 0;
  if (masked != (role_ == WebSocketRole::server)) {
    return refuse(kProtocolError, masked ? "a server's frame is masked" : "a client's frame is not masked");
  }
  header.length = octet(bytes, 1) & 0x7f;
  if (is_control(header.opcode) && header.length > kControlBytes) {
    return refuse(kProtocolError, "a control frame has more than 125 bytes");
  }
  const std::size_t more = header.length == 126 ? 2 : header.length == 127 ? 8 : 0;
  if (bytes.size() < 2 + more) return true;
  if (more != 0) {
    header.length = number(bytes.substr(2, more));
    if (header.length >> 63 != 0) return refuse(kProtocolError, "a frame's length has its highest bit set");
    if (header.length < (more == 2 ? 126u : 0x1'0000u)) {
      return refuse(kProtocolError, "a frame's length is written longer than it needs");
    }
  }
  if (!is_control(header.opcode) && !check_length(header)) return false;

  const std::size_t size = 2 + more + (masked ? 4 : 0);
  if (bytes.size() < size) return true;
  if (masked) header.mask = static_cast<std::uint32_t>(number(bytes.substr(2 + more, 4)));
  header.size = static_cast<std::uint8_t>(size);
  return true;
}

bool WebSocketReader::check_opcode(const Header& header) {
  using namespace close_code;
  const bool in_message = unfinished_ && unfinished_->open;
  switch (header.opcode) {
    case Opcode::text:
    case Opcode::binary:
      if (in_message) return refuse(kProtocolError, "a message begins inside a fragmented one");
      if (header.compressed && inflate_bits_ == 0) {
        return refuse(kProtocolError, "a message is compressed, which was not agreed");
      }
      return true;
    case Opcode::continuation:
      if (!in_message) return refuse(kProtocolError, "a continuation of no message");
      if (header.compressed) return refuse(kProtocolError, "RSV1 is set on a continuation");
      if (unfinished_->frames >= limits_.frames_per_message) {
        return refuse(kPolicyViolation, "a message has too many frames");
      }
      return true;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if (!header.fin) return refuse(kProtocolError, "a control frame is fragmented");
      if (header.compressed) return refuse(kProtocolError, "RSV1 is set on a control frame");
      return true;
  }
  return refuse(kProtocolError, "a reserved opcode");
}

bool WebSocketReader::check_length(const Header& header) {
  const bool first = header.opcode != Opcode::continuation;
  const bool compressed = first ? header.compressed : unfinished_->compressed;
  const std::uint64_t most = compressed ? wire_bytes_of(limits_.message_bytes) : limits_.message_bytes;
  const std::uint64_t before = first ? 0 : unfinished_->wire_bytes;  // never more than `most`
  return header.length <= most - before || refuse_size();
}

bool WebSocketReader::refuse_size() { return refuse(close_code::kTooBig, "the message is too big"); }

bool WebSocketReader::refuse_text() { return refuse(close_code::kInvalidPayload, "the text is not UTF-8"); }

bool WebSocketReader::stands_whole(const Header& header, std::span<const char> input) {
  const bool alone =
      is_control(header.opcode) || (header.fin && header.opcode != Opcode::continuation && !header.compressed);
  return alone && header.length <= input.size();
}

// Without a copy.
WebSocketReader::Event WebSocketReader::read_whole(const Header& header, std::span<char>& input) {
  const std::span<char> payload = take_front(input, static_cast<std::size_t>(header.length));
  if (role_ == WebSocketRole::server) apply_mask(payload, header.mask);
  if (is_control(header.opcode)) return finish_control(header.opcode, view(payload));
  if (header.opcode == Opcode::text && !is_utf8(view(payload))) {
    refuse_text();
    return Event::error;
  }
  payload_ = view(payload);
  return header.opcode == Opcode::text ? Event::text : Event::binary;
}

void WebSocketReader::begin_frame(const Header& header) {
  Unfinished& kept = unfinished();
  kept.in_frame = true;
  kept.frame = header;
  kept.taken = 0;
  if (is_control(header.opcode)) {
    kept.control_size = 0;
    return;
  }
  if (header.opcode != Opcode::continuation) {
    kept.open = true;
    kept.opcode = header.opcode;
    kept.compressed = header.compressed;
  }
  ++kept.frames;
  kept.wire_bytes += header.length;
}

// What is there of the payload of the frame that has begun.
std::string_view WebSocketReader::take_payload(std::span<char>& input) {
  Unfinished& kept = *unfinished_;
  const std::uint64_t due = kept.frame.length - kept.taken;
  const std::span<char> piece = take_front(input, static_cast<std::size_t>(std::min<std::uint64_t>(due, input.size())));
  if (role_ == WebSocketRole::server) apply_mask(piece, kept.frame.mask, kept.taken);
  kept.taken += piece.size();
  kept.in_frame = kept.taken < kept.frame.length;
  return view(piece);
}

std::optional<WebSocketReader::Event> WebSocketReader::read_control(std::span<char>& input) {
  Unfinished& kept = *unfinished_;
  const std::string_view piece = take_payload(input);
  std::ranges::copy(piece, kept.control.begin() + kept.control_size);
  kept.control_size = static_cast<std::uint8_t>(kept.control_size + piece.size());
  if (kept.in_frame) return Event::need_more;
  return finish_control(kept.frame.opcode, {kept.control.data(), kept.control_size});
}

// Nothing when a frame ended and its message goes on.
std::optional<WebSocketReader::Event> WebSocketReader::read_data(std::span<char>& input) {
  Unfinished& kept = *unfinished_;
  const std::string_view piece = take_payload(input);
  if (!(kept.compressed ? take_compressed(piece) : take_plain(piece))) return Event::error;
  if (kept.in_frame) return Event::need_more;
  if (!kept.frame.fin) return std::nullopt;

  if (kept.compressed && !finish_compressed()) return Event::error;
  if (kept.opcode == Opcode::text && !kept.text.whole()) {
    refuse_text();
    return Event::error;
  }
  kept.delivered = true;
  payload_ = kept.message;
  return kept.opcode == Opcode::text ? Event::text : Event::binary;
}

bool WebSocketReader::take_plain(std::string_view piece) {
  Unfinished& kept = *unfinished_;
  if (kept.opcode == Opcode::text && !kept.text.take(piece)) return refuse_text();
  kept.message.append(piece);
  return true;
}

bool WebSocketReader::take_compressed(std::string_view piece) {
  if (!inflater_) {
    inflater_ = std::make_unique<Inflater>(DeflateDirection{inflate_bits_, inflate_keeps_context_});
  }
  inflater_->feed(piece);
  return inflate_all();
}

// A bomb is noticed one buffer after the limit, whatever it would have become.
bool WebSocketReader::inflate_all() {
  std::array<char, 8192> buffer;
  for (;;) {
    const auto size = inflater_->read(buffer);
    if (!size) return refuse_deflate(size.error());
    if (*size == 0) return true;
    const std::size_t room = limits_.message_bytes - unfinished_->message.size();
    if (!take_plain({buffer.data(), std::min(*size, room)})) return false;
    if (*size > room) return refuse_size();
  }
}

bool WebSocketReader::finish_compressed() {
  inflater_->feed_end();
  if (!inflate_all()) return false;
  const auto ended = inflater_->end_message();
  if (!ended) return refuse_deflate(ended.error());
  if (!inflate_keeps_context_) inflater_.reset();
  return true;
}

// The payload is not what RSV1 said it is: that is 1007's meaning, the framing around it is right.
bool WebSocketReader::refuse_deflate(const Error& error) {
  if (error.code == Errc::resource_limit) return refuse(close_code::kInternalError, "no memory to inflate a message");
  return refuse(close_code::kInvalidPayload, "the compressed message is not DEFLATE");
}

WebSocketReader::Event WebSocketReader::finish_control(Opcode opcode, std::string_view payload) {
  if (opcode == Opcode::close) return finish_close(payload) ? Event::close : Event::error;
  payload_ = payload;
  return opcode == Opcode::ping ? Event::ping : Event::pong;
}

bool WebSocketReader::finish_close(std::string_view payload) {
  if (payload.size() == 1) return refuse(close_code::kProtocolError, "a close frame has one byte");
  close_code_ = close_code::kNone;
  if (!payload.empty()) {
    close_code_ = static_cast<std::uint16_t>(number(payload.substr(0, 2)));
    if (!is_close_code(close_code_)) return refuse(close_code::kProtocolError, "a close code that may not be sent");
    if (!is_utf8(payload.substr(2))) {
      return refuse(close_code::kInvalidPayload, "the reason of a close frame is not UTF-8");
    }
    reason_ = payload.substr(2);
  }
  payload_ = payload;
  ended_ = true;
  return true;
}

}  // namespace anser::codec
