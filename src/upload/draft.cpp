#include "upload/draft.h"

#include <algorithm>

#include "upload/structured_field.h"

namespace anser::upload {
namespace {

constexpr std::uint64_t kMostInteger = 999'999'999'999'999;  // RFC 9651 §3.3.1

std::optional<std::uint64_t> count_in(const net::HttpRequest& request, std::string_view name) {
  const auto value = integer_item(request.list(name));
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

Problem malformed(std::string detail) { return {.status = 400, .code = "malformed", .detail = std::move(detail)}; }

}  // namespace

DraftRequest draft_request(const net::HttpRequest& request) {
  DraftRequest said;
  said.complete = boolean_item(request.list("upload-complete"));
  said.offset = count_in(request, "upload-offset");
  said.length = count_in(request, "upload-length");
  said.content_length = request.content_length;
  if (!request.chunked && !said.content_length) said.content_length = 0;  // RFC 9112 §6.3: then there is no body
  const auto type = request.field("content-type").value_or("");
  said.type = net::lower(net::trimmed(type.substr(0, type.find(';'))));
  said.knows_us = integer_item(request.list("upload-draft-interop-version")) == kInteropVersion;
  return said;
}

tl::expected<std::optional<std::uint64_t>, Problem> length_by(const DraftRequest& said, std::uint64_t offset,
                                                              std::optional<std::uint64_t> known) {
  std::optional<std::uint64_t> length = known;
  const auto contradicts = [&length](std::uint64_t other) {
    if (length && *length != other) return true;
    length = other;
    return false;
  };
  if (said.length && contradicts(*said.length))
    return tl::unexpected(inconsistent_length(fmt::format("the upload's length is {}, not {}", *known, *said.length)));
  if (said.content_length) {
    const std::uint64_t end = offset + std::min(*said.content_length, kMostInteger);
    if (said.complete == true && contradicts(end))
      return tl::unexpected(inconsistent_length(fmt::format("its end would be {}, its length is {}", end, *length)));
    if (length && end > *length)
      return tl::unexpected(inconsistent_length(fmt::format("it would go to {}, its length is {}", end, *length)));
  }
  if (length && *length < offset)
    return tl::unexpected(inconsistent_length(fmt::format("{} bytes have come, its length is {}", offset, *length)));
  return length;
}

std::optional<Problem> refusal_of_append(const DraftRequest& said, std::uint64_t offset, bool whole) {
  if (said.type != kPartialUpload)
    return Problem{.status = 415, .code = "type", .detail = "an append is " + std::string{kPartialUpload}};
  if (!said.complete) return malformed("Upload-Complete is missing, or is neither ?0 nor ?1");
  if (!said.offset) return malformed("Upload-Offset is missing, or is no number");
  if (*said.offset != offset) return mismatching_offset(offset, *said.offset);
  // Who has not heard of its end may say so again (4.4.2).
  if (whole && (said.content_length != 0 || said.complete != true)) {
    Problem problem{.status = 409, .code = "conflict", .detail = "the upload is whole already"};
    problem.fields.emplace_back("upload-complete", "?0");
    problem.fields.emplace_back("upload-offset", std::to_string(offset));
    return problem;
  }
  return std::nullopt;
}

Problem mismatching_offset(std::uint64_t expected, std::uint64_t provided) {
  Problem problem{.status = 409,
                  .code = "offset-mismatch",
                  .detail = fmt::format("the upload goes on at {}, not at {}", expected, provided),
                  .type = kMismatchingOffset};
  problem.fields.emplace_back("upload-offset", std::to_string(expected));
  problem.fields.emplace_back("upload-complete", "?0");
  problem.numbers = {{"expected-offset", expected}, {"provided-offset", provided}};
  return problem;
}

Problem inconsistent_length(std::string detail) {
  Problem problem{.status = 400, .code = "malformed", .detail = std::move(detail), .type = kInconsistentLength};
  problem.fields.emplace_back("upload-complete", "?0");
  return problem;
}

std::string upload_limit(std::uint64_t max_size, std::chrono::seconds max_age) {
  const auto size = std::min(max_size, kMostInteger);
  return fmt::format("max-size={}, max-append-size={}, min-size=0, max-age={}", size, size,
                     std::max<std::int64_t>(max_age.count(), 0));
}

}  // namespace anser::upload
