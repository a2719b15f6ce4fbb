// What the handlers share: who asks, how an error is told, where addresses begin, and how a body becomes an upload.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/files.h"
#include "net/http_server.h"
#include "upload/services.h"
#include "upload/vault.h"

namespace anser::upload {

// docs/wire/upload.md, Errors.
struct Problem {
  unsigned status = 500;
  std::string_view code = "internal";  // the word
  std::string detail;                  // a sentence
  std::optional<std::uint64_t> permitted = {}, actual = {};
  std::string_view type = "about:blank";                            // the draft's problem types
  std::vector<std::pair<std::string, std::string>> fields = {};     // of the answer
  std::vector<std::pair<std::string, std::uint64_t>> numbers = {};  // further members, in JSON
};
Problem problem_of(const Error& error);
// The same of the vault's, with the numbers of the limit that was crossed. `size`: of the file, as far as it is known.
net::Task<Problem> problem_of_vault(Shared& shared, core::Jid owner, Error error, std::uint64_t size);
// As the client prefers: JSON, text, or a page.
net::HttpResponse response_of(const Problem& problem, const net::HttpRequest& request);

// Who has sent it: an account, or nobody (a Jid that is empty) where `anonymous` allows that. Cross-site requests of
// browsers are refused here, too.
enum class Anonymous : std::uint8_t { refused, as_configured };
net::Task<tl::expected<core::Jid, Problem>> who(Shared& shared, net::HttpExchange& exchange, Anonymous anonymous);

// "https://host:5443", for the addresses in answers.
std::string address_of(const Settings& settings, const net::HttpExchange& exchange);
// The file's address, percent-coded.
std::string url_of(std::string_view address, const domain::FileRecord& file);
// The address that removes it, for who has uploaded it without an account.
std::string removal_url_of(std::string_view address, const domain::FileRecord& file, std::string_view key);
// The fields that let pages of other origins read the answer, if they may.
void allow_origin(net::HttpResponse& response, const Settings& settings, const net::HttpRequest& request);
// A file as docs/wire/upload.md has it in JSON.
std::string json_of(std::string_view address, const domain::FileRecord& file, std::string_view field,
                    std::string_view removal_key);

// What else happens to a body on its way.
struct Along {
  std::function<void(std::string_view)> bytes = {};          // each piece, before it is in the upload
  std::function<void(std::uint64_t offset)> confirmed = {};  // once a second at most, while bytes come
};
// intake.cpp: the rest of the request's body into the upload, until its end or until something is wrong; what came
// before is in the upload in both cases. Ends early when the upload is unwanted (Errc::closed). Errc::policy_violation
// beyond `limit` bytes of this body; timeout for a body that is too slow.
net::Task<Result<std::uint64_t>> take_body(Shared& shared, net::HttpExchange& exchange, OpenUpload& upload,
                                           std::uint64_t limit, const Along* along = nullptr);

}  // namespace anser::upload
