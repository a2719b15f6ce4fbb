// What people may do with files that are there: see their own, and remove them, by their account or by the key that
// came with the answer to an upload without one. docs/wire/upload.md, Serving.

#include "upload/addresses.h"
#include "upload/handlers.h"
#include "upload/html.h"
#include "upload/request.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::HttpResponse;
using net::Task;

constexpr std::size_t kListed = 1000;

void tell(HttpExchange& exchange, const Problem& problem) {
  exchange.respond(response_of(problem, exchange.request()));
}

Task<Result<domain::FileRecord>> find_by_key(Shared& shared, Removal removal) {
  auto finding = find_file(shared, std::move(removal.id));
  auto file = co_await std::move(finding);
  // Whoever has a wrong key learns nothing of the file.
  if (file && !Vault::is_removal_key(*file, removal.key)) co_return fail(Errc::not_found, "there is no such file");
  co_return file;
}

HttpResponse question(const domain::FileRecord& file) {
  return page(200, "删除文件 · Delete a file",
              "<h1>删除文件 <small>Delete a file</small></h1>\n<p>" + escaped(file.name) +
                  "</p>\n<form method=\"post\"><button type=\"submit\">删除 · Delete</button></form>");
}

HttpResponse removed(const domain::FileRecord& file) {
  return page(200, "文件已删除 · The file is gone",
              "<h1>文件已删除 <small>The file is gone</small></h1>\n<p>" + escaped(file.name) + "</p>");
}

}  // namespace

Task<void> remove_file(Shared& shared, HttpExchange& exchange) {
  auto asking = who(shared, exchange, Anonymous::refused);
  const auto owner = co_await std::move(asking);
  if (!owner) co_return tell(exchange, owner.error());
  auto finding = find_file(shared, file_id_in(exchange.request().path));
  const auto file = co_await std::move(finding);
  if (!file) co_return tell(exchange, problem_of(file.error()));
  if (file->owner != *owner)
    co_return tell(exchange, {.status = 403, .code = "forbidden", .detail = "it is not your file"});
  auto removing = shared.vault.remove(file->id);
  const auto done = co_await std::move(removing);
  if (!done && done.error().code != Errc::not_found) co_return tell(exchange, problem_of(done.error()));
  exchange.respond({.status = 204, .body = {}});
}

Task<void> list_files(Shared& shared, HttpExchange& exchange) {
  auto asking = who(shared, exchange, Anonymous::refused);
  const auto owner = co_await std::move(asking);
  if (!owner) co_return tell(exchange, owner.error());
  const SharedSettings settings = shared.settings();
  const std::string address = address_of(*settings, exchange);
  std::string before = exchange.request().parameter("before").value_or("");
  auto listing = shared.vault.list(*owner, std::move(before), kListed);
  const auto files = co_await std::move(listing);
  if (!files) co_return tell(exchange, problem_of(files.error()));
  auto counting = shared.vault.use_of(*owner);
  const auto use = co_await std::move(counting);
  if (!use) co_return tell(exchange, problem_of(use.error()));

  std::string body = "{\"files\": [";
  for (const auto& file : *files) {
    if (&file != &files->front()) body += ", ";
    body += json_of(address, file, {}, {});
  }
  const std::string quota = settings->quota_bytes == 0 ? "null" : std::to_string(settings->quota_bytes);
  body += fmt::format("], \"used\": {}, \"quota\": {}}}\n", use->bytes, quota);
  HttpResponse response{.body = std::move(body), .type = "application/json"};
  response.fields.emplace_back("cache-control", "no-store");
  exchange.respond(std::move(response));
}

Task<void> remove_by_key(Shared& shared, HttpExchange& exchange) {
  const std::string method = exchange.request().method;
  if (method != "GET" && method != "HEAD" && method != "POST" && method != "DELETE") {
    Problem problem{.status = 405, .code = "method", .detail = "this address takes GET, HEAD, POST, DELETE"};
    problem.fields.emplace_back("allow", "GET, HEAD, POST, DELETE");
    co_return tell(exchange, problem);
  }
  auto finding = find_by_key(shared, removal_in(exchange.request().path));
  const auto file = co_await std::move(finding);
  if (!file) co_return tell(exchange, problem_of(file.error()));
  // Who only looks removes nothing: programs that preview addresses look at everything.
  if (method == "GET" || method == "HEAD") co_return exchange.respond(question(*file));
  auto removing = shared.vault.remove(file->id);
  const auto done = co_await std::move(removing);
  if (!done && done.error().code != Errc::not_found) co_return tell(exchange, problem_of(done.error()));
  if (method == "DELETE" || wanted(exchange.request()) == Telling::json)
    co_return exchange.respond({.status = 204, .body = {}});
  exchange.respond(removed(*file));
}

}  // namespace anser::upload
