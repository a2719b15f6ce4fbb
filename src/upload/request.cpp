#include "upload/request.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "door/http_sign_in.h"
#include "net/http_proxies.h"
#include "upload/addresses.h"
#include "upload/html.h"

namespace anser::upload {
namespace {

constexpr std::string_view kNoStorage = "files cannot be stored at the moment";

// What goes wrong inside has names and paths in it that are nobody else's business.
Problem internal_problem(unsigned status, std::string_view code, std::string_view detail, const Error& error) {
  log::error("upload", "{}", error.message);
  return {.status = status, .code = code, .detail = std::string{detail}};
}

Problem unauthorized(std::string detail) {
  Problem problem{.status = 401, .code = "not-authorized", .detail = std::move(detail)};
  problem.fields.emplace_back("www-authenticate", door::kHttpChallenge);
  return problem;
}

Problem busy(std::string detail) {
  Problem problem{.status = 429, .code = "busy", .detail = std::move(detail)};
  problem.fields.emplace_back("retry-after", door::kHttpRetryAfter);
  return problem;
}

std::string title_of(const Problem& problem) {
  if (problem.status == 460) return "Checksum Mismatch";
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(problem.status));
  return {reason.data(), reason.size()};
}

net::HttpClient client_of(const Settings& settings, const net::HttpExchange& exchange) {
  const auto& connection = exchange.connection();
  return net::client_of(exchange.request(), connection.peer_address(), connection.tls() != nullptr, settings.proxies);
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 300 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{".-_:[]"}.find(c) != std::string_view::npos;
  });
}

// What the client has dialled, with the port that is not the scheme's own: "host:5443".
std::string authority_of(const Settings& settings, const net::HttpExchange& exchange) {
  const auto& request = exchange.request();
  if (settings.proxies.contains(exchange.connection().peer_address())) {
    const std::string forwarded = request.list("x-forwarded-host");
    const auto last = net::trimmed(std::string_view{forwarded}.substr(forwarded.rfind(',') + 1));  // the nearest's
    if (is_host(last)) return net::lower(last);
  }
  const auto host = request.field("host").value_or("");
  return is_host(host) ? net::lower(host) : "localhost";
}

bool changes(std::string_view method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

// Where the port begins, with its colon: "[::1]:5443".
std::size_t host_size(std::string_view authority) {
  const auto colon = authority.rfind(':');
  const bool port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  return port ? colon : authority.size();
}

bool is_listed(const Settings& settings, std::string_view origin) {
  return std::ranges::find(settings.origins, origin) != settings.origins.end();
}

// A browser sends this for a page that is not ours.
bool is_foreign(const Settings& settings, const net::HttpExchange& exchange) {
  const auto& request = exchange.request();
  const auto instead = request.field("x-http-method-override");  // of tus
  if (!changes(request.method) && !(instead && changes(*instead))) return false;
  const auto origin = request.field("origin");
  if (origin && is_listed(settings, *origin)) return false;
  const auto site = request.field("sec-fetch-site");
  if (site == "same-origin" || site == "none") return false;
  if (site == "cross-site") return true;
  if (!origin || *origin == settings.address) return false;
  const auto scheme = origin->find("://");
  return scheme == std::string_view::npos || net::lower(origin->substr(scheme + 3)) != authority_of(settings, exchange);
}

void append_percent_coded(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain)
      out.push_back(c);
    else
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
  }
}

}  // namespace

Problem problem_of(const Error& error) {
  switch (error.code) {
    case Errc::bad_request:
    case Errc::not_well_formed:
    case Errc::jid_malformed:
    case Errc::not_acceptable:
      return {.status = 400, .code = "malformed", .detail = error.message};
    case Errc::not_authorized:
      return unauthorized(error.message);
    case Errc::forbidden:
    case Errc::blocked:
    case Errc::subscription_required:
    case Errc::not_allowed:
      return {.status = 403, .code = "forbidden", .detail = error.message};
    case Errc::not_found:
      return {.status = 404, .code = "not-found", .detail = error.message};
    case Errc::timeout:
      return {.status = 408, .code = "timeout", .detail = error.message};
    case Errc::conflict:
    case Errc::closed:
      return {.status = 409, .code = "conflict", .detail = error.message};
    case Errc::policy_violation:
      return {.status = 413, .code = "file-too-large", .detail = error.message};
    case Errc::resource_limit:
      return {.status = 413, .code = "quota", .detail = error.message};
    case Errc::unsupported:
      return {.status = 415, .code = "type", .detail = error.message};
    case Errc::queue_full:
      return busy(error.message);
    case Errc::disk_full:
      return internal_problem(507, "no-space", "the server's disk is full", error);
    case Errc::unavailable:
    case Errc::storage_failed:
    case Errc::io:
      return internal_problem(503, "unavailable", kNoStorage, error);
    default:
      return internal_problem(500, "internal", "the server could not do that", error);
  }
}

net::Task<Problem> problem_of_vault(Shared& shared, core::Jid owner, Error error, std::uint64_t size) {
  Problem problem = problem_of(error);
  const SharedSettings settings = shared.settings();
  if (error.code == Errc::policy_violation) {
    problem.permitted = settings->file_bytes;
    problem.actual = std::max(size, settings->file_bytes + 1);
  }
  if (error.code != Errc::resource_limit) co_return problem;
  problem.permitted = owner.empty() ? settings->anonymous_quota_bytes : settings->quota_bytes;
  auto counting = shared.vault.use_of(std::move(owner));
  const auto use = co_await std::move(counting);
  problem.actual = (use ? use->bytes : 0) + size;
  co_return problem;
}

net::HttpResponse response_of(const Problem& problem, const net::HttpRequest& request) {
  const std::string title = title_of(problem);
  net::HttpResponse response;
  switch (wanted(request)) {
    case Telling::page:
      response = page(problem.status, title,
                      "<h1>" + escaped(title) + "</h1>\n<p class=\"error\">" + escaped(problem.detail) + "</p>");
      break;
    case Telling::text:
      response = {.status = problem.status, .body = problem.detail + "\n", .type = "text/plain; charset=utf-8"};
      break;
    case Telling::json: {
      boost::json::object json{{"type", problem.type},
                               {"title", title},
                               {"status", problem.status},
                               {"detail", problem.detail},
                               {"code", problem.code}};
      if (problem.permitted) json["permitted"] = *problem.permitted;
      if (problem.actual) json["actual"] = *problem.actual;
      for (const auto& [name, number] : problem.numbers) json[name] = number;
      response = {
          .status = problem.status, .body = boost::json::serialize(json) + "\n", .type = "application/problem+json"};
    }
  }
  response.status = problem.status;
  if (std::ranges::none_of(response.fields, [](const auto& field) { return field.first == "cache-control"; }))
    response.fields.emplace_back("cache-control", "no-store");
  response.fields.insert(response.fields.end(), problem.fields.begin(), problem.fields.end());
  return response;
}

net::Task<tl::expected<core::Jid, Problem>> who(Shared& shared, net::HttpExchange& exchange, Anonymous anonymous) {
  using Answer = tl::expected<core::Jid, Problem>;
  const SharedSettings settings = shared.settings();
  const auto& request = exchange.request();
  if (is_foreign(*settings, exchange)) {
    Problem problem{.status = 403, .code = "forbidden", .detail = "pages of other sites may not send this"};
    co_return Answer{tl::unexpect, std::move(problem)};
  }
  auto said = door::credentials_in_header(request);
  if (!said) co_return Answer{tl::unexpect, problem_of(said.error())};
  const bool nobody_may = anonymous == Anonymous::as_configured && settings->anonymous;
  if (!*said && nobody_may) co_return Answer{core::Jid{}};
  const net::HttpClient client = client_of(*settings, exchange);
  if (!door::may_be_said(client, settings->password_without_tls)) {
    Problem problem{.status = 403, .code = "forbidden", .detail = "passwords and tokens are taken over TLS only"};
    co_return Answer{tl::unexpect, std::move(problem)};
  }
  if (!*said) co_return Answer{tl::unexpect, unauthorized("sign in first")};
  const auto& connection = exchange.connection();
  const std::string from = client.forwarded ? client.address.to_string() : connection.peer();
  door::Peer peer{.address = client.address, .text = from, .door = "upload"};
  std::string host = door::host_dialled(request, shared.hosts);
  auto task = door::check(shared, std::move(host), std::move(**said), std::move(peer));
  auto signed_in = co_await std::move(task);
  if (signed_in) co_return Answer{std::move(signed_in->account)};
  Problem problem;
  switch (door::http_status_of(signed_in.error().code)) {
    case 401:
      problem = unauthorized(signed_in.error().message);
      break;
    case 403:
      problem = {.status = 403, .code = "forbidden", .detail = signed_in.error().message};
      break;
    case 429:
      problem = busy(signed_in.error().message);
      break;
    default:
      problem = {.status = 503, .code = "unavailable", .detail = signed_in.error().message};
  }
  co_return Answer{tl::unexpect, std::move(problem)};
}

std::string dialled_host(const Settings& settings, const net::HttpExchange& exchange) {
  std::string authority = authority_of(settings, exchange);
  authority.resize(host_size(authority));
  return authority;
}

std::string address_of(const Settings& settings, const net::HttpExchange& exchange) {
  if (!settings.address.empty())
    return settings.address.ends_with('/') ? settings.address.substr(0, settings.address.size() - 1) : settings.address;
  std::string authority = authority_of(settings, exchange);
  if (!settings.host.empty()) {
    authority = settings.host + authority.substr(host_size(authority));
  }
  return (client_of(settings, exchange).tls ? "https://" : "http://") + authority;
}

std::string url_of(std::string_view address, const domain::FileRecord& file) {
  std::string url{address};
  url.append("/files/").append(file.id).push_back('/');
  append_percent_coded(url, file.name);
  return url;
}

void allow_origin(net::HttpResponse& response, const Settings& settings, const net::HttpRequest& request) {
  if (settings.origins.empty()) return;
  response.fields.emplace_back("vary", "Origin");
  const auto origin = request.field("origin");
  if (!origin || !is_listed(settings, *origin)) return;
  response.fields.emplace_back("access-control-allow-origin", *origin);
  if (request.method == "OPTIONS") {
    response.fields.emplace_back("access-control-allow-methods", "POST, HEAD, GET, PATCH, DELETE, OPTIONS");
    response.fields.emplace_back(
        "access-control-allow-headers",
        "Authorization, Content-Type, Content-Disposition, Tus-Resumable, Upload-Checksum, Upload-Complete, "
        "Upload-Concat, Upload-Defer-Length, Upload-Draft-Interop-Version, Upload-Length, Upload-Metadata, "
        "Upload-Offset, X-HTTP-Method-Override, X-Requested-With");
    response.fields.emplace_back("access-control-max-age", "86400");
    return;
  }
  response.fields.emplace_back(
      "access-control-expose-headers",
      "Content-Location, Location, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, "
      "Tus-Version, Upload-Complete, Upload-Concat, Upload-Defer-Length, Upload-Draft-Interop-Version, Upload-Expires, "
      "Upload-Length, Upload-Limit, Upload-Metadata, Upload-Offset");
}

std::string removal_url_of(std::string_view address, const domain::FileRecord& file, std::string_view key) {
  std::string url{address};
  return url.append("/delete/").append(file.id).append("/").append(key);
}

std::string json_of(std::string_view address, const domain::FileRecord& file, std::string_view field,
                    std::string_view removal_key) {
  boost::json::object json;
  if (!field.empty()) json["field"] = field;
  json["name"] = file.name;
  json["type"] = file.type.empty() ? "application/octet-stream" : file.type;
  json["size"] = file.size;
  json["url"] = url_of(address, file);
  json["created"] = to_date_time(file.created);
  if (file.expires != Time{}) json["expires"] = to_date_time(file.expires);
  if (!removal_key.empty()) json["delete_url"] = removal_url_of(address, file, removal_key);
  return boost::json::serialize(json);
}

}  // namespace anser::upload
