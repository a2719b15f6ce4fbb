// Which bytes of a file a request wants (RFC 9110 §14). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anser::upload {

struct ByteRange {
  std::uint64_t first = 0, last = 0;  // both are wanted

  std::uint64_t size() const { return last - first + 1; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct WantedBytes {
  enum class Kind : std::uint8_t {
    whole,    // no field Range, or one that is not to be heeded: other units, not well formed, too many, overlapping
    ranges,   // those, in the order in which they were asked for
    nothing,  // not one of them is in the file: 416
  };
  Kind kind = Kind::whole;
  std::vector<ByteRange> ranges = {};
};

inline constexpr std::size_t kMaxRanges = 8;

// `field`: of a GET; none: there is none.
WantedBytes wanted_bytes(std::optional<std::string_view> field, std::uint64_t size);

// "bytes 0-99/1000"
std::string content_range(const ByteRange& range, std::uint64_t size);

// A body of several ranges (RFC 9110 §14.6): what stands in front of each of them, and behind the last.
struct ByteRangesFrame {
  std::string boundary;
  std::vector<std::string> heads;
  std::string end;

  std::uint64_t length(const std::vector<ByteRange>& ranges) const;
};
ByteRangesFrame byteranges_frame(std::string boundary, std::string_view type, const std::vector<ByteRange>& ranges,
                                 std::uint64_t size);

}  // namespace anser::upload
