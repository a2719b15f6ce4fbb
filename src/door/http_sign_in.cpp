#include "door/http_sign_in.h"

#include <utility>

#include "base/base64.h"
#include "door/names.h"

namespace anser::door {
namespace {

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() > word.size() && text[word.size()] == ' ' && net::has_token(text.substr(0, word.size()), word);
}

}  // namespace

Result<std::optional<Credentials>> credentials_in_header(const net::HttpRequest& request) {
  const auto field = request.field("authorization");
  if (!field) return std::nullopt;
  Credentials said;
  if (starts_with_word(*field, "bearer")) {
    said.token = net::trimmed(field->substr(7));
    if (said.token.empty()) return fail(Errc::bad_request, "Bearer without a token");
    return said;
  }
  if (!starts_with_word(*field, "basic")) return fail(Errc::bad_request, "only Basic and Bearer are understood");
  const auto pair = base64_decode(net::trimmed(field->substr(6)));
  const auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return fail(Errc::bad_request, "this is not Basic authentication");
  said.user = pair->substr(0, colon);
  said.password = pair->substr(colon + 1);
  return said;
}

std::optional<Credentials> credentials_in_query(const net::HttpRequest& request) {
  Credentials said;
  if (auto token = request.parameter("token")) {
    said.token = std::move(*token);
    return said;
  }
  auto user = request.parameter("user");
  if (!user) return std::nullopt;
  said.user = std::move(*user);
  said.password = request.parameter("password").value_or("");
  return said;
}

bool may_be_said(const net::HttpClient& client, bool without_tls) {
  return client.tls || client.is_here() || without_tls;
}

std::string host_dialled(const net::HttpRequest& request, const domain::Hosts& hosts) {
  std::string_view host = request.field("host").value_or("");
  if (!host.empty() && host.front() == '[') {
    host = host.substr(0, host.find(']') + 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  const std::string* known = hosts.resolve(host);
  return known ? *known : hosts.all().front().name;
}

net::Task<Result<SignedIn>> check(Shared& shared, std::string host, Credentials said, Peer peer) {
  if (!said.token.empty()) {
    auto task = check_token(shared, std::move(host), std::move(said.token), std::move(peer));
    auto signed_in = co_await std::move(task);
    co_return signed_in;
  }
  std::string at = host_of_name(said.user, host, shared.hosts);
  auto task = check_password(shared, std::move(at), std::move(said.user), std::move(said.password), std::move(peer));
  auto signed_in = co_await std::move(task);
  co_return signed_in;
}

unsigned http_status_of(Errc code) {
  switch (code) {
    case Errc::not_authorized:
    case Errc::timeout:
      return 401;
    case Errc::forbidden:
      return 403;
    case Errc::resource_limit:
      return 429;
    default:
      return 503;
  }
}

}  // namespace anser::door
