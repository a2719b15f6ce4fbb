#include "upload/reopen.h"

#include "upload/notes.h"
#include "upload/tus_fields.h"

namespace anser::upload {
namespace {

using Opened = tl::expected<OpenUpload, Problem>;

constexpr std::string_view kUploads = "/uploads/";

Problem not_found() {
  return {.status = 404, .code = "not-found", .detail = "there is no such upload, or it has ended"};
}

Problem problem_of_opening(const Error& error) {
  if (error.code == Errc::not_found) return not_found();
  // Clients come again after 409, not after 408.
  if (error.code == Errc::timeout || error.code == Errc::closed)
    return {.status = 409, .code = "conflict", .detail = "another request has this upload"};
  return problem_of(error);
}

}  // namespace

std::string upload_url(std::string_view address, std::string_view id) {
  return std::string{address}.append(kUploads).append(id);
}

net::Task<Opened> reopen(Shared& shared, net::HttpExchange& exchange) {
  const auto& request = exchange.request();
  const std::string id = upload_id_in(request.path);
  if (id.empty() || request.path.size() != kUploads.size() + id.size()) co_return Opened{tl::unexpect, not_found()};
  std::optional<core::Jid> owner;
  if (request.field("authorization")) {
    auto asking = who(shared, exchange, Anonymous::as_configured);
    auto account = co_await std::move(asking);
    if (!account) co_return Opened{tl::unexpect, std::move(account.error())};
    owner = std::move(*account);
  }
  const bool anonymous = shared.settings()->anonymous;
  auto opening = shared.vault.open(id, [owner, anonymous](const domain::UploadRecord& record) {
    if (owner) return *owner == record.owner;
    return notes_of(record.metadata).slot || (anonymous && record.owner.empty());
  });
  auto upload = co_await std::move(opening);
  if (upload && (owner || notes_of(upload->record().metadata).slot)) co_return Opened{std::move(*upload)};
  if (!upload && upload.error().code != Errc::not_authorized)
    co_return Opened{tl::unexpect, problem_of_opening(upload.error())};
  if (owner) co_return Opened{tl::unexpect, not_found()};
  auto asking = who(shared, exchange, Anonymous::as_configured);
  auto nobody = co_await std::move(asking);
  if (!nobody) co_return Opened{tl::unexpect, std::move(nobody.error())};
  if (!upload) co_return Opened{tl::unexpect, not_found()};
  co_return Opened{std::move(*upload)};
}

std::optional<Problem> refusal_of_removal(const net::HttpExchange& exchange, const OpenUpload& upload) {
  const auto& record = upload.record();
  const bool owners = exchange.request().field("authorization") && !record.owner.empty();
  if (owners || !record.whole || record.partial) return std::nullopt;
  return Problem{.status = 403,
                 .code = "forbidden",
                 .detail =
                     "it has become a file, and everybody who has been given that knows this address: remove the "
                     "file as its owner, or by its delete_url"};
}

net::Task<Result<void>> take_checked_body(Shared& shared, net::HttpExchange& exchange, OpenUpload& upload,
                                          std::uint64_t limit, Checksum& checksum) {
  NewUpload wanted;
  wanted.owner = upload.record().owner;
  auto beginning = shared.vault.begin(std::move(wanted));
  auto apart = co_await std::move(beginning);
  if (!apart) co_return pass(apart);
  upload.on_unwanted([&exchange] { exchange.stop_reading(); });
  Along along;
  along.bytes = [&checksum](std::string_view bytes) { checksum.add(bytes); };
  auto taking = take_body(shared, exchange, *apart, limit, &along);
  const auto taken = co_await std::move(taking);
  upload.on_unwanted({});
  if (!taken) co_return pass(taken);
  if (!checksum.matches()) co_return fail(Errc::not_acceptable, "the bytes have another checksum");
  auto appending = shared.vault.append_upload(upload, *apart);
  const Result<void> appended = co_await std::move(appending);
  co_return appended;
}

Problem file_too_large(std::uint64_t permitted, std::uint64_t actual) {
  return {.status = 413,
          .code = "file-too-large",
          .detail = fmt::format("a file may have {} bytes", permitted),
          .permitted = permitted,
          .actual = actual};
}

Problem wrong_checksum(unsigned status) {
  return {.status = status,
          .code = "checksum",
          .detail = "the bytes are not those that were meant: their checksum differs"};
}

std::string removal_json(std::string_view address, const OpenUpload& upload) {
  return fmt::format("{{\"delete_url\":\"{}/delete/{}/{}\"}}", address, upload.record().id, upload.removal_key());
}

Problem taken_away() { return {.status = 409, .code = "conflict", .detail = "a newer request has taken this upload"}; }

bool is_gone(const net::HttpExchange& exchange, const Error& error) {
  return error.code != Errc::timeout && exchange.lost() && exchange.lost()->code == error.code;
}

}  // namespace anser::upload
