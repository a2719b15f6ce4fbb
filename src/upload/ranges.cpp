#include "upload/ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "net/http_request.h"

namespace anser::upload {
namespace {

// 1*DIGIT; what is larger than a number is the largest, since it is behind every end.
std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.empty() || !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return wrong == std::errc::result_out_of_range ? UINT64_MAX : value;
}

enum class Said : std::uint8_t { range, outside, nonsense };

// first "-" [last] / "-" suffix-length
Said take(std::string_view spec, std::uint64_t size, ByteRange& range) {
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return Said::nonsense;
  const auto right = spec.substr(dash + 1);
  if (dash == 0) {
    const auto length = number(right);
    if (!length) return Said::nonsense;
    if (*length == 0 || size == 0) return Said::outside;
    range = {size - std::min(*length, size), size - 1};
    return Said::range;
  }
  const auto first = number(spec.substr(0, dash));
  const auto last = right.empty() ? std::optional<std::uint64_t>{UINT64_MAX} : number(right);
  if (!first || !last || *last < *first) return Said::nonsense;
  if (*first >= size) return Said::outside;
  range = {*first, std::min(*last, size - 1)};
  return Said::range;
}

bool overlap(std::vector<ByteRange> ranges) {
  std::ranges::sort(ranges, {}, &ByteRange::first);
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first <= ranges[i - 1].last) return true;
  }
  return false;
}

}  // namespace

WantedBytes wanted_bytes(std::optional<std::string_view> field, std::uint64_t size) {
  WantedBytes wanted;
  if (!field) return wanted;
  const auto equals = field->find('=');
  if (equals == std::string_view::npos || net::lower(net::trimmed(field->substr(0, equals))) != "bytes") return wanted;
  std::size_t said = 0;
  for (std::string_view rest = field->substr(equals + 1); !rest.empty();) {
    const auto comma = rest.find(',');
    const auto spec = net::trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    if (spec.empty()) continue;
    ByteRange range;
    const Said what = take(spec, size, range);
    if (what == Said::nonsense || ++said > kMaxRanges) return {};
    if (what == Said::range) wanted.ranges.push_back(range);
  }
  if (said == 0 || overlap(wanted.ranges)) return {};
  wanted.kind = wanted.ranges.empty() ? WantedBytes::Kind::nothing : WantedBytes::Kind::ranges;
  return wanted;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", range.first, range.last, size);
}

std::uint64_t ByteRangesFrame::length(const std::vector<ByteRange>& ranges) const {
  std::uint64_t all = end.size();
  for (const auto& head : heads) all += head.size();
  for (const auto& range : ranges) all += range.size();
  return all;
}

ByteRangesFrame byteranges_frame(std::string boundary, std::string_view type, const std::vector<ByteRange>& ranges,
                                 std::uint64_t size) {
  ByteRangesFrame frame;
  for (const auto& range : ranges) {
    frame.heads.push_back(fmt::format("{}--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
                                      frame.heads.empty() ? "" : "\r\n", boundary, type, content_range(range, size)));
  }
  frame.end = "\r\n--" + boundary + "--\r\n";
  frame.boundary = std::move(boundary);
  return frame;
}

}  // namespace anser::upload
