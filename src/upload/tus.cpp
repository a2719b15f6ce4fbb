// tus 1.0 (docs/wire/upload.md) with creation, creation-with-upload, creation-defer-length, expiration, checksum,
// termination and concatenation. Its Tus-Resumable has chosen it; OPTIONS is answered here for everybody.
#include <algorithm>
#include <utility>

#include "net/http_date.h"
#include "upload/checksum.h"
#include "upload/draft.h"
#include "upload/handlers.h"
#include "upload/media_type.h"
#include "upload/notes.h"
#include "upload/reopen.h"
#include "upload/request.h"
#include "upload/shown_name.h"
#include "upload/tus_fields.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::HttpRequest;
using net::HttpResponse;
using net::Task;

constexpr std::string_view kVersion = "1.0.0";
constexpr std::string_view kExtensions =
    "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation";
constexpr std::string_view kBytes = "application/offset+octet-stream";
constexpr std::size_t kMetadata = 4096;  // of Upload-Metadata: it is kept, and comes back
constexpr unsigned kChecksumMismatch = 460;

// One request, as long as it takes.
struct Turn {
  Shared& shared;
  HttpExchange& exchange;
  const SharedSettings settings = shared.settings();
  const std::string address = address_of(*settings, exchange);
  std::optional<Checksum> checksum = {};  // of this request's body

  const HttpRequest& request() const { return exchange.request(); }
};

void respond(Turn& turn, HttpResponse response) {
  response.fields.emplace_back("tus-resumable", kVersion);
  allow_origin(response, *turn.settings, turn.request());
  turn.exchange.respond(std::move(response));
}

void refuse(Turn& turn, const Problem& problem) { respond(turn, response_of(problem, turn.request())); }

Problem malformed(std::string detail) { return {.status = 400, .code = "malformed", .detail = std::move(detail)}; }

std::optional<std::string> field_of(const HttpRequest& request, std::string_view name) {
  if (!request.field(name)) return std::nullopt;
  return request.list(name);  // one that comes twice is of no form that is wanted here
}

bool is_final(const Notes& notes) { return notes.concat.starts_with("final"); }

void add_end(HttpResponse& response, const OpenUpload& upload) {
  response.fields.emplace_back("upload-expires", net::to_http_date(upload.record().expires));
}
void add_offset(HttpResponse& response, const OpenUpload& upload) {
  response.fields.emplace_back("upload-offset", std::to_string(upload.offset()));
}

Problem too_large(const Turn& turn, std::uint64_t actual) {
  Problem problem = file_too_large(turn.settings->file_bytes, actual);
  problem.fields.emplace_back("tus-max-size", std::to_string(turn.settings->file_bytes));
  return problem;
}

// ---- bodies ---------------------------------------------------------------------------------------------------------

bool is_bytes(const HttpRequest& request) { return request.field("content-type") == kBytes; }

std::optional<Problem> read_checksum(Turn& turn) {
  const auto field = field_of(turn.request(), "upload-checksum");
  if (!field) return std::nullopt;
  auto checksum = tus_checksum(*field);
  if (!checksum) return problem_of(checksum.error());
  turn.checksum = std::move(*checksum);
  return std::nullopt;
}

// Where this body may end, at most.
std::optional<Problem> refusal_of_body(const Turn& turn, const OpenUpload& upload) {
  const std::uint64_t end =
      upload.offset() + std::min<std::uint64_t>(turn.request().content_length.value_or(0), 1ull << 62);
  const auto length = upload.record().length;
  if (length && end > *length) {
    Problem problem = file_too_large(*length, end);
    problem.detail = fmt::format("the upload has {} bytes, these would end at {}", *length, end);
    return problem;
  }
  if (end > turn.settings->file_bytes) return too_large(turn, end);
  return std::nullopt;
}

Task<Result<void>> read_body(Turn& turn, OpenUpload& upload) {
  const std::uint64_t end = upload.record().length.value_or(turn.settings->file_bytes);
  const std::uint64_t room = end - std::min(end, upload.offset());
  if (turn.checksum) {
    auto taking = take_checked_body(turn.shared, turn.exchange, upload, room, *turn.checksum);
    const Result<void> taken = co_await std::move(taking);
    co_return taken;
  }
  auto taking = take_body(turn.shared, turn.exchange, upload, room);
  const auto taken = co_await std::move(taking);
  if (!taken) co_return pass(taken);
  co_return Result<void>{};
}

Task<Problem> problem_of_body(Turn& turn, const OpenUpload& upload, Error error) {
  if (error.code == Errc::not_acceptable) co_return wrong_checksum(kChecksumMismatch);
  if (error.code == Errc::policy_violation) {
    const std::uint64_t end = upload.record().length.value_or(turn.settings->file_bytes);
    co_return file_too_large(end, end + 1);
  }
  auto telling = problem_of_vault(turn.shared, upload.record().owner, std::move(error), upload.offset());
  Problem problem = co_await std::move(telling);
  co_return problem;
}

// What has come is safe, and if that is all, it is a file: `response` says so.
Task<Result<void>> settle(Turn& turn, OpenUpload& upload, HttpResponse& response) {
  auto& vault = turn.shared.vault;
  if (upload.record().whole) co_return Result<void>{};
  if (upload.record().length != upload.offset()) {
    auto confirming = vault.confirm(upload);
    const Result<void> confirmed = co_await std::move(confirming);
    co_return confirmed;
  }
  auto finishing = vault.finish(upload);
  const auto file = co_await std::move(finishing);
  if (!file) co_return pass(file);
  if (!upload.record().partial) response.fields.emplace_back("content-location", url_of(turn.address, *file));
  co_return Result<void>{};
}

// ---- creation -------------------------------------------------------------------------------------------------------

struct Creation {
  NewUpload upload;
  std::vector<std::string> parts = {};  // to be joined; then there is no body
  bool has_bytes = false;
};

std::optional<Problem> read_length(Turn& turn, Creation& creation) {
  const auto length = field_of(turn.request(), "upload-length");
  const auto deferred = field_of(turn.request(), "upload-defer-length");
  if (!creation.parts.empty())
    return length || deferred ? std::optional{malformed("a final upload's length is that of its parts")} : std::nullopt;
  if (deferred && *deferred != "1") return malformed("Upload-Defer-Length can only be 1");
  if (deferred && length) return malformed("Upload-Length and Upload-Defer-Length contradict each other");
  if (deferred) return std::nullopt;
  if (!length) return malformed("Upload-Length or Upload-Defer-Length is missing");
  creation.upload.length = parse_count(*length);
  if (!creation.upload.length) return malformed("Upload-Length is no number");
  if (*creation.upload.length > turn.settings->file_bytes) return too_large(turn, *creation.upload.length);
  return std::nullopt;
}

std::optional<Problem> read_concat(Turn& turn, Creation& creation, Notes& notes) {
  const auto concat = field_of(turn.request(), "upload-concat");
  if (!concat) return std::nullopt;
  notes.concat = *concat;
  creation.upload.partial = *concat == "partial";
  if (creation.upload.partial) return std::nullopt;
  auto parts = parse_final(*concat);
  if (!parts) return malformed("Upload-Concat is neither partial nor final with the addresses of uploads");
  creation.parts = std::move(*parts);
  return std::nullopt;
}

std::optional<Problem> read_metadata(Turn& turn, Creation& creation, Notes& notes) {
  notes.metadata = field_of(turn.request(), "upload-metadata").value_or("");
  if (notes.metadata.size() > kMetadata) return malformed(fmt::format("Upload-Metadata may have {} bytes", kMetadata));
  const auto metadata = parse_tus_metadata(notes.metadata);
  if (!metadata) return malformed("Upload-Metadata is not keys, each with its value in Base64");
  creation.upload.name = shown_name(first_of(*metadata, "filename", "name"), turn.settings->charset);
  creation.upload.type = declared_type(first_of(*metadata, "filetype", "type"));
  return std::nullopt;
}

std::optional<Problem> read_creation(Turn& turn, Creation& creation) {
  const auto& request = turn.request();
  Notes notes{.tus = true};
  if (auto problem = read_concat(turn, creation, notes)) return problem;
  if (auto problem = read_length(turn, creation)) return problem;
  if (auto problem = read_metadata(turn, creation, notes)) return problem;
  creation.upload.metadata = to_text(notes);
  creation.upload.resumable = true;
  creation.has_bytes = is_bytes(request);
  if (!request.has_body()) return std::nullopt;
  if (!creation.parts.empty())
    return Problem{.status = 403, .code = "forbidden", .detail = "a final upload takes no bytes"};
  if (!creation.has_bytes) return Problem{.status = 415, .code = "type", .detail = "bytes are " + std::string{kBytes}};
  return read_checksum(turn);
}

Task<void> leave(Turn& turn, OpenUpload upload, Problem problem) {
  auto leaving = turn.shared.vault.abandon(std::move(upload));
  co_await std::move(leaving);
  refuse(turn, problem);
}

// Its client has not heard of it before the answer, so whatever goes wrong ends it.
Task<void> create(Turn& turn) {
  auto asking = who(turn.shared, turn.exchange, Anonymous::as_configured);
  auto owner = co_await std::move(asking);
  if (!owner) co_return refuse(turn, owner.error());
  Creation creation;
  if (const auto problem = read_creation(turn, creation)) co_return refuse(turn, *problem);
  creation.upload.owner = *owner;
  const std::uint64_t length = creation.upload.length.value_or(0);
  auto& vault = turn.shared.vault;
  auto beginning = vault.begin(std::move(creation.upload));
  auto upload = co_await std::move(beginning);
  if (!upload) {
    auto telling = problem_of_vault(turn.shared, std::move(*owner), upload.error(), length);
    const Problem problem = co_await std::move(telling);
    co_return refuse(turn, problem);
  }
  if (const auto problem = refusal_of_body(turn, *upload)) {
    auto leaving = leave(turn, std::move(*upload), *problem);
    co_await std::move(leaving);
    co_return;
  }
  Result<void> done;
  if (!creation.parts.empty()) {
    auto joining = vault.append_all(*upload, std::move(creation.parts));
    done = co_await std::move(joining);
  } else if (turn.request().has_body()) {
    auto reading = read_body(turn, *upload);
    done = co_await std::move(reading);
  }
  HttpResponse response{.status = 201, .body = {}};
  response.fields.emplace_back("location", upload_url(turn.address, upload->record().id));
  if (done) {
    auto settling = settle(turn, *upload, response);
    done = co_await std::move(settling);
  }
  if (!done && is_gone(turn.exchange, done.error())) {
    auto leaving = vault.abandon(std::move(*upload));
    co_await std::move(leaving);
    co_return;
  }
  if (!done) {
    auto telling = problem_of_body(turn, *upload, done.error());
    Problem problem = co_await std::move(telling);
    auto leaving = leave(turn, std::move(*upload), std::move(problem));
    co_await std::move(leaving);
    co_return;
  }
  if (creation.has_bytes) add_offset(response, *upload);
  add_end(response, *upload);
  if (!upload->removal_key().empty() && !upload->record().partial) {
    response.body = removal_json(turn.address, *upload);
    response.type = "application/json";
  }
  respond(turn, std::move(response));
}

// ---- an upload that was begun ---------------------------------------------------------------------------------------

Task<void> tell(Turn& turn, OpenUpload upload) {
  const auto& record = upload.record();
  const bool was_whole = record.whole;
  HttpResponse response;
  auto settling = settle(turn, upload, response);  // the server may have died between the last byte and the file
  const Result<void> settled = co_await std::move(settling);
  if (!settled) co_return refuse(turn, problem_of(settled.error()));
  const Notes notes = notes_of(record.metadata);
  response.fields.emplace_back("cache-control", "no-store");
  add_offset(response, upload);
  if (record.length)
    response.fields.emplace_back("upload-length", std::to_string(*record.length));
  else
    response.fields.emplace_back("upload-defer-length", "1");
  if (!notes.metadata.empty()) response.fields.emplace_back("upload-metadata", notes.metadata);
  if (!notes.concat.empty()) response.fields.emplace_back("upload-concat", notes.concat);
  add_end(response, upload);
  if (was_whole && !record.partial) {
    auto finding = turn.shared.vault.find(record.id);
    const auto file = co_await std::move(finding);
    if (file && *file) response.fields.emplace_back("content-location", url_of(turn.address, **file));
  }
  respond(turn, std::move(response));
}

// May these bytes be appended? `length` becomes known with them, perhaps.
std::optional<Problem> refusal_of_patch(Turn& turn, const OpenUpload& upload, std::optional<std::uint64_t>& length) {
  const auto& request = turn.request();
  if (is_final(notes_of(upload.record().metadata)))
    return Problem{.status = 403, .code = "forbidden", .detail = "a final upload takes no bytes"};
  if (!is_bytes(request)) return Problem{.status = 415, .code = "type", .detail = "bytes are " + std::string{kBytes}};
  const auto offset = parse_count(field_of(request, "upload-offset").value_or(""));
  if (!offset) return malformed("Upload-Offset is missing, or is no number");
  if (*offset != upload.offset()) {
    Problem problem{.status = 409,
                    .code = "offset-mismatch",
                    .detail = fmt::format("the upload goes on at {}, not at {}", upload.offset(), *offset)};
    problem.fields.emplace_back("upload-offset", std::to_string(upload.offset()));
    return problem;
  }
  if (upload.record().whole && request.has_body())
    return Problem{.status = 409, .code = "conflict", .detail = "the upload is whole already"};
  if (const auto field = field_of(request, "upload-length")) {
    length = parse_count(*field);
    if (!length) return malformed("Upload-Length is no number");
    if (*length > turn.settings->file_bytes) return too_large(turn, *length);
    if (upload.record().length && *upload.record().length != *length)
      return malformed(fmt::format("the upload's length is {} already", *upload.record().length));
    if (*length < upload.offset()) return malformed(fmt::format("{} bytes have come already", upload.offset()));
  }
  return read_checksum(turn);
}

Task<void> append(Turn& turn, OpenUpload upload) {
  std::optional<std::uint64_t> length;
  if (const auto problem = refusal_of_patch(turn, upload, length)) co_return refuse(turn, *problem);
  if (length && !upload.record().whole) {
    auto setting = turn.shared.vault.set_length(upload, *length);
    const Result<void> set = co_await std::move(setting);
    if (!set) {
      auto telling = problem_of_vault(turn.shared, upload.record().owner, set.error(), *length - upload.offset());
      const Problem problem = co_await std::move(telling);
      co_return refuse(turn, problem);
    }
  }
  if (const auto problem = refusal_of_body(turn, upload)) co_return refuse(turn, *problem);
  Result<void> done;
  if (turn.request().has_body()) {
    auto reading = read_body(turn, upload);
    done = co_await std::move(reading);
  }
  HttpResponse response{.status = 204, .body = {}};
  if (done) {
    auto settling = settle(turn, upload, response);
    done = co_await std::move(settling);
  }
  if (!done && is_gone(turn.exchange, done.error())) {  // what came is kept
    if (upload.unwanted()) refuse(turn, taken_away());
    co_return;
  }
  if (!done) {
    auto telling = problem_of_body(turn, upload, done.error());
    const Problem problem = co_await std::move(telling);
    co_return refuse(turn, problem);
  }
  add_offset(response, upload);
  add_end(response, upload);
  respond(turn, std::move(response));
}

// The file goes, too, if it has become one.
Task<void> terminate(Turn& turn, OpenUpload upload) {
  auto& vault = turn.shared.vault;
  if (const auto problem = refusal_of_removal(turn.exchange, upload)) co_return refuse(turn, *problem);
  if (upload.record().whole && !upload.record().partial) {
    auto removing = vault.remove(upload.record().id);
    const Result<void> removed = co_await std::move(removing);
    if (!removed && removed.error().code != Errc::not_found) co_return refuse(turn, problem_of(removed.error()));
  }
  auto leaving = vault.abandon(std::move(upload));
  const Result<void> left = co_await std::move(leaving);
  if (!left) co_return refuse(turn, problem_of(left.error()));
  respond(turn, {.status = 204, .body = {}});
}

// ---- all ------------------------------------------------------------------------------------------------------------

void tell_options(Turn& turn, bool begins) {
  HttpResponse response{.status = 204, .body = {}};
  response.fields.emplace_back("allow", begins ? "POST, OPTIONS" : "HEAD, GET, PATCH, DELETE, OPTIONS");
  response.fields.emplace_back("tus-version", kVersion);
  response.fields.emplace_back("tus-extension", kExtensions);
  response.fields.emplace_back("tus-max-size", std::to_string(turn.settings->file_bytes));
  response.fields.emplace_back("tus-checksum-algorithm", kTusAlgorithms);
  response.fields.emplace_back("upload-limit", upload_limit(turn.settings->file_bytes, turn.settings->unfinished_for));
  respond(turn, std::move(response));
}

void refuse_method(Turn& turn, std::string_view allowed) {
  Problem problem{.status = 405, .code = "method", .detail = "this address takes " + std::string{allowed}};
  problem.fields.emplace_back("allow", allowed);
  refuse(turn, problem);
}

bool is_known(std::string_view method) { return method == "HEAD" || method == "PATCH" || method == "DELETE"; }

Task<void> serve_one(Turn& turn, std::string_view method) {
  if (!is_known(method)) co_return refuse_method(turn, "HEAD, PATCH, DELETE, OPTIONS");
  auto opening = reopen(turn.shared, turn.exchange);
  auto upload = co_await std::move(opening);
  if (!upload) co_return refuse(turn, upload.error());
  auto task = method == "HEAD"    ? tell(turn, std::move(*upload))
              : method == "PATCH" ? append(turn, std::move(*upload))
                                  : terminate(turn, std::move(*upload));
  co_await std::move(task);
}

}  // namespace

Task<void> serve_tus(Shared& shared, HttpExchange& exchange) {
  Turn turn{.shared = shared, .exchange = exchange};
  const auto& request = exchange.request();
  const bool begins = request.path == "/uploads";
  if (request.method == "OPTIONS") co_return tell_options(turn, begins);  // whatever version it names
  if (field_of(request, "tus-resumable") != kVersion) {
    Problem problem{.status = 412, .code = "version", .detail = "tus is spoken here in version 1.0.0"};
    problem.fields.emplace_back("tus-version", kVersion);
    co_return refuse(turn, problem);
  }
  const std::string method = field_of(request, "x-http-method-override").value_or(request.method);
  if (begins && method != "POST") co_return refuse_method(turn, "POST, OPTIONS");
  auto task = begins ? create(turn) : serve_one(turn, method);
  co_await std::move(task);
}

}  // namespace anser::upload
