// Does a client have it already, or does it mean another one (RFC 9110 §13)? Pure.
#pragma once

#include <string>

#include "base/clock.h"
#include "net/http_request.h"

namespace anser::upload {

// What tells one version of a thing from another.
struct Validators {
  std::string tag;  // strong, with its quotes
  Time modified{};
};

enum class Verdict : std::uint8_t { go_on, not_modified, failed };
// In the order of RFC 9110 §13.2.2; of a GET or HEAD.
Verdict verdict_of(const net::HttpRequest& request, const Validators& validators, Time now);
// Is Range to be heeded (If-Range, RFC 9110 §13.1.5)?
bool range_counts(const net::HttpRequest& request, const Validators& validators, Time now);

}  // namespace anser::upload
