// POST /uploads without a word of resuming: the body is the file.
#include "codec/file_name.h"
#include "codec/part_header.h"
#include "upload/file_fields.h"
#include "upload/handlers.h"
#include "upload/media_type.h"
#include "upload/reopen.h"
#include "upload/request.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::Task;

void tell(HttpExchange& exchange, const Settings& settings, const Problem& problem) {
  auto response = response_of(problem, exchange.request());
  allow_origin(response, settings, exchange.request());
  exchange.respond(std::move(response));
}

// What can be said before the body comes.
std::optional<Problem> refusal(const net::HttpRequest& request, const Settings& settings) {
  if (net::lower(request.field("content-type").value_or("")).starts_with("multipart/form-data"))
    return Problem{.status = 415, .code = "type", .detail = "forms go to /upload; here the body is the file"};
  if (request.content_length.value_or(0) <= settings.file_bytes) return std::nullopt;
  return Problem{.status = 413,
                 .code = "file-too-large",
                 .detail = fmt::format("a file may have {} bytes", settings.file_bytes),
                 .permitted = settings.file_bytes,
                 .actual = request.content_length};
}

}  // namespace

Task<void> post_file(Shared& shared, HttpExchange& exchange) {
  const SharedSettings settings = shared.settings();
  const auto& request = exchange.request();
  auto asking = who(shared, exchange, Anonymous::as_configured);
  const auto owner = co_await std::move(asking);
  if (!owner) co_return tell(exchange, *settings, owner.error());
  if (const auto wrong = refusal(request, *settings)) co_return tell(exchange, *settings, *wrong);

  NewUpload fresh{.owner = *owner,
                  .name = file_name_in(request, settings->charset),
                  .type = declared_type(request.field("content-type").value_or(""))};
  if (!request.chunked) fresh.length = request.content_length.value_or(0);
  auto beginning = shared.vault.begin(std::move(fresh));
  auto upload = co_await std::move(beginning);
  if (!upload) {
    auto telling = problem_of_vault(shared, *owner, upload.error(), request.content_length.value_or(0));
    const auto problem = co_await std::move(telling);
    co_return tell(exchange, *settings, problem);
  }
  auto taking = take_body(shared, exchange, *upload, settings->file_bytes);
  const auto taken = co_await std::move(taking);
  if (!taken) {
    if (is_gone(exchange, taken.error())) co_return;
    auto telling = problem_of_vault(shared, *owner, taken.error(), upload->offset());
    const auto problem = co_await std::move(telling);
    co_return tell(exchange, *settings, problem);
  }
  auto finishing = shared.vault.finish(*upload);
  const auto file = co_await std::move(finishing);
  if (!file) co_return tell(exchange, *settings, problem_of(file.error()));

  const std::string address = address_of(*settings, exchange);
  net::HttpResponse response{
      .status = 201, .body = json_of(address, *file, {}, upload->removal_key()) + "\n", .type = "application/json"};
  response.fields.emplace_back("location", url_of(address, *file));
  response.fields.emplace_back("cache-control", "no-store");
  allow_origin(response, *settings, request);
  exchange.respond(std::move(response));
}

}  // namespace anser::upload
