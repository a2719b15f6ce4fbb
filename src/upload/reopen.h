// What tus and the draft have in common: whose an upload is that goes on, and bytes that count only if they are right.
// Coroutines of the request's core.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "upload/checksum.h"
#include "upload/request.h"
#include "upload/services.h"
#include "upload/vault.h"

namespace anser::upload {

// "https://host:5443/uploads/ID"
std::string upload_url(std::string_view address, std::string_view id);

// The upload that the path names, for its owner, or for whoever has the address of one that a slot has begun. An older
// request that has it is ended first.
net::Task<tl::expected<OpenUpload, Problem>> reopen(Shared& shared, net::HttpExchange& exchange);

// The address of an upload that has become a file is known to all who have that file's: they may not remove it.
std::optional<Problem> refusal_of_removal(const net::HttpExchange& exchange, const OpenUpload& upload);

// The body into the upload if it has this checksum; else nothing of it (Errc::not_acceptable), also when it does not
// come whole. Until it is there it is a file of its own, which the quota counts. Other errors as of take_body().
net::Task<Result<void>> take_checked_body(Shared& shared, net::HttpExchange& exchange, OpenUpload& upload,
                                          std::uint64_t limit, Checksum& checksum);

// For who has begun an upload without an account: where the file that it becomes is removed.
std::string removal_json(std::string_view address, const OpenUpload& upload);

Problem file_too_large(std::uint64_t permitted, std::uint64_t actual);
Problem wrong_checksum(unsigned status);
// A newer request has it.
Problem taken_away();
// That error of take_body() is the client's end: there is nobody to answer, or the server does (what is no HTTP).
bool is_gone(const net::HttpExchange& exchange, const Error& error);

}  // namespace anser::upload
