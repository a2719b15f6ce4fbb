// The IETF's draft for uploads that go on where they stopped (docs/wire/upload.md); draft.h has its rules.
#include <algorithm>
#include <utility>

#include "upload/checksum.h"
#include "upload/draft.h"
#include "upload/file_fields.h"
#include "upload/handlers.h"
#include "upload/media_type.h"
#include "upload/notes.h"
#include "upload/reopen.h"
#include "upload/request.h"
#include "upload/slots.h"
#include "upload/structured_field.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::HttpRequest;
using net::HttpResponse;
using net::Task;

constexpr std::size_t kPiece = 256 * 1024;  // of a file that is read again for its digest

// One request, as long as it takes.
struct Turn {
  Shared& shared;
  HttpExchange& exchange;
  const SharedSettings settings = shared.settings();
  const DraftRequest said = draft_request(exchange.request());
  const std::string address = address_of(*settings, exchange);
  std::string location = {};  // of an upload that this request has begun
  bool slot = false;
  std::optional<Checksum> content = {};  // of this request's body
  std::optional<Checksum> whole = {};    // of the representation

  const HttpRequest& request() const { return exchange.request(); }
};

void respond(Turn& turn, HttpResponse response) {
  if (turn.slot) {
    response.fields.emplace_back("access-control-allow-origin", "*");
    response.fields.emplace_back("access-control-expose-headers", "Location, Content-Location");
  } else {
    allow_origin(response, *turn.settings, turn.request());
  }
  turn.exchange.respond(std::move(response));
}

void refuse(Turn& turn, Problem problem) {
  const auto& fields = problem.fields;
  if (std::ranges::none_of(fields, [](const auto& field) { return field.first == "upload-complete"; }))
    problem.fields.emplace_back("upload-complete", "?0");
  if (problem.status == 413)
    problem.fields.emplace_back("upload-limit", upload_limit(turn.settings->file_bytes, turn.settings->unfinished_for));
  respond(turn, response_of(problem, turn.request()));
}

std::string limit_of(const Turn& turn, const OpenUpload& upload) {
  const auto left = upload.record().expires - turn.shared.clock.now();
  return upload_limit(turn.settings->file_bytes, std::chrono::duration_cast<std::chrono::seconds>(left));
}

// What every answer about an upload says.
void describe(const Turn& turn, const OpenUpload& upload, bool complete, HttpResponse& response) {
  if (!turn.location.empty()) response.fields.emplace_back("location", turn.location);
  response.fields.emplace_back("upload-complete", complete ? "?1" : "?0");
  response.fields.emplace_back("upload-offset", std::to_string(upload.offset()));
  response.fields.emplace_back("upload-limit", limit_of(turn, upload));
  response.fields.emplace_back("cache-control", "no-store");
}

void tell_progress(HttpExchange& exchange, std::vector<std::pair<std::string, std::string>> fields) {
  fields.emplace_back("upload-draft-interop-version", std::to_string(kInteropVersion));
  exchange.inform(104, fields);
}

// ---- digests --------------------------------------------------------------------------------------------------------

// A digest that nobody can read is refused: its sender counts on its being looked at.
std::optional<Problem> read_digests(Turn& turn, std::string_view noted) {
  const auto read = [&turn](std::string_view field, std::optional<Checksum>& into) -> std::optional<Problem> {
    if (field.empty()) return std::nullopt;
    auto digest = digest_in(field);
    if (!digest) return problem_of(digest.error());
    into = std::move(*digest);
    return std::nullopt;
  };
  const std::string said = turn.request().list("repr-digest");
  if (auto problem = read(turn.request().list("content-digest"), turn.content)) return problem;
  return read(said.empty() ? noted : std::string_view{said}, turn.whole);
}

// All that has come through `digest`. Errc::not_acceptable: it is something else.
Task<Result<void>> check_whole(Vault& vault, const OpenUpload& upload, Checksum& digest) {
  for (std::uint64_t at = 0; at < upload.offset();) {
    auto reading = vault.read_back(upload, at, kPiece);
    const auto bytes = co_await std::move(reading);
    if (!bytes) co_return pass(bytes);
    digest.add(*bytes);
    at += bytes->size();
  }
  if (!digest.matches()) co_return fail(Errc::not_acceptable, "the representation has another digest");
  co_return Result<void>{};
}

// ---- the end --------------------------------------------------------------------------------------------------------

void tell_file(Turn& turn, const OpenUpload& upload, const domain::FileRecord& file) {
  HttpResponse response{
      .status = 201, .body = json_of(turn.address, file, {}, upload.removal_key()), .type = "application/json"};
  response.fields.emplace_back("content-location", url_of(turn.address, file));
  describe(turn, upload, true, response);
  respond(turn, std::move(response));
}

// All bytes are there. `digested`: what the digest of the whole is of has gone through it on its way. It becomes a file
// only if it is the right one; what could not be looked at stays for another try.
Task<void> finish(Turn& turn, OpenUpload upload, bool digested) {
  auto& vault = turn.shared.vault;
  Result<void> right;
  if (turn.whole && digested && !turn.whole->matches())
    right = fail(Errc::not_acceptable, "the representation has another digest");
  if (turn.whole && !digested) {
    auto checking = check_whole(vault, upload, *turn.whole);
    right = co_await std::move(checking);
  }
  if (!right && right.error().code == Errc::not_acceptable) {
    auto leaving = vault.abandon(std::move(upload));
    co_await std::move(leaving);
    Problem problem = wrong_checksum(400);
    problem.fields.emplace_back("upload-complete", "?1");
    co_return refuse(turn, std::move(problem));
  }
  if (!right) co_return refuse(turn, problem_of(right.error()));
  auto finishing = vault.finish(upload);
  const auto file = co_await std::move(finishing);
  if (!file) {
    co_return refuse(turn, file.error().code == Errc::conflict ? inconsistent_length(file.error().message)
                                                               : problem_of(file.error()));
  }
  tell_file(turn, upload, *file);
}

// ---- the body -------------------------------------------------------------------------------------------------------

Task<Result<void>> read_body(Turn& turn, OpenUpload& upload, bool begins, std::uint64_t limit) {
  if (turn.content && !begins) {
    auto taking = take_checked_body(turn.shared, turn.exchange, upload, limit, *turn.content);
    const Result<void> taken = co_await std::move(taking);
    co_return taken;
  }
  Along along;
  if (begins && (turn.content || turn.whole)) {
    along.bytes = [&turn](std::string_view bytes) {
      if (turn.content) turn.content->add(bytes);
      if (turn.whole) turn.whole->add(bytes);
    };
  }
  if (turn.said.knows_us) {
    along.confirmed = [&exchange = turn.exchange](std::uint64_t offset) {
      tell_progress(exchange, {{"upload-offset", std::to_string(offset)}});
    };
  }
  auto taking = take_body(turn.shared, turn.exchange, upload, limit, &along);
  const auto taken = co_await std::move(taking);
  if (!taken) co_return pass(taken);
  if (turn.content && !turn.content->matches()) co_return fail(Errc::not_acceptable, "the content has another digest");
  co_return Result<void>{};
}

// It did not come as it should. What is in the upload stays where its client can find it.
Task<void> stop(Turn& turn, OpenUpload upload, Error error, bool begins) {
  const auto length = upload.record().length;
  const auto owner = upload.record().owner;
  const std::uint64_t came = upload.offset();
  const bool too_long = error.code == Errc::policy_violation;
  const bool found = !begins || turn.said.knows_us;
  if ((too_long && length) || (error.code == Errc::not_acceptable && begins) || !found) {
    auto leaving = turn.shared.vault.abandon(std::move(upload));
    co_await std::move(leaving);
    if (is_gone(turn.exchange, error)) co_return;
  } else {
    if (upload.unwanted()) co_return refuse(turn, taken_away());
    if (is_gone(turn.exchange, error)) co_return;
    auto confirming = turn.shared.vault.confirm(upload);
    const Result<void> confirmed = co_await std::move(confirming);
    if (!confirmed) co_return refuse(turn, problem_of(confirmed.error()));
  }
  if (too_long && length) co_return refuse(turn, inconsistent_length("more came than the upload's length"));
  if (too_long) co_return refuse(turn, file_too_large(turn.settings->file_bytes, turn.settings->file_bytes + 1));
  if (error.code == Errc::not_acceptable) co_return refuse(turn, wrong_checksum(400));
  auto telling = problem_of_vault(turn.shared, owner, error, came);
  Problem problem = co_await std::move(telling);
  refuse(turn, std::move(problem));
}

Task<void> take(Turn& turn, OpenUpload upload, bool begins) {
  const std::uint64_t end = upload.record().length.value_or(turn.settings->file_bytes);
  auto reading = read_body(turn, upload, begins, end - std::min(end, upload.offset()));
  const Result<void> read = co_await std::move(reading);
  if (!read) {
    auto stopping = stop(turn, std::move(upload), read.error(), begins);
    co_await std::move(stopping);
    co_return;
  }
  if (turn.said.complete == true) {
    auto finishing = finish(turn, std::move(upload), begins);
    co_await std::move(finishing);
    co_return;
  }
  auto confirming = turn.shared.vault.confirm(upload);
  const Result<void> confirmed = co_await std::move(confirming);
  if (!confirmed) co_return refuse(turn, problem_of(confirmed.error()));
  HttpResponse response{.status = begins ? 201u : 204u, .body = {}};
  if (!upload.removal_key().empty()) {
    response.type = "application/json";
    response.body = removal_json(turn.address, upload);
  }
  describe(turn, upload, false, response);
  respond(turn, std::move(response));
}

// ---- requests -------------------------------------------------------------------------------------------------------

Task<void> begin(Turn& turn, NewUpload wanted) {
  if (auto problem = read_digests(turn, {})) co_return refuse(turn, std::move(*problem));
  auto length = length_by(turn.said, 0, wanted.length);
  if (!length) co_return refuse(turn, std::move(length.error()));
  const auto least = std::max(length->value_or(0), turn.said.content_length.value_or(0));
  if (least > turn.settings->file_bytes) co_return refuse(turn, file_too_large(turn.settings->file_bytes, least));
  wanted.length = *length;
  wanted.resumable = true;
  wanted.metadata = to_text({.digest = turn.request().list("repr-digest"), .slot = turn.slot});
  core::Jid owner = wanted.owner;
  auto beginning = turn.shared.vault.begin(std::move(wanted));
  auto upload = co_await std::move(beginning);
  if (!upload) {
    auto telling = problem_of_vault(turn.shared, std::move(owner), upload.error(), least);
    Problem problem = co_await std::move(telling);
    co_return refuse(turn, std::move(problem));
  }
  turn.location = upload_url(turn.address, upload->record().id);
  if (turn.said.knows_us)
    tell_progress(turn.exchange, {{"location", turn.location}, {"upload-limit", limit_of(turn, *upload)}});
  auto taking = take(turn, std::move(*upload), true);
  co_await std::move(taking);
}

Task<void> post(Turn& turn) {
  auto asking = who(turn.shared, turn.exchange, Anonymous::as_configured);
  auto owner = co_await std::move(asking);
  if (!owner) co_return refuse(turn, std::move(owner.error()));
  NewUpload wanted;
  wanted.owner = std::move(*owner);
  wanted.name = file_name_in(turn.request(), turn.settings->charset);
  wanted.type = declared_type(turn.request().field("content-type").value_or(""));
  auto beginning = begin(turn, std::move(wanted));
  co_await std::move(beginning);
}

Task<void> put(Turn& turn) {
  turn.slot = true;
  auto slot = open_slot(turn.shared, turn.request());
  if (!slot) co_return refuse(turn, std::move(slot.error()));
  auto beginning = begin(turn, upload_of(*slot));
  co_await std::move(beginning);
}

Task<void> patch(Turn& turn) {
  auto opening = reopen(turn.shared, turn.exchange);
  auto upload = co_await std::move(opening);
  if (!upload) co_return refuse(turn, std::move(upload.error()));
  auto& vault = turn.shared.vault;
  const bool whole = upload->record().whole;
  if (auto problem = refusal_of_append(turn.said, upload->offset(), whole)) co_return refuse(turn, std::move(*problem));
  auto length = length_by(turn.said, upload->offset(), upload->record().length);
  if (!length) co_return refuse(turn, std::move(length.error()));
  if (whole) {
    auto finding = vault.find(upload->record().id);
    const auto file = co_await std::move(finding);
    if (!file) co_return refuse(turn, problem_of(file.error()));
    if (!*file) co_return refuse(turn, {.status = 404, .code = "not-found", .detail = "the file has ended"});
    co_return tell_file(turn, *upload, **file);
  }
  if (auto problem = read_digests(turn, notes_of(upload->record().metadata).digest))
    co_return refuse(turn, std::move(*problem));
  const auto end = std::max(length->value_or(0), upload->offset() + turn.said.content_length.value_or(0));
  if (end > turn.settings->file_bytes) co_return refuse(turn, file_too_large(turn.settings->file_bytes, end));
  if (*length) {
    auto setting = vault.set_length(*upload, **length);
    const Result<void> set = co_await std::move(setting);
    if (!set) {
      auto telling = problem_of_vault(turn.shared, upload->record().owner, set.error(), **length - upload->offset());
      Problem problem = co_await std::move(telling);
      co_return refuse(turn, std::move(problem));
    }
  }
  auto taking = take(turn, std::move(*upload), false);
  co_await std::move(taking);
}

Task<void> tell(Turn& turn) {
  auto opening = reopen(turn.shared, turn.exchange);
  auto upload = co_await std::move(opening);
  if (!upload) co_return refuse(turn, std::move(upload.error()));
  auto confirming = turn.shared.vault.confirm(*upload);
  const Result<void> confirmed = co_await std::move(confirming);
  if (!confirmed) co_return refuse(turn, problem_of(confirmed.error()));
  HttpResponse response{.status = 204, .body = {}};
  describe(turn, *upload, upload->record().whole, response);
  if (const auto length = upload->record().length)
    response.fields.emplace_back("upload-length", std::to_string(*length));
  respond(turn, std::move(response));
}

Task<void> cancel(Turn& turn) {
  auto opening = reopen(turn.shared, turn.exchange);
  auto upload = co_await std::move(opening);
  if (!upload) co_return refuse(turn, std::move(upload.error()));
  if (auto problem = refusal_of_removal(turn.exchange, *upload)) co_return refuse(turn, std::move(*problem));
  auto leaving = turn.shared.vault.abandon(std::move(*upload));
  const Result<void> left = co_await std::move(leaving);
  if (!left) co_return refuse(turn, problem_of(left.error()));
  respond(turn, {.status = 204, .body = {}});
}

Task<void> serve(Shared& shared, HttpExchange& exchange) {
  Turn turn{.shared = shared, .exchange = exchange};
  const auto& method = exchange.request().method;
  auto task = method == "POST"     ? post(turn)
              : method == "PUT"    ? put(turn)
              : method == "PATCH"  ? patch(turn)
              : method == "DELETE" ? cancel(turn)
                                   : tell(turn);
  co_await std::move(task);
}

}  // namespace

Task<void> serve_resumable(Shared& shared, HttpExchange& exchange) {
  const auto& request = exchange.request();
  const bool begins = request.method == "POST" || request.method == "PUT";
  // A field that is no Boolean is as if it were not there.
  if (begins && !boolean_item(request.list("upload-complete")))
    return request.method == "PUT" ? put_into_slot(shared, exchange) : post_file(shared, exchange);
  return serve(shared, exchange);
}

}  // namespace anser::upload
