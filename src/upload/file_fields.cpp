#include "upload/file_fields.h"

#include <algorithm>
#include <optional>

#include "codec/file_name.h"
#include "codec/part_header.h"

namespace anser::upload {
namespace {

// The reader of a part's header knows charsets, quotes and drives; it gives `filename` the word if both are there,
// which is right in a form and not here (RFC 6266 §4.3).
std::optional<std::string> name_in(std::string_view disposition, std::string_view charset) {
  std::string block{"Content-Disposition: "};
  const auto parsed = codec::parse_parameters(disposition);
  const std::string* extended = parsed ? parsed->find("filename*") : nullptr;
  const bool plain = extended && std::ranges::all_of(*extended, [](char c) { return c > ' ' && c < 0x7f && c != '"'; });
  if (plain) {
    const auto header = codec::parse_part_header(block + "attachment; filename*=" + *extended, charset, true);
    if (header && header->file_name && !header->file_name->empty()) return header->file_name;
  }
  const auto semicolon = disposition.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  block.append("attachment").append(disposition.substr(semicolon));
  auto header = codec::parse_part_header(block, charset, true);
  return header ? std::move(header->file_name) : std::nullopt;
}

}  // namespace

std::string file_name_in(const net::HttpRequest& request, std::string_view charset) {
  if (const auto disposition = request.field("content-disposition")) {
    const auto name = name_in(*disposition, charset);
    if (name && !name->empty()) return codec::safe_file_name(*name);
  }
  return codec::safe_file_name(request.parameter("name").value_or(""));
}

}  // namespace anser::upload
