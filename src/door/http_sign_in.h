// Signing in with an HTTP request: what it says about who sends it, whether it may say that here, and whether it is
// true. For the doors that begin with HTTP; each decides itself what it answers. Coroutines run on the core of their
// connection.
#pragma once

#include <optional>
#include <string>

#include "door/sign_in.h"
#include "net/http_proxies.h"
#include "net/http_request.h"

namespace anser::door {

struct Credentials {
  std::string user, password;
  std::string token = {};  // instead of both
};

// In the field Authorization: Basic (RFC 7617) or Bearer (RFC 6750). None: there is no such field. Errc::bad_request:
// it is neither.
Result<std::optional<Credentials>> credentials_in_header(const net::HttpRequest& request);
// In the query: `token`, or `user` and `password`.
std::optional<Credentials> credentials_in_query(const net::HttpRequest& request);

// Passwords and tokens cross a connection in the clear only where that was allowed, or inside this machine.
bool may_be_said(const net::HttpClient& client, bool without_tls);

// The host that the client has dialled, if it is one of ours, else our first: for names without one.
std::string host_dialled(const net::HttpRequest& request, const domain::Hosts& hosts);

// Errors as of check_password and check_token.
net::Task<Result<SignedIn>> check(Shared& shared, std::string host, Credentials said, Peer peer);

// The status of an answer that refuses them.
unsigned http_status_of(Errc code);
// What goes with 401.
inline constexpr const char* kHttpChallenge = R"(Basic realm="Anser", charset="UTF-8")";
// What goes with 429, in seconds.
inline constexpr const char* kHttpRetryAfter = "30";

}  // namespace anser::door
