// zlib for permessage-deflate (RFC 7692 §7.2). A stream is made when the first message needs it. An Inflater belongs to
// one reader, which drops it after each message unless the context is taken over. A Deflater that keeps its context
// belongs to one connection; one that does not can serve every connection of a loop (SharedDeflaters).
#pragma once

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/permessage_deflate.h"
#include "codec/websocket.h"

namespace anser::codec {

class Inflater {
 public:
  explicit Inflater(DeflateDirection direction) : direction_(direction) {}
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // The next piece of a message's compressed payload; read() gives what it inflates to. The bytes must stay until
  // then.
  void feed(std::string_view piece);
  // The message's payload is complete: feeds what the sender took off its end.
  void feed_end();

  // How much of `into` was filled, 0 when the piece that was fed is done. Errc::bad_request for what is not DEFLATE,
  // resource_limit when zlib gets no memory.
  Result<std::size_t> read(std::span<char> into);

  // The message ended where a message may end. Errc::bad_request otherwise.
  Result<void> end_message();

 private:
  const DeflateDirection direction_;
  bool ready_ = false;
  bool final_block_ended_ = false;  // and nothing came since
  z_stream stream_{};
};

class Deflater {
 public:
  Deflater(const DeflateSettings& settings, DeflateDirection direction);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // The payload of a compressed message, valid until the next call. Errc::resource_limit when zlib gets no memory.
  Result<std::string_view> deflate(std::string_view message);

  bool keeps_context() const { return direction_.keeps_context; }
  std::size_t threshold() const { return threshold_; }

 private:
  const DeflateDirection direction_;
  const int level_;
  const int memory_level_;
  const std::size_t threshold_;
  bool ready_ = false;
  z_stream stream_{};
  std::string out_;
};

// Appends one message as one frame: compressed when it is long enough and gets shorter by it, otherwise as it is. (What
// went through a window that is kept must be sent compressed, longer or not: the peer's window follows ours.) With a
// mask for a client. When zlib gets no memory the message goes as it is.
void append_message(std::string& out, Opcode opcode, std::string_view message, Deflater& deflater,
                    std::optional<std::uint32_t> mask = std::nullopt);

// The deflaters of one loop, for the connections whose context is not taken over: one for each size of window, made
// when first needed. Owned by the loop.
class SharedDeflaters {
 public:
  explicit SharedDeflaters(const DeflateSettings& settings) : settings_(settings) {}

  Deflater& with_window(int bits);

 private:
  DeflateSettings settings_;
  std::array<std::unique_ptr<Deflater>, kMostWindowBits - kLeastWindowBits + 1> deflaters_;
};

}  // namespace anser::codec
