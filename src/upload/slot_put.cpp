// PUT of a file into its slot (XEP-0363 §7). Who holds the address may: it is signed, and there is no other sign-in.
#include <utility>

#include "net/http_request.h"
#include "upload/handlers.h"
#include "upload/media_type.h"
#include "upload/reopen.h"
#include "upload/request.h"
#include "upload/slots.h"
#include "upload/vault.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::HttpRequest;
using net::HttpResponse;

// A slot's PUT comes from pages of any origin; nothing of it depends on who is signed in to the browser.
void answer(HttpExchange& exchange, HttpResponse response) {
  response.fields.emplace_back("access-control-allow-origin", "*");
  response.fields.emplace_back("access-control-expose-headers", "Location");
  exchange.respond(std::move(response));
}

void refuse(HttpExchange& exchange, const Problem& problem) {
  answer(exchange, response_of(problem, exchange.request()));
}

// Without parameters, in lower case: browsers add a charset of their own.
std::string media_type(std::string_view field) { return net::lower(net::trimmed(field.substr(0, field.find(';')))); }

// What of the request is not as the slot has it. A first part (Upload-Complete: ?0) is shorter than the whole.
std::optional<Problem> mismatch(const HttpRequest& request, const SlotTerms& terms) {
  const bool whole = request.field("upload-complete").value_or("?1") != "?0";
  if (whole && request.content_length && *request.content_length != terms.size)
    return Problem{413, "file-too-large",
                   fmt::format("the slot is for a file of {} bytes, not of {}", terms.size, *request.content_length),
                   terms.size, *request.content_length};
  const auto type = request.field("content-type");
  if (type && !terms.type.empty() && media_type(*type) != media_type(terms.type))
    return Problem{415, "type", "the slot is for a file of the type " + terms.type};
  return std::nullopt;
}

}  // namespace

tl::expected<OpenedSlot, Problem> open_slot(const Shared& shared, const HttpRequest& request) {
  constexpr std::string_view kFiles = "/files/";
  std::string_view path = request.path;
  path.remove_prefix(std::min(path.size(), kFiles.size()));
  const auto slash = path.find('/');
  OpenedSlot slot{
      std::string{path.substr(0, slash)}, slash == path.npos ? std::string{} : std::string{path.substr(slash + 1)}, {}};
  const auto token = request.parameter("slot");
  if (!token) return tl::make_unexpected(Problem{403, "forbidden", "to send a file here takes a slot"});
  auto terms = verify_slot(*token, slot.id, slot.name, shared.slot_key);
  if (!terms) return tl::make_unexpected(Problem{403, "forbidden", "this is no slot of this server"});
  if (shared.clock.now() >= terms->end)
    return tl::make_unexpected(Problem{403, "forbidden", "the slot has ended; ask for another"});
  if (auto problem = mismatch(request, *terms)) return tl::make_unexpected(std::move(*problem));
  slot.terms = std::move(*terms);
  if (slot.terms.type.empty()) slot.terms.type = declared_type(request.field("content-type").value_or(""));
  return slot;
}

NewUpload upload_of(const OpenedSlot& slot) {
  NewUpload upload;
  upload.owner = slot.terms.owner;
  upload.name = slot.name;
  upload.type = slot.terms.type;
  upload.length = slot.terms.size;
  upload.id = slot.id;
  upload.file_expires = slot.terms.expires;
  return upload;
}

net::Task<void> put_into_slot(Shared& shared, HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  const auto slot = open_slot(shared, request);
  if (!slot) co_return refuse(exchange, slot.error());
  if (request.chunked || !request.content_length) {
    const Problem problem{411, "length-required", "a file is sent with its length, in Content-Length"};
    co_return refuse(exchange, problem);
  }
  auto beginning = shared.vault.begin(upload_of(*slot));
  auto upload = co_await std::move(beginning);
  if (!upload) {
    auto telling = problem_of_vault(shared, slot->terms.owner, upload.error(), slot->terms.size);
    const auto problem = co_await std::move(telling);
    co_return refuse(exchange, problem);
  }
  auto taking = take_body(shared, exchange, *upload, slot->terms.size);
  const auto taken = co_await std::move(taking);
  if (!taken) {
    if (is_gone(exchange, taken.error())) co_return;
    auto telling = problem_of_vault(shared, slot->terms.owner, taken.error(), slot->terms.size);
    const auto problem = co_await std::move(telling);
    co_return refuse(exchange, problem);
  }
  auto finishing = shared.vault.finish(*upload);
  const auto file = co_await std::move(finishing);
  if (!file) co_return refuse(exchange, problem_of(file.error()));

  const std::string address = address_of(*shared.settings(), exchange);
  HttpResponse response{.status = 201, .body = json_of(address, *file, {}, {}) + "\n", .type = "application/json"};
  response.fields.emplace_back("location", url_of(address, *file));
  response.fields.emplace_back("cache-control", "no-store");
  answer(exchange, std::move(response));
}

}  // namespace anser::upload
