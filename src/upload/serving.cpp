// GET, HEAD and OPTIONS of /files/ID/NAME: docs/wire/upload.md, Serving. A reader that is slow holds one piece of a
// file and what its connection has queued, no more.
#include <algorithm>
#include <array>

#include "codec/file_name.h"
#include "core/random.h"
#include "net/http_date.h"
#include "upload/addresses.h"
#include "upload/handlers.h"
#include "upload/media_type.h"
#include "upload/preconditions.h"
#include "upload/ranges.h"
#include "upload/request.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::HttpResponse;
using net::Task;

constexpr std::size_t kReadAtOnce = 64 * 1024;
constexpr std::chrono::hours kYear{365 * 24};
constexpr std::size_t kBoundary = 30;  // characters

// With every answer of this address.
void guard(HttpResponse& response) {
  const auto set = [&response](std::string_view name, std::string_view value) {
    std::erase_if(response.fields, [name](const auto& field) { return field.first == name; });
    response.fields.emplace_back(name, value);
  };
  set("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
  set("cross-origin-resource-policy", "cross-origin");
  set("referrer-policy", "no-referrer");
  set("access-control-allow-origin", "*");
  set("access-control-expose-headers",
      "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Last-Modified");
}

void tell(HttpExchange& exchange, const Problem& problem) {
  HttpResponse response = response_of(problem, exchange.request());
  guard(response);
  exchange.respond(std::move(response));
}

bool is_of_host(const Settings& settings, const HttpExchange& exchange) {
  if (settings.host.empty()) return true;
  return dialled_host(settings, exchange) == net::lower(settings.host);
}

HttpResponse preflight() {
  HttpResponse response{.status = 204, .body = {}};
  guard(response);
  response.fields.emplace_back("allow", "GET, HEAD, PUT, DELETE, OPTIONS");
  response.fields.emplace_back("access-control-allow-methods", "GET, HEAD, PUT, OPTIONS");
  response.fields.emplace_back("access-control-allow-headers",
                               "Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, "
                               "Range, Upload-Complete, Upload-Draft-Interop-Version");
  response.fields.emplace_back("access-control-max-age", "86400");
  return response;
}

HttpResponse head_of(const domain::FileRecord& file, const Validators& validators, Time now) {
  HttpResponse response;
  guard(response);
  const auto left = file.expires == Time{} ? std::chrono::duration_cast<Duration>(kYear) : file.expires - now;
  const auto fresh = std::chrono::duration_cast<std::chrono::seconds>(
      std::clamp(left, Duration{0}, std::chrono::duration_cast<Duration>(kYear)));
  response.fields.emplace_back("cache-control", fmt::format("private, max-age={}, immutable", fresh.count()));
  response.fields.emplace_back("etag", validators.tag);
  response.fields.emplace_back("last-modified", net::to_http_date(validators.modified));
  response.fields.emplace_back("accept-ranges", "bytes");
  return response;
}

// Those bytes, piece by piece. The first piece may have been read already.
Task<Result<void>> write_range(Shared& shared, HttpExchange& exchange, const domain::FileRecord& file,
                               ByteRange range) {
  for (std::uint64_t at = range.first; at <= range.last;) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kReadAtOnce, range.last - at + 1));
    auto reading = shared.vault.read(file, at, size);
    const auto piece = co_await std::move(reading);
    if (!piece) co_return pass(piece);
    if (piece->empty()) co_return fail(Errc::io, "the file has become shorter");
    at += piece->size();
    auto writing = exchange.write(*piece);
    const auto written = co_await std::move(writing);
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

// An answer that has begun cannot be taken back: who is said fewer bytes than were promised sees the connection end.
Task<void> send_ranges(Shared& shared, HttpExchange& exchange, const domain::FileRecord& file, HttpResponse head,
                       std::vector<ByteRange> ranges) {
  head.status = 206;
  if (ranges.size() == 1) {
    head.fields.emplace_back("content-range", content_range(ranges.front(), file.size));
    exchange.begin_response(head, ranges.front().size());
    auto writing = write_range(shared, exchange, file, ranges.front());
    co_await std::move(writing);
    co_return;
  }
  const auto frame = byteranges_frame(core::random_id(kBoundary), head.type, ranges, file.size);
  head.type = "multipart/byteranges; boundary=" + frame.boundary;
  exchange.begin_response(head, frame.length(ranges));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    auto opening = exchange.write(frame.heads[i]);
    const auto opened = co_await std::move(opening);
    if (!opened) co_return;
    auto writing = write_range(shared, exchange, file, ranges[i]);
    const auto written = co_await std::move(writing);
    if (!written) co_return;
  }
  auto closing = exchange.write(frame.end);
  co_await std::move(closing);
}

Task<void> send_whole(Shared& shared, HttpExchange& exchange, const domain::FileRecord& file,
                      const HttpResponse& head) {
  exchange.begin_response(head, file.size);
  if (file.size == 0) co_return;
  auto writing = write_range(shared, exchange, file, {0, file.size - 1});
  co_await std::move(writing);
}

}  // namespace

Task<void> serve_file(Shared& shared, HttpExchange& exchange) {
  const SharedSettings settings = shared.settings();
  const auto& request = exchange.request();
  if (!is_of_host(*settings, exchange))
    co_return tell(exchange, {.status = 421, .code = "host", .detail = "files have a host of their own"});
  if (request.method == "OPTIONS") co_return exchange.respond(preflight());
  std::string id = file_id_in(request.path);
  auto finding = find_file(shared, std::move(id));
  auto found = co_await std::move(finding);
  if (!found) co_return tell(exchange, problem_of(found.error()));
  const domain::FileRecord file = std::move(*found);

  const Time now = shared.clock.now();
  const Validators validators{.tag = "\"" + file.id + "\"", .modified = file.created};
  HttpResponse head = head_of(file, validators, now);
  const Verdict verdict = verdict_of(request, validators, now);
  if (verdict == Verdict::failed)
    co_return tell(exchange, {.status = 412, .code = "precondition", .detail = "it is not the version that you have"});
  if (verdict == Verdict::not_modified) {
    head.status = 304;
    co_return exchange.respond(std::move(head));
  }

  // A range is only of GET (RFC 9110 §14.2).
  const bool heeded = request.method == "GET" && range_counts(request, validators, now);
  const std::string ranges = heeded ? request.list("range") : "";
  const auto wanted = wanted_bytes(ranges.empty() ? std::nullopt : std::optional<std::string_view>{ranges}, file.size);
  if (wanted.kind == WantedBytes::Kind::nothing) {
    Problem problem{.status = 416, .code = "range", .detail = "the file ends before that"};
    problem.fields.emplace_back("content-range", fmt::format("bytes */{}", file.size));
    problem.fields.emplace_back("accept-ranges", "bytes");
    co_return tell(exchange, problem);
  }
  std::string front;
  if (is_listed_type(file.type)) {
    auto looking = shared.vault.read(file, 0, kLookedAt);
    auto looked = co_await std::move(looking);
    if (!looked) co_return tell(exchange, problem_of(looked.error()));
    front = std::move(*looked);
  }
  const auto served = served_type(file.type, front, front.size() == file.size);
  head.type = served.type;
  head.fields.emplace_back("content-disposition",
                           codec::content_disposition(served.in_place ? "inline" : "attachment", file.name));
  if (wanted.kind == WantedBytes::Kind::ranges) {
    auto sending = send_ranges(shared, exchange, file, std::move(head), wanted.ranges);
    co_await std::move(sending);
    co_return;
  }
  auto sending = send_whole(shared, exchange, file, head);
  co_await std::move(sending);
}

}  // namespace anser::upload
