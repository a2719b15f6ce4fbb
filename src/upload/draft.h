// The rules of draft-ietf-httpbis-resumable-upload (interop version 8): what a request says, whether it may, what an
// answer's fields are. Pure; resumable.cpp carries it out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "domain/files.h"
#include "net/http_request.h"
#include "upload/request.h"

namespace anser::upload {

inline constexpr std::int64_t kInteropVersion = 8;
inline constexpr std::string_view kPartialUpload = "application/partial-upload";
inline constexpr std::string_view kMismatchingOffset =
    "https://iana.org/assignments/http-problem-types#mismatching-upload-offset";
inline constexpr std::string_view kInconsistentLength =
    "https://iana.org/assignments/http-problem-types#inconsistent-upload-length";

// A field of another type than it should be is as if it were not there (4.1).
struct DraftRequest {
  std::optional<bool> complete;         // Upload-Complete
  std::optional<std::uint64_t> offset;  // Upload-Offset
  std::optional<std::uint64_t> length;  // Upload-Length
  std::optional<std::uint64_t> content_length;
  std::string type;       // of media, without parameters, in lower case
  bool knows_us = false;  // takes 104 of this version
};
DraftRequest draft_request(const net::HttpRequest& request);

// The length of the whole, from what this request says at `offset` and what is `known` of earlier ones; none: nobody
// has said. A Problem when they contradict each other, or what has come (4.1.3).
tl::expected<std::optional<std::uint64_t>, Problem> length_by(const DraftRequest& said, std::uint64_t offset,
                                                              std::optional<std::uint64_t> known);

// May this PATCH be appended to an upload that has `offset` and is `whole` or not?
std::optional<Problem> refusal_of_append(const DraftRequest& said, std::uint64_t offset, bool whole);

Problem mismatching_offset(std::uint64_t expected, std::uint64_t provided);
Problem inconsistent_length(std::string detail);

// "max-size=100, max-append-size=100, min-size=0, max-age=60": of an upload that ends so long from now.
std::string upload_limit(std::uint64_t max_size, std::chrono::seconds max_age);

}  // namespace anser::upload
