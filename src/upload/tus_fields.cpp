#include "upload/tus_fields.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/base64.h"
#include "net/http_request.h"

namespace anser::upload {
namespace {

constexpr std::size_t kMaxId = 64;

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

// Takes what stands before the next `separator`, and that with it.
std::string_view take_before(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto taken = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return taken;
}

}  // namespace

std::optional<TusMetadata> parse_tus_metadata(std::string_view field) {
  TusMetadata metadata;
  if (net::trimmed(field).empty()) return metadata;
  if (net::trimmed(field).ends_with(',')) return std::nullopt;
  for (std::string_view rest = field; !rest.empty();) {
    std::string_view pair = net::trimmed(take_before(rest, ','));
    const std::string_view key = take_before(pair, ' ');
    auto value = base64_decode(pair);
    const auto is_key = [&key](const auto& earlier) { return earlier.first == key; };
    if (key.empty() || !value || std::ranges::any_of(metadata, is_key)) return std::nullopt;
    metadata.emplace_back(key, std::move(*value));
  }
  return metadata;
}

std::string first_of(const TusMetadata& metadata, std::string_view key, std::string_view other) {
  for (const auto wanted : {key, other}) {
    const auto found = std::ranges::find(metadata, wanted, &TusMetadata::value_type::first);
    if (found != metadata.end()) return found->second;
  }
  return {};
}

std::optional<std::uint64_t> parse_count(std::string_view field) {
  std::uint64_t count = 0;
  const char* end = field.data() + field.size();
  const auto [at, error] = std::from_chars(field.data(), end, count);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (field.empty() || error != std::errc{} || at != end || count > kMost) return std::nullopt;
  return count;
}

std::optional<std::vector<std::string>> parse_final(std::string_view concat) {
  constexpr std::string_view kFinal = "final;";
  if (!concat.starts_with(kFinal)) return std::nullopt;
  std::vector<std::string> ids;
  std::string_view rest = net::trimmed(concat.substr(kFinal.size()));
  do {
    std::string id = upload_id_in(take_before(rest, ' '));
    if (id.empty()) return std::nullopt;
    ids.push_back(std::move(id));
  } while (!rest.empty());
  return ids;
}

std::string upload_id_in(std::string_view address) {
  constexpr std::string_view kUploads = "/uploads/";
  const auto at = address.rfind(kUploads);
  if (at == std::string_view::npos) return {};
  const auto id = address.substr(at + kUploads.size());
  return is_id(id) ? std::string{id} : std::string{};
}

}  // namespace anser::upload
