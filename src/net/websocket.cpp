#include "net/websocket.h"

#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "codec/permessage_deflate_stream.h"

namespace anser::net {
namespace {

// §10.3: nobody may foresee it. Drawn in advance: a system call for each frame would cost more than the frame.
std::uint32_t random_mask() {
  constexpr std::size_t kMasks = 64;
  thread_local std::array<std::uint32_t, kMasks> masks;
  thread_local std::size_t left = 0;
  if (left == 0) {
    ANSER_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(masks.data()), sizeof masks) == 1);
    left = kMasks;
  }
  return masks[--left];
}

}  // namespace

WebSocket::WebSocket(const Options& options)
    : reader_(options.role, options.limits), deflate_(options.deflate), role_(options.role) {
  if (deflate_) reader_.use_deflate(*deflate_);
}

WebSocket::~WebSocket() = default;

std::optional<std::uint32_t> WebSocket::mask() const {
  if (role_ == codec::WebSocketRole::server) return std::nullopt;
  return random_mask();
}

codec::Deflater* WebSocket::deflater() {
  if (!deflate_) return nullptr;
  const auto direction = codec::sent_by(role_, *deflate_);
  if (!direction.keeps_context) {
    thread_local codec::SharedDeflaters shared{codec::DeflateSettings{}};
    return &shared.with_window(direction.window_bits);
  }
  if (!own_deflater_) own_deflater_ = std::make_unique<codec::Deflater>(codec::DeflateSettings{}, direction);
  return own_deflater_.get();
}

void WebSocket::append(std::string& out, Opcode opcode, std::string_view payload) {
  if (close_sent_) return;
  if (auto* deflater = codec::is_control(opcode) ? nullptr : this->deflater()) {
    codec::append_message(out, opcode, payload, *deflater, mask());
  } else if (const auto mask = this->mask()) {
    codec::append_masked_frame(out, opcode, payload, *mask);
  } else {
    codec::append_frame(out, opcode, payload);
  }
}

void WebSocket::frame(std::string& out, std::size_t start) {
  if (takes_plain_frames() && !close_sent_) {
    const auto header = codec::frame_header(Opcode::text, out.size() - start);
    out.insert(start, header.view());
    return;
  }
  const std::string payload = out.substr(start);
  out.resize(start);
  append(out, Opcode::text, payload);
}

void WebSocket::append_close(std::string& out, std::uint16_t code, std::string_view reason) {
  if (std::exchange(close_sent_, true)) return;
  if (const auto mask = this->mask()) {
    codec::append_masked_close(out, code, reason, *mask);
  } else {
    codec::append_close(out, code, reason);
  }
}

WebSocket::Event WebSocket::next() {
  const Event event = reader_.next(input_);
  if (event == Event::need_more) {
    input_ = {};
    rest_.reset();
    return event;
  }
  is_text_ = event == Event::text;
  const bool elsewhere = !rest_ || input_.data() < rest_->data() || input_.data() > rest_->data() + rest_->size();
  if (!input_.empty() && elsewhere) {  // the loop's buffer is everybody's when this message has been dealt with
    rest_ = std::make_unique<std::string>(input_.data(), input_.size());
    input_ = *rest_;
  }
  return event;
}

}  // namespace anser::net
