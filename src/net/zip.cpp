#include "net/zip.h"

#include <algorithm>

#include "base/assert.h"

namespace anser::net {

Zip::Zip(const CompressionLimits& limits)
    : limits_(limits), credit_(std::min(CompressionLimits::kFirstCredit, limits.inflated_per_read)) {}

Result<std::unique_ptr<Zip>> Zip::make(const CompressionLimits& limits) {
  auto zip = std::unique_ptr<Zip>{new Zip{limits}};
  zip->out_ready_ = deflateInit2(&zip->out_, limits.level, Z_DEFLATED, limits.window_bits, limits.memory_level,
                                 Z_DEFAULT_STRATEGY) == Z_OK;
  zip->in_ready_ = inflateInit2(&zip->in_, MAX_WBITS) == Z_OK;
  if (!zip->out_ready_ || !zip->in_ready_) return fail(Errc::resource_limit, "zlib does not start");
  return zip;
}

Zip::~Zip() {
  if (out_ready_) deflateEnd(&out_);
  if (in_ready_) inflateEnd(&in_);
}

void Zip::deflate(std::string_view plain, std::string& wire) {
  constexpr std::size_t kLargestStep = 1 << 20;  // zlib counts in unsigned int
  do {
    const std::string_view step = plain.substr(0, kLargestStep);
    plain.remove_prefix(step.size());
    out_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(step.data()));
    out_.avail_in = static_cast<uInt>(step.size());
    do {
      const std::size_t before = wire.size();
      const std::size_t room = deflateBound(&out_, out_.avail_in) + 16;
      wire.resize(before + room);
      out_.next_out = reinterpret_cast<Bytef*>(wire.data() + before);
      out_.avail_out = static_cast<uInt>(room);
      const int result = ::deflate(&out_, plain.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
      ANSER_ASSERT(result == Z_OK || result == Z_BUF_ERROR);
      wire.resize(before + room - out_.avail_out);
    } while (out_.avail_out == 0);
  } while (!plain.empty());
}

void Zip::feed(std::string_view compressed) {
  ANSER_ASSERT(!more_);
  in_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  in_.avail_in = static_cast<uInt>(compressed.size());
  credit_ = std::min(credit_ + compressed.size() * limits_.ratio, limits_.inflated_per_read);
  more_ = true;
}

Result<std::size_t> Zip::inflate(std::span<char> into) {
  in_.next_out = reinterpret_cast<Bytef*>(into.data());
  in_.avail_out = static_cast<uInt>(into.size());
  const int result = ::inflate(&in_, Z_SYNC_FLUSH);
  const std::size_t size = into.size() - in_.avail_out;
  if (result == Z_STREAM_END && size == 0) return fail(Errc::closed, "the zlib stream ended");
  if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) {
    return fail(Errc::bad_request, "what came is not zlib");
  }
  if (size > credit_) {
    return fail(Errc::policy_violation, "compressed input inflates beyond {} to 1 or {} bytes at once", limits_.ratio,
                limits_.inflated_per_read);
  }
  credit_ -= size;

  more_ = in_.avail_out == 0 || result == Z_STREAM_END;  // there may be more inside zlib even without input
  if (more_) {
    rest_ = std::string{reinterpret_cast<const char*>(in_.next_in), in_.avail_in};
    in_.next_in = reinterpret_cast<Bytef*>(rest_.data());
  } else {
    rest_ = std::string{};
  }
  return size;
}

}  // namespace anser::net
