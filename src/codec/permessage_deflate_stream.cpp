#include "codec/permessage_deflate_stream.h"

#include <algorithm>
#include <climits>

#include "base/assert.h"

namespace anser::codec {
namespace {

constexpr std::string_view kTail{"\x00\x00\xff\xff", 4};  // of the empty block that ends a message (§7.2.1)
constexpr std::size_t kLargestStep = 1 << 20;             // zlib counts in unsigned int
constexpr std::size_t kLargestScratch = 64 * 1024;

Bytef* bytes_of(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

// Without a zlib header. zlib does not compress to a window of 256 bytes without one, but in one of 512 it never looks
// back farther than 250; and to inflate with a larger window is always right. The window saves memory and is not a rule
// that is checked: zlib refuses a peer that looks back farther than it agreed to only when that has left the window.
int raw_window(int bits) { return -std::max(bits, 9); }

}  // namespace

Inflater::~Inflater() {
  if (ready_) inflateEnd(&stream_);
}

void Inflater::feed(std::string_view piece) {
  ANSER_ASSERT(stream_.avail_in == 0 && piece.size() <= UINT_MAX);
  stream_.next_in = bytes_of(piece);
  stream_.avail_in = static_cast<uInt>(piece.size());
}

void Inflater::feed_end() { feed(kTail); }

Result<std::size_t> Inflater::read(std::span<char> into) {
  if (!ready_) {
    if (inflateInit2(&stream_, raw_window(direction_.window_bits)) != Z_OK) {
      return fail(Errc::resource_limit, "zlib has no memory to inflate");
    }
    ready_ = true;
  }
  stream_.next_out = reinterpret_cast<Bytef*>(into.data());
  stream_.avail_out = static_cast<uInt>(into.size());
  for (;;) {
    const uInt before = stream_.avail_in;
    const int result = ::inflate(&stream_, Z_SYNC_FLUSH);
    const std::size_t size = into.size() - stream_.avail_out;
    if (stream_.avail_in != before) final_block_ended_ = result == Z_STREAM_END;
    if (result == Z_STREAM_END) {
      // More blocks may follow, and look back into the window, which this call keeps and inflateReset() does not.
      inflateResetKeep(&stream_);
      if (stream_.avail_in != 0 && stream_.avail_out != 0) continue;
      return size;
    }
    if (size != 0 || result == Z_OK || result == Z_BUF_ERROR)
      return size;  // an error comes again, behind what was right
    if (result == Z_MEM_ERROR) return fail(Errc::resource_limit, "zlib has no memory to inflate");
    return fail(Errc::bad_request, "the message is not DEFLATE");
  }
}

Result<void> Inflater::end_message() {
  constexpr int kBetweenBlocks = 128;  // zlib.h, of data_type
  constexpr int kUnusedBits = 31;
  if (final_block_ended_ || (stream_.data_type & (kBetweenBlocks | kUnusedBits)) == kBetweenBlocks) return {};
  return fail(Errc::bad_request, "the message ends inside a block");
}

Deflater::Deflater(const DeflateSettings& settings, DeflateDirection direction)
    : direction_(direction),
      level_(settings.level),
      memory_level_(settings.memory_level),
      threshold_(settings.threshold) {}

Deflater::~Deflater() {
  if (ready_) deflateEnd(&stream_);
}

Result<std::string_view> Deflater::deflate(std::string_view message) {
  if (!ready_) {
    if (deflateInit2(&stream_, level_, Z_DEFLATED, raw_window(direction_.window_bits), memory_level_,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      return fail(Errc::resource_limit, "zlib has no memory to deflate");
    }
    ready_ = true;
  }
  if (out_.capacity() > kLargestScratch) out_ = std::string{};
  out_.clear();
  if (message.empty()) return out_ = std::string(1, '\0');  // zlib does not flush twice; §7.2.3.6

  while (!message.empty()) {
    const std::string_view step = message.substr(0, kLargestStep);
    message.remove_prefix(step.size());
    stream_.next_in = bytes_of(step);
    stream_.avail_in = static_cast<uInt>(step.size());
    do {
      const std::size_t before = out_.size();
      const std::size_t room = deflateBound(&stream_, stream_.avail_in) + 16;
      out_.resize(before + room);
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data() + before);
      stream_.avail_out = static_cast<uInt>(room);
      const int result = ::deflate(&stream_, message.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
      ANSER_ASSERT(result == Z_OK || result == Z_BUF_ERROR);
      out_.resize(before + room - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }
  if (!direction_.keeps_context) deflateReset(&stream_);
  ANSER_ASSERT(out_.ends_with(kTail));
  out_.resize(out_.size() - kTail.size());
  return out_;
}

void append_message(std::string& out, Opcode opcode, std::string_view message, Deflater& deflater,
                    std::optional<std::uint32_t> mask) {
  FrameFlags flags;
  std::string_view payload = message;
  if (message.size() >= deflater.threshold()) {
    const auto deflated = deflater.deflate(message);
    flags.compressed = deflated && (deflater.keeps_context() || deflated->size() < message.size());
    if (flags.compressed) payload = *deflated;
  }
  if (mask) {
    append_masked_frame(out, opcode, payload, *mask, flags);
  } else {
    append_frame(out, opcode, payload, flags);
  }
}

Deflater& SharedDeflaters::with_window(int bits) {
  ANSER_ASSERT(bits >= kLeastWindowBits && bits <= kMostWindowBits);
  auto& deflater = deflaters_[static_cast<std::size_t>(bits - kLeastWindowBits)];
  if (!deflater) {
    deflater = std::make_unique<Deflater>(settings_, DeflateDirection{static_cast<std::uint8_t>(bits), false});
  }
  return *deflater;
}

}  // namespace anser::codec
